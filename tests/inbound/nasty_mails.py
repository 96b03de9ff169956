"""Mails made to break a parser: name -> raw bytes. Each kind is one that has crashed, hung or bloated some parser."""

from __future__ import annotations

import base64
from collections.abc import Callable

BODY = b"\r\n\r\nbody\r\n"


def head(*lines: bytes) -> bytes:
    return b"\r\n".join((b"From: Ann <ann@example.org>", *lines)) + BODY


def one_part(content_type: bytes, body: bytes, encoding: bytes = b"7bit") -> bytes:
    return (
        b"From: Ann <ann@example.org>\r\nSubject: here\r\nContent-Type: "
        + content_type
        + b"\r\nContent-Transfer-Encoding: "
        + encoding
        + b"\r\n\r\n"
        + body
    )


def multipart(*parts: bytes, boundary: bytes = b"b", close: bool = True) -> bytes:
    opening = b'From: Ann <ann@example.org>\r\nSubject: here\r\nContent-Type: multipart/mixed; boundary="' + boundary
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return opening + b'"\r\n\r\n' + body + (b"--" + boundary + b"--\r\n" if close else b"")


def nested(depth: int, *, boundary: Callable[[int], bytes] = lambda level: b"b%d" % level) -> bytes:
    raw = b"From: Ann <ann@example.org>\r\n"
    for level in range(depth):
        raw += b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n--%s\r\n" % (boundary(level), boundary(level))
    return raw + b"Content-Type: text/plain\r\n\r\ndeep\r\n"


def nested_messages(depth: int) -> bytes:
    return (
        b"From: Ann <ann@example.org>\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * depth + b"Subject: in\r\n\r\nx"
    )


