"""Addresses in a header, for showing them: never for routing, which goes by the envelope (pure).

Names are decoded only after the list has been taken apart, so that no encoded comma or bracket makes an address out of
a name (CVE-2019-16056, CVE-2023-27043).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from inbound.charsets import clean_line
from inbound.mime_headers import decode_words

MAX_NAME = 500
MAX_EMAIL = 998

_TOKEN = re.compile(
    r'"(?P<quoted>(?:[^"\\]|\\.)*+)"?'
    r"|<(?P<angle>[^<>]*+)>?"
    r"|(?P<mark>[,;:(])"
    r"|(?P<word>(?:\[[^\[\]]*+\]|[^\s\"<>,;:(])++)"
    r"|\s++",
    re.DOTALL,
)
_IN_COMMENT = re.compile(r"[()]|\\.|[^()\\]++|\\", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SPACE = re.compile(r"\s+")
# No address in the name: whose it would be is for nobody to guess.
_WHOLE = re.compile(r"(?P<name>[^<>@]*)<\s*(?P<email>[^\s<>@,;]+@[^\s<>@,;]+)\s*>")


@dataclass(frozen=True, slots=True)
class Address:
    """Somebody in a header; either may be empty, and neither is to be believed."""

    name: str
    email: str


@dataclass(slots=True)
class _Mailbox:
    """The address that is being read."""

    words: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    quoted_last: str | None = None
    angle: str | None = None

    def address(self) -> Address | None:
        words = list(self.words)
        if self.angle is not None:
            # An obsolete route ("<@relay,@relay:user@host>") is not part of the address.
            email = self.angle.rpartition(":")[2] if self.angle.lstrip().startswith("@") else self.angle
        else:
            # Some programs put the whole of it, name and address, between quotes or into encoded words.
            is_one = len(words) == 1 or all(word.startswith("=?") for word in words)
            whole = _WHOLE.fullmatch(decode_words(" ".join(words))) if is_one else None
            if whole is not None:
                name = whole["name"].strip(' "') or decode_words(" ".join(self.comments))
                return Address(name[:MAX_NAME], whole["email"][:MAX_EMAIL])
            email = next((word for word in reversed(words) if "@" in word[1:]), "")
            if email:
                words.remove(email)
        name = decode_words(" ".join(words) or " ".join(self.comments))[:MAX_NAME]
        email = clean_line(email)
        if not email.startswith('"'):
            email = _SPACE.sub("", email)
        email = email[:MAX_EMAIL]
        return Address(name, email) if name or email else None


def parse_addresses(text: str, *, most: int) -> tuple[tuple[Address, ...], bool]:
    """Return the addresses of an unfolded field body, groups flattened, and whether more than `most` were there."""
    found: list[Address] = []
    mailbox = _Mailbox()
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            position += 1
            continue
        position = token.end()
        mark = token["mark"]
        if mark == "(":
            comment, position = _comment(text, position)
            mailbox.comments.append(comment)
        elif mark == ":" and mailbox.angle is None:
            # The name of a group ("friends: a@b, c@d;") is nobody's name.
            mailbox = _Mailbox()
        elif mark in (",", ";"):
            address = mailbox.address()
            mailbox = _Mailbox()
            if address is not None:
                if len(found) == most:
                    return tuple(found), True
                found.append(address)
        else:
            _take(mailbox, token)
    last = mailbox.address()
    if last is not None:
        if len(found) == most:
            return tuple(found), True
        found.append(last)
    return tuple(found), False


def _take(mailbox: _Mailbox, token: re.Match[str]) -> None:
    if token["quoted"] is not None:
        mailbox.quoted_last = token[0]
        mailbox.words.append(_ESCAPED.sub(r"\1", token["quoted"]))
    elif token["angle"] is not None:
        # Of several, the first is what mail programs show; the others are tricks.
        if mailbox.angle is None:
            mailbox.angle = token["angle"]
    elif token["word"] is not None:
        if mailbox.quoted_last is not None and token["word"].startswith("@") and mailbox.angle is None:
            mailbox.words[-1] = mailbox.quoted_last + token["word"]
        else:
            mailbox.words.append(token["word"])
        mailbox.quoted_last = None


def _comment(text: str, position: int) -> tuple[str, int]:
    """Return the comment that has just been opened, nested ones within, and where the text goes on."""
    depth, start = 1, position
    while depth and (token := _IN_COMMENT.match(text, position)):
        position = token.end()
        depth += (token[0] == "(") - (token[0] == ")")
    return _ESCAPED.sub(r"\1", text[start : position - (depth == 0)]).strip(), position
