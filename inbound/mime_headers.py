"""Header fields of a mail, as text: RFC 2047 encoded words, RFC 2231 parameters, dates, message ids (pure).

Every function is total and takes time in proportion to its input: strangers write what goes in.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from inbound.charsets import clean_line, decode_bytes
from inbound.message_ids import find_ids

MAX_PARAMETERS = 200
MAX_REFERENCES = 100

_LINE_BREAK = re.compile(rb"\r?\n")
_BROKEN_FOLD = re.compile(rb"\r?\n(?=[^ \t\r\n])")
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,75})\?([bBqQ])\?([^?]*+)\?=")
_PARAMETER = re.compile(r'([^\s=;]{1,80}+)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"?|([^;]*+))', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_SECTION = re.compile(r"([^*]+)(?:\*([0-9]{1,3}))?(\*)?")
_TYPE = re.compile(r"\s*+([a-z0-9!#$&^_.+-]{1,100}+)\s*+/\s*+([a-z0-9!#$&^_.+-]{1,100}+)")
_TOKEN = re.compile(r"\s*+([a-z0-9!#$&^_.+-]{1,100}+)")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_DATE = re.compile(
    r"(?:[a-z]{3,9}\s*,?\s*)?([0-9]{1,2})[\s-]+([a-z]{3})[a-z]{0,6}\.?[\s-]+([0-9]{2,4})\s+"
    r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?\s*(?:([+-])([0-9]{2}):?([0-9]{2})|([a-z]{1,5}))?",
    re.IGNORECASE,
)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905
_ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}


@dataclass(frozen=True, slots=True)
class Parameters:
    """The value of a field such as Content-Type: what stands before the first `;`, and its parameters by name."""

    value: str
    named: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False


def unfolded(raw: bytes) -> str:
    """Return a raw field body as one line of text; bytes beyond ASCII are UTF-8 (RFC 6532) or else Windows-1252."""
    return decode_bytes(_LINE_BREAK.sub(b"", _BROKEN_FOLD.sub(b" ", raw)), "")[0].strip()


def decode_words(text: str) -> str:
    """Return `text` as one clean line with its encoded words decoded (RFC 2047).

    Bytes of neighbouring words in one charset are put together before they are decoded: many programs cut a character
    in two between them.
    """
    if "=?" not in text:
        return clean_line(text)
    pieces: list[str] = []
    pending: list[bytes] = []
    charset, end = "", 0

    def flush() -> None:
        if pending:
            pieces.append(decode_bytes(b"".join(pending), charset)[0])
            pending.clear()

    for word in _ENCODED_WORD.finditer(text):
        between = text[end : word.start()]
        if between.strip() or not end:
            flush()
            pieces.append(between)
        if word[1].lower() != charset:
            flush()
            charset = word[1].lower()
        pending.append(_word_bytes(word[2], word[3]))
        end = word.end()
    flush()
    pieces.append(text[end:])
    return clean_line("".join(pieces))


def _word_bytes(encoding: str, payload: str) -> bytes:
    raw = payload.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(raw, header=True)
    return decode_base64(raw)


def decode_base64(raw: bytes) -> bytes:
    """Return what the base64 letters in `raw` say; anything else among them is passed over."""
    letters = _NOT_BASE64.sub(b"", raw.partition(b"=")[0])
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def parse_parameters(text: str) -> Parameters:
    """Read `value; name=x; name*=utf-8''x; name*0*=...` (RFC 2045, 2231); the first of a name counts."""
    value, _, rest = text.partition(";")
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[bool, str]]] = {}
    position, count, is_cut = 0, 0, False
    while found := _PARAMETER.search(rest, position):
        position = found.end()
        count += 1
        if count > MAX_PARAMETERS:
            is_cut = True
            break
        content = found[3].strip() if found[2] is None else _ESCAPED.sub(r"\1", found[2])
        name = _SECTION.fullmatch(found[1].lower())
        if name is None or (name[2] is None and name[3] is None):
            plain.setdefault(found[1].lower(), content)
        else:
            sections.setdefault(name[1], {}).setdefault(int(name[2] or 0), (name[3] is not None, content))
    for base, pieces in sections.items():
        plain[base] = _joined_sections(pieces)
    return Parameters(value.strip().lower(), plain, is_cut)


def _joined_sections(pieces: dict[int, tuple[bool, str]]) -> str:
    charset, joined = "", []
    for number, (is_extended, content) in sorted(pieces.items()):
        raw = content.encode("utf-8", "replace")
        if is_extended:
            if number == 0 and content.count("'") >= 2:
                charset, _, content = content.split("'", 2)
                raw = content.encode("utf-8", "replace")
            raw = _PERCENT.sub(lambda escape: bytes([int(escape[1], 16)]), raw)
        joined.append(raw)
    return decode_bytes(b"".join(joined), charset)[0]


def content_type(parameters: Parameters | None, default: str) -> str:
    """Return `type/subtype` in lower case; what cannot be read is text/plain (RFC 2045 section 5.2)."""
    if parameters is None:
        return default
    found = _TYPE.match(parameters.value)
    return f"{found[1]}/{found[2]}" if found else "text/plain"


def first_token(parameters: Parameters | None) -> str:
    """Return the first word of a field such as Content-Disposition, in lower case, or ""."""
    found = _TOKEN.match(parameters.value) if parameters else None
    return found[1] if found else ""


def message_ids(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of References or In-Reply-To, the last MAX_REFERENCES of them, each once."""
    found = [each for text in texts for each in find_ids(clean_line(text))]
    return tuple(dict.fromkeys(found))[-MAX_REFERENCES:]


def message_id(text: str) -> str:
    """Return the first id of `text`, or ""."""
    return next(iter(find_ids(clean_line(text))), "")


def parse_date(text: str) -> datetime | None:
    """Return the moment of an RFC 5322 date, in UTC; None for what is none, or is out of all reason."""
    found = _DATE.search(clean_line(text[:200]))
    if found is None or found[2].lower() not in _MONTHS:
        return None
    year = int(found[3])
    if len(found[3]) < 4:
        # RFC 5322 section 4.3: two digits below 50 are of this century, three digits count from 1900.
        year += 2000 if year < 50 and len(found[3]) == 2 else 1900
    if not 1900 <= year <= 9000:
        return None
    try:
        moment = datetime(
            year,
            _MONTHS.index(found[2].lower()) + 1,
            int(found[1]),
            int(found[4]),
            int(found[5]),
            # A leap second has no place in a datetime.
            min(int(found[6] or 0), 59),
            tzinfo=_zone(found),
        )
    except ValueError:
        return None
    return moment.astimezone(UTC)


def _zone(found: re.Match[str]) -> timezone:
    if found[7]:
        offset = timedelta(hours=int(found[8]), minutes=int(found[9]))
        if offset >= timedelta(hours=24):
            return UTC
        return timezone(offset if found[7] == "+" else -offset)
    return timezone(timedelta(hours=_ZONES.get((found[10] or "").lower(), 0)))