# Ten to a hundred bytes are enough for these.
SMALL: dict[str, bytes] = {
    "one byte": b"x",
    "one line break": b"\n",
    "only line breaks": b"\r\n" * 50,
    "a NUL": b"\0",
    "a colon": b":\n\n",
    "a header without end": b"Subject: x",
    "no header": b"just text\nand more\n",
    "a mbox line": b"From ann@example.org Sat Nov 21\nSubject: x\n\nbody",
    "an open quote": head(b'To: "'),
    "an open angle": head(b"To: <"),
    "a comment for a name": head(b"To: (c):"),
    "an open comment": head(b"To: (((("),
    "only commas": head(b"To: ,,,,"),
    "a group without end": head(b"To: friends:a@b,"),
    "a domain literal without end": head(b"To: a@[1.2.3"),
    "a message id in brackets": head(b"Message-ID: <[x@microsoft.com]>"),
    "a message id of nothing": head(b"Message-ID: <>"),
    "a message id with a comma": head(b"Message-ID: <a,b@[x>"),
    "a starred parameter without value": one_part(b"text/plain; name*", b"x"),
    "a starred parameter without charset": one_part(b"text/plain; name*=x", b"x"),
    "sections without the first": one_part(b"text/plain; name*7=x; name*9*=%", b"x"),
    "a section number of a thousand digits": one_part(b"text/plain; name*" + b"9" * 1000 + b"=x", b"x"),
    "an encoded line break": head(b"From: =?UTF-8?Q?=0AMy?= <a@b>"),
    "an encoded NUL": head(b"Subject: =?utf-8?q?a=00b?="),
    "an encoded lone surrogate": head(b"Subject: =?utf-8?b?7aCA?= =?utf-16?b?2AA=?="),
    "an encoded word of a strange charset": head(b"Subject: =?zlib?b?eJw=?= =?idna?q?xn--=FF?= =?utf-7?q?+ADw-?="),
    "half an encoded word": head(b"Subject: =?utf-8?b?"),
    "base64 of one letter": head(b"Subject: =?utf-8?b?A?="),
    "an unknown charset": one_part(b"text/plain; charset=x-unknown", b"\xff\xfe"),
    "a charset with NUL": one_part(b'text/plain; charset="utf-8\0"', b"x"),
    "charset idna": one_part(b"text/plain; charset=idna", b"xn--\xff" * 20),
    "charset punycode": one_part(b"text/plain; charset=punycode", b"a-" + b"9" * 500),
    "charset utf-7": one_part(b"text/plain; charset=utf-7", b"+ADw-script+AD4-"),
    "charset unicode_escape": one_part(b"text/plain; charset=unicode_escape", b"\\ud800\\x00"),
    "charset rot13": one_part(b"text/plain; charset=rot13", b"x"),
    "charset hex": one_part(b"text/plain; charset=hex", b"zz"),
    "charset undefined": one_part(b"text/plain; charset=undefined", b"x"),
    "charset as a path": one_part(b'text/plain; charset="../../etc/passwd"', b"x"),
    "surrogates in UTF-8": one_part(b"text/plain; charset=utf-8", b"\xed\xa0\x80 \xed\xbf\xbf \xf4\x90\x80\x80"),
    "surrogates in UTF-16": one_part(b"text/plain; charset=utf-16le", b"\x00\xd8\x00\x00a"),
    "NUL in the text": one_part(b"text/plain", b"a\0b"),
    "raw bytes in the headers": head(b"Subject: \xff\xfe\x00", b"To: \xf0\x28 <\xff@x>"),
    "a multipart without boundary": one_part(b"multipart/mixed", b"--\r\n\r\nx\r\n----"),
    "a multipart with an empty boundary": one_part(b'multipart/mixed; boundary=""', b"--\r\n\r\nx\r\n----"),
    "a multipart of nothing": one_part(b"multipart/mixed; boundary=x", b""),
    "a multipart of only an end": one_part(b"multipart/mixed; boundary=x", b"--x--\r\n"),
    "a multipart of only beginnings": one_part(b"multipart/mixed; boundary=x", b"--x\r\n--x\r\n--x"),
    "a multipart in base64": one_part(b"multipart/mixed; boundary=x", b"LS14", b"base64"),
    "bad base64": one_part(b"application/pdf", b"A=B=C====\xff!", b"base64"),
    "bad quoted-printable": one_part(b"text/plain", b"=\r\n=X=4=\n==", b"quoted-printable"),
    "uuencode without begin": one_part(b"text/plain", b"M!!!\nend\n", b"x-uuencode"),
    "bad uuencode": one_part(b"text/plain", b"begin 644 x\nM!!\n\xff\n#zzzzzzzz\n", b"x-uuencode"),
    "an unknown encoding": one_part(b"text/plain", b"x", b"x-rot26"),
    "year 0": head(b"Date: Sat, 1 Jan 0000 00:00:00 +0000"),
    "year 99999": head(b"Date: Sat, 1 Jan 99999 00:00:00 +0000"),
    "an endless time zone": head(b"Date: Sat, 1 Jan 2000 00:00:00 +9999"),
    "day 99": head(b"Date: Sat, 99 Jan 2000 99:99:99 +0000"),
    "a date of digits": head(b"Date: " + b"9" * 60_000),
    "a media type of slashes": one_part(b"//////", b"x"),
    "a media type with line breaks": one_part(b"text/\r\n plain;\r\n\tcharset=utf-8", b"x"),
    "delivery status": one_part(b"message/delivery-status", b"a\n\n\nb"),
    "a partial message": one_part(b"message/partial; number=1; total=2", b"x"),
    "external body": one_part(b"message/external-body; access-type=local-file; name=/etc/passwd", b"x"),
    "an attachment called ..": multipart(b"Content-Disposition: attachment; filename=..\r\n\r\nx"),
}

