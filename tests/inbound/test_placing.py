"""Staff place what was nobody's: the organization gets it as any mail, and is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Organization
from channels.inboxes import create_inbox
from domains.changes import resume_domain, suspend_domain
from domains.models import Domain
from domains.registration import register_domain
from domains.verification import check_domain
from inbound import ingestion, sweeping
from inbound.models import DeletedMessage, InboundMessage, MailPolicy
from inbound.placing import (
    AlreadyTheirs,
    NobodyHoldsTheName,
    NotForStaff,
    NotWantedThere,
    RawMailUnavailable,
    place_mail,
)
from inbound.reading import open_attachment, open_raw
from inbound.releasing import release_held
from inbound.retention import expire
from tests.sandbox_process import SandboxProcess
from webhooks.models import WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.django_db(transaction=True)

RAW = (
    "From: Sam <sam@elsewhere.example>\r\nSubject: Whose is it\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello.\r\n--b\r\n"
    "Content-Disposition: attachment; filename=a.pdf\r\n\r\nan offer\r\n--b--\r\n"
)


@pytest.fixture
def hello(installation: SandboxProcess, acme: Organization, publish: Callable[..., None]) -> Domain:
    domain = register_domain(organization=acme, name="hello.example", actor="test", now=timezone.now())
    publish(domain)
    return check_domain(domain=domain, actor="test", now=timezone.now())


@pytest.fixture
def nobodys(hello: Domain, installation: SandboxProcess) -> InboundMessage:
    """A mail that was never announced and, to several recipients, does not say for whom it came."""
    mail = {"from": "sam@elsewhere.example", "to": ["a@hello.example", "b@hello.example"], "raw": RAW}
    installation.control("POST", "/_sandbox/mail", mail | {"announce": False})
    later = timezone.now() + timedelta(hours=2)
    sweeping.sweep(now=later)
    ingestion.ingest_due(now=later)
    message = InboundMessage.objects.get()
    assert (message.organization, message.trace[-1]["outcome"]) == (None, "unroutable")
    return message


def place(message: InboundMessage, address: str) -> InboundMessage:
    return place_mail(message=message, address=address, actor="staff jo@postern.example", now=timezone.now())


def keys(sandbox: SandboxProcess) -> list[str]:
    listed = sandbox.client("s3").list_objects_v2(Bucket="postern-tests", Prefix="mail/")
    return [each["Key"] for each in listed["Contents"]]


def test_the_organization_has_it_whole_and_is_told(
    nobodys: InboundMessage, hello: Domain, installation: SandboxProcess
) -> None:
    events = ["message.received"]
    WebhookEndpoint.objects.create(organization=hello.organization, url="https://hooks.example/", events=events)
    inbox = create_inbox(
        organization=hello.organization, domain=hello, local_part="sales", actor="test", now=timezone.now()
    )
    placed = place(nobodys, "sales@hello.example")
    assert InboundMessage.objects.get() == placed
    assert (placed.organization, placed.inbox, placed.disposition) == (hello.organization, inbox, "delivered")
    assert placed.received_at == nobodys.received_at
    assert b"".join(open_raw(message=placed).chunks).endswith(RAW.encode())
    assert b"".join(open_attachment(attachment=placed.attachments.get()).chunks) == b"an offer"
    assert {key.split("/")[1] for key in keys(installation)} == {hello.organization.public_id}
    assert WebhookDelivery.objects.get().type == "message.received"
    assert placed.trace[0]["step"] == "placed"
    audit = AuditEvent.objects.get(action="message.placed")
    assert (audit.organization, audit.actor) == (hello.organization, "staff jo@postern.example")


def test_a_name_that_nobody_holds_is_refused(nobodys: InboundMessage) -> None:
    with pytest.raises(NobodyHoldsTheName, match=r"nobody\.example"):
        place(nobodys, "sales@nobody.example")
    assert InboundMessage.objects.get().organization is None


def test_what_is_somebodys_is_not_placed(nobodys: InboundMessage) -> None:
    placed = place(nobodys, "sales@hello.example")
    with pytest.raises(NotForStaff):
        place(placed, "other@hello.example")


def test_what_the_organization_deleted_stays_deleted(nobodys: InboundMessage, hello: Domain) -> None:
    DeletedMessage.objects.create(organization=hello.organization, ses_message_id=nobodys.ses_message_id)
    with pytest.raises(AlreadyTheirs):
        place(nobodys, "sales@hello.example")


def test_where_unknown_recipients_are_not_wanted_it_stays_with_staff_until_an_inbox_takes_it(
    nobodys: InboundMessage, hello: Domain
) -> None:
    MailPolicy.objects.create(organization=hello.organization, keeps_unknown_recipients=False)
    with pytest.raises(NotWantedThere):
        place(nobodys, "sales@hello.example")
    assert InboundMessage.objects.get() == nobodys
    assert not AuditEvent.objects.filter(action="message.placed").exists()
    create_inbox(organization=hello.organization, domain=hello, local_part="sales", actor="test", now=timezone.now())
    placed = place(nobodys, "sales@hello.example")
    assert (placed.organization, placed.disposition) == (hello.organization, "delivered")


def test_in_a_suspended_domain_it_is_held_and_staff_are_told_so(
    nobodys: InboundMessage, hello: Domain, client: Client, admin_user: object
) -> None:
    suspend_domain(domain=hello, actor="test", now=timezone.now())
    client.force_login(admin_user)  # type: ignore[arg-type]
    chosen = {"action": "place_mail", "_selected_action": [nobodys.pk], "confirmed": "yes"}
    url = reverse("admin:inbound_inboundmessage_changelist")
    answer = client.post(url, chosen | {"address": "sales@hello.example"}, follow=True)
    assert "held until that is resumed" in answer.content.decode()
    assert InboundMessage.objects.get().disposition == "held"
    hello.refresh_from_db()
    resume_domain(domain=hello, actor="test", now=timezone.now())
    assert release_held(now=timezone.now()) == 1
    assert InboundMessage.objects.get().disposition == "delivered"


def test_it_is_kept_for_somebody_else_whom_it_is_for_too(
    nobodys: InboundMessage, client: Client, admin_user: object
) -> None:
    client.force_login(admin_user)  # type: ignore[arg-type]
    chosen = {"action": "place_mail", "_selected_action": [nobodys.pk], "confirmed": "yes"}
    client.post(
        reverse("admin:inbound_inboundmessage_changelist"),
        chosen | {"address": "sales@hello.example", "is_kept": "yes"},
    )
    assert InboundMessage.objects.count() == 2
    with pytest.raises(AlreadyTheirs):
        place(nobodys, "sales@hello.example")


def test_staffs_copy_that_s3_does_not_let_go_of_is_placed_all_the_same_and_goes_later(
    nobodys: InboundMessage, installation: SandboxProcess
) -> None:
    away = {"operation": "DeleteObject", "kind": "error", "code": "ServiceUnavailable", "status": 503, "times": 99}
    installation.control("POST", "/_sandbox/faults", away)
    placed = place(nobodys, "sales@hello.example")
    installation.control("DELETE", "/_sandbox/faults")
    assert InboundMessage.objects.filter(organization=None).get().key == nobodys.key
    assert expire(now=timezone.now()) == 1
    assert InboundMessage.objects.get() == placed
    assert {key.split("/")[1] for key in keys(installation)} == {placed.organization.public_id}


def test_a_raw_mail_that_is_gone_says_so(nobodys: InboundMessage, installation: SandboxProcess) -> None:
    installation.client("s3").delete_object(Bucket=nobodys.bucket, Key=nobodys.key)
    with pytest.raises(RawMailUnavailable):
        place(nobodys, "sales@hello.example")


def test_staff_place_it_in_the_admin(nobodys: InboundMessage, client: Client, admin_user: object) -> None:
    client.force_login(admin_user)  # type: ignore[arg-type]
    url = reverse("admin:inbound_inboundmessage_changelist")
    chosen = {"action": "place_mail", "_selected_action": [nobodys.pk]}
    assert "Whose is it" in client.post(url, chosen).content.decode()
    refused = client.post(url, chosen | {"confirmed": "yes", "address": "sales@nobody.example"}, follow=True)
    assert "Nobody holds the domain" in refused.content.decode()
    client.post(url, chosen | {"confirmed": "yes", "address": "sales@hello.example"})
    assert InboundMessage.objects.get().organization is not None


def test_the_admin_places_nobodys_mail_alone(nobodys: InboundMessage, client: Client, admin_user: object) -> None:
    placed = place(nobodys, "sales@hello.example")
    client.force_login(admin_user)  # type: ignore[arg-type]
    chosen = {"action": "place_mail", "_selected_action": [placed.pk]}
    answer = client.post(reverse("admin:inbound_inboundmessage_changelist"), chosen, follow=True)
    assert "belongs to an organization already" in answer.content.decode()
