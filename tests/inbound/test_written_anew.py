"""A later announcement of a mail puts its copy anew: the row tells of that copy, and of the better parse."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization
from inbound import ingestion, queues
from inbound.ingestion import ingest_due
from inbound.mime import ParsedMessage, parse_head
from inbound.models import InboundMessage, SnsNotification
from inbound.reading import delete_message, open_raw
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

RAW = (
    "From: Sam <sam@elsewhere.example>\r\nSubject: Plans\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\nHere.\r\n"
    "--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n%PDF\r\n--b--\r\n"
)


def announce(sandbox: SandboxProcess, first: str, second: str, *, source: str = "sam@elsewhere.example") -> None:
    """One mail whose Received header names `second`, announced for `first`; the other announcement waits."""
    sandbox.control("POST", "/_sandbox/mail", {"from": "sam@elsewhere.example", "to": [second], "raw": RAW})
    queues.drain(now=timezone.now())
    announced = SnsNotification.objects.get()
    event = json.loads(announced.message)
    event["mail"]["source"] = source
    event["receipt"]["recipients"] = [first]
    SnsNotification.objects.create(
        sns_message_id="earlier",
        topic_arn="arn",
        message=json.dumps(event),
        ses_message_id=announced.ses_message_id,
        sent_at=announced.sent_at,
        next_attempt_at=timezone.now(),
    )
    SnsNotification.objects.filter(pk=announced.pk).update(next_attempt_at=timezone.now() + timedelta(hours=1))


def later() -> Any:
    return timezone.now() + timedelta(hours=2)


def stored(sandbox: SandboxProcess) -> list[str]:
    listed = sandbox.client("s3").list_objects_v2(Bucket="postern-tests", Prefix="mail/")
    return [each["Key"] for each in listed.get("Contents", ())]


def test_the_size_the_hash_and_the_headers_are_those_of_the_copy_that_lies_there(hosts: SandboxProcess) -> None:
    announce(hosts, "b@hello.example", "a@hello.example")
    assert ingest_due(now=timezone.now()) == 1
    before = InboundMessage.objects.get()
    assert "a@hello.example" not in json.dumps(before.headers)
    assert ingest_due(now=later()) == 1
    message = InboundMessage.objects.get()
    copy = b"".join(open_raw(message=message).chunks)
    assert (message.size, message.sha256) == (len(copy), hashlib.sha256(copy).hexdigest())
    assert message.size > before.size
    assert "a@hello.example" in json.dumps(message.headers)


def test_a_better_parse_takes_the_place_of_a_worse_and_nothing_is_left_behind(
    hosts: SandboxProcess, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(hosts, "b@hello.example", "a@hello.example")
    parse = ingestion.parse_in_child

    def too_slow(path: Path, *, attachments_folder: Path) -> ParsedMessage:
        return parse_head(path.read_bytes()[:200], defect="parser_too_slow")

    monkeypatch.setattr(ingestion, "parse_in_child", too_slow)
    ingest_due(now=timezone.now())
    assert InboundMessage.objects.get().parse_status == "failed"
    monkeypatch.setattr(ingestion, "parse_in_child", parse)
    ingest_due(now=later())
    message = InboundMessage.objects.get()
    assert (message.parse_status, message.subject, message.text.strip()) == ("ok", "Plans", "Here.")
    assert [part.filename for part in message.attachments.all()] == ["a.pdf"]
    assert len(stored(hosts)) == 2
    delete_message(message=message, actor="owner", now=timezone.now(), purge=True)
    assert stored(hosts) == []


def test_a_purge_takes_what_no_row_tells_of(hosts: SandboxProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(hosts, "b@hello.example", "a@hello.example")
    ingest_due(now=timezone.now())
    message = InboundMessage.objects.get()
    stray = message.key.removesuffix("raw") + "7"
    hosts.client("s3").put_object(Bucket="postern-tests", Key=stray, Body=b"x")
    neighbour = message.key.replace("/raw", "0/raw")
    hosts.client("s3").put_object(Bucket="postern-tests", Key=neighbour, Body=b"x")
    delete_message(message=message, actor="owner", now=timezone.now(), purge=True)
    assert stored(hosts) == [neighbour]


@pytest.mark.parametrize("sender", ["s" * 1000, "发" * 900 + "@x.example"])
def test_a_sender_of_any_length_stops_no_mail(hosts: SandboxProcess, sender: str) -> None:
    announce(hosts, "b@hello.example", "a@hello.example", source=sender)
    ingest_due(now=timezone.now())
    message = InboundMessage.objects.get()
    assert sender.startswith(message.mail_from)
    assert 300 < len(message.mail_from) < 1000
