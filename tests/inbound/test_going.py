"""What goes, goes whole and only when nobody needs it: the incoming object, and mail that is purged meanwhile."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization
from aws import mail_store
from aws.errors import AwsUnavailable
from inbound import ingestion, keeping, mail_rows, queues, sweeping
from inbound.ingestion import ingest_due
from inbound.mime import ParsedMessage
from inbound.models import DeletedMessage, InboundMessage, SnsNotification
from inbound.reading import delete_message, open_raw, visible_messages
from tests.sandbox_process import SandboxProcess
from webhooks.models import WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "canary-91be"
RAW = f"From: Sam <{CANARY}-from@elsewhere.example>\r\nSubject: {CANARY}-subject\r\n\r\n{CANARY}-text\r\n"


def deliver(sandbox: SandboxProcess, *recipients: str) -> str:
    mail = {"from": "sam@elsewhere.example", "to": list(recipients), "raw": RAW}
    (ses_message_id,) = sandbox.control("POST", "/_sandbox/mail", mail)["ses_message_ids"]
    queues.drain(now=timezone.now())
    return str(ses_message_id)


def apart() -> None:
    """The one announcement of both organizations' recipients as two, as two receipt rules make them."""
    both = SnsNotification.objects.get()
    event = json.loads(both.message)
    recipients = event["receipt"]["recipients"]
    for recipient in recipients:
        event["receipt"]["recipients"] = [recipient]
        SnsNotification.objects.create(
            sns_message_id=recipient,
            topic_arn=both.topic_arn,
            message=json.dumps(event),
            ses_message_id=both.ses_message_id,
            sent_at=both.sent_at,
        )
    both.delete()


def keys(sandbox: SandboxProcess, prefix: str) -> list[str]:
    listed = sandbox.client("s3").list_objects_v2(Bucket="postern-tests", Prefix=prefix)
    return [each["Key"] for each in listed.get("Contents", ()) if "SETUP_NOTIFICATION" not in each["Key"]]


def _announce_again(*recipients: str) -> None:
    """As SES does for another rule that matched."""
    announced = SnsNotification.objects.get()
    event = json.loads(announced.message)
    event["receipt"]["recipients"] = list(recipients)
    SnsNotification.objects.create(
        sns_message_id="again",
        topic_arn="arn",
        message=json.dumps(event),
        ses_message_id=announced.ses_message_id,
        sent_at=timezone.now(),
    )


def test_one_organizations_purge_takes_nothing_from_another_whose_announcement_waits(
    hosts: SandboxProcess, acme: Organization, globex: Organization
) -> None:
    deliver(hosts, "sales@hello.example", "info@other.example")
    apart()
    SnsNotification.objects.filter(sns_message_id="info@other.example").update(
        next_attempt_at=timezone.now() + timedelta(hours=1)
    )
    assert ingest_due(now=timezone.now()) == 1
    delete_message(message=InboundMessage.objects.get(), actor="owner", now=timezone.now(), purge=True)
    assert ingest_due(now=timezone.now() + timedelta(hours=2)) == 1
    (theirs,) = visible_messages(organization=globex)
    assert CANARY in b"".join(open_raw(message=theirs).chunks).decode()
    assert keys(hosts, "incoming/") == []
    assert not visible_messages(organization=acme).exists()


