"""Parse a mail in a child that can be killed: hostile mail takes the child's time and memory, never the worker's."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import nh3
import orjson

from inbound.mime import MAX_HEADER_BYTES, Address, ParsedAttachment, ParsedMessage, parse_head

SECONDS = 10.0
MEMORY_BYTES = 512 * 1024 * 1024
# No decoded part is larger than the mail; the answer holds two texts of 2 MiB and the headers, as JSON.
MAX_FILE_BYTES = 64 * 1024 * 1024

_ROOT = Path(__file__).resolve().parent.parent
_LIBRARY = Path(nh3.__file__ or "").resolve().parent.parent


def parse_in_child(
    path: str | Path,
    *,
    attachments_folder: str | Path,
    seconds: float = SECONDS,
    memory_bytes: int = MEMORY_BYTES,
) -> ParsedMessage:
    """Parse the raw mail at `path` within `seconds` and `memory_bytes`; each attachment becomes a file in the folder.

    Whatever the child dies of, the answer is then a `failed` message that says so, with what the headers give, and
    the folder is left as it was. Raises OSError if the mail cannot be read or no child can be started.
    """
    mail, folder = Path(path).resolve(), Path(attachments_folder).resolve()
    answer = folder / "answer.json"
    reason = _run_child(mail, folder, answer, seconds=seconds, memory_bytes=memory_bytes)
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


def _run_child(mail: Path, folder: Path, answer: Path, *, seconds: float, memory_bytes: int) -> str:
    """Return "" when the child has written its answer, else a word for why it did not."""
    limits = (str(memory_bytes), str(math.ceil(seconds)), str(MAX_FILE_BYTES), str(_LIBRARY))
    child = subprocess.Popen(  # noqa: S603 - every word of the command is ours
        # No site-packages, and none of our settings or secrets in its environment.
        [sys.executable, "-E", "-s", "-S", "-m", "inbound.parsing_child", str(mail), str(folder), str(answer), *limits],
        cwd=_ROOT,
        env={},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        status = child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return "parser_too_slow"
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if status == -signal.SIGXCPU:
        return "parser_too_slow"
    return "" if status == 0 else "parser_died"


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
