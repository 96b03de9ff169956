"""The pages that tell where a mail went, would go, and what became of one that was sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from domains.models import Domain, Tenure
from domains.registration import register_domain
from domains.verification import check_domain
from inbound.models import SentMessage
from tests.dashboard.rows import make_domain, make_inbox, make_message

pytestmark = pytest.mark.django_db(transaction=True)

WHERE = "/app/messages/where-would-it-go"


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def hold(organization: Organization, name: str) -> Domain:
    domain = make_domain(organization, name, status="active")
    since = timezone.now() - timedelta(days=1)
    Tenure.objects.create(name=name, organization=organization, domain=domain, from_at=since)
    make_inbox(domain, "sales")
    return domain


def ask(client: Client, address: str, raw: str = "") -> str:
    return client.post(WHERE, {"address": address, "raw": raw}).content.decode()


def test_an_address_of_ones_own_is_followed_to_its_inbox(signed_in: Client, acme: Organization) -> None:
    hold(acme, "acme.example")
    page = ask(signed_in, "sales+x@acme.example")
    assert "It would be delivered" in page
    assert "Delivered to sales@acme.example." in page


def test_anothers_address_is_not_told_of(signed_in: Client, globex: Organization) -> None:
    hold(globex, "globex.example")
    page = ask(signed_in, "sales@globex.example")
    assert "globex.example is not a domain of yours." in page
    assert "Globex" not in page


def test_the_to_header_of_a_pasted_mail_is_shown_and_not_used(signed_in: Client, acme: Organization) -> None:
    hold(acme, "acme.example")
    page = ask(signed_in, "nobody@acme.example", "To: sales@acme.example\r\nSubject: <b>Offer</b>\r\n\r\nHello")
    assert "The To header does not name this recipient" in page
    assert "&lt;b&gt;Offer&lt;/b&gt;" in page
    assert "Delivered without an inbox" in page


@pytest.mark.parametrize(
    ("address", "raw", "words"),
    [
        ("", "", "required"),
        ("x" * 1001, "", "at most 1000 characters"),
        ("a@b.example", "x" * 262145, "longer than 256"),
    ],
)
def test_what_can_not_be_followed_is_refused_beside_its_field(
    signed_in: Client, address: str, raw: str, words: str
) -> None:
    answer = signed_in.post(WHERE, {"address": address, "raw": raw})
    assert (answer.status_code, words in answer.content.decode()) == (422, True)


def test_an_address_may_be_linked_to(signed_in: Client, acme: Organization) -> None:
    hold(acme, "acme.example")
    assert "It would be delivered" in signed_in.get(WHERE, {"address": "sales@acme.example"}).content.decode()


def test_a_message_shows_why_it_came(signed_in: Client, acme: Organization) -> None:
    trace = [{"step": "inbox", "outcome": "none", "detail": "No active inbox has the address x@<acme>."}]
    message = make_message(hold(acme, "acme.example"), trace=trace)
    page = signed_in.get(reverse("dashboard:message", args=[message.public_id])).content.decode()
    assert "Why it came here" in page
    assert "x@&lt;acme&gt;" in page


def test_staff_follow_every_address_and_see_the_way_of_a_message(
    client: Client, admin_user: User, globex: Organization
) -> None:
    domain = hold(globex, "globex.example")
    client.force_login(admin_user)
    where = reverse("admin:inbound_inboundmessage_where_would_it_go")
    page = client.post(where, {"address": "sales@globex.example", "raw": "Subject: Pasted\r\n\r\n"}).content.decode()
    assert "Globex held globex.example" in page
    assert "Pasted" in page
    trace = [{"step": "inbox", "outcome": "none", "detail": "No active inbox has the address <x>."}]
    message = make_message(domain, trace=trace)
    shown = client.get(reverse("admin:inbound_inboundmessage_change", args=[message.pk])).content.decode()
    assert "No active inbox has the address &lt;x&gt;." in shown


def test_a_test_mail_is_sent_and_its_fate_is_shown(
    client: Client,
    owner: User,
    acme: Organization,
    installation: object,
    publish: Callable[..., None],
    take_in_mail: Callable[[], int],
) -> None:
    domain = register_domain(organization=acme, name="acme.example", actor="test", now=timezone.now())
    publish(domain)
    check_domain(domain=domain, actor="test", now=timezone.now())
    client.force_login(owner)
    send, sent = (reverse(f"dashboard:{name}", args=[domain.public_id]) for name in ("send_test_mail", "sent_mails"))
    assert "bounce@simulator.amazonses.com" in client.post(send, {"kind": "bounce"}, follow=True).content.decode()
    assert 'hx-trigger="every' in client.get(sent).content.decode()
    take_in_mail()
    page = client.get(sent).content.decode()
    assert "Bounced" in page
    assert "550 5.1.1" in page
    assert "hx-trigger" not in page, "nothing more is to be waited for"


def test_a_test_mail_goes_to_the_sender_or_the_simulator_and_nobody_else(signed_in: Client, acme: Organization) -> None:
    send = reverse("dashboard:send_test_mail", args=[hold(acme, "acme.example").public_id])
    assert signed_in.post(send, {"kind": "you@elsewhere.example"}).status_code == 422
    assert not SentMessage.objects.exists()


def test_a_domain_that_can_not_send_says_so(signed_in: Client, acme: Organization) -> None:
    domain = make_domain(acme, "acme.example")
    page = signed_in.get(reverse("dashboard:test_mails", args=[domain.public_id])).content.decode()
    assert "once the domain is verified" in page
    assert "No test mail yet" in page


def test_a_viewer_sees_the_fates_and_sends_nothing(client: Client, viewer: User, acme: Organization) -> None:
    domain = hold(acme, "acme.example")
    client.force_login(viewer)
    page = client.get(reverse("dashboard:test_mails", args=[domain.public_id]))
    assert (page.status_code, b"<button" in page.content.partition(b"<main")[2]) == (200, False)
    assert client.post(reverse("dashboard:send_test_mail", args=[domain.public_id]), {"kind": "me"}).status_code == 403
