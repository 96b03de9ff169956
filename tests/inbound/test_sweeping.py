"""The sweeper: a mail that was never announced comes in all the same, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organization
from aws.errors import AwsError
from domains.models import Domain, Installation
from domains.registration import register_domain
from domains.verification import check_domain
from inbound import ingestion, purging, queues, sweeping, tasks
from inbound.keeping import NOBODY
from inbound.models import InboundMessage, SnsNotification, SweepTurn
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)
RAW = "From: Sam <sam@elsewhere.example>\r\nSubject: Unheard of\r\n\r\nHello.\r\n"


@pytest.fixture
def hello(installation: SandboxProcess, acme: Organization, publish: Callable[..., None]) -> Domain:
    domain = register_domain(organization=acme, name="hello.example", actor="test", now=timezone.now())
    publish(domain)
    return check_domain(domain=domain, actor="test", now=timezone.now())


def put(sandbox: SandboxProcess, *recipients: str, announce: bool = False) -> str:
    mail = {"from": "sam@elsewhere.example", "to": list(recipients), "raw": RAW, "announce": announce}
    return str(sandbox.control("POST", "/_sandbox/mail", mail)["ses_message_ids"][0])


def sweep_later() -> int:
    adopted = sweeping.sweep(now=timezone.now() + timedelta(hours=2))
    ingestion.ingest_due(now=timezone.now() + timedelta(hours=2))
    return adopted


def test_what_nobody_announced_is_adopted_once(hello: Domain, installation: SandboxProcess) -> None:
    put(installation, "sales@hello.example")
    assert sweep_later() == 1
    message = InboundMessage.objects.get()
    assert (message.organization, message.subject, message.spam_verdict) == (hello.organization, "Unheard of", "")
    assert sweep_later() == 0


def test_what_is_young_may_still_be_announced(hello: Domain, installation: SandboxProcess) -> None:
    put(installation, "sales@hello.example")
    assert sweeping.sweep(now=timezone.now()) == 0


def test_without_a_recipient_in_the_mail_staff_place_it(hello: Domain, installation: SandboxProcess) -> None:
    put(installation, "sales@hello.example", "help@hello.example")
    assert sweep_later() == 1
    message = InboundMessage.objects.get()
    assert (message.organization, message.disposition) == (None, "unroutable")


def test_a_late_announcement_completes_it(
    hello: Domain, installation: SandboxProcess, take_in_mail: Callable[[], int]
) -> None:
    put(installation, "sales@hello.example")
    sweep_later()
    adopted = SnsNotification.objects.get()
    late = adopted.message.replace('"receipt":{', '"receipt":{"spamVerdict":{"status":"PASS"},')
    SnsNotification.objects.create(
        sns_message_id="late", topic_arn=adopted.topic_arn, message=late, sent_at=timezone.now()
    )
    take_in_mail()
    assert InboundMessage.objects.get().spam_verdict == "PASS"


def test_a_late_announcement_takes_from_staff_what_they_were_to_place(
    hello: Domain, installation: SandboxProcess, take_in_mail: Callable[[], int]
) -> None:
    ses_message_id = put(installation, "sales@hello.example", "help@hello.example")
    sweep_later()
    adopted = SnsNotification.objects.get()
    late = adopted.message.replace(NOBODY, "sales@hello.example").replace('"source":""', '"source":"sam@else.example"')
    SnsNotification.objects.create(
        sns_message_id="late", topic_arn=adopted.topic_arn, message=late, sent_at=timezone.now()
    )
    take_in_mail()
    message = InboundMessage.objects.get()
    assert (message.organization, message.mail_from) == (hello.organization, "sam@else.example")
    listed = installation.client("s3").list_objects_v2(Bucket="postern-tests", Prefix="mail/")["Contents"]
    assert [each["Key"] for each in listed] == [message.key]
    assert ses_message_id in message.key


def test_a_second_announcement_after_the_first_was_stored_finds_the_mail(
    hello: Domain, installation: SandboxProcess, take_in_mail: Callable[[], int]
) -> None:
    put(installation, "sales@hello.example", announce=True)
    take_in_mail()
    first = SnsNotification.objects.get()
    second = first.message.replace("sales@hello.example", "help@hello.example")
    SnsNotification.objects.create(
        sns_message_id="second", topic_arn=first.topic_arn, message=second, sent_at=timezone.now()
    )
    take_in_mail()
    message = InboundMessage.objects.get()
    assert {each.address for each in message.recipients.all()} == {"sales@hello.example", "help@hello.example"}


@pytest.mark.parametrize("is_deleted", [False, True], ids=["stored", "deleted"])
def test_what_one_organization_has_is_adopted_for_the_other_that_it_names(
    hosts: SandboxProcess, take_in_mail: Callable[[], int], is_deleted: bool
) -> None:
    # Two rules of SES matched: the object is put for each, and only one announcement ever comes.
    ses_message_id = put(hosts, "b@other.example")
    s3, key = hosts.client("s3"), f"incoming/{ses_message_id}"
    raw = s3.get_object(Bucket="postern-tests", Key=key)["Body"].read()
    said = json.dumps(
        {
            "notificationType": "Received",
            "mail": {"timestamp": timezone.now().isoformat(), "source": "sam@x.example", "messageId": ses_message_id},
            "receipt": {
                "recipients": ["a@hello.example"],
                "action": {"type": "S3", "bucketName": "postern-tests", "objectKey": key},
            },
        }
    )
    SnsNotification.objects.create(sns_message_id="first", topic_arn="arn", message=said, sent_at=timezone.now())
    take_in_mail()
    first = InboundMessage.objects.get()
    if is_deleted:
        with transaction.atomic():
            purging.mark(InboundMessage.objects.all(), now=timezone.now())
        purging.purge([first.pk], now=timezone.now())
    s3.put_object(Bucket="postern-tests", Key=key, Body=raw)
    assert sweep_later() == 1
    assert set(InboundMessage.objects.values_list("organization__name", flat=True)) == (
        {"Globex"} if is_deleted else {"Acme", "Globex"}
    )
    s3.put_object(Bucket="postern-tests", Key=key, Body=raw)
    assert sweep_later() == 0
    left = s3.list_objects_v2(Bucket="postern-tests", Prefix="incoming/").get("Contents", [])
    assert key not in [each["Key"] for each in left], "now it is done for all"


def test_an_object_that_can_not_be_read_stops_no_other(hello: Domain, installation: SandboxProcess) -> None:
    for _ in range(2):
        put(installation, "sales@hello.example")
    fault = {"operation": "GetObject", "kind": "error", "code": "AccessDenied", "status": 403}
    installation.control("POST", "/_sandbox/faults", fault)
    assert sweep_later() == 1
    assert sweep_later() == 1
    assert InboundMessage.objects.count() == 2


def test_whether_a_mail_was_announced_is_found_by_its_id_and_not_in_the_text(
    hello: Domain, installation: SandboxProcess, take_in_mail: Callable[[], int]
) -> None:
    ses_message_id = put(installation, "sales@hello.example")
    queues.drain(now=timezone.now())
    SnsNotification.objects.create(
        sns_message_id="waits",
        topic_arn="arn",
        message=json.dumps({"notificationType": "Received", "mail": {"messageId": ses_message_id}}),
        sent_at=timezone.now(),
    )
    with CaptureQueriesContext(connection) as asked:
        assert sweeping.sweep(now=timezone.now() + timedelta(hours=2)) == 0
    assert not [each["sql"] for each in asked if "LIKE" in each["sql"].upper()]
    assert SnsNotification.objects.get().ses_message_id == ses_message_id, "what older code kept is named"


def test_one_sweep_at_a_time_and_a_dead_ones_turn_comes_back(hello: Domain, installation: SandboxProcess) -> None:
    put(installation, "sales@hello.example")
    later = timezone.now() + timedelta(hours=2)
    bucket = Installation.objects.get().bucket
    SweepTurn.objects.create(bucket=bucket, leased_until=later + sweeping.LEASE)
    assert sweeping.sweep(now=later) == 0
    assert sweeping.sweep(now=later + sweeping.LEASE) == 1
    assert SweepTurn.objects.get().leased_until is None


def test_a_sweep_hands_over_after_a_while_and_the_next_goes_on_there(
    hello: Domain, installation: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = sorted(f"incoming/{put(installation, 'sales@hello.example')}" for _ in range(3))
    rings: list[str] = []
    monkeypatch.setattr(sweeping, "ring", rings.append)
    monkeypatch.setattr(sweeping, "RUN_SECONDS", 0.0)
    later = timezone.now() + timedelta(hours=2)
    seen = []
    while not seen or seen[-1]:
        sweeping.sweep(now=later)
        seen.append(SweepTurn.objects.get().after_key)
    assert [key for key in seen if key in keys] == keys
    assert SnsNotification.objects.filter(source="sweep").count() == 3
    assert rings.count("inbound.tasks.sweep_mail") == len(seen) - 1


def test_a_sweep_that_can_not_list_gives_its_turn_back(hello: Domain, installation: SandboxProcess) -> None:
    fault = {"operation": "ListObjectsV2", "kind": "error", "code": "ServiceUnavailable", "status": 503, "times": 9}
    installation.control("POST", "/_sandbox/faults", fault)
    with pytest.raises(AwsError):
        sweeping.sweep(now=timezone.now())
    assert SweepTurn.objects.get().leased_until is None


def test_a_task_that_can_not_list_says_so_in_a_line(
    hello: Domain, installation: SandboxProcess, caplog: pytest.LogCaptureFixture
) -> None:
    fault = {"operation": "ListObjectsV2", "kind": "error", "code": "ServiceUnavailable", "status": 503, "times": 9}
    installation.control("POST", "/_sandbox/faults", fault)
    tasks.sweep_mail()
    (said,) = [record for record in caplog.records if record.name == "inbound.tasks"]
    assert (said.levelname, said.exc_info) == ("ERROR", None)
    assert "ListObjectsV2" in said.getMessage()
