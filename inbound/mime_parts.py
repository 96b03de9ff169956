"""Where the parts of a mail begin and end: one pass over its bytes, with every limit held while reading (pure).

Nothing is copied and nothing recurses: open multiparts stand on a stack, and each line that could be a delimiter is
looked up among their boundaries (RFC 2046 section 5.1). A line break is LF, with or without CR; a lone CR is not one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from inbound.mime_fields import MAX_HEADERS, Buffer, read_fields
from inbound.mime_headers import Parameters, content_type, first_token, parse_parameters, unfolded

MAX_PART_HEADERS = 100
MAX_DEPTH = 32
MAX_PARTS = 1000
MAX_BOUNDARY_BYTES = 256
# A mail of nothing but lines that look like delimiters would otherwise keep us looking them up for seconds.
MAX_CANDIDATES = 1_000_000

_CANDIDATE = re.compile(rb"\n--([^\r\n]{1,%d})" % (MAX_BOUNDARY_BYTES + 8))


@dataclass(slots=True)
class Part:
    """One leaf of a mail: its header fields and where its undecoded body lies."""

    fields: list[tuple[str, bytes]]
    content_type: str
    start: int
    end: int
    parameters: Parameters | None = None
    disposition: Parameters | None = None

    def first(self, name: str) -> bytes | None:
        """Return the raw body of the first field of this lower-case name."""
        return next((raw for each, raw in self.fields if each.lower() == name), None)

    @property
    def encoding(self) -> str:
        raw = self.first("content-transfer-encoding")
        return first_token(None if raw is None else Parameters(unfolded(raw).lower()))

    @property
    def disposition_type(self) -> str:
        return first_token(self.disposition)


@dataclass(slots=True)
class Structure:
    """The top header's fields, the leaves in order, and what was wrong or left out."""

    fields: list[tuple[str, bytes]]
    leaves: list[Part]
    defects: list[str]


@dataclass(slots=True)
class _Open:
    """A multipart whose end has not been seen."""

    part: Part
    boundary: bytes
    has_parts: bool = False


@dataclass(slots=True)
class _Scan:
    buffer: Buffer
    size: int
    stack: list[_Open] = field(default_factory=list)
    leaves: list[Part] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    current: Part | None = None
    parts: int = 0

    def begin(self, part: Part) -> None:
        self.parts += 1
        self.current = None
        if not part.content_type.startswith("multipart/"):
            self.current = part
        elif len(self.stack) >= MAX_DEPTH:
            self.defects.append("nested_too_deeply")
            part.content_type = "application/octet-stream"
            self.current = part
        else:
            boundary = _boundary(part)
            if boundary:
                self.stack.append(_Open(part, boundary))
            else:
                self.defects.append("boundary_missing")
                part.content_type = "text/plain"
                self.current = part

    def end_current(self, at: int) -> None:
        if self.current is None:
            return
        # The line break before a delimiter belongs to the delimiter.
        if at < self.size and at > self.current.start and self.buffer[at - 1 : at] == b"\r":
            at -= 1
        self.current.end = max(self.current.start, at)
        self.leaves.append(self.current)
        self.current = None

    def close_above(self, level: int, at: int) -> None:
        """Close the multiparts that the mail left open inside the one at `level`."""
        while len(self.stack) > level:
            unclosed = self.stack.pop()
            if unclosed.has_parts:
                self.defects.append("multipart_not_closed")
            else:
                # A multipart without any part: what is there is better shown than lost.
                self.defects.append("parts_missing")
                unclosed.part.content_type = "text/plain"
                unclosed.part.end = max(unclosed.part.start, at)
                self.leaves.append(unclosed.part)

    def level_of(self, line: bytes) -> tuple[int, bool] | None:
        """Return which open multipart the delimiter `line` belongs to, innermost first, and whether it closes it."""
        for level in range(len(self.stack) - 1, -1, -1):
            boundary = self.stack[level].boundary
            if line == boundary:
                return level, False
            if line == boundary + b"--":
                return level, True
        return None


def scan(buffer: Buffer, size: int) -> Structure:
    """Take the first `size` bytes of `buffer` apart. Total; takes time in proportion to the size."""
    defects: list[str] = []
    fields, body = read_fields(buffer, 0, size, most=MAX_HEADERS, defects=defects)
    state = _Scan(buffer, size, defects=defects)
    state.begin(_part(fields, body, size, default="text/plain", defects=defects))
    if state.stack:
        _walk(state, body)
    state.end_current(size)
    state.close_above(0, size)
    return Structure(fields, state.leaves, list(dict.fromkeys(defects)))


def _walk(state: _Scan, position: int) -> None:
    buffer, candidates = state.buffer, 0
    # A delimiter may be the very first line of the body: the line break before it ended the header.
    position = max(0, position - 1)
    while state.stack and (found := _CANDIDATE.search(buffer, position, state.size)):
        candidates += 1
        if candidates > MAX_CANDIDATES:
            state.defects.append("too_many_delimiters")
            return
        position = found.start() + 2
        place = state.level_of(found[1].rstrip(b" \t"))
        if place is None:
            continue
        level, is_close = place
        state.end_current(found.start())
        state.close_above(level + 1, found.start())
        if is_close:
            closed = state.stack[level]
            if closed.has_parts:
                state.stack.pop()
            else:
                state.close_above(level, found.start())
            continue
        if state.parts >= MAX_PARTS:
            state.defects.append("too_many_parts")
            for each in state.stack:
                each.has_parts = True
            return
        position = _begin_part(state, level, found.end())


def _begin_part(state: _Scan, level: int, at: int) -> int:
    parent = state.stack[level]
    parent.has_parts = True
    line_end = state.buffer.find(b"\n", at, state.size)
    start = state.size if line_end < 0 else line_end + 1
    fields, body = read_fields(state.buffer, start, state.size, most=MAX_PART_HEADERS, defects=state.defects)
    default = "message/rfc822" if parent.part.content_type == "multipart/digest" else "text/plain"
    state.begin(_part(fields, body, state.size, default=default, defects=state.defects))
    return max(at - 1, body - 1)


def _part(fields: list[tuple[str, bytes]], start: int, end: int, *, default: str, defects: list[str]) -> Part:
    part = Part(fields, default, start, end)
    part.parameters = _parameters(part, "content-type", defects)
    part.disposition = _parameters(part, "content-disposition", defects)
    part.content_type = content_type(part.parameters, default)
    return part


def _parameters(part: Part, name: str, defects: list[str]) -> Parameters | None:
    raw = part.first(name)
    if raw is None:
        return None
    parameters = parse_parameters(unfolded(raw))
    if parameters.is_cut:
        defects.append("too_many_parameters")
    return parameters


def _boundary(part: Part) -> bytes:
    named = part.parameters.named if part.parameters else {}
    boundary = named.get("boundary", "").rstrip(" \t").encode("utf-8", "replace")
    return boundary if len(boundary) <= MAX_BOUNDARY_BYTES else b""
