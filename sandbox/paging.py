"""A list of AWS's, a page at a time: the token is the number of the next entry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from sandbox.wire import AwsProblem

TOKEN = re.compile(r"[0-9]{1,9}")
Entry = TypeVar("Entry")


def page_of(
    found: Sequence[Entry], *, token: str, size: int, refusal: AwsProblem
) -> tuple[list[Entry], dict[str, str]]:
    """One page, and the `NextToken` where there is another; raises `refusal` for a token that is none of ours."""
    if token and not TOKEN.fullmatch(token):
        raise refusal
    start = int(token or 0)
    end = start + size
    return list(found[start:end]), {"NextToken": str(end)} if end < len(found) else {}


def bad_token_of_v2() -> AwsProblem:
    return AwsProblem("InvalidNextTokenException", "The specified request includes an invalid or expired token.")
