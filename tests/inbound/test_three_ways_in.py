"""Each of the three ways in brings every mail in alone, with the other two off."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organization
from aws.pacing import person
from channels.inboxes import create_inbox
from domains.installation import set_up_region
from domains.models import Installation
from domains.registration import register_domain
from domains.verification import check_domain
from inbound import door, queues, sweeping
from inbound.ingestion import ingest_due
from inbound.models import InboundMessage, SnsNotification
from inbound.placing import place_mail
from inbound.reading import open_raw
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

RECIPIENTS = [
    *(f"{local}@hello.example" for local in ("sales", "sales+spring", "SALES", "nobody")),
    *(f"{local}@other.example" for local in ("sales", "info")),
]
RAW = "From: Sam <sam@elsewhere.example>\r\nSubject: {number}\r\n\r\nHello.\r\n"


def set_up(url: str, settings: LazySettings) -> None:
    settings.PUBLIC_URL = url
    set_up_region(region="us-east-1", caller=person(30), now=timezone.now())
    door.topics.forget()


def hold_names(acme: Organization, globex: Organization, publish: Callable[..., None]) -> None:
    for organization, name in ((acme, "hello.example"), (globex, "other.example")):
        domain = register_domain(organization=organization, name=name, actor="test", now=timezone.now())
        publish(domain)
        domain = check_domain(domain=domain, actor="test", now=timezone.now())
        create_inbox(organization=organization, domain=domain, local_part="sales", actor="test", now=timezone.now())


def send_all(sandbox: SandboxProcess, **options: object) -> None:
    for number, recipient in enumerate(RECIPIENTS):
        mail = {"from": "sam@elsewhere.example", "to": [recipient], "raw": RAW.format(number=number)}
        sandbox.control("POST", "/_sandbox/mail", mail | options)


def send_to_both(sandbox: SandboxProcess, **options: object) -> None:
    mail = {"from": "sam@elsewhere.example", "to": ["sales@hello.example", "sales@other.example"]}
    sandbox.control("POST", "/_sandbox/mail", mail | {"raw": RAW.format(number="both")} | options)


def assert_each_has_its_own(acme: Organization, globex: Organization) -> None:
    """A message each, and in neither, also not in its raw copy or its way, the other's address."""
    assert InboundMessage.objects.filter(subject="both").count() == 2
    for organization, own, foreign in ((acme, "hello", "other"), (globex, "other", "hello")):
        message = InboundMessage.objects.get(subject="both", organization=organization)
        assert [each.address for each in message.recipients.all()] == [f"sales@{own}.example"]
        raw = b"".join(open_raw(message=message).chunks).decode()
        assert raw.endswith(RAW.format(number="both"))
        assert f"{foreign}.example" not in raw + str(message.headers) + str(message.trace)


def assert_all_kept(sandbox: SandboxProcess, source: str) -> None:
    found = InboundMessage.objects.values_list("subject", "recipients__address", "organization__name", "inbox__email")
    assert {(subject, address) for subject, address, _, _ in found} == {
        (str(number), recipient) for number, recipient in enumerate(RECIPIENTS)
    }
    assert len(found) == len(RECIPIENTS)
    for _, address, organization, inbox in found:
        local, _, name = address.lower().partition("@")
        assert organization == ("Acme" if name == "hello.example" else "Globex")
        assert inbox == (f"sales@{name}" if local.startswith("sales") else None)
    assert set(SnsNotification.objects.values_list("source", "state")) == {(source, "done")}
    listed = sandbox.client("s3").list_objects_v2(Bucket="postern-tests", Prefix="incoming/").get("Contents", ())
    assert [each["Key"] for each in listed if "SETUP_NOTIFICATION" not in each["Key"]] == []


def test_the_sns_door_alone(
    sandbox: SandboxProcess,
    acme: Organization,
    globex: Organization,
    publish: Callable[..., None],
    live_server: LiveServer,
    settings: LazySettings,
) -> None:
    set_up(live_server.url, settings)
    _until(lambda: Installation.objects.filter(confirmed_at__isnull=False).exists())
    hold_names(acme, globex, publish)
    send_all(sandbox)
    _until(lambda: SnsNotification.objects.count() >= len(RECIPIENTS))
    ingest_due(now=timezone.now())
    assert_all_kept(sandbox, "sns")
    send_to_both(sandbox)
    _until(lambda: SnsNotification.objects.filter(state="waiting").exists())
    ingest_due(now=timezone.now())
    assert_each_has_its_own(acme, globex)


def test_the_queue_alone(
    sandbox: SandboxProcess,
    acme: Organization,
    globex: Organization,
    publish: Callable[..., None],
    settings: LazySettings,
) -> None:
    set_up("", settings)
    hold_names(acme, globex, publish)
    send_all(sandbox)
    queues.drain(now=timezone.now())
    ingest_due(now=timezone.now())
    assert_all_kept(sandbox, "sqs")
    send_to_both(sandbox)
    queues.drain(now=timezone.now())
    ingest_due(now=timezone.now())
    assert_each_has_its_own(acme, globex)


def test_the_sweep_alone(
    sandbox: SandboxProcess,
    acme: Organization,
    globex: Organization,
    publish: Callable[..., None],
    settings: LazySettings,
) -> None:
    set_up("", settings)
    hold_names(acme, globex, publish)
    send_all(sandbox, announce=False)
    later = timezone.now() + timedelta(hours=2)
    assert sweeping.sweep(now=later) == len(RECIPIENTS)
    ingest_due(now=later)
    assert_all_kept(sandbox, "sweep")
    # It says for whom it was no more than a blind copy does: staff have it, and give it to both.
    send_to_both(sandbox, announce=False)
    assert sweeping.sweep(now=later) == 1
    ingest_due(now=later)
    nobodys = InboundMessage.objects.get(subject="both")
    assert nobodys.organization is None
    for address, is_kept in (("sales@hello.example", True), ("sales@other.example", False)):
        place_mail(message=nobodys, address=address, actor="staff", now=timezone.now(), is_kept=is_kept)
    assert_each_has_its_own(acme, globex)


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
