"""An organization's own copy of a mail: without another organization's address in SES's own Received header."""

from __future__ import annotations

import hashlib
from collections.abc import Set as AbstractSet
from pathlib import Path

from inbound.mime import ParsedMessage
from inbound.received import topmost_received, without_foreign_recipient

HEAD_BYTES = 64 * 1024


def own_copy(mail: Path, own: AbstractSet[str]) -> Path:
    """The raw mail without any address but `own` in SES's own Received header; else byte for byte."""
    with mail.open("rb") as file:
        head = file.read(HEAD_BYTES)
        cleaned = without_foreign_recipient(head, own)
        if cleaned == head:
            return mail
        copy = mail.with_name("own")
        with copy.open("wb") as written:
            written.write(cleaned)
            while chunk := file.read(1024 * 1024):
                written.write(chunk)
    return copy


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def received_of(own_copy: Path) -> str:
    """SES's own Received header of a copy that another organization's address was taken from."""
    with own_copy.open("rb") as file:
        return topmost_received(file.read(HEAD_BYTES))


def own_headers(parsed: ParsedMessage, own_received: str | None) -> list[dict[str, str]]:
    """The headers for showing. Where the copy's Received header was changed it is shown as it stands there: cleaned
    before anything in it is decoded, since an address may be written as an encoded word."""
    headers = [{"name": name, "value": value} for name, value in parsed.headers]
    topmost = next((header for header in headers if header["name"].lower() == "received"), None)
    if topmost is not None and own_received is not None:
        topmost["value"] = own_received
    return headers
