"""One clause of one header names an envelope recipient: it is read, or dropped, and nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbound.received import recipient_of_received, without_foreign_recipient

ID = b"o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1"


def mail(clause: bytes = b" for bob@example.com", *, helo: bytes = b"mail.example.org", below: bytes = b"") -> bytes:
    return (
        b"Return-Path: <ann@example.org>\r\n"
        b"Received: from " + helo + b" (mail.example.org [192.0.2.1])\r\n"
        b" by inbound-smtp.eu-west-1.amazonaws.com with SMTP id " + ID + b"\r\n" * bool(clause) + clause + b";\r\n"
        b" Sat, 21 Nov 2026 07:00:00 +0000 (UTC)\r\n"
        b"X-SES-Spam-Verdict: PASS\r\n" + below + b"Subject: for eve@example.com;\r\n\r\nbody for x@y;\r\n"
    )


@pytest.mark.parametrize(
    ("clause", "recipient"),
    [
        (b" for bob@example.com", "bob@example.com"),
        (b" for <bob@example.com>", "bob@example.com"),
        (b"\tfor   Bob+x@Example.com ", "Bob+x@Example.com"),
        (b' for "a b;c"@example.com', '"a b;c"@example.com'),
        (b"", None),
    ],
)
def test_the_recipient_of_ses_is_read(clause: bytes, recipient: str | None) -> None:
    assert recipient_of_received(mail(clause)) == recipient


def test_only_the_clause_goes() -> None:
    raw = mail(b" for bob@example.com")
    assert without_foreign_recipient(raw, {"carol@example.com"}) == raw.replace(b"\r\n for bob@example.com", b"", 1)


def test_ones_own_recipient_stays_whatever_its_case() -> None:
    raw = mail(b" for Bob@Example.com")
    assert without_foreign_recipient(raw, {"bob@example.com"}) == raw


OTHERS = {
    "no header": b"\r\nbody",
    "nothing": b"",
    "another server on top": b"Received: from a by mx.example.net with ESMTP id x for bob@example.com; Sat\r\n\r\n",
    "SES not on top": b"Received: from a by b; Sat\r\n" + mail(),
    "in the body": b"Subject: x\r\n\r\n" + mail(),
    "two clauses after SES": mail(b" for a@b; for bob@example.com"),
    "a look-alike host": mail().replace(b"amazonaws.com with", b"amazonaws.com.evil.org with"),
}


@pytest.mark.parametrize("raw", OTHERS.values(), ids=OTHERS)
def test_any_other_header_is_nobodys_word_and_stays(raw: bytes) -> None:
    assert recipient_of_received(raw) is None
    assert without_foreign_recipient(raw, set()) == raw


@pytest.mark.parametrize(
    "helo",
    [
        b"for",
        b"x for victim@example.com;",
        b"x by inbound-smtp.eu-west-1.amazonaws.com with SMTP id 1 for victim@example.com",
        b"x by inbound-smtp.eu-west-1.amazonaws.com with SMTP id 1 for victim@example.com; Sat",
    ],
)
def test_a_sender_cannot_write_the_clause_into_its_own_name(helo: bytes) -> None:
    assert recipient_of_received(mail(helo=helo)) == "bob@example.com"
    assert recipient_of_received(mail(b"", helo=helo)) is None


def test_a_received_header_further_down_stays() -> None:
    below = b"Received: from a by inbound-smtp.eu-west-1.amazonaws.com with SMTP id x for eve@example.com; Sat\r\n"
    assert recipient_of_received(mail(b"", below=below)) is None
    assert below in without_foreign_recipient(mail(below=below), set())


@given(st.binary(max_size=300))
def test_bytes_in_the_body_never_change(body: bytes) -> None:
    cleaned = without_foreign_recipient(mail() + body, set())
    assert cleaned == mail(b"") + body
