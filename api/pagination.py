"""Pages: `limit` and `offset` as the contracts have them, and the signed opaque cursor of the home API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core import signing

from api.envelopes import Kind, Problem

NUMBER = re.compile(r"[0-9]{1,10}")
HIGHEST_OFFSET = 2**31 - 1
LONGEST_CURSOR = 500


@dataclass(frozen=True)
class Position:
    """The last row of a page in newest-first order: its time, and its primary key where times are equal."""

    at: datetime
    pk: int


def whole_number(query: Mapping[str, str], name: str, *, default: int, lowest: int, highest: int) -> int:
    """A query parameter of ASCII digits within its bounds; raises Problem(INVALID_FIELD)."""
    text = query.get(name)
    if text is None:
        return default
    if not NUMBER.fullmatch(text) or not lowest <= int(text) <= highest:
        raise Problem(Kind.INVALID_FIELD, f"{name} must be a whole number from {lowest} to {highest}", field=name)
    return int(text)


def limit_of(query: Mapping[str, str]) -> int:
    return whole_number(query, "limit", default=20, lowest=1, highest=100)


def offset_of(query: Mapping[str, str]) -> int:
    return whole_number(query, "offset", default=0, lowest=0, highest=HIGHEST_OFFSET)


def write_cursor(position: Position, *, list_name: str) -> str:
    """`list_name` says which list of whom: a cursor is worth nothing in another."""
    return signing.dumps([position.at.isoformat(), position.pk], salt=f"api.cursor:{list_name}")


def read_cursor(text: str | None, *, list_name: str) -> Position | None:
    """None without a cursor; raises Problem(INVALID_FIELD) for one that we did not write for this list."""
    if text is None:
        return None
    bad = Problem(Kind.INVALID_FIELD, "cursor is not one of this list", field="cursor")
    if len(text) > LONGEST_CURSOR or not text.isascii():
        raise bad
    try:
        at, pk = signing.loads(text, salt=f"api.cursor:{list_name}")
    except signing.BadSignature as error:
        raise bad from error
    return Position(at=datetime.fromisoformat(at), pk=int(pk))
