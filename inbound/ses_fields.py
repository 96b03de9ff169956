"""Reading one field after another out of the JSON of Amazon SES, or refusing it (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

MAX_RECIPIENTS = 1000
MAX_ADDRESS = 1000

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# A JSON escape, one at a time so that an escaped backslash is never taken for the start of the next.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<unstorable>u0000|u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)

Object = Mapping[str, object]


class MalformedEvent(ValueError):
    """The message is not an event as SES writes it; the text says what is wrong with it."""


def load_event(text: str) -> Object:
    """Return the JSON object in `text`, with U+FFFD for what no database stores; raise MalformedEvent."""
    if "\\u" in text:
        # A sender's broken header may come back as half a character or a NUL, which no database stores.
        text = _ESCAPE.sub(lambda escape: r"\ufffd" if escape["unstorable"] else escape[0], text)
    try:
        return as_object(orjson.loads(text), "the event")
    except orjson.JSONDecodeError as error:
        raise MalformedEvent(f"the event is not JSON: {error}") from None


def as_object(value: object, name: str) -> Object:
    """Return `value` if it is a JSON object; raise MalformedEvent, which names it."""
    if not isinstance(value, dict):
        raise MalformedEvent(f"{name} is not an object")
    return value


def child_object(parent: Object, name: str) -> Object:
    """Return the object under `name`; raise MalformedEvent."""
    return as_object(parent.get(name), name)


def child_list(parent: Object, name: str) -> list[object]:
    """Return the list under `name`, of at most MAX_RECIPIENTS; raise MalformedEvent."""
    value = parent.get(name)
    if not isinstance(value, list) or len(value) > MAX_RECIPIENTS:
        raise MalformedEvent(f"{name} is not a list, or too long a one")
    return value


def line(parent: Object, name: str, *, optional: bool = False) -> str:
    """Return the text under `name`, cut to 4,096 characters; not there is "" if `optional`, else MalformedEvent."""
    value = parent.get(name)
    if optional and value is None:
        return ""
    if not isinstance(value, str) or not (optional or value):
        raise MalformedEvent(f"{name} is not a string")
    return value[:4096]


def address(value: object, name: str) -> str:
    """Return `value` if it can be an address (SES writes "" for the null sender); raise MalformedEvent."""
    if not isinstance(value, str) or len(value) > MAX_ADDRESS or CONTROL.search(value):
        raise MalformedEvent(f"{name} holds what is not an address")
    return value


def moment(parent: Object, name: str) -> datetime:
    """Return the ISO 8601 time under `name`, in UTC; raise MalformedEvent."""
    value = parent.get(name)
    if not isinstance(value, str) or len(value) > 40:
        raise MalformedEvent(f"{name} is not a moment in time")
    try:
        at = datetime.fromisoformat(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise MalformedEvent(f"{name} is not a moment in time") from None
