"""The decoded bytes of one part, a piece at a time, so that a large attachment is never in memory (pure)."""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Iterator

from inbound.mime_fields import Buffer
from inbound.mime_parts import Part

STEP = 1024 * 1024
# Where a line may be text rather than base64, so much is looked at; and at so many places of one part.
LINES_LOOKED_AT_BYTES = 1000
MOST_FOREIGN = 100

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
# A mark that base64 has not, or a blank within a line.
_FOREIGN = re.compile(rb"[^A-Za-z0-9+/=\s]|(?<=[^\s])[ \t]++(?=[^\s])")
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))


def decoded(buffer: Buffer, part: Part, defects: list[str]) -> Iterator[bytes]:
    """Yield the part's body by its Content-Transfer-Encoding (RFC 2045 section 6), notes of damage into `defects`."""
    encoding = part.encoding
    if encoding == "base64":
        return _base64(buffer, part.start, part.end, defects)
    if encoding == "quoted-printable":
        return _quoted_printable(buffer, part)
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return _uuencoded(buffer, part, defects)
    if encoding not in ("", "7bit", "8bit", "binary"):
        defects.append("unknown_transfer_encoding")
    return _slices(buffer, part.start, part.end)


def write_decoded(buffer: Buffer, part: Part, path: str | None, defects: list[str]) -> tuple[int, str]:
    """Write the decoded body to a new file (nowhere without a path); return its size and SHA-256 in hex."""
    size, digest = 0, hashlib.sha256()
    if path is None:
        for piece in decoded(buffer, part, defects):
            size += len(piece)
            digest.update(piece)
    else:
        with open(path, "wb") as file:
            for piece in decoded(buffer, part, defects):
                size += len(piece)
                digest.update(piece)
                file.write(piece)
    return size, digest.hexdigest()


def read_decoded(buffer: Buffer, part: Part, most: int, defects: list[str]) -> bytes:
    """Return at most `most` bytes of a text's decoded body."""
    pieces, size = [], 0
    is_base64 = part.encoding == "base64"
    for piece in _base64_text(buffer, part, most, defects) if is_base64 else decoded(buffer, part, defects):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            defects.append("text_too_long")
            break
    return b"".join(pieces)[:most]


def _slices(buffer: Buffer, start: int, end: int) -> Iterator[bytes]:
    for position in range(start, end, STEP):
        yield buffer[position : min(position + STEP, end)]


def _base64_text(buffer: Buffer, part: Part, most: int, defects: list[str]) -> Iterator[bytes]:
    """As it stands from the first line on that no encoder writes: some programs only say that they encode, and lists
    put a footer of plain text behind. At least `most` bytes where there are so many."""
    end = min(part.end, part.start + 2 * most)
    plain = _plain_from(buffer, part.start, end)
    if plain == end:
        yield from _base64(buffer, part.start, part.end, defects)
        return
    yield from _base64(buffer, part.start, plain, defects)
    defects.append("not_base64")
    yield from _slices(buffer, plain, part.end)


def _plain_from(buffer: Buffer, start: int, end: int) -> int:
    """Where the first line begins that is text, with no base64 soon behind it; `end` where none does."""
    for number, found in enumerate(_FOREIGN.finditer(buffer, start, end)):
        line_start = max(start, buffer.rfind(b"\n", start, found.start() + 1) + 1)
        line, *behind = buffer[line_start : min(end, line_start + LINES_LOOKED_AT_BYTES)].split(b"\n")
        if _is_text(line) and not any(len(letters) >= 40 and not _is_text(letters) for letters in behind[:5]):
            before = buffer[max(start, line_start - LINES_LOOKED_AT_BYTES) : line_start].strip()
            is_word = len(before) < 20 and len(before) % 4 > 0 and b"=" not in before
            return start if is_word else line_start
        if number >= MOST_FOREIGN:
            break
    return end


def _is_text(line: bytes) -> bool:
    """More than a little rubbish between the letters, or blanks that part no groups of four."""
    words = line.split()
    if not b"".join(words).translate(None, _BASE64):
        return any(len(word) % 4 for word in words[:-1])
    letters = line.strip()
    return len(letters.translate(None, _BASE64)) * 10 > len(letters)


def _base64(buffer: Buffer, start: int, end: int, defects: list[str]) -> Iterator[bytes]:
    carry = b""
    for piece in _slices(buffer, start, end):
        letters = carry + piece.translate(None, _NOT_BASE64)
        padding = letters.find(b"=")
        if padding >= 0:
            # As everywhere else, padding is the end; what a mail may hide behind it is not decoded.
            carry = letters[:padding]
            break
        whole = len(letters) - len(letters) % 4
        yield binascii.a2b_base64(letters[:whole])
        carry = letters[whole:]
    if len(carry) % 4 == 1:
        defects.append("base64_cut_short")
        carry = carry[:-1]
    yield binascii.a2b_base64(carry + b"=" * (-len(carry) % 4))


def _quoted_printable(buffer: Buffer, part: Part) -> Iterator[bytes]:
    carry = b""
    for piece in _slices(buffer, part.start, part.end):
        text = carry + piece
        cut = text.rfind(b"\n") + 1
        if not cut:
            # No line ends in a whole piece: cut anywhere but within an escape.
            escape = text.rfind(b"=", max(0, len(text) - 2))
            cut = len(text) if escape < 0 else escape
        yield binascii.a2b_qp(text[:cut])
        carry = text[cut:]
    yield binascii.a2b_qp(carry)


def _uuencoded(buffer: Buffer, part: Part, defects: list[str]) -> Iterator[bytes]:
    carry, is_inside = b"", False
    out: list[bytes]
    for piece in _slices(buffer, part.start, part.end):
        *lines, carry = (carry + piece).split(b"\n")
        # A line is 61 characters; one without an end would be carried from piece to piece.
        carry = carry[:1000]
        out = []
        for line in lines:
            text = line.rstrip(b"\r")
            if not is_inside:
                is_inside = text.startswith(b"begin ")
            elif text == b"end":
                yield b"".join(out)
                return
            else:
                out.append(_uu_line(text, defects))
        yield b"".join(out)
    if not is_inside:
        defects.append("uuencode_without_begin")


def _uu_line(line: bytes, defects: list[str]) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # Some encoders pad a line with garbage: the length in its first character says how much of it counts.
        wanted = ((line[0] - 32 & 63) * 4 + 5) // 3 if line else 0
        try:
            return binascii.a2b_uu(line[:wanted])
        except binascii.Error:
            defects.append("uuencode_damaged")
            return b""
