"""Mail in when workers die, S3 is late or away, or two are at it: nothing is lost, nothing is doubled."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from django.db import connection
from django.utils import timezone

from domains.models import Domain
from inbound import ingestion, queues
from inbound.ingestion import ingest_due
from inbound.leasing import GIVE_UP_AFTER, LEASE, take_due
from inbound.models import Attachment, InboundMessage, SnsNotification
from inbound.reading import open_attachment, open_raw
from inbound.sweeping import sweep
from tests.doomed_process import SLOW_SECONDS, DoomedProcess
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

BUCKET = "postern-tests"
Answer = TypeVar("Answer")
WORKER = "from inbound.tasks import ingest_due; ingest_due()"
RAW = """From: Sam <sam@elsewhere.example>
Subject: Hello
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

Hello there.
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename=offer.pdf

an offer
--b--
""".replace("\n", "\r\n")


def announce(sandbox: SandboxProcess) -> str:
    """One mail to both, stored by SES and announced; its SES message id."""
    mail = {"from": "sam@elsewhere.example", "to": ["sales@hello.example", "info@other.example"], "raw": RAW}
    (ses_message_id,) = sandbox.control("POST", "/_sandbox/mail", mail)["ses_message_ids"]
    return str(ses_message_id)


def deliver(sandbox: SandboxProcess) -> str:
    """The same with its announcement in the database."""
    ses_message_id = announce(sandbox)
    queues.drain(now=timezone.now())
    return ses_message_id


def keys(sandbox: SandboxProcess, prefix: str) -> list[str]:
    """Without the one object that SES itself puts when a rule is made."""
    listed = sandbox.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [each["Key"] for each in listed.get("Contents", ()) if "SETUP_NOTIFICATION" not in each["Key"]]


def assert_kept_once(sandbox: SandboxProcess) -> None:
    """Rows and objects: one message an organization with its own recipient, and nothing that is still to be done."""
    found = InboundMessage.objects.values_list("organization__name", "recipients__address", "text", "has_attachments")
    text = "Hello there."
    assert sorted((name, address, body.strip(), has) for name, address, body, has in found) == [
        ("Acme", "sales@hello.example", text, True),
        ("Globex", "info@other.example", text, True),
    ]
    for message in InboundMessage.objects.all():
        assert b"".join(open_raw(message=message).chunks).endswith(RAW.encode())
    assert [b"".join(open_attachment(attachment=each).chunks) for each in Attachment.objects.all()] == [b"an offer"] * 2
    assert set(SnsNotification.objects.values_list("state", "leased_until")) == {("done", None)}
    assert list(Domain.objects.values_list("received_count", flat=True)) == [1, 1]
    assert keys(sandbox, "incoming/") == []
    assert len(keys(sandbox, "mail/")) == 4


@pytest.mark.parametrize(
    ("operation", "skip", "stored"),
    [("GetObject", 0, 0), ("PutObject", 0, 0), ("PutObject", 3, 1), ("DeleteObject", 0, 2)],
    ids=["while it fetches", "while it stores", "between two organizations", "while it clears away"],
)
def test_a_worker_killed_in_the_middle_is_followed_by_another(
    hosts: SandboxProcess, operation: str, skip: int, stored: int
) -> None:
    deliver(hosts)
    hosts.control("DELETE", "/_sandbox/calls")
    fault = {"operation": operation, "kind": "delay", "seconds": SLOW_SECONDS, "skip": skip}
    hosts.control("POST", "/_sandbox/faults", fault)
    with DoomedProcess(WORKER) as worker:
        worker.die_at(hosts, operation)
    assert InboundMessage.objects.count() == stored
    assert SnsNotification.objects.get().state == "waiting"
    assert ingest_due(now=timezone.now()) == 0, "another may be at it, for all that anybody knows"
    assert ingest_due(now=timezone.now() + LEASE) == 1
    assert_kept_once(hosts)


def test_a_drain_killed_before_it_empties_the_queue_brings_the_mail_again_and_keeps_it_once(
    hosts: SandboxProcess,
) -> None:
    hosts.control("POST", "/_sandbox/faults", {"operation": "DeleteMessage", "kind": "delay", "seconds": SLOW_SECONDS})
    announce(hosts)
    with DoomedProcess("from inbound.tasks import drain_queues; drain_queues()") as drain:
        drain.die_at(hosts, "DeleteMessage")
    kept = SnsNotification.objects.get()
    assert (kept.state, kept.source) == ("waiting", "sqs")
    ingest_due(now=timezone.now())
    assert_kept_once(hosts)


def test_an_object_that_comes_late_is_waited_for_ever_more_patiently(hosts: SandboxProcess) -> None:
    ses_message_id = deliver(hosts)
    s3, key = hosts.client("s3"), f"incoming/{ses_message_id}"
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.delete_object(Bucket=BUCKET, Key=key)
    now, pauses = timezone.now(), []
    for _ in range(4):
        assert ingest_due(now=now) == 1
        waiting = SnsNotification.objects.get()
        pauses.append((waiting.next_attempt_at - timezone.now()).total_seconds())
        now = waiting.next_attempt_at
    assert (waiting.state, waiting.leased_until) == ("waiting", None)
    assert pauses == sorted(pauses)
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    ingest_due(now=now)
    assert_kept_once(hosts)


def test_an_object_that_never_comes_is_parked_in_the_end(hosts: SandboxProcess) -> None:
    hosts.client("s3").delete_object(Bucket=BUCKET, Key=f"incoming/{deliver(hosts)}")
    SnsNotification.objects.update(received_at=timezone.now() - GIVE_UP_AFTER - timedelta(minutes=1))
    ingest_due(now=timezone.now())
    parked = SnsNotification.objects.get()
    assert (parked.state, "there is no object" in parked.last_error) == ("parked", True)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("GetObject", "error"),
        ("GetObject", "cut"),
        ("PutObject", "error"),
        ("PutObject", "lose_answer"),
        ("DeleteObject", "error"),
        ("DeleteObject", "lose_answer"),
    ],
)
def test_s3_may_fail_at_any_step(hosts: SandboxProcess, operation: str, kind: str) -> None:
    deliver(hosts)
    hosts.control("POST", "/_sandbox/faults", {"operation": operation, "kind": kind, "times": 9})
    ingest_due(now=timezone.now())
    hosts.control("DELETE", "/_sandbox/faults")
    ingest_due(now=timezone.now() + timedelta(minutes=1))
    # What could not be cleared away is done all the same, and the sweep sees that it is.
    assert sweep(now=timezone.now() + timedelta(hours=2)) == 0
    assert_kept_once(hosts)


def test_of_two_workers_one_has_the_row(hosts: SandboxProcess) -> None:
    deliver(hosts)
    now = timezone.now()
    assert sum(_at_once(lambda: len(take_due(now=now)))) == 1


def test_two_workers_at_one_mail_keep_it_once(hosts: SandboxProcess) -> None:
    deliver(hosts)
    twice = [SnsNotification.objects.get(), SnsNotification.objects.get()]
    # As when a lease ended before its slow worker did.
    _at_once(lambda: ingestion.run(twice.pop()))
    assert_kept_once(hosts)


@pytest.mark.parametrize("error", [ingestion.Postponed, ingestion.Hopeless])
def test_a_worker_slower_than_its_lease_undoes_nothing(
    hosts: SandboxProcess, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    deliver(hosts)
    (slow,) = take_due(now=timezone.now())
    ingest_due(now=timezone.now() + LEASE)

    def fail(*_: object, **__: object) -> None:
        raise error("too late")

    monkeypatch.setattr(ingestion, "ingest", fail)
    ingestion.run(slow)
    assert_kept_once(hosts)


def test_two_workers_at_two_announcements_of_one_mail_keep_it_once(hosts: SandboxProcess) -> None:
    deliver(hosts)
    first = SnsNotification.objects.get()
    for number in range(3):
        SnsNotification.objects.create(
            sns_message_id=f"again-{number}", topic_arn=first.topic_arn, message=first.message, sent_at=first.sent_at
        )
    _at_once(lambda: ingest_due(now=timezone.now()), 4)
    ingest_due(now=timezone.now() + timedelta(minutes=1))
    assert_kept_once(hosts)


def test_announcements_of_each_recipient_at_once_end_in_one_message_each(hosts: SandboxProcess) -> None:
    deliver(hosts)
    first = SnsNotification.objects.get()
    event = json.loads(first.message)
    first.delete()
    for recipient in event["receipt"]["recipients"]:
        event["receipt"]["recipients"] = [recipient]
        SnsNotification.objects.create(
            sns_message_id=recipient, topic_arn=first.topic_arn, message=json.dumps(event), sent_at=first.sent_at
        )
    _at_once(lambda: ingest_due(now=timezone.now()))
    ingest_due(now=timezone.now() + timedelta(minutes=1))
    assert_kept_once(hosts)


def _at_once(verb: Callable[[], Answer], times: int = 2) -> list[Answer]:
    """What each answered, all started together."""
    gate, ended = threading.Barrier(times), list[Answer]()

    def run() -> None:
        try:
            gate.wait(10)
            ended.append(verb())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return ended
