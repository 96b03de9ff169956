"""Values as they were meant, without what forms and clipboards put around them (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

QUOTES = "\"'`\\\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u200b\ufeff\u00a0 \t\r\n"
NEITHER = dict.fromkeys(map(ord, QUOTES))
# A space or a quotation mark in a name is shown as an escape (RFC 1035 section 5.1).
MOST_NAMED, LONGEST_NAMED = 5, 200
PRIORITY_BEFORE = re.compile(r"^\d+(?:\\032|\\ |[ ._-])*")
SCHEME = re.compile(r"^[a-z]{3,6}:/{0,2}")


def named(values: Sequence[str]) -> str:
    """Values as a sentence names them, each in quotation marks: the first few, and how many more there are."""
    shown = [f'"{value[:LONGEST_NAMED]}"' for value in values[:MOST_NAMED]]
    if len(values) > MOST_NAMED:
        shown.append(f"{len(values) - MOST_NAMED} more")
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def bare_text(text: str) -> str:
    """A text without quotation marks and spaces around it."""
    return text.strip(QUOTES)


def bare_token(text: str) -> str:
    """A value that has neither spaces nor quotation marks in it, without those that it has."""
    return text.translate(NEITHER)


def bare_host(text: str, zones: Iterable[str] = (), *, is_priority_kept: bool = False) -> str:
    """A host without what was typed or added around it: quotation marks, a scheme, a priority, the customer's zone."""
    host = text.replace("\\032", " ").strip(QUOTES + "./").lower()
    # The longest first: what ends in the subdomain ends in the zone too.
    for zone in sorted(filter(None, zones), key=len, reverse=True):
        host = host.removesuffix("." + zone)
    host = host.strip(QUOTES + "./")
    return SCHEME.sub("", host if is_priority_kept else PRIORITY_BEFORE.sub("", host))