# Work that grows with the square of its size in careless parsers; `n` is about the size in bytes.
GROWING: dict[str, Callable[[int], bytes]] = {
    "addresses": lambda n: head(b"To: " + b"a@b.example, " * (n // 13)),
    "addresses in one group": lambda n: head(b"To: g:" + b"a@b," * (n // 4) + b";"),
    "open comments": lambda n: head(b"To: " + b"(" * n),
    "open quotes": lambda n: head(b"To: " + b'"a' * (n // 2)),
    "open angles": lambda n: head(b"To: " + b"<a" * (n // 2)),
    "backslashes": lambda n: head(b'To: "' + b"\\" * n),
    "colons": lambda n: head(b"To: " + b"a:" * (n // 2)),
    "spaces": lambda n: head(b"Subject: a" + b" " * n + b"b", b"To: a" + b" " * n + b"b"),
    "encoded words": lambda n: head(b"Subject: " + b"=?utf-8?q?a?= " * (n // 14)),
    "beginnings of encoded words": lambda n: head(b"Subject: " + b"=?a?q?" * (n // 6)),
    "one encoded word": lambda n: head(b"Subject: =?utf-8?b?" + b"QUJD" * (n // 4) + b"?="),
    "parameters": lambda n: one_part(b"text/plain" + b"; a=b" * (n // 5), b"x"),
    "different parameters": lambda n: one_part(b"".join(b"; a%d=b" % i for i in range(n // 10)), b"x"),
    "sections": lambda n: one_part(b"text/plain" + b"".join(b"; name*%d=a" % i for i in range(n // 12)), b"x"),
    "semicolons": lambda n: one_part(b"text/plain" + b";" * n, b"x"),
    "quotes in parameters": lambda n: one_part(b"text/plain; a=" + b'"\\' * (n // 2), b"x"),
    "references": lambda n: head(b"References: " + b"<a@b> " * (n // 6)),
    "open references": lambda n: head(b"References: " + b"<a" * (n // 2)),
    "headers": lambda n: head(*[b"X: y"] * (n // 6)),
    "empty header names": lambda n: head(*[b": y"] * (n // 5)),
    "one header": lambda n: head(b"X-Long: " + b"y" * n),
    "one header, folded": lambda n: head(b"X-Long: " + b"y\r\n " * (n // 4)),
    "one header name": lambda n: head(b"X" * n + b": y"),
    "one line without a colon": lambda n: b"x" * n,
    "lone CRs": lambda n: one_part(b"text/plain", b"\r" * n),
    "lone CRs in the header": lambda n: b"\r" * n + b"\n\nx",
    "line feeds": lambda n: one_part(b"multipart/mixed; boundary=x", b"\n" * n),
    "tiny parts": lambda n: multipart(*[b"\r\nx"] * (n // 10)),
    "parts without end": lambda n: multipart(*[b"\r\nx"] * (n // 10), close=False),
    "delimiters of nobody": lambda n: multipart(b"\r\n" + b"\n--c" * (n // 4)),
    "dashes": lambda n: multipart(b"\r\n" + b"-" * n, boundary=b"-" * 60),
    "lines of dashes": lambda n: multipart(b"\r\n" + b"\n----" * (n // 5), boundary=b"--"),
    "depth": lambda n: nested(n // 45),
    "depth with one boundary": lambda n: nested(n // 45, boundary=lambda _: b"same"),
    "nested messages": lambda n: nested_messages(n // 32),
    "part headers that may go on": lambda n: multipart(
        *[b"a:b\n" + b"z\n" * 20 + b"a:\n" * 2650 + b"to:\n"] * max(1, n // 8000)
    ),
    "headers that may go on": lambda n: b"From: x\n" + b"z\nTo: y\n" * (n // 8) + b"\nx",
    "part headers": lambda n: multipart(b"X: y\r\n" * (n // 6) + b"\r\nx"),
    "part headers without end": lambda n: multipart(b"X: y\r\n" * (n // 6)),
    "base64 of one line": lambda n: one_part(b"application/pdf", b"QUJD" * (n // 4), b"base64"),
    "base64 of padding": lambda n: one_part(b"application/pdf", b"QQ==\n" * (n // 5), b"base64"),
    "quoted-printable of one line": lambda n: one_part(b"text/plain", b"=41" * (n // 3), b"quoted-printable"),
    "soft line breaks": lambda n: one_part(b"text/plain", b"=\n" * (n // 2), b"quoted-printable"),
    "uuencode of one line": lambda n: one_part(b"text/plain", b"begin 644 x\n" + b"M" * n, b"x-uuencode"),
    "UTF-16 of astral planes": lambda n: one_part(b"text/html; charset=utf-16be", b"\xd8\x3c\xdf\x89" * (n // 4)),
    "ISO-2022-JP escapes": lambda n: one_part(b"text/plain; charset=iso-2022-jp", b"\x1b$B" * (n // 3)),
    "NULs": lambda n: one_part(b"text/plain", b"\0" * n),
    "random bytes": lambda n: base64.b85encode(bytes(i * 7919 % 251 for i in range(n // 2))),
    "file names": lambda n: multipart(
        b'Content-Disposition: attachment; filename="' + b"../" * (n // 3) + b'"\r\n\r\nx'
    ),
}
