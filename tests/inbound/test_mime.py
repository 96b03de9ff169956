"""A raw mail becomes what its writer meant by it."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from inbound.charsets import decode_bytes
from inbound.mime import Address, parse_bytes, parse_file, safe_filename
from inbound.mime_addresses import parse_addresses
from inbound.mime_headers import decode_words, message_ids, parse_date, parse_parameters

from .nasty_mails import head, multipart, nested, one_part


def written(**headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Jörg Müller <joerg@example.org>"
    message["To"] = '"Doe, Jane" <jane@example.com>, bob@example.com'
    message["Subject"] = "Grüße \N{PARTY POPPER} and a subject that is long enough to be folded over several lines"
    message["Date"] = "Sat, 21 Nov 2026 08:00:00 +0100"
    message["Message-ID"] = "<first@example.org>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Grüße,\nzwei Zeilen\n")
    return message


def test_a_usual_mail_comes_out_whole(tmp_path: Path) -> None:
    message = written(Cc="c@example.com", Reply_To="r@example.org", In_Reply_To="<0@x>", References="<00@x> <0@x>")
    message.add_alternative("<p>Grüße</p>\n", subtype="html")
    message.add_attachment(b"\x00\x01%PDF", maintype="application", subtype="pdf", filename="Rechnung für März.pdf")
    path = tmp_path / "mail"
    path.write_bytes(message.as_bytes(policy=email.policy.SMTP))
    folder = tmp_path / "attachments"
    folder.mkdir()
    parsed = parse_file(path, folder)
    assert (parsed.status, parsed.defects) == ("ok", ())
    assert parsed.from_ == Address("Jörg Müller", "joerg@example.org")
    assert parsed.to == (Address("Doe, Jane", "jane@example.com"), Address("", "bob@example.com"))
    assert (parsed.cc, parsed.reply_to) == ((Address("", "c@example.com"),), (Address("", "r@example.org"),))
    assert parsed.subject == message["Subject"]
    assert parsed.date == datetime(2026, 11, 21, 7, tzinfo=UTC)
    assert (parsed.message_id_header, parsed.in_reply_to) == ("<first@example.org>", "<0@x>")
    assert parsed.references == ("<00@x>", "<0@x>")
    assert (parsed.text.strip(), parsed.html.strip()) == ("Grüße,\nzwei Zeilen", "<p>Grüße</p>")
    (part,) = parsed.attachments
    assert (part.filename, part.content_type, part.size, part.is_inline) == (
        "Rechnung für März.pdf",
        "application/pdf",
        6,
        False,
    )
    assert part.sha256 == hashlib.sha256(b"\x00\x01%PDF").hexdigest()
    assert (folder / "0").read_bytes() == b"\x00\x01%PDF"


SAMPLES = {
    "plain": written(),
    "8bit": written(X_Note="=?iso-8859-1?q?a=E4?="),
    "folded": written(X_Long="word " * 60),
}


@pytest.mark.parametrize("policy", [email.policy.SMTP, email.policy.default], ids=["CRLF", "LF"])
@pytest.mark.parametrize("message", SAMPLES.values(), ids=SAMPLES)
def test_it_agrees_with_the_standard_library_on_good_mail(message: EmailMessage, policy: email.policy.Policy) -> None:
    raw = message.as_bytes(policy=policy)
    theirs = email.message_from_bytes(raw, policy=email.policy.default)
    ours = parse_bytes(raw)
    body = theirs.get_body()  # type: ignore[attr-defined]
    assert ours.text.strip() == body.get_content().replace("\r\n", "\n").strip()
    assert [name for name, _ in ours.headers] == theirs.keys()
    assert [(each.name, each.email) for each in ours.to] == [
        (each.display_name, each.addr_spec) for each in theirs["To"].addresses
    ]
    assert (ours.subject, ours.date) == (theirs["Subject"], theirs["Date"].datetime.astimezone(UTC))


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "x-uuencode", "binary", "8bit", ""])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 57, 1000, 3_000_000])
def test_every_encoding_gives_the_bytes_back(encoding: str, size: int, tmp_path: Path) -> None:
    content = bytes(i * 7919 % 256 for i in range(min(size, 65_536))) * max(1, size // 65_536)
    content = content.replace(b"\n", b"n")
    if encoding == "base64":
        body = base64.encodebytes(content)
    elif encoding == "quoted-printable":
        hexadecimal = content.hex().upper()
        body = b"".join(b"=" + hexadecimal[i : i + 2].encode() for i in range(0, len(hexadecimal), 2))
        body = b"=\r\n".join(body[i : i + 75] for i in range(0, len(body), 75))
    elif encoding == "x-uuencode":
        import binascii

        lines = [binascii.b2a_uu(content[i : i + 45]) for i in range(0, len(content), 45)]
        body = b"begin 644 name\n" + b"".join(lines) + b"`\nend\n"
    else:
        body = content
    (tmp_path / "mail").write_bytes(one_part(b"application/octet-stream", body, encoding.encode()))
    (part,) = parse_file(tmp_path / "mail", tmp_path).attachments
    assert (tmp_path / "0").read_bytes() == content
    assert part.size == len(content)


ADDRESSES: dict[str, list[tuple[str, str]]] = {
    "a@b.example": [("", "a@b.example")],
    "<a@b.example>": [("", "a@b.example")],
    "Ann Lee <a@b.example>": [("Ann Lee", "a@b.example")],
    '"Lee, Ann" <a@b.example>, c@d.example': [("Lee, Ann", "a@b.example"), ("", "c@d.example")],
    '"Ann \\"A\\" Lee" <a@b.example>': [('Ann "A" Lee', "a@b.example")],
    "a@b.example (Ann (the) Lee)": [("Ann (the) Lee", "a@b.example")],
    "friends: a@b.example, C <c@d.example>;, e@f.example": [
        ("", "a@b.example"),
        ("C", "c@d.example"),
        ("", "e@f.example"),
    ],
    "undisclosed-recipients:;": [],
    "<@relay.example,@other.example:a@b.example>": [("", "a@b.example")],
    '"john doe"@b.example': [("", '"john doe"@b.example')],
    "a@[IPv6:2001:db8::1]": [("", "a@[IPv6:2001:db8::1]")],
    "=?utf-8?q?J=C3=B6rg?= <j@b.example>": [("Jörg", "j@b.example")],
    # Tricks: who is named is not who is written to.
    '"victim@bank.example" <evil@b.example>': [("victim@bank.example", "evil@b.example")],
    "victim@bank.example <evil@b.example>": [("victim@bank.example", "evil@b.example")],
    "=?utf-8?q?victim=40bank.example=2C?= <evil@b.example>": [("victim@bank.example,", "evil@b.example")],
    "=?utf-8?q?a=40b=3E=2C=3Cx=40y?= <evil@b.example>": [("a@b>,<x@y", "evil@b.example")],
    "<evil@b.example> <victim@bank.example>": [("", "evil@b.example")],
    "alice@example.org)bob@b.example": [("", "alice@example.org)bob@b.example")],
    "Just A Name": [("Just A Name", "")],
    "a b@c.example": [("a", "b@c.example")],
    "a@b.example;c@d.example": [("", "a@b.example"), ("", "c@d.example")],
    "": [],
    " , ,": [],
}


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_list_is_taken_apart(text: str) -> None:
    found, is_cut = parse_addresses(text, most=10)
    assert [(each.name, each.email) for each in found] == ADDRESSES[text]
    assert not is_cut


WORDS = {
    "plain": "plain",
    "=?utf-8?q?a_b=C3=BC?=": "a bü",
    "=?UTF-8?B?w7w=?=": "ü",
    "=?utf-8?q?a?= =?utf-8?q?b?=": "ab",
    "=?utf-8?q?a?= and =?utf-8?q?b?=": "a and b",
    "=?utf-8?b?w?= =?utf-8?b?7w=?=": "\ufffd",
    "=?utf-8?q?=C3?= =?utf-8?q?=BC?=": "ü",
    "=?iso-8859-1?q?=FC?= =?utf-8?q?=C3=BC?=": "üü",
    "=?utf-8*de?q?=C3=BC?=": "ü",
    "=?utf-8?q?a=0D=0ABcc:_x?=": "a Bcc: x",
    "=?utf-8?q?a=00b?=": "a\ufffdb",
    "=?utf-7?q?+ADw-?=": "+ADw-",
    "=?utf-8?x?a?=": "=?utf-8?x?a?=",
    "=?utf-8?q?no end": "=?utf-8?q?no end",
    "(=?utf-8?q?a?=)": "(a)",
    "=?iso-2022-jp?b?GyRCJDMbKEI=?=": "こ",
    "=?gb2312?b?xOO6ww==?=": "你好",
}


@pytest.mark.parametrize("text", WORDS)
def test_encoded_words_are_decoded(text: str) -> None:
    assert decode_words(text) == WORDS[text]


PARAMETERS = {
    'attachment; filename="a b.pdf"': "a b.pdf",
    "attachment; filename=a.pdf": "a.pdf",
    "attachment;filename=a b.pdf ; size=1": "a b.pdf",
    'attachment; filename="a\\"b.pdf"': 'a"b.pdf',
    'attachment; filename="a;b.pdf"': "a;b.pdf",
    "attachment; filename*=utf-8''%C3%BC.pdf": "ü.pdf",
    "attachment; filename*=iso-8859-1'de'%FC.pdf": "ü.pdf",
    "attachment; filename*0=a; filename*1=b.pdf": "ab.pdf",
    "attachment; filename*1=b.pdf; filename*0=a": "ab.pdf",
    "attachment; filename*0*=utf-8''%C3; filename*1*=%BC; filename*2=.pdf": "ü.pdf",
    "attachment; filename=plain.pdf; filename*=utf-8''%C3%BC.pdf": "ü.pdf",
    "attachment; filename=first.pdf; filename=second.pdf": "first.pdf",
    'attachment; filename="no end': "no end",
    "attachment; filename": "",
    "attachment; FILENAME=A.pdf": "A.pdf",
}


@pytest.mark.parametrize("text", PARAMETERS)
def test_parameters_are_read(text: str) -> None:
    assert parse_parameters(text).named.get("filename", "") == PARAMETERS[text]


NAMES = {
    "a.pdf": "a.pdf",
    "../../etc/passwd": "passwd",
    "C:\\Windows\\x.exe": "x.exe",
    "..": "",
    ".": "",
    "": "",
    " . ": "",
    ".bashrc": "bashrc",
    "con.txt": "_con.txt",
    "NUL": "_NUL",
    "console.txt": "console.txt",
    "a\r\nSet-Cookie: x": "a__Set-Cookie_ x",
    "photo\u202egpj.exe": "photogpj.exe",
    "a\u200bb.txt": "ab.txt",
    'a"b<c>d|e?f*.txt': "a_b_c_d_e_f_.txt",
    "%00.html": "%00.html",
    "x" * 4000 + ".pdf": "x" * 251 + ".pdf",
    "ü" * 200 + ".pdf": "ü" * 125 + ".pdf",
    "a." + "b" * 400: "a." + "b" * 253,
}


@pytest.mark.parametrize("claimed", NAMES, ids=range(len(NAMES)))
def test_a_file_name_is_only_a_label(claimed: str) -> None:
    assert safe_filename(claimed) == NAMES[claimed]
    assert len(safe_filename(claimed).encode()) <= 255


CHARSETS: dict[str, tuple[bytes, str, str]] = {
    "utf-8": ("ü".encode(), "ü", ""),
    "UTF8": ("ü".encode(), "ü", ""),
    '"utf-8"': ("ü".encode(), "ü", ""),
    "": (b"\xfc", "ü", ""),
    "us-ascii": ("ü".encode(), "ü", ""),
    "iso-8859-1": (b"\x93\xfc\x94", "“ü”", ""),
    "windows-1251": (b"\xcf", "П", ""),
    "koi8-r": (b"\xf0", "П", ""),
    "shift_jis": ("こ".encode("cp932"), "こ", ""),
    "gb2312": ("你".encode("gb18030"), "你", ""),
    "ks_c_5601-1987": ("한".encode("cp949"), "한", ""),
    "big5": ("你".encode("big5"), "你", ""),
    "utf-16le": ("ü".encode("utf-16-le"), "ü", ""),
    "macintosh": ("ü".encode("mac-roman"), "ü", ""),
    "UTF-8 ": (b"a\xff", "a\ufffd", "undecodable_bytes"),
    "utf-7": (b"+ADw-script+AD4-", "+ADw-script+AD4-", "unknown_charset"),
    "idna": (b"xn--a", "xn--a", "unknown_charset"),
    "unicode_escape": (b"\\u003c", "\\u003c", "unknown_charset"),
    "zlib": (b"x", "x", "unknown_charset"),
    "x\0": (b"\xfc", "ü", "unknown_charset"),
}


@pytest.mark.parametrize("label", CHARSETS)
def test_only_the_charsets_of_the_web_are_decoded(label: str) -> None:
    raw, text, defect = CHARSETS[label]
    assert decode_bytes(raw, label) == (text, defect)


DATES = {
    "Sat, 21 Nov 2026 08:00:00 +0100": datetime(2026, 11, 21, 7, tzinfo=UTC),
    "21 Nov 2026 08:00 GMT": datetime(2026, 11, 21, 8, tzinfo=UTC),
    "Sat, 21 Nov 26 08:00:00 EST": datetime(2026, 11, 21, 13, tzinfo=UTC),
    "Sat, 21 Nov 1998 08:00:00 -0000 (comment)": datetime(1998, 11, 21, 8, tzinfo=UTC),
    "Sat, 21 Nov 98 08:00:60 Z": datetime(1998, 11, 21, 8, 0, 59, tzinfo=UTC),
    "Sat, 30 Feb 2026 08:00:00 +0000": None,
    "Sat, 21 Xxx 2026 08:00:00 +0000": None,
    "Sat, 21 Nov 2026 25:00:00 +0000": None,
    "Mon, 1 Jan 0001 00:00:00 +2359": None,
    "tomorrow": None,
    "": None,
}


@pytest.mark.parametrize("text", DATES)
def test_a_date_is_a_moment_or_nothing(text: str) -> None:
    assert parse_date(text) == DATES[text]


def test_only_the_last_hundred_references_are_kept_each_once() -> None:
    found = message_ids([" ".join(f"<{n}@x>" for n in range(150)) + " <149@x> junk"])
    assert (len(found), found[0], found[-1]) == (100, "<50@x>", "<149@x>")


def test_a_bracketed_message_id_of_exchange_is_kept() -> None:
    assert parse_bytes(head(b"Message-ID: <[x@microsoft.com]>")).message_id_header == "<[x@microsoft.com]>"


PARTIAL = {
    "too many headers": (head(*[b"X: y"] * 1100), "too_many_headers"),
    "headers too long": (head(*[b"X: " + b"y" * 60_000] * 6), "headers_too_long"),
    "one header too long": (head(b"X: " + b"y" * 70_000), "header_too_long"),
    "too deep": (nested(40), "nested_too_deeply"),
    "too many parts": (multipart(*[b"\r\nx"] * 1100), "too_many_parts"),
    "too many addresses": (head(b"To: " + b"a@b.example, " * 600), "too_many_addresses"),
    "too long a text": (one_part(b"text/plain", b"x" * 3_000_000), "text_too_long"),
    "no boundary": (one_part(b"multipart/mixed", b"text"), "boundary_missing"),
    "no parts": (one_part(b"multipart/mixed; boundary=x", b"text"), "parts_missing"),
    "unknown encoding": (one_part(b"text/plain", b"text", b"rot26"), "unknown_transfer_encoding"),
}


@pytest.mark.parametrize(("raw", "defect"), PARTIAL.values(), ids=PARTIAL)
def test_what_had_to_be_left_out_is_said(raw: bytes, defect: str) -> None:
    parsed = parse_bytes(raw)
    assert parsed.status == "partial"
    assert defect in parsed.defects
    assert parsed.from_ == Address("Ann", "ann@example.org")


def test_the_body_is_found_behind_too_many_headers() -> None:
    assert parse_bytes(head(*[b"X: y"] * 1100)).text.strip() == "body"


def test_five_hundred_addresses_are_kept() -> None:
    parsed = parse_bytes(head(b"To: " + b"a@b.example, " * 300, b"Cc: " + b"c@d.example, " * 300))
    assert (len(parsed.to), len(parsed.cc)) == (300, 200)


def test_an_outer_delimiter_ends_an_inner_multipart() -> None:
    inner = b"Content-Type: multipart/alternative; boundary=in\r\n\r\n--in\r\n\r\ninner"
    parsed = parse_bytes(multipart(inner, b"Content-Disposition: attachment; filename=a.bin\r\n\r\nouter"))
    assert (parsed.text, parsed.attachments[0].filename, parsed.status) == ("inner", "a.bin", "ok")
    assert "multipart_not_closed" in parsed.defects


def test_a_forwarded_message_is_a_file_and_not_opened() -> None:
    raw = multipart(b"\r\nsee below", b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\n<p>inner</p>")
    parsed = parse_bytes(raw)
    assert (parsed.text, parsed.html) == ("see below", "")
    assert [each.content_type for each in parsed.attachments] == ["message/rfc822"]


def test_a_text_attachment_is_not_the_body() -> None:
    parsed = parse_bytes(
        multipart(
            b"Content-Type: text/plain\r\n\r\nbody",
            b"Content-Type: text/plain\r\nContent-Disposition: attachment; filename=notes.txt\r\n\r\nnotes",
            b'Content-Type: text/html; name="page.html"\r\n\r\n<p>page</p>',
        )
    )
    assert (parsed.text, parsed.html) == ("body", "")
    assert [each.filename for each in parsed.attachments] == ["notes.txt", "page.html"]


def test_text_behind_an_image_and_a_lists_footer_belong_to_the_body() -> None:
    parsed = parse_bytes(multipart(b"\r\nabove", b"Content-Type: image/png\r\n\r\npng", b"\r\nbelow"))
    assert (parsed.text, len(parsed.attachments)) == ("above\nbelow", 1)


def test_an_inline_image_keeps_its_content_id() -> None:
    parsed = parse_bytes(multipart(b"\r\nx", b"Content-Type: image/png\r\nContent-ID: <logo@x>\r\n\r\npng"))
    (image,) = parsed.attachments
    assert (image.content_id, image.is_inline) == ("logo@x", True)


def test_a_name_in_an_encoded_word_is_read() -> None:
    parsed = parse_bytes(multipart(b'Content-Type: image/png; name="=?utf-8?q?=C3=BC=2Epng?="\r\n\r\npng'))
    assert parsed.attachments[0].filename == "ü.png"


def test_headers_that_ses_writes_may_be_forged_and_come_out_as_plain_headers() -> None:
    parsed = parse_bytes(head(b"X-SES-Virus-Verdict: PASS", b"Authentication-Results: amazonses.com; dkim=pass"))
    assert ("X-SES-Virus-Verdict", "PASS") in parsed.headers
