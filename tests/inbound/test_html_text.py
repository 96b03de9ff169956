"""A mail that has only HTML has a text: readable, without what is not shown, and within bounds."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Organization, User
from domains.models import Domain
from domains.registration import register_domain
from domains.verification import check_domain
from inbound.html_text import MAX_TEXT_CHARACTERS, text_of_html
from inbound.models import InboundMessage
from inbound.parsing import parse_in_child
from inbound.searching import search
from tests.sandbox_process import SandboxProcess

SAID = [
    ("<p>Hello</p>", "Hello"),
    ("Hello", "Hello"),
    ("", ""),
    ("<p>Caf&eacute; &amp; B&#252;cher &lt;b&gt; &#x1F389; &nbsp;5&euro;</p>", "Café & Bücher <b> 🎉 5€"),
    ("<p>One</p><p>Two</p>", "One\n\nTwo"),
    ("One<br>Two<br/>Three", "One\nTwo\nThree"),
    ("<div>One</div>\n<div>Two</div>", "One\nTwo"),
    ("<ul><li>One</li>\n <li>Two</li></ul>", "- One\n- Two"),
    ("<table><tr><td>Total</td><td>5 €</td></tr><tr><td>Tax</td><td>1 €</td></tr></table>", "Total 5 €\nTax 1 €"),
    ("many   blanks\n\n and\tlines", "many blanks and lines"),
    ("<b>wo</b>rd", "word"),
    ("<a href='https://shop.example/o?a=1&amp;b=2'>Your order</a>.", "Your order (https://shop.example/o?a=1&b=2)."),
    ("<a href='https://shop.example/'>shop.example</a>", "shop.example"),
    ("<a href='mailto:a@shop.example'>a@shop.example</a>", "a@shop.example"),
    ("<a href='https://shop.example/'></a>", "https://shop.example/"),
    ("<a href='javascript:alert(1)'>Click</a>", "Click"),
    ("<a href='https://x.example/&quot;>'>a</a>b", 'a (https://x.example/">)b'),
    ("<a title='x>y' href='https://x.example'>a</a>b", "a (https://x.example)b"),
    ("<img src='cid:1' alt='A &quot;cat&quot;'>", 'A "cat"'),
    ("<img src='https://tracker.example/x.gif' width=1>", ""),
    ("<title>No</title><style>p{}</style><script>no()</script><!-- no -->Yes", "Yes"),
    ("<SCRIPT>no()</SCRIPT >Yes<script>no", "Yes"),
    ("<textarea>no</textarea><noscript>no</noscript><svg><text>no</text></svg>Yes", "Yes"),
    ("&#0;&#xD800;\x00", "\ufffd\ufffd"),
    ("Preview \u034f\u200c\u00a0\u034f\u200c\u00a0", "Preview"),
    ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
    ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
]


@pytest.mark.parametrize(("html", "text"), SAID, ids=range(len(SAID)))
def test_html_says_what_a_reader_sees(html: str, text: str) -> None:
    assert text_of_html(html) == text


HUGE = 256 * 1024
HOSTILE = {
    "brackets": "<" * HUGE,
    "open tags": "<a " * HUGE,
    "links": "<a href='x'>" * HUGE,
    "nested": "<div>" * 900 + "x" * HUGE,
    "too deep": "<div>" * HUGE,
    "paragraphs": "<p>" * HUGE,
    "ampersands": "&" * HUGE,
    "references": "&#1;" * HUGE,
    "blanks": " <b> </b>" * HUGE,
    "attributes": "<a " + " ".join(f"a{number}=1" for number in range(60_000)) + ">",
    "comments": "<!--" * HUGE,
    "quotes": "<a \"'" * HUGE,
    "tables": "<table><tr><td>" * 300 + "x" * HUGE,
    "formats": "<b><i><u><a href=x>" * 240 + "x</p>" * 40_000,
    "no width": "\u200c " * HUGE,
}


@pytest.mark.parametrize("html", HOSTILE.values(), ids=HOSTILE)
def test_no_html_takes_long(html: str) -> None:
    started = time.monotonic()
    assert len(text_of_html(html)) <= MAX_TEXT_CHARACTERS
    assert time.monotonic() - started < 5


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*"<>&;\"'=/ \n\0", "<p>", "</a>", "<a href=", "&lt", "é", "\u200b", "\ud800"])))
def test_any_html_gives_text_that_can_be_stored(pieces: list[str]) -> None:
    text = text_of_html("".join(pieces).replace("\ud800", "\ufffd"))
    assert "\0" not in text
    text.encode()


@pytest.mark.parametrize(
    ("text", "expected"), [("", "From the HTML"), (" \r\n", "From the HTML"), ("From the text", "")], ids=range(3)
)
def test_the_child_makes_it_where_there_is_no_text(tmp_path: Path, text: str, expected: str) -> None:
    mail, folder = tmp_path / "mail", tmp_path / "attachments"
    folder.mkdir()
    head = b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
    html = b"--b\r\nContent-Type: text/html\r\n\r\n<p>From the <b>HTML</b></p>\r\n"
    mail.write_bytes(head + b"--b\r\n\r\n" + text.encode() + b"\r\n" + html + b"--b--\r\n")
    parsed = parse_in_child(mail, attachments_folder=folder)
    assert (parsed.status, parsed.text_from_html) == ("ok", expected)


@pytest.mark.django_db
def test_a_mail_of_html_alone_is_listed_found_and_read_by_its_words(
    acme: Organization,
    acme_key: str,
    owner: User,
    client: Client,
    installation: SandboxProcess,
    publish: Callable[[Domain], None],
    take_in_mail: Callable[[], int],
) -> None:
    publish(register_domain(organization=acme, name="shop.example", actor="test", now=timezone.now()))
    assert check_domain(domain=Domain.objects.get(), actor="test", now=timezone.now()).status == "active"
    raw = (
        "From: sam@elsewhere.example\r\nSubject: Hi\r\nContent-Type: text/html\r\n\r\n"
        "<style>.hidden{}</style><p>Where is my <b>par</b>cel?</p>"
    )
    given_mail = {"from": "sam@elsewhere.example", "to": ["help@shop.example"], "raw": raw}
    installation.control("POST", "/_sandbox/mail", given_mail)
    take_in_mail()
    message = InboundMessage.objects.get()
    assert (message.text, message.is_text_from_html) == ("Where is my parcel?", True)
    assert search(InboundMessage.objects.all(), "parcel", organization=acme).get() == message
    assert not search(InboundMessage.objects.all(), "hidden", organization=acme)
    body = client.get(
        f"/api/email/messages/{message.public_id}", headers={"Authorization": f"Bearer {acme_key}"}
    ).json()
    assert body["text"] == "Where is my parcel?"
    client.force_login(owner)
    assert "Where is my parcel?" in client.get(reverse("dashboard:messages")).content.decode()
    page = client.get(reverse("dashboard:message", args=[message.public_id]), {"view": "text"}).content.decode()
    assert "Where is my parcel?" in page
    assert "This message has no text part" in page
