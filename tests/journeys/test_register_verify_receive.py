"""The main job, told once by the verbs: register, publish, verify, receive."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.models import Organization
from channels.inboxes import create_inbox
from channels.removal import remove_domain
from domains.models import Domain
from domains.reconciler import reconcile
from domains.registration import register_domain
from domains.verification import check_domain
from inbound.models import InboundMessage
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_domain_becomes_active_and_its_mail_arrives(
    installation: SandboxProcess,
    acme: Organization,
    publish: Callable[..., None],
    send_mail: Callable[..., None],
    take_in_mail: Callable[[], int],
) -> None:
    domain = register_domain(organization=acme, name="Hello.Example.", actor="test", now=timezone.now())
    assert (domain.name, domain.status) == ("hello.example", "pending")

    publish(domain)
    domain = check_domain(domain=domain, actor="test", now=timezone.now())
    assert [(r.purpose, r.verdict, r.code, r.message) for r in domain.records.all() if not r.is_ok] == []
    assert (domain.status, domain.reason, domain.verification_status) == ("active", "", "SUCCESS")

    inbox = create_inbox(organization=acme, domain=domain, local_part="sales", actor="test", now=timezone.now())
    send_mail("Sales+spring@hello.example", subject="An order")
    assert take_in_mail() == 1

    message = InboundMessage.objects.get()
    assert (message.organization, message.subject, message.inbox) == (acme, "An order", inbox)
    assert "Hello there." in message.text


def test_removal_takes_the_identity_and_the_rule_entry_away(
    installation: SandboxProcess, acme: Organization, publish: Callable[..., None]
) -> None:
    domain = register_domain(organization=acme, name="hello.example", actor="test", now=timezone.now())
    publish(domain)
    check_domain(domain=domain, actor="test", now=timezone.now())
    ses = installation.client("ses")
    assert ses.describe_active_receipt_rule_set()["Rules"][0]["Recipients"] == ["hello.example"]

    remove_domain(domain=Domain.objects.get(), actor="test", now=timezone.now())
    reconcile(now=timezone.now())

    assert ses.describe_active_receipt_rule_set()["Rules"] == []
    assert ses.list_identities(IdentityType="Domain")["Identities"] == []
