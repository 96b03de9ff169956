"""The name that AWS gives to an HTTP request, for the services that moto answers: faults and the log go by it."""

from __future__ import annotations

import io
import re
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from sandbox.wire import model

Route = tuple[str, re.Pattern[str], frozenset[tuple[str, str]], frozenset[str], str]


def operation_of(environ: dict[str, Any], service: str) -> str:
    """By the target header, the Action of a form, or method, path and query; the service's name where none fits."""
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    if target:
        return target.rpartition(".")[2]
    query = str(environ.get("QUERY_STRING", ""))
    if service not in ("s3", "route53"):
        return dict(parse_qsl(query) + parse_qsl(_body_kept(environ))).get("Action", service)
    given = frozenset(parse_qsl(query, keep_blank_values=True))
    keys = {key for key, _ in given}
    for method, pattern, wanted, needed, name in _routes(service):
        if method != environ["REQUEST_METHOD"] or not pattern.fullmatch(environ["PATH_INFO"]):
            continue
        if wanted <= given and needed <= keys:
            # The one request whose name stands in a header.
            return "CopyObject" if name == "PutObject" and "HTTP_X_AMZ_COPY_SOURCE" in environ else name
    return service


def _body_kept(environ: dict[str, Any]) -> str:
    """The body of a form, put back for who comes next."""
    if not str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded"):
        return ""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body.decode("utf-8", "replace")


@lru_cache(maxsize=4)
def _routes(service: str) -> list[Route]:
    """(method, path, query that must be there, keys of it that must, operation), what asks for more first."""
    described = model(service)
    routes: list[Route] = []
    for name in described.operation_names:
        # PutObject comes first where CopyObject says the same.
        operation = described.operation_model(name)
        if name == "CopyObject" or operation.deprecated:
            continue
        http = operation.http
        path, _, query = http["requestUri"].partition("?")
        pattern = re.escape(path).replace(r"\+\}", r"\}+")
        pattern = re.sub(r"\\\{\w+\\\}\+", ".+", pattern)
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", pattern)
        wanted = frozenset(parse_qsl(query, keep_blank_values=True))
        route = (http["method"], re.compile(pattern.rstrip("/") + "/?"), wanted, _needed_keys(operation), name)
        routes.append(route)
    return sorted(
        routes, key=lambda route: (-len(route[2]) - len(route[3]), _variables(route[1]), -len(route[1].pattern))
    )


def _variables(pattern: re.Pattern[str]) -> int:
    return pattern.pattern.count("[^/]+")


def _needed_keys(operation: Any) -> frozenset[str]:
    """What only stands in the query: an `uploadId` makes AbortMultipartUpload of what else is a DeleteObject."""
    shape = operation.input_shape
    if shape is None:
        return frozenset()
    required = [shape.members[name].serialization for name in shape.required_members]
    return frozenset(each["name"] for each in required if each.get("location") == "querystring")
