"""The one `Received` header that Amazon SES itself wrote, topmost in the raw mail: whom it was for (pure).

SES names an envelope recipient there (RFC 5321 section 4.4, the `for` clause), which for a mail to several of our
customers is another customer's address. Every other header may be forged; this one stands above all of the sender's.
"""

from __future__ import annotations

import re
from collections.abc import Set

_TOPMOST = re.compile(rb"(?:\A|\n)(Received:(?:[^\n]|\n[ \t])*)", re.IGNORECASE)
_HEAD_END = re.compile(rb"\n\r?\n")
# The sender chose the host name before "by", and could write clauses of its own into it: SES's is the last one,
# after which comes nothing but the date.
_CLAUSE = re.compile(
    rb"""[ \t\r\n]by[ \t\r\n]+inbound-smtp\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?
    [ \t\r\n]+with[ \t\r\n]+[A-Za-z]+[ \t\r\n]+id[ \t\r\n]+[A-Za-z0-9._-]+
    (?P<clause>[ \t\r\n]+for[ \t\r\n]+
        (?P<open><)?(?P<recipient>(?:"(?:[^"\\\r\n]|\\.)*"|[^\s<>;"@]+)@[^\s<>;]+)(?(open)>))
    [ \t\r\n]*;[^;]*\Z""",
    re.VERBOSE,
)


def recipient_of_received(raw_head: bytes) -> str | None:
    """Return the envelope recipient that SES wrote into its own Received header, or None if there is none.

    `raw_head` is the beginning of the raw mail; 64 KB are enough.
    """
    clause = _find_clause(raw_head)
    return None if clause is None else clause[2]


def without_foreign_recipient(raw_head: bytes, own: Set[str]) -> bytes:
    """Return `raw_head` without the `for` clause of SES's own Received header if it names nobody of `own`.

    `own` holds addresses in lower case. All else stays byte for byte.
    """
    clause = _find_clause(raw_head)
    if clause is None or clause[2].lower() in own:
        return raw_head
    start, end, _ = clause
    return raw_head[:start] + raw_head[end:]


def topmost_received(raw_head: bytes) -> str:
    """Return the value of the topmost Received header on one line, or an empty text if there is none."""
    end = _HEAD_END.search(raw_head)
    header = _TOPMOST.search(raw_head, 0, len(raw_head) if end is None else end.start())
    if header is None:
        return ""
    value = header[1].partition(b":")[2].decode("ascii", "replace").replace("\x00", "\ufffd")
    return " ".join(value.split())


def _find_clause(raw_head: bytes) -> tuple[int, int, str] | None:
    """Return where the clause begins, with the blanks before it, where it ends, and its address."""
    end = _HEAD_END.search(raw_head)
    header = _TOPMOST.search(raw_head, 0, len(raw_head) if end is None else end.start())
    if header is None:
        return None
    found = _CLAUSE.search(header[1])
    if found is None:
        return None
    offset = header.start(1)
    recipient = found["recipient"].decode("utf-8", "replace")
    return offset + found.start("clause"), offset + found.end("clause"), recipient
