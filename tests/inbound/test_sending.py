"""Test mails: from a verified domain alone, counted once, never sent twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.errors import UpstreamLimitReached, UpstreamRefusal, UpstreamTimedOut
from accounts.models import Organization
from channels.addresses import Mailbox
from domains.changes import suspend_domain
from domains.models import Domain, Installation, SesTenant
from domains.registration import register_domain
from domains.verification import check_domain
from inbound.models import SentMessage
from inbound.sending import (
    DomainCanNotSend,
    MailRefused,
    SenderNotOurs,
    SentTest,
    TestMailsExhausted,
    TrialMail,
    send_test_mail,
)
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

YOU = Mailbox("you", "elsewhere.example")


@pytest.fixture
def pending(installation: SandboxProcess, acme: Organization) -> Domain:
    return register_domain(organization=acme, name="acme.example", actor="test", now=timezone.now())


@pytest.fixture
def domain(pending: Domain, publish: Callable[..., None]) -> Domain:
    publish(pending)
    return check_domain(domain=pending, actor="test", now=timezone.now())


def send(domain: Domain, **fields: Any) -> SentTest:
    wanted: dict[str, Any] = {"sender": None, "recipient": YOU, "kind": TrialMail.NORMAL, "message_class": "bulk"}
    return send_test_mail(
        organization=domain.organization, domain=domain, actor="test", now=timezone.now(), **(wanted | fields)
    )


def sends(sandbox: SandboxProcess) -> list[dict[str, Any]]:
    calls = sandbox.control("GET", "/_sandbox/calls")["calls"]
    return [call["parameters"] for call in calls if call["operation"] == "SendEmail"]


def fail_sending(sandbox: SandboxProcess, kind: str = "error", **fields: Any) -> None:
    sandbox.control("POST", "/_sandbox/faults", {"operation": "SendEmail", "kind": kind, **fields})


def test_a_mail_to_a_person_is_sent_noted_and_counted(domain: Domain, sandbox: SandboxProcess) -> None:
    sent = send(domain)
    domain.refresh_from_db()
    assert (sent.message.status, domain.sent_count) == ("sent", 1)
    assert sent.message.ses_message_id
    assert "you@elsewhere.example" in sent.note
    (call,) = sends(sandbox)
    assert call["FromEmailAddress"] == "test@acme.example"
    assert {"Name": "message-class", "Value": "bulk"} in call["EmailTags"]
    assert call["ConfigurationSetName"]


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        (TrialMail.BOUNCE, "bounce@simulator.amazonses.com"),
        (TrialMail.COMPLAINT, "complaint@simulator.amazonses.com"),
        (TrialMail.OUT_OF_OFFICE, "ooto@simulator.amazonses.com"),
    ],
)
def test_the_simulators_kinds_go_to_its_addresses_whatever_recipient_is_named(
    domain: Domain, sandbox: SandboxProcess, kind: TrialMail, address: str
) -> None:
    sent = send(domain, kind=kind, recipient=YOU)
    assert address in sent.note
    assert sends(sandbox)[0]["Destination"] == {"ToAddresses": [address]}


def test_any_address_of_the_domain_may_be_the_sender(domain: Domain, sandbox: SandboxProcess) -> None:
    send(domain, sender=Mailbox("Sales+spring", "acme.example"))
    assert sends(sandbox)[0]["FromEmailAddress"] == "Sales+spring@acme.example"


def test_a_sender_elsewhere_is_refused(domain: Domain) -> None:
    with pytest.raises(SenderNotOurs):
        send(domain, sender=Mailbox("sales", "globex.example"))
    assert not SentMessage.objects.exists()


def test_an_unverified_domain_is_refused(pending: Domain, sandbox: SandboxProcess) -> None:
    with pytest.raises(DomainCanNotSend):
        send(pending)
    assert sends(sandbox) == []


def test_a_domain_that_was_verified_a_moment_ago_may_send(pending: Domain, publish: Callable[..., None]) -> None:
    publish(pending)
    assert send(pending).message.status == "sent"


def test_a_contested_claim_does_not_send_on_the_proof_of_another(
    domain: Domain, globex: Organization, sandbox: SandboxProcess
) -> None:
    below = register_domain(organization=globex, name="mail.acme.example", actor="test", now=timezone.now())
    Domain.objects.filter(pk=below.pk).update(verification_status="SUCCESS")
    with pytest.raises(DomainCanNotSend):
        send(Domain.objects.get(pk=below.pk))
    assert sends(sandbox) == []


def test_a_suspended_domain_does_not_send(domain: Domain) -> None:
    with pytest.raises(DomainCanNotSend):
        send(suspend_domain(domain=domain, actor="test", now=timezone.now()))


def test_a_domain_that_shall_not_send_does_not(domain: Domain) -> None:
    domain.is_sending = False
    with pytest.raises(DomainCanNotSend, match="switched off"):
        send(domain)


def test_what_ses_refuses_is_said_in_its_words_and_not_counted(domain: Domain, sandbox: SandboxProcess) -> None:
    sandbox.control("POST", "/_sandbox/account", {"production": False})
    with pytest.raises(MailRefused, match=r"not verified.*you@elsewhere\.example"):
        send(domain)
    domain.refresh_from_db()
    assert (SentMessage.objects.get().status, domain.sent_count) == ("refused", 0)


def test_a_used_up_account_is_told_apart(domain: Domain, sandbox: SandboxProcess) -> None:
    fail_sending(sandbox, code="LimitExceededException")
    with pytest.raises(UpstreamLimitReached):
        send(domain)
    assert SentMessage.objects.get().status == "refused"


def test_a_mail_whose_answer_is_lost_is_not_sent_again(domain: Domain, sandbox: SandboxProcess) -> None:
    fail_sending(sandbox, "lose_answer")
    with pytest.raises(UpstreamRefusal) as caught:
        send(domain)
    assert not isinstance(caught.value, UpstreamTimedOut)
    assert len(sends(sandbox)) == 1
    assert SentMessage.objects.get().status == "sending"


def test_a_domain_of_a_tenant_sends_through_it(domain: Domain, acme: Organization, sandbox: SandboxProcess) -> None:
    sesv2 = sandbox.client("sesv2")
    sesv2.create_tenant(TenantName="acme-tenant")
    used = Installation.objects.get(region="us-east-1").configuration_set
    for resource in ("identity/acme.example", f"configuration-set/{used}"):
        arn = f"arn:aws:ses:us-east-1:123456789012:{resource}"
        sesv2.create_tenant_resource_association(TenantName="acme-tenant", ResourceArn=arn)
    tenant = {"tenant_name": "acme-tenant", "region": "us-east-1", "is_associated": True}
    SesTenant.objects.create(organization=acme, domain=domain, **tenant)
    send(domain)
    assert sends(sandbox)[0]["TenantName"] == "acme-tenant"


def test_the_mails_of_a_day_are_limited_and_the_next_day_begins_anew(
    domain: Domain, sandbox: SandboxProcess, settings: Any
) -> None:
    settings.MAX_TEST_MAILS_PER_DAY = 2
    send(domain)
    send(domain, kind=TrialMail.BOUNCE)
    with pytest.raises(TestMailsExhausted, match="tomorrow"):
        send(domain)
    assert (len(sends(sandbox)), SentMessage.objects.count()) == (2, 2)
    SentMessage.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    send(domain)