def test_the_last_of_announcements_that_are_worked_on_side_by_side_clears_away(
    hosts: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(hosts, "sales@hello.example", "info@other.example")
    apart()
    first, second = ingestion.take_due(now=timezone.now())
    take_in = ingestion.take_in

    def overtaken(event: Any, *, now: datetime) -> None:
        take_in(event, now=now)
        if event.recipients == ("sales@hello.example",):
            # Both have stored, and each has seen that the other was not done.
            ingestion.run(second)
            assert keys(hosts, "incoming/") != []

    monkeypatch.setattr(ingestion, "take_in", overtaken)
    ingestion.run(first)
    assert keys(hosts, "incoming/") == []
    assert set(SnsNotification.objects.values_list("state", flat=True)) == {"done"}


@pytest.mark.parametrize("is_row_gone", [True, False], ids=["gone", "going"])
def test_a_mail_that_is_purged_while_it_is_stored_again_stays_away_with_all_its_objects(
    hosts: SandboxProcess, acme: Organization, monkeypatch: pytest.MonkeyPatch, is_row_gone: bool
) -> None:
    deliver(hosts, "sales@hello.example")
    ingest_due(now=timezone.now())
    message, announced = InboundMessage.objects.get(), SnsNotification.objects.get()
    WebhookEndpoint.objects.create(organization=acme, url="https://hooks.example/", events=["message.received"])
    event = json.loads(announced.message)
    event["receipt"]["recipients"] = ["help@hello.example"]
    SnsNotification.objects.create(
        sns_message_id="again", topic_arn="arn", message=json.dumps(event), sent_at=timezone.now()
    )
    put_file = mail_store.put_file

    def purged_meanwhile(**named: Any) -> None:
        if is_row_gone:
            delete_message(message=message, actor="owner", now=timezone.now(), purge=True)
        else:
            now = timezone.now()
            DeletedMessage.objects.create(organization=acme, ses_message_id=message.ses_message_id)
            InboundMessage.objects.update(deleted_at=now, purge_at=now)
        put_file(**named)

    monkeypatch.setattr(keeping, "put_file", purged_meanwhile)
    ingest_due(now=timezone.now())
    assert set(SnsNotification.objects.values_list("state", flat=True)) == {"done"}
    assert not visible_messages(organization=acme).exists()
    assert InboundMessage.objects.exists() is not is_row_gone
    assert keys(hosts, "mail/") == []
    assert not WebhookDelivery.objects.exists()


def test_what_could_not_be_taken_back_at_once_goes_with_the_next_try(
    hosts: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(hosts, "sales@hello.example")
    ingest_due(now=timezone.now())
    message = InboundMessage.objects.get()
    _announce_again("help@hello.example")
    put_file, delete_object = mail_store.put_file, mail_store.delete_object

    def purged_meanwhile(**named: Any) -> None:
        if InboundMessage.objects.exists():
            delete_message(message=message, actor="owner", now=timezone.now(), purge=True)
        put_file(**named)

    def away(**_: Any) -> None:
        raise AwsUnavailable(operation="DeleteObject", code="ServiceUnavailable", message="away")

    monkeypatch.setattr(keeping, "put_file", purged_meanwhile)
    monkeypatch.setattr(keeping, "delete_object", away)
    ingest_due(now=timezone.now())
    assert keys(hosts, "mail/") != [], "S3 was away"
    monkeypatch.setattr(keeping, "delete_object", delete_object)
    ingest_due(now=timezone.now() + timedelta(hours=1))
    assert keys(hosts, "mail/") == []
    assert set(SnsNotification.objects.values_list("state", flat=True)) == {"done"}


def test_an_announcement_for_more_recipients_leaves_the_copy_and_its_hash_as_they_are(hosts: SandboxProcess) -> None:
    raw = (
        "Received: from x by inbound-smtp.us-east-1.amazonaws.com with SMTP id abc123 for sales@hello.example;"
        f" Sat, 21 Nov 2026 07:00:00 +0000\r\n{RAW}"
    )
    mail = {"from": "sam@elsewhere.example", "to": ["sales@hello.example"], "raw": raw}
    hosts.control("POST", "/_sandbox/mail", mail)
    queues.drain(now=timezone.now())
    ingest_due(now=timezone.now())
    before = b"".join(open_raw(message=InboundMessage.objects.get()).chunks)
    _announce_again("help@hello.example")
    ingest_due(now=timezone.now())
    message = InboundMessage.objects.get()
    assert message.recipients.count() == 2
    assert b"".join(open_raw(message=message).chunks) == before
    assert hashlib.sha256(before).hexdigest() == message.sha256


def test_what_waits_to_be_purged_is_no_mail_that_a_sweep_adopts(hosts: SandboxProcess) -> None:
    ses_message_id = deliver(hosts, "sales@hello.example")
    ingest_due(now=timezone.now())
    away = {"operation": "DeleteObject", "kind": "error", "code": "ServiceUnavailable", "status": 503, "times": 1000}
    hosts.control("POST", "/_sandbox/faults", away)
    delete_message(message=InboundMessage.objects.get(), actor="owner", now=timezone.now(), purge=True)
    hosts.control("DELETE", "/_sandbox/faults")
    hosts.client("s3").put_object(Bucket="postern-tests", Key=f"incoming/{ses_message_id}", Body=RAW.encode())
    assert sweeping.sweep(now=timezone.now() + timedelta(hours=2)) == 0
    assert keys(hosts, "incoming/") == []


def test_a_row_that_the_database_refuses_leaves_nothing_of_the_mail_in_the_log(
    hosts: SandboxProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fields_of = mail_rows.fields_of

    def refused(parsed: ParsedMessage) -> dict[str, object]:
        return {**fields_of(parsed), "parse_status": None}

    monkeypatch.setattr(keeping, "fields_of", refused)
    caplog.set_level(logging.DEBUG)
    deliver(hosts, f"{CANARY}-to@hello.example")
    ingest_due(now=timezone.now())
    waiting = SnsNotification.objects.get()
    assert "IntegrityError" in caplog.text
    assert CANARY not in caplog.text + waiting.last_error
    assert "parse_status" in waiting.last_error
