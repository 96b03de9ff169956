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
from domains.models import Domain
from domains.registration import register_domain
from domains.verification import check_domain
from inbound import ingestion, sweeping
from inbound.models import DeletedMessage, InboundMessage
from inbound.placing import AlreadyTheirs, NobodyHoldsTheName, NotForStaff, RawMailUnavailable, place_mail
from inbound.reading import open_attachment, open_raw
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
