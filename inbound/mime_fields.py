"""The header of a mail or of a part, field by field, however it is broken (pure)."""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass, field

MAX_HEADER_BYTES = 256 * 1024
MAX_ONE_HEADER_BYTES = 64 * 1024
MAX_HEADERS = 1000
# Among so many bytes behind a broken line it is looked whether the header goes on.
LOOK_AHEAD_BYTES = 8 * 1024

Buffer = bytes | mmap.mmap

_FIELD_NAME = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_USUAL_NAME = re.compile(
    rb"(?:received|return-path|from|to|cc|bcc|reply-to|sender|subject|date|message-id|in-reply-to|references|mime-version"
    rb"|content-[a-z-]{1,40}|list-[a-z-]{1,40}|x-[a-z0-9_-]{1,80})[ \t]*:",
    re.IGNORECASE,
)
_NAME_OF_PART = re.compile(rb"content-[a-z-]{1,40}[ \t]*:", re.IGNORECASE)
_PARAMETER = re.compile(rb"[a-z0-9*-]{1,80}=", re.IGNORECASE)


@dataclass(slots=True)
class _Reading:
    """The fields that have been read, and where the one under way began; -1 while there is none."""

    buffer: Buffer
    defects: list[str]
    is_top: bool
    fields: list[tuple[str, bytes]] = field(default_factory=list)
    name: str = ""
    start: int = -1

    def begin(self, name: bytes, start: int) -> None:
        self.name, self.start = name.decode("ascii"), start

    def finish(self, end: int) -> None:
        if self.start < 0:
            return
        if end - self.start > MAX_ONE_HEADER_BYTES:
            self.defects.append("header_too_long")
            end = self.start + MAX_ONE_HEADER_BYTES
        self.fields.append((self.name, self.buffer[self.start : end]))
        self.start = -1

    def passes_over(self, position: int, after: int, limit: int) -> bool:
        """Whether the line at `position`, which is no field, stands in the middle of a header that goes on behind it.

        It joins a Subject, and a field whose parameters it continues. From all others it is dropped: who sent a mail
        is never read from such a line.
        """
        line = self.buffer[position : min(after, position + 100)]
        if self.start < 0 or line.startswith(b"--"):
            return False
        is_parameter = (
            self.name.lower() in ("content-type", "content-disposition")
            and self.buffer[self.start : position].rstrip().endswith(b";")
            and _PARAMETER.match(line) is not None
        )
        if not (is_parameter or self.is_top) or not _goes_on(self.buffer, after, limit, is_top=self.is_top):
            return False
        if is_parameter or self.name.lower() == "subject":
            self.defects.append("header_line_broken")
        else:
            self.defects.append("header_line_dropped")
            self.finish(position)
        return True


def read_fields(
    buffer: Buffer, start: int, size: int, *, most: int, defects: list[str]
) -> tuple[list[tuple[str, bytes]], int]:
    """Return the header fields at `start`, names as written, bodies still folded, and where the body begins.

    At most `most` fields, MAX_ONE_HEADER_BYTES each, MAX_HEADER_BYTES in all; what is beyond is passed over and noted.
    """
    reading = _Reading(buffer, defects, is_top=start == 0)
    position, limit = start, min(size, start + MAX_HEADER_BYTES)
    while position < limit:
        line_end = buffer.find(b"\n", position, limit)
        after = limit if line_end < 0 else line_end + 1
        first = buffer[position : position + 2]
        if first[:1] == b"\n" or first == b"\r\n":
            reading.finish(position)
            return reading.fields, after
        if first[:1] not in (b" ", b"\t"):
            # Read no further than a name can be long: the line may be megabytes.
            found = None if first == b"--" else _FIELD_NAME.match(buffer[position : min(after, position + 210)])
            if found is None and reading.passes_over(position, after, limit):
                position = after
                continue
            reading.finish(position)
            if found is None and not (position == start and first == b"Fr"):
                # Not a header line and no blank line either: the body begins here without one.
                defects.append("header_without_end")
                return reading.fields, position
            if len(reading.fields) >= most:
                defects.append("too_many_headers")
                return reading.fields, _after_head(buffer, position, size)
            if found is not None:
                reading.begin(found[1], position + found.end())
        position = after
    reading.finish(position)
    if limit < size:
        defects.append("headers_too_long")
        return reading.fields, _after_head(buffer, position, size)
    return reading.fields, size


def _goes_on(buffer: Buffer, position: int, limit: int, *, is_top: bool) -> bool:
    """Only header lines follow up to a blank line: of a mail's own one of a usual name, of a part's all of a part's."""
    ahead = buffer[position : min(limit, position + LOOK_AHEAD_BYTES)]
    end = _BLANK_LINE.search(b"\n" + ahead)
    if end is None:
        return False
    lines = [line for line in ahead[: max(0, end.start() - 1)].split(b"\n") if line[:1] not in (b" ", b"\t")]
    if not is_top:
        return all(map(_NAME_OF_PART.match, lines)) and bool(lines)
    return all(map(_FIELD_NAME.match, lines)) and any(map(_USUAL_NAME.match, lines))


def _after_head(buffer: Buffer, position: int, size: int) -> int:
    found = _BLANK_LINE.search(buffer, position, size)
    return size if found is None else found.end()
