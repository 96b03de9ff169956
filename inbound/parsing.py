"""Parse a mail in a child that can be killed: hostile mail takes the child's time and memory, never the worker's."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from inbound.mime import MAX_HEADER_BYTES, Address, ParsedAttachment, ParsedMessage, parse_head
from inbound.nursery import run_job

SECONDS = 10.0
MEMORY_BYTES = 512 * 1024 * 1024
# No decoded part is larger than the mail; the answer holds two texts of 2 MiB and the headers, as JSON.
MAX_FILE_BYTES = 64 * 1024 * 1024


def parse_in_child(
    path: str | Path,
    *,
    attachments_folder: str | Path,
    seconds: float = SECONDS,
    memory_bytes: int = MEMORY_BYTES,
) -> ParsedMessage:
    """Parse the raw mail at `path` within `seconds` and `memory_bytes`; each attachment becomes a file in the folder.

    Whatever the child dies of, the answer is then a `failed` message that says so, with what the headers give, and
    the folder is left as it was. Raises OSError if the mail cannot be read, no child be started, or the disk is full.
    """
    mail, folder = Path(path).resolve(), Path(attachments_folder).resolve()
    answer = folder / "answer.json"
    reason = run_job(
        {
            "mail": str(mail),
            "folder": str(folder),
            "answer": str(answer),
            "seconds": seconds,
            "memory_bytes": memory_bytes,
            "file_bytes": MAX_FILE_BYTES,
        }
    )
    try:
        if not reason:
            return read_answer(answer.read_bytes())
        for left in folder.iterdir():
            if left.name.isdigit():
                left.unlink()
    finally:
        answer.unlink(missing_ok=True)
    with mail.open("rb") as file:
        return parse_head(file.read(MAX_HEADER_BYTES), defect=reason)


def read_answer(answer: bytes) -> ParsedMessage:
    """Return the ParsedMessage that the child wrote as JSON."""
    fields: dict[str, Any] = orjson.loads(answer)

    def addresses(name: str) -> tuple[Address, ...]:
        return tuple(Address(**each) for each in fields[name])

    return ParsedMessage(
        **{
            **fields,
            "from_": Address(**fields["from_"]) if fields["from_"] else None,
            "to": addresses("to"),
            "cc": addresses("cc"),
            "reply_to": addresses("reply_to"),
            "date": datetime.fromisoformat(fields["date"]) if fields["date"] else None,
            "references": tuple(fields["references"]),
            "headers": tuple((name, value) for name, value in fields["headers"]),
            "attachments": tuple(ParsedAttachment(**each) for each in fields["attachments"]),
            "defects": tuple(fields["defects"]),
        }
    )
