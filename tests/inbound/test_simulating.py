"""What the simulator says is where ingestion puts it; and it tells nobody of what is another's."""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organization
from channels.models import EmailAccount
from domains.models import Domain, Tenure
from inbound.ingestion import ingest_due
from inbound.keeping import NOBODY
from inbound.models import InboundMessage, MailPolicy, SnsNotification
from inbound.releasing import release_held
from inbound.simulating import AddressTooLong, MailTooLong, forecast, read_pasted
from tests.dashboard.rows import make_domain, make_inbox
from tests.sandbox_process import SandboxProcess
from webhooks.models import WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.django_db(transaction=True)

BUCKET = "postern-tests"
RAW = b"From: sam@elsewhere.example\r\nTo: forged@elsewhere.example\r\nSubject: Hello\r\n\r\nHello.\r\n"


@dataclass
class World:
    """Two organizations with domains in every state, and addresses of all kinds at them and elsewhere."""

    organizations: tuple[Organization, Organization]
    addresses: list[str] = field(default_factory=list)


def make_world(acme: Organization, globex: Organization, seed: int) -> World:
    chance = random.Random(seed)
    world = World((acme, globex))
    for number, status in enumerate(["active", "suspended", "pending", "removed", "unproved"]):
        name = f"{status}{seed}.example"
        owner = world.organizations[(number + seed) % 2]
        _make_domain(owner, name, status)
        below = f"mail.{name}"
        if chance.random() < 0.6:
            _make_domain(chance.choice(world.organizations), below, chance.choice(["active", "suspended"]))
        for host in (name, below, f"deep.{below}"):
            for local in ("sales", "SALES", "sales+spring", "Sales+a+b", "+sales", "stopped", "nobody", "sales.x"):
                world.addresses.append(f"{local}@{host}")
    world.addresses += ["x@gone.example", "not an address", "@", "a@b@active.example", '"a b"@active0.example', NOBODY]
    MailPolicy.objects.create(organization=acme, keeps_unknown_recipients=bool(seed % 2))
    for organization in world.organizations:
        for events in (["message.received"], ["inbox.created"]):
            WebhookEndpoint.objects.create(organization=organization, url="https://hooks.example/", events=events)
    chance.shuffle(world.addresses)
    return world


def _make_domain(organization: Organization, name: str, status: str) -> Domain:
    now = timezone.now()
    fields: dict[str, object] = {"status": status} if status in ("active", "suspended", "pending") else {}
    domain = make_domain(organization, name, **fields)
    make_inbox(domain, "sales")
    stopped = make_inbox(domain, "stopped")
    EmailAccount.objects.filter(pk=stopped.pk).update(is_active=False)
    if status != "unproved":
        Domain.objects.filter(pk=domain.pk).update(proved_at=now - timedelta(days=2))
        Tenure.objects.create(
            name=name,
            organization=organization,
            domain=domain,
            from_at=now - timedelta(days=2),
            to_at=now - timedelta(days=1) if status == "removed" else None,
        )
    if status == "removed":
        Domain.objects.filter(pk=domain.pk).update(removed_at=now - timedelta(days=1))
    return domain


def bring(sandbox: SandboxProcess, *recipients: str, ses_message_id: str = "") -> str:
    """SES has stored a mail for these envelope recipients and announced it; its SES message id."""
    ses_message_id = ses_message_id or uuid.uuid4().hex
    sandbox.client("s3").put_object(Bucket=BUCKET, Key=f"incoming/{ses_message_id}", Body=RAW)
    action = {"type": "S3", "bucketName": BUCKET, "objectKey": f"incoming/{ses_message_id}"}
    stamp = timezone.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    mail = {"timestamp": stamp, "source": "sam@elsewhere.example", "messageId": ses_message_id, "destination": []}
    event = {"notificationType": "Received", "mail": mail, "receipt": {"recipients": recipients, "action": action}}
    SnsNotification.objects.create(
        sns_message_id=str(uuid.uuid4()), topic_arn="arn", message=json.dumps(event), sent_at=timezone.now()
    )
    return ses_message_id


@pytest.mark.parametrize("seed", range(2))
def test_what_is_foretold_is_what_happens(
    installation: SandboxProcess, acme: Organization, globex: Organization, seed: int
) -> None:
    world = make_world(acme, globex, seed)
    outcomes = set()
    for address in world.addresses[:70]:
        told = forecast(address=address, now=timezone.now())
        ses_message_id = bring(installation, address)
        before = WebhookDelivery.objects.count()
        ingest_due(now=timezone.now())
        message = InboundMessage.objects.get(ses_message_id=ses_message_id)
        assert (message.organization, message.inbox, message.disposition) == (
            told.organization,
            told.inbox,
            told.disposition,
        ), address
        assert message.domain == told.domain, address
        assert [(each["step"], each["outcome"]) for each in message.trace] == [
            (step.step, step.outcome) for step in told.steps
        ], address
        is_told = any((step.step, step.outcome) == ("webhooks", "told") for step in told.steps)
        assert WebhookDelivery.objects.count() - before == is_told, address
        outcomes.add((told.disposition, told.inbox is not None))
        for asker in world.organizations:
            own = forecast(address=address, now=timezone.now(), organization=asker)
            assert own.disposition == (told.disposition if told.organization == asker else ""), address
    assert {("delivered", True), ("held", True), ("unroutable", False)} <= outcomes


