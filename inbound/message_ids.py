"""Message ids of mail: found in what people's programs write, and as names that can be compared (pure).

Every function is total and takes time in proportion to its input: strangers write what goes in.
"""

from __future__ import annotations

import re

# A region has a host of its own, and us-east-1 has `email`; the local part is the same id that SES answered with.
_SES_HOST = re.compile(r"(?:email|[a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2})\.amazonses\.com(?:\.cn)?")
MAX_BYTES = 998

_BRACKETED = re.compile(r"<[^<>\s]{1,996}+>")
_ID_OR_COMMENT = re.compile(rf"{_BRACKETED.pattern}|\([^()]*+\)")
# A bracket may have been lost, or be too far away.
_BARE = re.compile(r"<?[^\s<>@]++@[^\s<>]++>?")
_WORD = re.compile(r"\w+")
# What of the words before an id can say that it is one.
_NEAR = 200
_LEADS_TO_ID = frozenset("of message mail email letter note id re to reply references".split())  # noqa: SIM905
_DATE = re.compile(
    r"[0-9]{1,2}:[0-9]{2}|[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\W{1,3}[0-9]",
    re.IGNORECASE,
)
# The time or the year, and the zone's name behind it.
_ENDS_AS_DATE = re.compile(r"[0-9]\W*+(?:[A-Z]{1,5}|[ap]m)?\W*+$")
_BELONGS_TO_MAILBOX = re.compile(r"\s*+(?:['\u2019]s|of|wrote|writes)\b", re.IGNORECASE)


def find_ids(text: str) -> list[str]:
    """Return the message ids in the one line `text` of a Message-ID, In-Reply-To or References field, in their order.

    RFC 822 had phrases in these fields: `Message from Bob <bob@example.com> of "Mon, 1 Jan 2001 12:00:00" <id@host>`.
    So a `<...>` is an id where no words lead to it, or they end in a date or in one like "of", "message" and "id"; it
    is a mailbox after any other word, and before "of", "wrote" or "'s". Comments are neither. Without any `<...>` the
    field is taken as ids where each of its words has an `@` inside.
    """
    found: list[str] = []
    uncommented: list[str] = []
    before, end, has_brackets = "", 0, False
    for each in _ID_OR_COMMENT.finditer(text):
        between = text[end : each.start()]
        uncommented.append(between)
        before, end = f"{before}{between}"[-_NEAR:], each.end()
        if each[0].startswith("<"):
            if _leads_to_id(before) and not _BELONGS_TO_MAILBOX.match(text, end):
                found.append(each[0])
            before, has_brackets = "", True
    if has_brackets:
        return found
    words = " ".join([*uncommented, text[end:]]).split()
    return [word[:MAX_BYTES] for word in words] if all(map(_BARE.fullmatch, words)) else []


def _leads_to_id(before: str) -> bool:
    words = _WORD.findall(before)
    if not words or words[-1].lower() in _LEADS_TO_ID:
        return True
    return bool(_DATE.search(before) and _ENDS_AS_DATE.search(before))


def reference_name(message_id: str) -> str:
    """Return one name for all ways to write a Message-ID; "" for what is none (RFC 5322 section 3.6.4).

    Brackets and the case of the host mean nothing. Amazon SES replaces the Message-ID of what it sends by an id of its
    own at one of its hosts, which are taken as one. At most 998 bytes: what an index of PostgreSQL takes.
    """
    written = "".join(message_id.split())
    local, at, host = written.strip("<>").rpartition("@")
    if not at and not written.startswith("<"):
        # A word such as `none`: thousands of mails share it that have nothing to do with each other.
        return ""
    host = host.lower() if at else host
    if at and _SES_HOST.fullmatch(host):
        host = "amazonses.com"
    return f"{local}{at}{host}".encode(errors="ignore")[:MAX_BYTES].decode(errors="ignore") if local or host else ""
