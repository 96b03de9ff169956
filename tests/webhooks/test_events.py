"""What is told, and to whom: each fact once, in the transaction that makes it, and nothing of another's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts.errors import UpstreamLimitReached
from accounts.models import Organization
from channels.inboxes import create_inbox, delete_inbox
from channels.removal import remove_domain
from domains.changes import resume_domain, suspend_domain
from domains.models import Domain
from domains.registration import register_domain
from domains.verification import check_domain
from inbound.models import InboundMessage
from inbound.releasing import release_held
from tests.sandbox_process import SandboxProcess
from tests.webhooks.conftest import Receiver
from webhooks.endpoints import NewSecret, create_endpoint, disable_endpoint
from webhooks.events import CATALOGUE, emit
from webhooks.models import WebhookDelivery

pytestmark = pytest.mark.django_db
Subscribe = Callable[..., NewSecret]
Tell = Callable[..., list[WebhookDelivery]]


def told(organization: Organization, type: str = "") -> list[dict[str, Any]]:
    """The events in this organization's outbox, in order."""
    rows = WebhookDelivery.objects.filter(endpoint__organization=organization).order_by("pk")
    events = [json.loads(row.body) for row in rows]
    return [event for event in events if event["type"] == type or not type]


@pytest.fixture
def listening(acme: Organization, globex: Organization, receiver: Receiver) -> None:
    """Both organizations hear of everything."""
    for organization in (acme, globex):
        create_endpoint(organization=organization, url=receiver.url, actor="tests", now=timezone.now())


@pytest.fixture
def active(installation: SandboxProcess, publish: Callable[..., None]) -> Callable[..., Domain]:
    def make(organization: Organization, name: str) -> Domain:
        domain = register_domain(organization=organization, name=name, actor="tests", now=timezone.now())
        publish(domain)
        return check_domain(domain=domain, actor="tests", now=timezone.now())

    return make


def test_the_same_fact_is_told_once_with_one_id(subscribe: Subscribe, receiver: Receiver, tell: Tell) -> None:
    subscribe(receiver)
    subscribe(receiver)
    tell(key="a")
    again = tell(key="a")
    assert (len(again), len({delivery.event_id for delivery in again})) == (2, 1)
    assert len({delivery.event_id for delivery in tell(key="b")}) == 2


def test_two_organizations_never_share_an_id(acme: Organization, globex: Organization, listening: None) -> None:
    for organization in (acme, globex):
        emit(organization=organization, type="inbox.created", key="same", data=dict, now=timezone.now())
    assert WebhookDelivery.objects.values("event_id").distinct().count() == 2


def test_who_did_not_ask_is_not_told(subscribe: Subscribe, receiver: Receiver, tell: Tell) -> None:
    subscribe(receiver, "inbox.deleted")
    assert tell("inbox.created") == []


def test_what_a_disabled_endpoint_misses_is_not_written(subscribe: Subscribe, receiver: Receiver, tell: Tell) -> None:
    endpoint = subscribe(receiver).endpoint
    disable_endpoint(endpoint=endpoint, reason="by_owner", actor="tests", now=timezone.now())
    assert tell() == []


def test_what_is_told_is_not_even_composed_where_nobody_listens(acme: Organization) -> None:
    def composed() -> dict[str, object]:
        raise AssertionError

    assert emit(organization=acme, type="inbox.created", key="1", data=composed, now=timezone.now()) == 0


def test_the_other_style_says_event_inbox_message_and_payload(
    acme: Organization, subscribe: Subscribe, receiver: Receiver
) -> None:
    subscribe(receiver, "message.received", style="by_name")
    data = {"id": "msg_1", "inboxId": "inb_1", "subject": "Hello"}
    emit(organization=acme, type="message.received", key="1", data=lambda: data, now=timezone.now())
    body = json.loads(WebhookDelivery.objects.get().body)
    assert {name: body[name] for name in ("event", "inboxId", "messageId")} == {
        "event": "message.received",
        "inboxId": "inb_1",
        "messageId": "msg_1",
    }
    assert "payload" in body