def test_it_asks_the_database_alone_and_writes_nothing(acme: Organization) -> None:
    _make_domain(acme, "acme.example", "active")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        forecast(address="sales@acme.example", now=timezone.now(), organization=acme)
    assert all(each["sql"].startswith("SELECT") for each in asked.captured_queries)
    assert asked.captured_queries


def test_anothers_name_and_nobodys_are_told_of_in_the_same_words(acme: Organization, globex: Organization) -> None:
    _make_domain(globex, "taken.example", "active")
    told = [
        forecast(address=f"sales@{name}", now=timezone.now(), organization=acme)
        for name in ("taken.example", "none.example")
    ]
    words = [[step.detail.replace("none.", "taken.") for step in each.steps] for each in told]
    assert words[0] == words[1]
    assert words[0][-1] == "taken.example is not a domain of yours."
    assert {(each.organization, each.domain, each.inbox, each.disposition) for each in told} == {(None, None, None, "")}


def test_a_claim_of_ones_own_that_is_not_proved_is_said_to_be_so(acme: Organization, globex: Organization) -> None:
    _make_domain(acme, "both.example", "unproved")
    alone = forecast(address="a@both.example", now=timezone.now(), organization=acme).steps
    _make_domain(globex, "both.example", "active")
    assert forecast(address="a@both.example", now=timezone.now(), organization=acme).steps == alone
    assert alone[-1].outcome == "unproved"


@pytest.mark.parametrize(
    ("changes", "words"), [({"is_receiving": False}, "switched off"), ({}, "did not lead here")], ids=["off", "no MX"]
)
def test_a_name_whose_mail_does_not_come_here_says_so(
    acme: Organization, changes: dict[str, object], words: str
) -> None:
    domain = _make_domain(acme, "acme.example", "active")
    Domain.objects.filter(pk=domain.pk).update(**changes)
    assert words in forecast(address="sales@acme.example", now=timezone.now()).reach


def test_a_pasted_mail_is_read_under_the_limits_and_its_to_header_decides_nothing(acme: Organization) -> None:
    _make_domain(acme, "acme.example", "active")
    parsed = read_pasted(RAW.decode())
    assert (parsed.subject, parsed.to[0].email) == ("Hello", "forged@elsewhere.example")
    with pytest.raises(MailTooLong):
        read_pasted("x" * 256 * 1024 + "x")
    with pytest.raises(AddressTooLong):
        forecast(address="x" * 1001, now=timezone.now())


def test_the_way_of_a_mail_to_two_organizations_names_each_ones_own_recipients_alone(
    installation: SandboxProcess, acme: Organization, globex: Organization
) -> None:
    _make_domain(acme, "acme.example", "active")
    _make_domain(globex, "globex.example", "active")
    bring(installation, "sales@acme.example", "secret@globex.example")
    ingest_due(now=timezone.now())
    for organization, other in ((acme, "globex"), (globex, "acme")):
        trace = InboundMessage.objects.get(organization=organization).trace
        assert trace
        assert other not in json.dumps(trace).lower()


def test_the_way_of_a_recipient_that_is_announced_later_joins_the_first(
    installation: SandboxProcess, acme: Organization
) -> None:
    _make_domain(acme, "acme.example", "suspended")
    _make_domain(acme, "other.example", "active")
    ses_message_id = bring(installation, "sales@acme.example")
    ingest_due(now=timezone.now())
    for _ in range(2):
        bring(installation, "nobody@other.example", ses_message_id=ses_message_id)
        ingest_due(now=timezone.now())
    trace = InboundMessage.objects.get().trace
    assert [each["outcome"] for each in trace if each["step"] == "disposition"] == ["held", "delivered"]
    assert [each["outcome"] for each in trace if each["step"] == "inbox"] == ["inbox", "none"]


def test_mail_that_was_held_says_when_it_was_let_go(installation: SandboxProcess, acme: Organization) -> None:
    domain = _make_domain(acme, "acme.example", "suspended")
    bring(installation, "sales@acme.example")
    ingest_due(now=timezone.now())
    Domain.objects.filter(pk=domain.pk).update(status="active")
    assert release_held(now=timezone.now()) == 1
    assert [each["step"] for each in InboundMessage.objects.get().trace][-2:] == ["disposition", "released"]
