"""What the queue brings and nobody can believe is not lost in silence, not acted on, and in nobody's way for ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization
from aws.clients import call
from aws.pacing import person
from aws.queues import receive_messages
from domains.installation import SetUp, set_up_region
from domains.models import Domain, Installation
from domains.registration import register_domain
from domains.verification import check_domain
from inbound import queues
from inbound.models import InboundMessage, SnsNotification
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

REGION = "us-east-1"
FOREIGN = {
    "no JSON": "hello",
    "another service": json.dumps({"Records": [{"eventSource": "aws:s3"}]}),
    "no signature": json.dumps(
        {
            "Type": "Notification",
            "MessageId": "1b2c",
            "TopicArn": "arn:aws:sns:us-east-1:123456789012:postern-inbound",
            "Message": "{}",
            "Timestamp": "2026-11-20T12:00:00.000Z",
        }
    ),
}


@pytest.fixture
def installed(installation: SandboxProcess) -> Installation:
    return Installation.objects.get(region=REGION)


@pytest.fixture
def receiving(installed: Installation, acme: Organization, publish: Callable[[Domain], None]) -> Installation:
    domain = register_domain(organization=acme, name="shop.example", actor="test", now=timezone.now())
    publish(domain)
    assert check_domain(domain=domain, actor="test", now=timezone.now()).status == "active"
    return installed


def put(row: Installation, body: str) -> None:
    call(service="sqs", region=REGION, operation="SendMessage", QueueUrl=row.queue_url, MessageBody=body)


def attributes_of(queue_url: str) -> dict[str, str]:
    answer = call(
        service="sqs",
        region=REGION,
        operation="GetQueueAttributes",
        QueueUrl=queue_url,
        AttributeNames=["All"],
    )
    found: dict[str, str] = answer["Attributes"]
    return found


def set_redrive_policy(queue_url: str, policy: dict[str, Any] | None) -> None:
    # moto forgets a Policy that is not given anew with other attributes.
    wanted = {
        "Policy": attributes_of(queue_url).get("Policy", ""),
        "RedrivePolicy": json.dumps(policy) if policy else "",
    }
    call(service="sqs", region=REGION, operation="SetQueueAttributes", QueueUrl=queue_url, Attributes=wanted)


def redrive_policy(row: Installation) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(attributes_of(row.queue_url)["RedrivePolicy"])
    return found


def dead_letters_of(row: Installation) -> str:
    name = redrive_policy(row)["deadLetterTargetArn"].rpartition(":")[2]
    url: str = call(service="sqs", region=REGION, operation="GetQueueUrl", QueueName=name)["QueueUrl"]
    return url


def bodies(queue_url: str) -> list[str]:
    return [each.body for each in receive_messages(queue_url=queue_url, region=REGION)]


def subscription_of(row: Installation) -> str:
    listed = call(service="sns", region=REGION, operation="ListSubscriptionsByTopic", TopicArn=row.topic_arn)
    (arn,) = [each["SubscriptionArn"] for each in listed["Subscriptions"] if each["Protocol"] == "sqs"]
    return str(arn)


def switch_raw_delivery_on(row: Installation) -> None:
    call(
        service="sns",
        region=REGION,
        operation="SetSubscriptionAttributes",
        SubscriptionArn=subscription_of(row),
        AttributeName="RawMessageDelivery",
        AttributeValue="true",
    )


def set_up() -> SetUp:
    return set_up_region(region=REGION, caller=person(30), now=timezone.now())


@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN)
def test_what_can_not_be_believed_stays_in_the_queue_and_is_said(
    installed: Installation, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    put(installed, body)
    assert queues.drain(now=timezone.now()) == 0
    assert attributes_of(installed.queue_url)["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert not SnsNotification.objects.exists()
    assert [record.levelname for record in caplog.records if record.name == "inbound.queues"] == ["ERROR"]


def test_it_ends_with_the_dead_letters_and_holds_up_nothing(
    receiving: Installation,
    send_mail: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Here at the third try and without the pauses between, there after a day of them."""
    policy = redrive_policy(receiving) | {"maxReceiveCount": 3}
    set_redrive_policy(receiving.queue_url, policy)
    monkeypatch.setattr(queues, "receive_messages", partial(receive_messages, visibility_seconds=0))
    for body in FOREIGN.values():
        put(receiving, body)
    send_mail("help@shop.example")
    assert queues.drain(now=timezone.now()) >= 1
    assert SnsNotification.objects.filter(state="waiting").exclude(ses_message_id="").count() == 1
    assert bodies(receiving.queue_url) == []
    assert sorted(bodies(dead_letters_of(receiving))) == sorted(FOREIGN.values())
    # Each is said once, not at every try.
    assert caplog.text.count("ERROR") == len(FOREIGN)


def test_dead_letters_are_kept_as_long_as_can_be_and_come_after_a_day_of_tries(installed: Installation) -> None:
    assert redrive_policy(installed)["maxReceiveCount"] == 720
    assert attributes_of(dead_letters_of(installed))["MessageRetentionPeriod"] == "1209600"


def test_a_redrive_policy_of_the_operator_stays(installed: Installation) -> None:
    policy = redrive_policy(installed) | {"maxReceiveCount": 9}
    set_redrive_policy(installed.queue_url, policy)
    set_up()
    assert redrive_policy(installed)["maxReceiveCount"] == 9


def test_mail_that_comes_by_raw_message_delivery_is_not_taken_in_and_the_log_says_why(
    receiving: Installation, send_mail: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    queues.drain(now=timezone.now())
    kept = SnsNotification.objects.count()
    switch_raw_delivery_on(receiving)
    send_mail("help@shop.example")
    assert queues.drain(now=timezone.now()) == 0
    assert SnsNotification.objects.count() == kept
    assert attributes_of(receiving.queue_url)["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert "raw message delivery" in caplog.text


def test_setting_up_switches_raw_message_delivery_off(
    receiving: Installation, send_mail: Callable[..., None], take_in_mail: Callable[[], int]
) -> None:
    switch_raw_delivery_on(receiving)
    assert any("raw message delivery" in line for line in set_up().lines)
    assert not any("raw message delivery" in line for line in set_up().lines)
    send_mail("help@shop.example")
    take_in_mail()
    assert InboundMessage.objects.count() == 1


@pytest.mark.parametrize("operation", ["GetSubscriptionAttributes", "SetQueueAttributes"])
def test_what_the_credentials_may_not_is_a_warning_and_the_queue_is_read_all_the_same(
    sandbox: SandboxProcess, installed: Installation, operation: str
) -> None:
    set_up()
    set_redrive_policy(installed.queue_url, None)
    Installation.objects.update(queue_url="", queue_arn="")
    denied = {"operation": operation, "kind": "error", "code": "AccessDenied", "status": 403, "times": 9}
    sandbox.control("POST", "/_sandbox/faults", denied)
    warning = next(each for each in set_up().warnings if "PUBLIC_URL" not in each)
    assert f"could not be set up: {operation}" in warning
    assert Installation.objects.exclude(queue_url="").exists()
