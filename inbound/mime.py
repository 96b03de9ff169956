"""A raw mail as a ParsedMessage: limits first, no surprise afterwards (pure; runs in the killable child).

Python's own `email` package crashes, hangs or returns what no database stores on mail made for it, and needs eight
times a mail's size in memory; so the parts are found here by one pass over the file (`mime_parts`), and decoded a
piece at a time (`mime_bodies`). Whatever comes in, something comes out, and it holds no NUL and no half character.
"""

from __future__ import annotations

import mmap
import os
import re
from dataclasses import dataclass, field
from datetime import datetime

from inbound.charsets import clean_line, decode_bytes
from inbound.mime_addresses import Address, parse_addresses
from inbound.mime_bodies import read_decoded, write_decoded
from inbound.mime_fields import MAX_HEADER_BYTES, MAX_HEADERS, MAX_ONE_HEADER_BYTES, Buffer, read_fields
from inbound.mime_headers import decode_words, message_id, message_ids, parse_date, unfolded
from inbound.mime_parts import Part, scan

MAX_RAW_BYTES = 40 * 1024 * 1024 + 64 * 1024
MAX_ADDRESSES = 500
MAX_TEXT_BYTES = 2 * 1024 * 1024
MAX_HEADER_CHARACTERS = 10_000
MAX_SUBJECT = 2000
MAX_FILENAME_BYTES = 255

# Defects by which something of the mail is not in the ParsedMessage; the others only say that it is badly written.
LOSSES = frozenset(
    """nested_too_deeply too_many_parts too_many_delimiters too_many_headers header_too_long headers_too_long
    header_line_dropped
    too_many_parameters too_many_addresses text_too_long boundary_missing parts_missing base64_cut_short
    uuencode_damaged uuencode_without_begin unknown_transfer_encoding undecodable_bytes""".split()  # noqa: SIM905
)

_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*]')
# Marks that change the direction of text or have no width: "exe.gpj" shall not read as "jpg.exe".
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE)

__all__ = [
    "MAX_HEADER_BYTES",
    "Address",
    "ParsedAttachment",
    "ParsedMessage",
    "parse_bytes",
    "parse_file",
    "parse_head",
]


@dataclass(frozen=True)
class ParsedAttachment:
    """Its decoded bytes lie in the attachments' folder in a file named by `position`; `filename` is only a label."""

    position: int
    filename: str
    content_type: str
    size: int
    sha256: str
    is_inline: bool
    content_id: str


@dataclass(frozen=True)
class ParsedMessage:
    """`status` is ok, partial (something had to be left out, see `defects`) or failed (only what is sure is here).

    `text` and `html` are all their parts without a file name, in order: lists add a footer, some programs write text
    between images. Times are in UTC; `message_id_header`, `in_reply_to` and `references` keep their angle brackets.
    `text_from_html` is what the HTML says where there is no text; only the child makes it.
    """

    subject: str = ""
    from_: Address | None = None
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    date: datetime | None = None
    message_id_header: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    text: str = ""
    html: str = ""
    text_from_html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[ParsedAttachment, ...] = ()
    defects: tuple[str, ...] = ()
    status: str = "ok"


@dataclass(slots=True)
class _Contents:
    """What grows while the leaves are read."""

    text: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    attachments: list[ParsedAttachment] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=lambda: {"text/plain": MAX_TEXT_BYTES, "text/html": MAX_TEXT_BYTES})


