"""The decoded bytes of one part, a piece at a time, so that a large attachment is never in memory (pure)."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Iterator

from inbound.mime_parts import Buffer, Part

STEP = 1024 * 1024

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))


def decoded(buffer: Buffer, part: Part, defects: list[str]) -> Iterator[bytes]:
    """Yield the part's body by its Content-Transfer-Encoding (RFC 2045 section 6), notes of damage into `defects`."""
    encoding = part.encoding
    if encoding == "base64":
        return _base64(buffer, part, defects)
    if encoding == "quoted-printable":
        return _quoted_printable(buffer, part)
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return _uuencoded(buffer, part, defects)
    if encoding not in ("", "7bit", "8bit", "binary"):
        defects.append("unknown_transfer_encoding")
    return _slices(buffer, part)


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
    """Return at most `most` bytes of the decoded body."""
    pieces, size = [], 0
    for piece in decoded(buffer, part, defects):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            defects.append("text_too_long")
            break
    return b"".join(pieces)[:most]


def _slices(buffer: Buffer, part: Part) -> Iterator[bytes]:
    for position in range(part.start, part.end, STEP):
        yield buffer[position : min(position + STEP, part.end)]


def _base64(buffer: Buffer, part: Part, defects: list[str]) -> Iterator[bytes]:
    carry = b""
    for piece in _slices(buffer, part):
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
    for piece in _slices(buffer, part):
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
    for piece in _slices(buffer, part):
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
