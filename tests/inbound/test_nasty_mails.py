"""Mail that was made to break a parser goes the whole way: it is stored, listed and shown, and stops nothing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organization, User
from domains.registration import register_domain
from domains.verification import check_domain
from inbound.ingestion import ingest_due
from inbound.models import InboundMessage, SnsNotification
from tests.sandbox_process import SandboxProcess

from .nasty_mails import GROWING, SMALL

pytestmark = pytest.mark.django_db

SIZE = 6_000
MAILS = [*SMALL.items(), *((name, make(SIZE)) for name, make in GROWING.items())]
# A test each would set up a domain each; all in one would hide who failed.
CROWDS = [MAILS[start : start + 20] for start in range(0, len(MAILS), 20)]


@pytest.fixture
def hello(installation: SandboxProcess, acme: Organization, publish: Callable[..., None]) -> SandboxProcess:
    domain = register_domain(organization=acme, name="hello.example", actor="test", now=timezone.now())
    publish(domain)
    assert check_domain(domain=domain, actor="test", now=timezone.now()).status == "active"
    return installation


def announce(number: int) -> None:
    event = {
        "notificationType": "Received",
        "mail": {"timestamp": timezone.now().isoformat(), "source": "ann@example.org", "messageId": f"nasty-{number}"},
        "receipt": {
            "recipients": [f"mail-{number}@hello.example"],
            "action": {"type": "S3", "bucketName": "postern-tests", "objectKey": f"incoming/nasty-{number}"},
        },
    }
    SnsNotification.objects.create(
        sns_message_id=f"nasty-{number}", topic_arn="arn", message=json.dumps(event), sent_at=timezone.now()
    )


@pytest.mark.parametrize("crowd", CROWDS, ids=[f"{crowd[0][0]} ... {crowd[-1][0]}" for crowd in CROWDS])
def test_each_is_stored_and_shown_in_api_and_dashboard(
    hello: SandboxProcess, crowd: list[tuple[str, bytes]], acme_key: str, owner: User, client: Client
) -> None:
    for number, (_, raw) in enumerate(crowd):
        hello.client("s3").put_object(Bucket="postern-tests", Key=f"incoming/nasty-{number}", Body=raw)
        announce(number)
    done = 0
    while more := ingest_due(now=timezone.now()):
        done += more
    assert done == len(crowd)
    ended = dict(SnsNotification.objects.values_list("sns_message_id", "last_error"))
    assert {crowd[int(each.split("-")[1])][0]: error for each, error in ended.items() if error} == {}
    client.force_login(owner)
    bearer = {"Authorization": f"Bearer {acme_key}"}
    for number, (name, raw) in enumerate(crowd):
        message = InboundMessage.objects.get(ses_message_id=f"nasty-{number}")
        assert (message.size, message.parse_status in ("ok", "partial")) == (len(raw), True), name
        told = client.get(f"/api/email/messages/{message.public_id}", headers=bearer)
        assert (told.status_code, told.json().get("id")) == (200, message.public_id), (name, told.content)
        page = client.get(f"/app/messages/{message.public_id}")
        assert page.status_code == 200, name
        page.content.decode("utf-8")
    assert client.get("/app/messages").status_code == 200
    assert client.get("/api/email/messages", headers=bearer).status_code == 200
