"""Whatever a mail does to its parser, the worker gets an answer, in time, within the memory, fit to be stored."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbound.mime import ParsedMessage, parse_bytes
from inbound.parsing import parse_in_child

from .nasty_mails import GROWING, SMALL, head, multipart, one_part

GOOD = one_part(b"text/plain", b"hello")
# A second of work, or half of it.
SLOW = GROWING["delimiters of nobody"](10_000_000)


def in_child(raw: bytes, folder: Path, **limits: float) -> ParsedMessage:
    mail, attachments = folder / "mail", folder / "attachments"
    mail.write_bytes(raw)
    attachments.mkdir(exist_ok=True)
    return parse_in_child(mail, attachments_folder=attachments, **limits)  # type: ignore[arg-type]


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from strings(each)


def is_storable(parsed: ParsedMessage) -> bool:
    """PostgreSQL takes it, as text and as JSON, and no header is more than a line."""
    for text in strings(asdict(parsed)):
        text.encode("utf-8")
        if "\0" in text:
            return False
    lines = [parsed.subject, *strings(parsed.headers), *(part.filename for part in parsed.attachments)]
    lines += [each for person in (*parsed.to, *parsed.cc, *parsed.reply_to) for each in (person.name, person.email)]
    return not any(mark in line for line in lines for mark in "\r\n") and bool(json.dumps(asdict(parsed), default=str))


@pytest.mark.parametrize("raw", SMALL.values(), ids=SMALL)
def test_a_small_nasty_mail_is_parsed_and_storable(raw: bytes) -> None:
    parsed = parse_bytes(raw)
    assert parsed.status in ("ok", "partial")
    assert is_storable(parsed)


@pytest.mark.parametrize("size", [20_000, 400_000], ids=["20 KB", "400 KB"])
@pytest.mark.parametrize("make", GROWING.values(), ids=GROWING)
def test_a_growing_nasty_mail_is_parsed_in_the_child(make: object, size: int, tmp_path: Path) -> None:
    parsed = in_child(make(size), tmp_path)  # type: ignore[operator]
    assert parsed.status in ("ok", "partial"), parsed.defects
    assert is_storable(parsed)


# The kinds that keep a linear parser busiest, at the size of the largest mail that SES takes.
@pytest.mark.parametrize(
    "kind",
    [
        *("delimiters of nobody", "lines of dashes", "tiny parts", "soft line breaks", "NULs"),
        *("part headers that may go on", "headers that may go on"),
    ],
)
def test_forty_megabytes_of_it_end_within_the_limits(kind: str, tmp_path: Path) -> None:
    parsed = in_child(GROWING[kind](40_000_000), tmp_path)
    assert parsed.status in ("ok", "partial"), parsed.defects


def test_a_large_attachment_needs_little_more_memory_than_itself(tmp_path: Path) -> None:
    attachment = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * 7_500_000
    parsed = in_child(multipart(attachment), tmp_path, memory_bytes=100 * 1024 * 1024)
    assert (parsed.status, parsed.attachments[0].size) == ("ok", 22_500_000)
    assert (tmp_path / "attachments" / "0").stat().st_size == 22_500_000


def test_a_mail_over_forty_megabytes_fails_with_its_headers(tmp_path: Path) -> None:
    parsed = in_child(head(b"Subject: too much") + b"x" * 43_000_000, tmp_path)
    assert (parsed.status, parsed.defects, parsed.subject) == ("failed", ("too_large",), "too much")


def test_a_child_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    parsed = in_child(SLOW, tmp_path, seconds=0.01)
    assert (parsed.status, parsed.defects) == ("failed", ("parser_too_slow",))
    assert (parsed.subject, parsed.from_ and parsed.from_.email) == ("here", "ann@example.org")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its address space")
def test_a_child_that_takes_too_much_memory_dies_alone(tmp_path: Path) -> None:
    parsed = in_child(GOOD + b"x" * 30_000_000, tmp_path, memory_bytes=40 * 1024 * 1024)
    assert (parsed.status, parsed.defects, parsed.subject) == ("failed", ("parser_died",), "here")


def test_a_dead_child_leaves_no_attachments(tmp_path: Path) -> None:
    attachments = tmp_path / "attachments"
    attachments.mkdir()
    (attachments / "0").write_bytes(b"half a file")
    assert in_child(SLOW, tmp_path, seconds=0.01).attachments == ()
    assert list(attachments.iterdir()) == []


def test_the_answer_is_what_the_parser_said(tmp_path: Path) -> None:
    raw = multipart(
        b"Content-Type: text/plain\r\n\r\nGr\xc3\xbc\xc3\x9fe",
        b"Content-Type: image/png\r\nContent-ID: <logo>\r\nContent-Disposition: inline; filename=a.png\r\n\r\npng",
    ).replace(
        b"Subject:", b"Date: Sat, 21 Nov 2026 08:00:00 +0100\r\nTo: B <b@x>\r\nReferences: <1@x> <2@x>\r\nSubject:"
    )
    assert in_child(raw, tmp_path) == parse_bytes(raw)
    assert (tmp_path / "attachments" / "0").read_bytes() == b"png"
    assert [each.name for each in (tmp_path / "attachments").iterdir()] == ["0"]


def test_an_empty_mail_fails(tmp_path: Path) -> None:
    assert in_child(b"", tmp_path).defects == ("empty",)


PIECES = st.sampled_from(
    [
        *(
            b"\r\n",
            b"\n",
            b"\r",
            b" ",
            b"\t",
            b";",
            b"=",
            b'"',
            b"<",
            b">",
            b"(",
            b")",
            b",",
            b":",
            b"@",
            b"\\",
            b"%",
            b"*",
        ),
        *(
            b"--",
            b"--b",
            b"--b--",
            b"\r\n\r\n",
            b"\0",
            b"\xff",
            b"\xc3\xbc",
            b"=?utf-8?q?",
            b"?=",
            b"=?x?b?",
            b"''",
            b"*0*=",
        ),
        *(b"From:", b"To: ", b"Subject: ", b"Date: ", b"References: ", b"Content-Type: ", b"Content-Disposition: "),
        *(
            b"Content-Transfer-Encoding: ",
            b"base64",
            b"quoted-printable",
            b"x-uuencode",
            b"begin 644 x\n",
            b"Content-ID: ",
        ),
        *(
            b"multipart/mixed; boundary=b",
            b"text/plain; charset=",
            b"text/html",
            b"message/rfc822",
            b"utf-16",
            b"attachment",
        ),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=6)), max_size=60))
def test_any_bytes_give_a_message_that_can_be_stored(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    parsed = parse_bytes(raw)
    assert (parsed.status == "failed") == (not raw)
    assert is_storable(parsed)
