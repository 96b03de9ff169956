"""What was held for a suspended domain is judged again when it is resumed, by all of its recipients."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.models import Organization
from channels.inboxes import create_inbox
from channels.removal import remove_domain
from domains.changes import resume_domain, suspend_domain
from domains.models import Domain
from domains.registration import register_domain
from domains.verification import check_domain
from inbound import queues
from inbound.clearing import delete_inbox_and_mail
from inbound.ingestion import ingest_due
from inbound.models import InboundMessage, MailPolicy, SnsNotification
from inbound.reading import messages_of_inbox
from inbound.releasing import release_held
from tests.sandbox_process import SandboxProcess
from webhooks.endpoints import create_endpoint
from webhooks.models import WebhookDelivery

pytestmark = pytest.mark.django_db(transaction=True)
RAW = "From: Sam <sam@elsewhere.example>\r\nSubject: Held\r\n\r\nHello.\r\n"


@pytest.fixture
def two(installation: SandboxProcess, acme: Organization, publish: Callable[..., None]) -> tuple[Domain, Domain]:
    """Two verified domains of one organization, both switched off."""

    def verified(name: str) -> Domain:
        domain = register_domain(organization=acme, name=name, actor="test", now=timezone.now())
        publish(domain)
        check_domain(domain=domain, actor="test", now=timezone.now())
        suspend_domain(domain=domain, actor="test", now=timezone.now())
        return domain

    create_endpoint(
        organization=acme,
        url="http://127.0.0.1:9/hook",
        actor="test",
        now=timezone.now(),
        events=["message.received"],
    )
    return verified("first.example"), verified("second.example")


def receive(sandbox: SandboxProcess, *recipients: str) -> InboundMessage:
    mail = {"from": "sam@elsewhere.example", "to": list(recipients), "raw": RAW}
    sandbox.control("POST", "/_sandbox/mail", mail)
    queues.drain(now=timezone.now())
    ingest_due(now=timezone.now())
    message = InboundMessage.objects.get()
    assert message.disposition == "held"
    return message


def resume(domain: Domain) -> None:
    resume_domain(domain=domain, actor="test", now=timezone.now())


def test_the_second_of_its_domains_lets_it_go(two: tuple[Domain, Domain], installation: SandboxProcess) -> None:
    message = receive(installation, "a@first.example", "b@second.example")
    assert release_held(now=timezone.now()) == 0
    resume(two[1])
    assert release_held(now=timezone.now()) == 1
    message.refresh_from_db()
    assert (message.disposition, message.domain) == ("delivered", two[1])
    assert WebhookDelivery.objects.count() == 1
    assert release_held(now=timezone.now()) == 0


def test_a_removed_domain_does_not_hold_the_others_mail(
    two: tuple[Domain, Domain], installation: SandboxProcess
) -> None:
    message = receive(installation, "a@first.example", "b@second.example")
    remove_domain(domain=two[0], actor="test", now=timezone.now(), refuses_inboxes=False)
    resume(two[1])
    assert release_held(now=timezone.now()) == 1
    message.refresh_from_db()
    assert message.disposition == "delivered"


def test_what_is_not_wanted_is_not_let_go(
    two: tuple[Domain, Domain], installation: SandboxProcess, acme: Organization
) -> None:
    MailPolicy.objects.create(organization=acme, keeps_unknown_recipients=False)
    message = receive(installation, "nobody@first.example")
    resume(two[0])
    assert release_held(now=timezone.now()) == 1
    message.refresh_from_db()
    assert message.disposition == "unroutable"
    assert message.trace[-1]["step"] == "disposition"
    assert not WebhookDelivery.objects.exists()


def test_mail_of_a_removed_domain_stays_held(two: tuple[Domain, Domain], installation: SandboxProcess) -> None:
    receive(installation, "a@first.example")
    remove_domain(domain=two[0], actor="test", now=timezone.now(), refuses_inboxes=False)
    resume(two[1])
    assert release_held(now=timezone.now()) == 0


def test_mail_that_was_deleted_while_it_was_held_is_neither_let_go_nor_told(
    two: tuple[Domain, Domain], installation: SandboxProcess, acme: Organization
) -> None:
    first, _ = two
    resume(first)
    inbox = create_inbox(organization=acme, domain=first, local_part="a", actor="test", now=timezone.now())
    suspend_domain(domain=first, actor="test", now=timezone.now())
    WebhookDelivery.objects.all().delete()
    receive(installation, "a@first.example")
    assert delete_inbox_and_mail(inbox=inbox, actor="test", now=timezone.now()) == 1
    resume(first)
    assert release_held(now=timezone.now()) == 0
    assert not WebhookDelivery.objects.exists()
    assert InboundMessage.objects.get().disposition == "held"


def test_a_suspended_domains_inbox_waits_though_the_mail_is_another_domains_too(
    two: tuple[Domain, Domain], installation: SandboxProcess, acme: Organization
) -> None:
    first, second = two
    resume(first)
    boss = create_inbox(organization=acme, domain=first, local_part="boss", actor="test", now=timezone.now())
    suspend_domain(domain=first, actor="test", now=timezone.now())
    resume(second)
    WebhookDelivery.objects.all().delete()
    mail = {"from": "sam@elsewhere.example", "to": ["boss@first.example", "any@second.example"], "raw": RAW}
    installation.control("POST", "/_sandbox/mail", mail)
    queues.drain(now=timezone.now())
    ingest_due(now=timezone.now())
    message = InboundMessage.objects.get()
    assert (message.disposition, message.domain, message.inbox) == ("delivered", second, None)
    assert not messages_of_inbox(boss).exists()
    assert inboxes_told() == [None]
    assert "boss@first.example" in next(step["detail"] for step in message.trace if step["step"] == "waiting")
    assert release_held(now=timezone.now()) == 0
    resume(first)
    assert release_held(now=timezone.now()) == 1
    assert messages_of_inbox(boss).get() == message
    assert inboxes_told() == [None, boss.public_id]
    assert release_held(now=timezone.now()) == 0
    assert WebhookDelivery.objects.count() == 2


@pytest.mark.parametrize("keeps_unknown", [True, False])
def test_an_announcement_for_a_suspended_domain_waits_though_a_later_one_is_delivered(
    two: tuple[Domain, Domain], installation: SandboxProcess, acme: Organization, keeps_unknown: bool
) -> None:
    first, second = two
    resume(first)
    resume(second)
    boss = create_inbox(organization=acme, domain=first, local_part="boss", actor="test", now=timezone.now())
    sales = create_inbox(organization=acme, domain=second, local_part="sales", actor="test", now=timezone.now())
    MailPolicy.objects.create(organization=acme, keeps_unknown_recipients=keeps_unknown)
    suspend_domain(domain=first, actor="test", now=timezone.now())
    WebhookDelivery.objects.all().delete()
    message = receive(installation, "boss@first.example")
    again = SnsNotification.objects.get()
    SnsNotification.objects.create(
        sns_message_id="again",
        topic_arn=again.topic_arn,
        message=again.message.replace("boss@first.example", "sales@second.example"),
        sent_at=timezone.now(),
    )
    ingest_due(now=timezone.now())
    message.refresh_from_db()
    assert (message.disposition, message.domain, message.inbox) == ("delivered", second, sales)
    assert inboxes_told() == [sales.public_id]
    assert not messages_of_inbox(boss).exists()
    resume(first)
    assert release_held(now=timezone.now()) == 1
    assert messages_of_inbox(boss).get() == message
    assert inboxes_told() == [sales.public_id, boss.public_id]


def inboxes_told() -> list[str | None]:
    bodies = WebhookDelivery.objects.order_by("pk").values_list("body", flat=True)
    return [json.loads(body)["data"]["inboxId"] for body in bodies]
