"""Attachments of strangers are disarmed at every door (T44): saved, never shown, under a harmless name and type."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import Message
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from domains.models import Domain
from domains.registration import register_domain
from domains.verification import check_domain
from inbound.models import InboundMessage

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = {
    "a path": "../../etc/passwd",
    "a path of Windows": "C:\\Windows\\system32\\cmd.exe",
    "a share": "\\\\evil.test\\share\\x.lnk",
    "an encoded path": "..%2f..%2fetc%2fpasswd",
    "a NUL": "invoice.pdf\0.exe",
    "an encoded NUL": "invoice.pdf%00.exe",
    "the other direction": "invoice\u202efdp.exe",
    "isolates": "\u2066\u2069invoice\u200b.pdf",
    "four kilobytes": "x" * 4000 + ".pdf",
    "nothing": "",
    "a dot": ".",
    "two dots": "..",
    "a device": "CON",
    "a device with an extension": "aux.txt",
    "line breaks": "a\r\nSet-Cookie: x=y\r\n.txt",
    "quotes": 'a"; filename="b.html',
    "markup": "<img src=x onerror=alert(1)>.png",
    "controls": "".join(map(chr, range(1, 32))) + "\x7f.txt",
    "blanks": "   .pdf   ",
    "a stream of NTFS": "x.txt::$DATA",
    "other scripts": "Rechnung für Ивана 小包.pdf",
    "a dot file": ".htaccess",
}
# claimed type -> what a browser is told
TYPES = {
    "text/html": "application/octet-stream",
    "TEXT/HTML": "application/octet-stream",
    "text/html ; charset=utf-7": "application/octet-stream",
    "application/xhtml+xml": "application/octet-stream",
    "image/svg+xml": "application/octet-stream",
    "text/xml": "application/octet-stream",
    "application/javascript": "application/octet-stream",
    "text/css": "application/octet-stream",
    "application/x-shockwave-flash": "application/octet-stream",
    "application/x-msdownload": "application/octet-stream",
    # What is no type at all, or has no parts, is taken for text (RFC 2045 section 5.2).
    "multipart/x-mixed-replace": "text/plain",
    "*/*": "text/plain",
    "image/png": "image/png",
    "application/pdf": "application/pdf",
}
BYTES = b"<script>alert(1)</script>"


def mail() -> bytes:
    """One part a name, and one a type, as a sender may write them without minding any rule."""
    parts = []
    for name in NAMES.values():
        quoted = "".join(f"%{byte:02X}" for byte in name.encode())
        parts.append(f"Content-Type: text/html\r\nContent-Disposition: attachment; filename*=utf-8''{quoted}\r\n\r\n")
    for number, kind in enumerate(TYPES):
        parts.append(f"Content-Type: {kind}\r\nContent-Disposition: attachment; filename={number}.html\r\n\r\n")
    head = 'From: a@b.test\r\nSubject: s\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    return (head + "".join(f"--b\r\n{part}{BYTES.decode()}\r\n" for part in parts) + "--b--\r\n").encode()


@pytest.fixture
def message(
    installation: Any, acme: Organization, publish: Callable[[Domain], None], take_in_mail: Callable[[], int]
) -> InboundMessage:
    publish(register_domain(organization=acme, name="shop.example", actor="test", now=timezone.now()))
    assert check_domain(domain=Domain.objects.get(), actor="test", now=timezone.now()).status == "active"
    given = {"from": "sam@elsewhere.example", "to": ["help@shop.example"], "raw": mail().decode()}
    installation.control("POST", "/_sandbox/mail", given)
    take_in_mail()
    return InboundMessage.objects.get()


def saved_as(disposition: str) -> str:
    """The name that a browser saves under (RFC 6266): the extended parameter wins."""
    assert disposition.startswith("attachment"), disposition
    extended = re.search(r"filename\*=utf-8''([^;]+)$", disposition, re.I)
    if extended:
        return unquote(extended[1], errors="strict")
    header = Message()
    header["Content-Disposition"] = disposition
    return header.get_filename("")


def test_every_attachment_is_disarmed_at_both_doors(
    client: Client, owner: User, acme_key: str, message: InboundMessage
) -> None:
    client.force_login(owner)
    attachments = list(message.attachments.order_by("position"))
    assert len(attachments) == len(NAMES) + len(TYPES)
    expected = ["application/octet-stream"] * len(NAMES) + list(TYPES.values())
    bearer = {"Authorization": f"Bearer {acme_key}"}
    for attachment, content_type in zip(attachments, expected, strict=True):
        assert attachment.key == f"mail/{message.organization.public_id}/{message.ses_message_id}/{attachment.position}"
        page = client.get(reverse("dashboard:attachment", args=[message.public_id, attachment.public_id]))
        api = client.get(f"/api/email/messages/{message.public_id}/attachments/{attachment.public_id}", headers=bearer)
        for answer in (page, api):
            assert answer.status_code == 200
            assert answer["Content-Type"] == content_type, attachment.content_type
            assert answer["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in answer["Content-Security-Policy"]
            assert "default-src 'none'" in answer["Content-Security-Policy"]
            assert b"".join(answer.streaming_content) == BYTES
            name = saved_as(answer["Content-Disposition"])
            assert name
            assert len(name.encode()) <= 255
            assert not re.search(r"[/\\\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", name), ascii(name)
            assert name not in (".", "..")


def test_the_list_of_attachments_is_text_only(client: Client, owner: User, message: InboundMessage) -> None:
    client.force_login(owner)
    page = client.get(reverse("dashboard:message", args=[message.public_id])).content.decode()
    assert "<img src=x" not in page
    assert page.count(" download>") == len(NAMES) + len(TYPES) + 1
