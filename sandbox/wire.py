"""The wire forms of AWS: query in and XML out, REST and JSON, read and written by botocore's own service models."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

Response = tuple[int, list[tuple[str, str]], bytes]

VERSIONS = {
    "ses": "2010-12-01",
    "sesv2": "2019-09-27",
    "sns": "2010-03-31",
    "s3": "2006-03-01",
    "route53": "2013-04-01",
}


class AwsProblem(Exception):
    """An error as AWS would answer it."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(message or code)
        self.code, self.message, self.status = code, message or code, status


@lru_cache(maxsize=8)
def model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2", VERSIONS[service]), service)


def read_query(service: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """(operation, parameters) of a request in the query protocol; raises AwsProblem for what the service lacks."""
    flat = dict(parse_qsl(body.decode(), keep_blank_values=True))
    operation = flat.pop("Action", "")
    if operation not in model(service).operation_names:
        raise AwsProblem("InvalidAction", f"Could not find operation {operation}")
    shape = model(service).operation_model(operation).input_shape
    parameters: dict[str, Any] = unflatten(flat, shape)
    return operation, parameters


def unflatten(flat: Mapping[str, str], shape: Any, prefix: str = "") -> Any:
    """Flat query parameters as the nested values of the operation's input shape."""
    if shape is None:
        return {}
    if shape.type_name == "structure":
        found: dict[str, Any] = {}
        for name, member in shape.members.items():
            key = f"{prefix}{name}"
            if key in flat or any(each.startswith(key + ".") for each in flat):
                found[name] = unflatten(flat, member, key if _is_scalar(member) else key + ".")
        return found
    if shape.type_name == "list":
        numbers = _numbers(flat, prefix + "member.")
        inner = f"{prefix}member."
        return [
            unflatten(flat, shape.member, f"{inner}{number}" + ("" if _is_scalar(shape.member) else "."))
            for number in numbers
        ]
    if shape.type_name == "map":
        return {
            flat[f"{prefix}entry.{number}.key"]: flat.get(f"{prefix}entry.{number}.value", "")
            for number in _numbers(flat, prefix + "entry.")
        }
    value = flat.get(prefix, "")
    if shape.type_name == "boolean":
        return value == "true"
    if shape.type_name in ("integer", "long"):
        return int(value)
    return value


def _is_scalar(shape: Shape) -> bool:
    return shape.type_name not in ("structure", "list", "map")


def _numbers(flat: Mapping[str, str], prefix: str) -> list[int]:
    found = {match.group(1) for key in flat if (match := re.match(re.escape(prefix) + r"(\d+)", key))}
    return sorted(int(number) for number in found)


def xml_answer(service: str, operation: str, result: Mapping[str, Any]) -> Response:
    output = model(service).operation_model(operation).output_shape
    inner = "".join(
        _xml(name, result[name], member)
        for name, member in (output.members.items() if output else ())
        if result.get(name) is not None
    )
    namespace = model(service).metadata["xmlNamespace"]
    wrapper = f"<{operation}Result>{inner}</{operation}Result>"
    text = (
        f'<{operation}Response xmlns="{namespace}">{wrapper}'
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></{operation}Response>"
    )
    return 200, [("Content-Type", "text/xml")], text.encode()


def _xml(name: str, value: Any, shape: Any) -> str:
    if shape.type_name == "structure":
        inner = "".join(
            _xml(key, value[key], member) for key, member in shape.members.items() if value.get(key) is not None
        )
        return f"<{name}>{inner}</{name}>"
    if shape.type_name == "list":
        return f"<{name}>" + "".join(_xml("member", each, shape.member) for each in value) + f"</{name}>"
    if shape.type_name == "map":
        entries = "".join(
            f"<entry>{_xml('key', key, shape.key)}{_xml('value', each, shape.value)}</entry>"
            for key, each in value.items()
        )
        return f"<{name}>{entries}</{name}>"
    if shape.type_name == "boolean":
        return f"<{name}>{'true' if value else 'false'}</{name}>"
    if shape.type_name == "timestamp":
        return f"<{name}>{datetime.fromtimestamp(value, UTC).isoformat().replace('+00:00', 'Z')}</{name}>"
    return f"<{name}>{escape(str(value))}</{name}>"


def xml_problem(problem: AwsProblem) -> Response:
    kind = "Sender" if problem.status < 500 else "Receiver"
    text = (
        f"<ErrorResponse><Error><Type>{kind}</Type><Code>{escape(problem.code)}</Code>"
        f"<Message>{escape(problem.message)}</Message></Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )
    return problem.status, [("Content-Type", "text/xml")], text.encode()


@lru_cache(maxsize=1)
def _rest_routes() -> list[tuple[str, re.Pattern[str], str]]:
    """Every operation of SESv2 by its method and path, the longer path first."""
    service = model("sesv2")
    routes = []
    for name in service.operation_names:
        http = service.operation_model(name).http
        path = http["requestUri"].partition("?")[0]
        pattern = re.compile(re.sub(r"\\{(\w+)(\\\+)?\\}", r"(?P<\1>[^/]+)", re.escape(path)))
        routes.append((http["method"], pattern, name))
    return sorted(routes, key=lambda route: -len(route[1].pattern))


def read_rest(method: str, path: str, query: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """(operation, parameters) of a request in the REST and JSON protocol; raises AwsProblem for an unknown route."""
    for wanted, pattern, name in _rest_routes():
        match = pattern.fullmatch(path)
        if match is None or wanted != method:
            continue
        parameters: dict[str, Any] = json.loads(body) if body else {}
        shape = model("sesv2").operation_model(name).input_shape
        for key, member in shape.members.items() if shape else ():
            located = member.serialization.get("name", key)
            if member.serialization.get("location") == "uri" and located in match.groupdict():
                parameters[key] = unquote(match.group(located))
            elif member.serialization.get("location") == "querystring":
                given = dict(parse_qsl(query))
                if located in given:
                    parameters[key] = int(given[located]) if member.type_name == "integer" else given[located]
        return name, parameters
    raise AwsProblem("UnknownOperationException", "There is no such operation.", 404)


def json_answer(result: Mapping[str, Any]) -> Response:
    return 200, [("Content-Type", "application/json")], json.dumps(result).encode()


def json_problem(problem: AwsProblem) -> Response:
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", problem.code)]
    return problem.status, headers, json.dumps({"__type": problem.code, "message": problem.message}).encode()