def parse_file(path: str | os.PathLike[str], attachments_folder: str | os.PathLike[str]) -> ParsedMessage:
    """Parse the raw mail at `path`; each attachment is written to a file in the folder. Raises only OSError."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            return ParsedMessage(defects=("empty",), status="failed")
        if size > MAX_RAW_BYTES:
            return parse_head(file.read(MAX_HEADER_BYTES), defect="too_large")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
            return _parse(buffer, size, os.fspath(attachments_folder))


def parse_bytes(raw: bytes) -> ParsedMessage:
    """Parse a raw mail in memory; attachments are measured and not kept."""
    if not raw:
        return ParsedMessage(defects=("empty",), status="failed")
    if len(raw) > MAX_RAW_BYTES:
        return parse_head(raw[:MAX_HEADER_BYTES], defect="too_large")
    return _parse(raw, len(raw), None)


def parse_head(head: bytes, *, defect: str) -> ParsedMessage:
    """Return a `failed` message with what the first bytes of a mail give, where the body is beyond reach."""
    fields, _ = read_fields(head, 0, min(len(head), MAX_HEADER_BYTES), most=MAX_HEADERS, defects=[])
    return _assembled(fields, _Contents(), [defect], is_failed=True)


def _parse(buffer: Buffer, size: int, folder: str | None) -> ParsedMessage:
    structure = scan(buffer, size)
    contents = _Contents()
    for leaf in structure.leaves:
        _read_leaf(buffer, leaf, contents, folder, structure.defects, is_only=len(structure.leaves) == 1)
    return _assembled(structure.fields, contents, structure.defects)


def _read_leaf(
    buffer: Buffer, leaf: Part, contents: _Contents, folder: str | None, defects: list[str], *, is_only: bool
) -> None:
    filename = _filename(leaf)
    kind = leaf.content_type
    is_body = kind in contents.left and leaf.disposition_type != "attachment" and (is_only or not filename)
    if is_body:
        raw = read_decoded(buffer, leaf, contents.left[kind], defects)
        contents.left[kind] -= len(raw)
        text, defect = decode_bytes(raw, leaf.parameters.named.get("charset", "") if leaf.parameters else "")
        if defect:
            defects.append(defect)
        (contents.html if kind == "text/html" else contents.text).append(text.replace("\r\n", "\n"))
        return
    position = len(contents.attachments)
    path = None if folder is None else os.path.join(folder, str(position))
    size, sha256 = write_decoded(buffer, leaf, path, defects)
    content_id = clean_line(unfolded(leaf.first("content-id") or b"")).strip("<> ")[:998]
    contents.attachments.append(
        ParsedAttachment(
            position=position,
            filename=filename,
            content_type=kind,
            size=size,
            sha256=sha256,
            is_inline=leaf.disposition_type == "inline" or bool(content_id and leaf.disposition_type != "attachment"),
            content_id=content_id,
        )
    )


def _assembled(
    fields: list[tuple[str, bytes]], contents: _Contents, defects: list[str], *, is_failed: bool = False
) -> ParsedMessage:
    by_name: dict[str, list[str]] = {}
    for name, raw in fields:
        by_name.setdefault(name.lower(), []).append(unfolded(raw))

    def first(name: str) -> str:
        return by_name.get(name, [""])[0]

    left = MAX_ADDRESSES

    def addresses(name: str) -> tuple[Address, ...]:
        nonlocal left
        found, is_cut = parse_addresses(", ".join(by_name.get(name, ()))[:MAX_ONE_HEADER_BYTES], most=left)
        left -= len(found)
        if is_cut:
            defects.append("too_many_addresses")
        return found

    senders, _ = parse_addresses(first("from")[:MAX_ONE_HEADER_BYTES], most=1)
    to, cc, reply_to = addresses("to"), addresses("cc"), addresses("reply-to")
    unique = tuple(dict.fromkeys(defects))
    return ParsedMessage(
        subject=decode_words(first("subject"))[:MAX_SUBJECT],
        from_=senders[0] if senders else None,
        to=to,
        cc=cc,
        reply_to=reply_to,
        date=parse_date(first("date")),
        message_id_header=message_id(first("message-id")),
        in_reply_to=message_id(first("in-reply-to")),
        references=message_ids(by_name.get("references", ())),
        text="\n".join(contents.text),
        html="\n".join(contents.html),
        headers=tuple(
            (name, decode_words(text)[:MAX_HEADER_CHARACTERS])
            for name, text in ((name, unfolded(raw)) for name, raw in fields)
        ),
        attachments=tuple(contents.attachments),
        defects=unique,
        status="failed" if is_failed else "partial" if LOSSES.intersection(unique) else "ok",
    )


def _filename(part: Part) -> str:
    for parameters, name in ((part.disposition, "filename"), (part.parameters, "name")):
        label = safe_filename(decode_words(parameters.named.get(name, ""))) if parameters else ""
        if label:
            return label
    return ""


def safe_filename(claimed: str) -> str:
    """Return the last step of a path as a harmless label of at most 255 bytes; "" if nothing of it is left."""
    label = _INVISIBLE.sub("", claimed[:4096]).replace("\\", "/").rpartition("/")[2]
    label = _NOT_IN_NAMES.sub("_", label).strip(". ")
    if _DEVICES.match(label):
        label = f"_{label}"
    if len(label.encode()) > MAX_FILENAME_BYTES:
        stem, dot, extension = label.rpartition(".")
        if not dot or len(extension.encode()) > 20:
            stem, dot, extension = label, "", ""
        room = MAX_FILENAME_BYTES - len((dot + extension).encode())
        label = stem.encode()[:room].decode("utf-8", "ignore") + dot + extension
    return label
