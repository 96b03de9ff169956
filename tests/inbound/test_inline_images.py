"""Images that are parts of a mail are shown from our own store: by type of their bytes, bounded, requesting nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from aws.mail_store import delete_object, ensure_bucket, put_file
from domains.models import Domain
from domains.registration import register_domain
from domains.verification import check_domain
from inbound import inline_images as images
from inbound.display import MAX_INLINE_CHARACTERS, frame_document, inline_ids, sanitise_html
from inbound.inline_images import image_type, inline_images
from inbound.models import Attachment, InboundMessage
from tests.dashboard.rows import make_domain, make_message
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
STORE = {"region": "us-east-1", "bucket": "postern-tests"}
Keep = Callable[..., InboundMessage]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"GIF87a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVE", ""),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", ""),
        (b"<!doctype html>", ""),
        (b"BM", ""),
        (b"", ""),
    ],
    ids=range(10),
)
def test_the_type_is_that_of_the_bytes(content: bytes, kind: str) -> None:
    assert image_type(content) == kind


@pytest.fixture
def keep(sandbox: SandboxProcess, acme: Organization, tmp_path: Path) -> Keep:
    """A message with this HTML and these parts by content id, their bytes in S3."""
    ensure_bucket(**STORE, prefix="incoming/")
    domain = make_domain(acme, status="active")

    def make(html: str, parts: dict[str, bytes], **fields: object) -> InboundMessage:
        message = make_message(domain, InboundMessage.objects.count(), html=html, **STORE, **fields)
        for position, (content_id, content) in enumerate(parts.items()):
            (tmp_path / "part").write_bytes(content)
            key = f"mail/test/{message.pk}/{position}"
            put_file(**STORE, key=key, path=tmp_path / "part")
            Attachment.objects.create(
                message=message,
                position=position,
                content_type="text/html",
                content_id=content_id,
                is_inline=True,
                size=len(content),
                sha256="0" * 64,
                key=key,
            )
        return message

    return make


def address(content: bytes) -> str:
    return f"data:image/png;base64,{b64encode(content).decode()}"


def test_a_part_is_found_by_its_id_however_the_address_writes_it(keep: Keep) -> None:
    html = "<img src='cid:logo%40x'><img src='CID:a&amp;b'><img src='cid:missing'><img src='cid:LOGO@x'>"
    message = keep(html, {"logo@x": PNG, "a&b": PNG + b"2", "unused": PNG})
    assert inline_ids(sanitise_html(html)) == ["logo@x", "a&b", "missing", "LOGO@x"]
    assert inline_images(message) == {"logo@x": address(PNG), "a&b": address(PNG + b"2")}
    document = frame_document(html, inline=inline_images(message))
    assert document.count(' src="data:image/png;base64,') == 2
    assert 'data-cid="missing"' in document


def test_what_is_no_image_is_not_shown(keep: Keep) -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
    message = keep("<img src=cid:a><img src=cid:b>", {"a": svg, "b": b"<script>alert(1)</script>"})
    assert inline_images(message) == {}


@pytest.mark.parametrize("verdict", ["FAIL", "GRAY"])
def test_nothing_of_a_mail_that_may_hold_a_virus_is_shown(keep: Keep, verdict: str) -> None:
    assert inline_images(keep("<img src=cid:a>", {"a": PNG}, virus_verdict=verdict)) == {}


def test_a_part_that_is_gone_is_left_out(keep: Keep) -> None:
    message = keep("<img src=cid:a><img src=cid:b>", {"a": PNG, "b": PNG})
    delete_object(**STORE, key=message.attachments.get(content_id="a").key)
    assert list(inline_images(message)) == ["b"]


@pytest.mark.parametrize("operation", ["HeadObject", "GetObject"])
def test_while_the_store_is_away_the_mail_is_shown_without_them(
    keep: Keep, sandbox: SandboxProcess, client: Client, owner: User, operation: str
) -> None:
    message = keep("<p>Hello</p><img src=cid:a>", {"a": PNG})
    sandbox.control("POST", "/_sandbox/faults", {"operation": operation, "kind": "error", "status": 503, "times": 50})
    client.force_login(owner)
    url = reverse("dashboard:message_frame", args=[message.public_id])
    page = client.get(url, {"images": "inline"}).content.decode()
    assert "<p>Hello</p>" in page
    assert 'data-cid="a"' in page


def test_what_is_too_much_stays_out(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_IMAGE_BYTES", 100)
    monkeypatch.setattr(images, "MAX_BYTES", 130)
    parts = {"big": PNG * 4, "one": PNG * 3, "two": PNG * 2, "three": PNG}
    message = keep("".join(f"<img src=cid:{name}>" for name in parts), parts)
    assert list(inline_images(message)) == ["one", "three"]
    monkeypatch.setattr(images, "MAX_IMAGES", 1)
    assert list(inline_images(message)) == ["one"]


def test_an_image_shown_ten_thousand_times_does_not_fill_the_memory() -> None:
    document = frame_document("<img src=cid:a>" * 10_000, inline={"a": "data:image/png;base64," + "A" * 100_000})
    assert len(document) < MAX_INLINE_CHARACTERS + 1_000_000
    assert "data:image/png" in document


def test_only_a_deliberate_click_shows_them_and_loads_nothing_remote(keep: Keep, client: Client, owner: User) -> None:
    message = keep("<img src=cid:a><img src='https://tracker.example/x.gif'>", {"a": PNG})
    client.force_login(owner)
    url = reverse("dashboard:message_frame", args=[message.public_id])
    assert " src=" not in client.get(url).content.decode()
    shown = client.get(url, {"images": "inline"})
    assert f' src="{address(PNG)}"' in shown.content.decode()
    assert ' src="https' not in shown.content.decode()
    assert "img-src data:;" in shown["Content-Security-Policy"]
    all_of_them = client.get(url, {"images": "1"}).content.decode()
    assert ' src="https://tracker.example/x.gif"' in all_of_them
    assert f' src="{address(PNG)}"' in all_of_them


def links(client: Client, message: InboundMessage, query: str = "") -> list[str]:
    page = client.get(reverse("dashboard:message", args=[message.public_id]) + query).content.decode()
    words = ("Show images</a>", "Hide images</a>", "Load those of the sender too</a>", "Show images from the sender")
    return [word.removesuffix("</a>") for word in words if word in page]


def test_the_page_offers_what_the_mail_has(keep: Keep, client: Client, owner: User) -> None:
    client.force_login(owner)
    own, remote = "<img src=cid:a>", "<img src='https://tracker.example/x.gif'>"
    assert links(client, keep("<p>x</p>", {"a": PNG})) == []
    assert links(client, keep(own, {"b": PNG})) == []
    assert links(client, keep(own, {"a": PNG})) == ["Show images"]
    assert links(client, keep(remote, {})) == ["Show images from the sender"]
    both = keep(own + remote, {"a": PNG})
    assert links(client, both) == ["Show images", "Load those of the sender too"]
    assert links(client, both, "?images=inline") == ["Hide images", "Load those of the sender too"]
    assert links(client, both, "?images=1") == ["Hide images"]


def test_an_image_that_came_by_smtp_is_shown(
    acme: Organization,
    client: Client,
    owner: User,
    installation: SandboxProcess,
    take_in_mail: Callable[[], int],
    publish: Callable[[Domain], None],
) -> None:
    publish(register_domain(organization=acme, name="shop.example", actor="test", now=timezone.now()))
    assert check_domain(domain=Domain.objects.get(), actor="test", now=timezone.now()).status == "active"
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "sam@elsewhere.example", "help@shop.example", "Logo"
    mail.set_content("See the HTML.")
    mail.add_alternative("<p>Hi</p><img src='cid:logo@x'>", subtype="html")
    mail.get_payload()[1].add_related(PNG, "image", "png", cid="<logo@x>")  # type: ignore[union-attr, index]
    given = {"from": "sam@elsewhere.example", "to": ["help@shop.example"], "raw": mail.as_string()}
    installation.control("POST", "/_sandbox/mail", given)
    take_in_mail()
    client.force_login(owner)
    url = reverse("dashboard:message_frame", args=[InboundMessage.objects.get().public_id])
    assert f' src="{address(PNG)}"' in client.get(url, {"images": "inline"}).content.decode()
