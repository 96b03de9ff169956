"""Request bodies: a JSON object of at most one megabyte, read strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError

from api.envelopes import Kind, Problem

NOT_AN_OBJECT = "The body must be a JSON object."


class NotStrictJson(ValueError):
    """Legal for Python's parser, not for RFC 8259, or not the same for every reader."""


def json_object(request: HttpRequest) -> dict[str, Any]:
    """The body as an object; an empty body is `{}`.

    Raises Problem: BODY_TOO_LARGE, NOT_JSON (not JSON, and not announced as such), MALFORMED_JSON.
    """
    raw = _read(request)
    if not raw.strip():
        return {}
    try:
        parsed = strict_json(raw)
    except (ValueError, RecursionError) as error:
        if _is_announced_as_json(request):
            raise Problem(Kind.MALFORMED_JSON, "The body is not valid JSON.") from error
        raise Problem(Kind.NOT_JSON) from error
    if not isinstance(parsed, dict):
        raise Problem(Kind.MALFORMED_JSON, NOT_AN_OBJECT)
    return parsed


def strict_json(raw: bytes) -> object:
    """UTF-8 JSON (RFC 8259) without NaN, duplicate names or lone surrogates.

    Raises ValueError (UnicodeDecodeError, JSONDecodeError and NotStrictJson are some), RecursionError.
    """
    text = raw.decode("utf-8-sig")
    parsed: object = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_names)
    if "\\u" in text:
        # An escaped half of a surrogate pair is a string that can be neither stored nor sent.
        json.dumps(parsed, ensure_ascii=False).encode()
    return parsed


def _refuse_constant(word: str) -> NoReturn:
    raise NotStrictJson(f"{word} is not JSON")


def _unique_names(pairs: list[tuple[str, object]]) -> Mapping[str, object]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise NotStrictJson("a name stands twice in one object")
    return unique


def _read(request: HttpRequest) -> bytes:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    too_large = Problem(Kind.BODY_TOO_LARGE, f"The body is larger than {limit} bytes.")
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower() and request.META.get("wsgi.input_terminated"):
        # Django takes a body without Content-Length for an empty one; this server says where the stream ends.
        raw: bytes = request.META["wsgi.input"].read(limit + 1)
        if len(raw) > limit:
            raise too_large
        return raw
    try:
        return request.body
    except RequestDataTooBig as error:
        raise too_large from error
    except UnreadablePostError as error:
        raise Problem(Kind.BAD_REQUEST, "The body could not be read.") from error


def _is_announced_as_json(request: HttpRequest) -> bool:
    media_type = (request.content_type or "").lower()
    return media_type in ("", "application/json") or media_type.endswith("+json")
