"""The zone-file form of names and TXT values, as Route 53 takes and gives it (pure; RFC 1035 section 5.1)."""

from __future__ import annotations

import re

_TXT_STRING_BYTES = 255
_OCTAL = re.compile(r"\\([0-7]{3})")
_TXT_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_TXT_VALUE = re.compile(rf"{_TXT_STRING.pattern}(?:\s+{_TXT_STRING.pattern})*", re.DOTALL)


def is_txt_value(value: str) -> bool:
    """Whether this is one or more quoted strings and nothing else."""
    return _TXT_VALUE.fullmatch(value) is not None


def txt_value(text: str) -> str:
    """A TXT value in zone-file form: quoted, escaped, in strings of at most 255 bytes (RFC 1035 section 3.3.14)."""
    raw = text.encode("utf-8")
    parts = [raw[start : start + _TXT_STRING_BYTES] for start in range(0, len(raw), _TXT_STRING_BYTES)] or [b""]
    return " ".join('"' + "".join(_escaped(byte) for byte in part) + '"' for part in parts)


def txt_text(value: str) -> str:
    """The text of a TXT value in zone-file form: its strings joined, escapes undone."""
    strings = _TXT_STRING.findall(value)
    return b"".join(_unescaped(string) for string in strings).decode("utf-8", "replace")


def plain_name(wire: str) -> str:
    """A name as we write it: lower case, no trailing dot, Route 53's octal escapes (`\\052` for `*`) undone."""
    return _OCTAL.sub(lambda found: chr(int(found.group(1), 8)), wire).rstrip(".").lower()


def _escaped(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def _unescaped(string: str) -> bytes:
    # Octal as Route 53 writes it, else the character itself (RFC 1035 section 5.1).
    plain = re.sub(r"\\([0-7]{3}|.)", lambda found: _one(found.group(1)), string)
    return plain.encode("latin-1", "replace")


def _one(escape: str) -> str:
    return chr(int(escape, 8) & 0xFF) if len(escape) == 3 else escape
