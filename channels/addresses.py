"""Addresses as text: what a local part may be, and which inbox a plus-address means (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from accounts.errors import Refusal

# RFC 5321 section 4.1.2: Dot-string; quoted local parts are legal but nobody can be reached at one.
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
DOT_STRING = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*")
LONGEST_LOCAL_PART = 64


class InvalidAddress(Refusal):
    code = "invalid_address"
    default_message = "This is not an e-mail address."


@dataclass(frozen=True)
class Mailbox:
    """`local_part@domain` as the envelope has it: the domain lower-case, the local part untouched."""

    local_part: str
    domain: str

    @property
    def base(self) -> str:
        """The local part without its `+detail`, lower-case: what inboxes are compared by."""
        return self.local_part.partition("+")[0].lower() or self.local_part.lower()

    def __str__(self) -> str:
        return f"{self.local_part}@{self.domain}"


def parse_mailbox(text: str) -> Mailbox | None:
    """An envelope recipient (RFC 5321 section 4.1.2) taken apart at its last `@`; None where it is none."""
    local_part, at, domain = text.strip().strip("<>").rpartition("@")
    if not at or not local_part or not domain or not text.isprintable():
        return None
    return Mailbox(local_part=local_part, domain=domain.rstrip(".").lower())


def valid_local_part(text: object) -> str:
    """The local part of a new inbox, lower-case; raises InvalidAddress."""
    if not isinstance(text, str):
        raise InvalidAddress("The local part must be a string.", field="username")
    local_part = text.strip()
    if not local_part or len(local_part) > LONGEST_LOCAL_PART or not DOT_STRING.fullmatch(local_part):
        raise InvalidAddress("The part before the @ is not valid.", field="username")
    if "+" in local_part:
        raise InvalidAddress("A plus sign is for details behind an inbox's own name.", field="username")
    return local_part.lower()


def parse_inbox_address(email: object) -> tuple[str, str]:
    """(local part, domain name) of a wanted inbox; raises InvalidAddress."""
    mailbox = parse_mailbox(email) if isinstance(email, str) else None
    if mailbox is None:
        raise InvalidAddress(field="email")
    try:
        return valid_local_part(mailbox.local_part), mailbox.domain
    except InvalidAddress as refusal:
        raise InvalidAddress(refusal.message, field="email") from refusal
