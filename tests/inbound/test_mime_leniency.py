"""Mail that is written wrongly in ways that programs in use write it, read as its sender meant it."""

from __future__ import annotations

import base64

import pytest

from inbound.mime import Address, parse_bytes
from inbound.mime_addresses import parse_addresses

FOLDED_WRONGLY = b"""From: Ann <ann@example.org>
Subject: The first line
and the second
To: bob@example.org
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

Here it is.
--b
Content-Transfer-Encoding: base64
Content-Type: application/zip; x-unix-mode=0600;
name="report.zip"
Content-Disposition: attachment

UEs=
--b--
"""


@pytest.mark.parametrize("line_break", [b"\n", b"\r\n"])
def test_a_header_folded_without_a_blank_goes_on(line_break: bytes) -> None:
    parsed = parse_bytes(FOLDED_WRONGLY.replace(b"\n", line_break))
    assert parsed.subject == "The first line and the second"
    assert [each.email for each in parsed.to] == ["bob@example.org"]
    assert parsed.text == "Here it is."
    (part,) = parsed.attachments
    assert (part.filename, part.size) == ("report.zip", 2)


@pytest.mark.parametrize(
    "body",
    [
        b"Hello,\nhow are you?\n",
        b"Hello,\nNote: to be read\n\nmore\n",
        b"Hello\n",
        b"Hello\nX Y\nTo: x\nthe end\n\nmore\n",
    ],
)
def test_a_body_without_a_blank_line_before_it_is_no_header(body: bytes) -> None:
    parsed = parse_bytes(b"From: Ann <ann@example.org>\nSubject: here\n" + body)
    assert (parsed.subject, parsed.text) == ("here", body.decode())
    assert "header_without_end" in parsed.defects


@pytest.mark.parametrize(
    "line", [b"<ceo@bank.example>", b"x y: ceo@bank.example", b'"<ceo@bank.example>"', b">From ann Mon Jan 1 00:00:00"]
)
@pytest.mark.parametrize("name", [b"From", b"Reply-To", b"Sender", b"To"])
def test_a_broken_line_never_says_who_sent_a_mail_or_to_whom(line: bytes, name: bytes) -> None:
    raw = b"From: Ann <ann@good.example>\n%s: Ann <ann@good.example>\n%s\nDate: x\nSubject: s\n\nbody\n" % (name, line)
    parsed = parse_bytes(raw)
    assert parsed.from_ == Address("Ann", "ann@good.example")
    assert {each.email for each in (*parsed.to, *parsed.reply_to)} <= {"ann@good.example"}
    assert (parsed.subject, parsed.text) == ("s", "body\n")
    assert (parsed.status, parsed.defects) == ("partial", ("header_line_dropped",))


@pytest.mark.parametrize(
    "part",
    [
        b"Content-Type: text/plain\nHi Bob, please see below.\nForwarded:\nFrom: x\nTo: y\n\nrest",
        b"Content-Type: text/csv\nContent-Disposition: attachment; filename=x.csv\nname,to\nTo: x,y\n\nrest",
        b"Content-Type: text/plain;\nname=x is what it says\nTo: y\n\nrest",
    ],
)
def test_a_part_without_a_blank_line_loses_nothing_of_its_body(part: bytes) -> None:
    parsed = parse_bytes(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + part + b"\n--b--\n")
    kept = len(parsed.text) or parsed.attachments[0].size
    assert kept == len(part[part.index(b"\n", part.rindex(b"Content-")) + 1 :])
    assert "header_without_end" in parsed.defects


@pytest.mark.parametrize(
    "body",
    [
        b"Hello, Sam!\nThis was never encoded.\n",
        b"Hello\nthis was never encoded.\n",
        b"<p>\nThis was never encoded.\n</p>\n",
    ],
)
@pytest.mark.parametrize("kind", [b"text/plain", b"text/html"])
def test_text_that_only_says_that_it_is_base64_is_read_as_it_stands(kind: bytes, body: bytes) -> None:
    parsed = parse_bytes(b"Content-Type: " + kind + b"\nContent-Transfer-Encoding: base64\n\n" + body)
    assert parsed.text + parsed.html == body.decode()
    assert (parsed.status, parsed.defects) == ("ok", ("not_base64",))


TEXT = "Grüße aus Köln, und noch ein paar Worte mehr.\n" * 3


@pytest.mark.parametrize(
    "body",
    [
        base64.encodebytes(TEXT.encode()),
        base64.b64encode(TEXT.encode()),
        # A list's footer, and a little rubbish between the letters.
        base64.encodebytes(TEXT.encode()) + b"\n____________\nTo leave this list, write to us.\n",
        b"!" + base64.encodebytes(TEXT.encode()),
        # What a decoder must pass over (RFC 2045 section 6.8): lines of rubbish, and blanks between groups.
        *(base64.encodebytes(TEXT.encode()).replace(b"\n", b"\n%s\n" % rubbish, 1) for rubbish in (b".", b"*", b"- -")),
        b" ".join(base64.b64encode(TEXT.encode())[at : at + 4] for at in range(0, 400, 4)),
        b" ".join(base64.encodebytes(TEXT.encode()).split(b"\n")),
    ],
)
def test_what_is_base64_is_decoded_whatever_stands_around_it(body: bytes) -> None:
    parsed = parse_bytes(b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + body)
    assert parsed.text.startswith(TEXT)


@pytest.mark.parametrize(
    ("raw", "text"),
    [("Grüße".encode(), "Grüße"), ("Grüße".encode("cp1252"), "Grüße"), ("“quoted”".encode("cp1252"), "“quoted”")],
)
def test_a_charset_that_nobody_knows_is_utf_8_or_the_webs_latin_1(raw: bytes, text: str) -> None:
    parsed = parse_bytes(b"Content-Type: text/plain; charset=x-house\n\n" + raw)
    assert (parsed.text, parsed.defects) == (text, ("unknown_charset",))


@pytest.mark.parametrize(
    "text",
    [
        '"Li Hua <li.hua@example.com>"',
        "=?utf-8?q?Li_Hua_=3Cli=2Ehua=40example=2Ecom=3E?=",
        "=?utf-8?b?" + base64.b64encode(b"Li Hua <li.hua@example.com>").decode() + "?=",
    ],
)
def test_name_and_address_in_one_word_are_taken_apart(text: str) -> None:
    assert parse_addresses(text, most=9) == ((Address("Li Hua", "li.hua@example.com"),), False)
    # Beside an address of its own it is a name, whatever it looks like (CVE-2019-16056).
    found, _ = parse_addresses(f"{text} <evil@example.net>", most=9)
    assert [each.email for each in found] == ["evil@example.net"]


@pytest.mark.parametrize(
    "text",
    [
        "evil@attacker.example =?utf-8?q?=3Cceo=40bank.example=3E?=",
        "evil@attacker.example (x) =?utf-8?q?=3Cceo=40bank.example=3E?=",
        'evil@attacker.example "CEO <ceo@bank.example>"',
        "=?utf-8?q?evil=40attacker.example?= =?utf-8?q?=3Cceo=40bank.example=3E?=",
    ],
)
def test_a_name_beside_an_address_is_not_taken_apart(text: str) -> None:
    found, _ = parse_addresses(text, most=9)
    assert "ceo@bank.example" not in [each.email for each in found]


def test_a_comment_names_an_address_between_quotes() -> None:
    assert parse_addresses('"<a@b.example>" (Ann)', most=9)[0] == (Address("Ann", "a@b.example"),)