def test_a_domains_life_is_told(acme: Organization, listening: None, active: Callable[..., Domain]) -> None:
    domain = active(acme, "acme.example")
    suspend_domain(domain=domain, actor="tests", now=timezone.now())
    resume_domain(domain=domain, actor="tests", now=timezone.now())
    remove_domain(domain=domain, actor="tests", now=timezone.now())
    events = told(acme)
    assert [event["type"] for event in events] == [
        "domain.created",
        "domain.verified",
        "domain.suspended",
        "domain.removed",
    ]
    assert {event["data"]["id"] for event in events} == {domain.public_id}
    assert [event["data"]["status"] for event in events[:3]] == ["pending", "active", "suspended"]
    assert {event["type"] for event in events} <= CATALOGUE.keys()


def test_a_claim_that_is_undone_is_not_told(acme: Organization, listening: None, installation: SandboxProcess) -> None:
    fault = {"operation": "CreateEmailIdentity", "kind": "error", "code": "LimitExceededException", "status": 400}
    installation.control("POST", "/_sandbox/faults", fault)
    with pytest.raises(UpstreamLimitReached):
        register_domain(organization=acme, name="acme.example", actor="tests", now=timezone.now())
    assert told(acme) == []


def test_inboxes_are_told_when_made_and_deleted(
    acme: Organization, listening: None, active: Callable[..., Domain]
) -> None:
    domain = active(acme, "acme.example")
    inbox = create_inbox(organization=acme, domain=domain, local_part="info", actor="tests", now=timezone.now())
    delete_inbox(inbox=inbox, actor="tests", now=timezone.now())
    events = [event for event in told(acme) if event["type"].startswith("inbox.")]
    assert [(event["type"], event["data"]["email"], event["data"]["status"]) for event in events] == [
        ("inbox.created", "info@acme.example", "active"),
        ("inbox.deleted", "info@acme.example", "inactive"),
    ]


def test_a_mail_is_told_once_for_every_inbox_with_its_summary_and_url(
    acme: Organization,
    listening: None,
    active: Callable[..., Domain],
    send_mail: Callable[..., None],
    take_in_mail: Callable[[], int],
) -> None:
    domain = active(acme, "acme.example")
    inboxes = {
        create_inbox(organization=acme, domain=domain, local_part=local, actor="tests", now=timezone.now()).public_id
        for local in ("info", "sales")
    }
    send_mail("info@acme.example", "sales@acme.example", "nobody@acme.example", subject="Order 7")
    take_in_mail()
    message = InboundMessage.objects.get()
    events = told(acme, "message.received")
    assert {event["data"]["inboxId"] for event in events} == inboxes
    assert len(events) == 2
    data = events[0]["data"]
    assert (data["id"], data["subject"]) == (message.public_id, "Order 7")
    assert sorted(data["recipients"]) == ["info@acme.example", "nobody@acme.example", "sales@acme.example"]
    assert data["url"].endswith(f"/api/email/messages/{message.public_id}")


def test_a_mail_to_no_inbox_is_told_once_with_none(
    acme: Organization,
    listening: None,
    active: Callable[..., Domain],
    send_mail: Callable[..., None],
    take_in_mail: Callable[[], int],
) -> None:
    active(acme, "acme.example")
    send_mail("one@acme.example", "two@acme.example")
    take_in_mail()
    assert [event["data"]["inboxId"] for event in told(acme, "message.received")] == [None]


def test_neither_of_two_organizations_is_told_of_the_others_recipients(
    acme: Organization,
    globex: Organization,
    listening: None,
    active: Callable[..., Domain],
    send_mail: Callable[..., None],
    take_in_mail: Callable[[], int],
) -> None:
    active(acme, "acme.example")
    active(globex, "globex.example")
    send_mail("a@acme.example", "b@globex.example")
    take_in_mail()
    for organization, own, foreign in ((acme, "a@acme", "b@globex"), (globex, "b@globex", "a@acme")):
        (event,) = told(organization, "message.received")
        assert [own + ".example"] == event["data"]["recipients"]
        assert foreign not in json.dumps(event["data"] | {"subject": ""})


def test_held_mail_is_told_when_it_is_let_go(
    acme: Organization,
    listening: None,
    active: Callable[..., Domain],
    send_mail: Callable[..., None],
    take_in_mail: Callable[[], int],
) -> None:
    domain = suspend_domain(domain=active(acme, "acme.example"), actor="tests", now=timezone.now())
    send_mail("info@acme.example")
    take_in_mail()
    assert told(acme, "message.received") == []
    resume_domain(domain=domain, actor="tests", now=timezone.now())
    assert (release_held(now=timezone.now()), release_held(now=timezone.now())) == (1, 0)
    assert len(told(acme, "message.received")) == 1
