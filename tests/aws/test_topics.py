"""The topic, its queue and its subscriptions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws.clients import call
from aws.topics import (
    SubscriptionState,
    confirm_subscription,
    delete_message,
    ensure_queue,
    ensure_subscription,
    ensure_topic,
    ensure_whole_messages,
    receive_messages,
    region_of,
    subscription_state,
)
from tests.aws.scripted_endpoint import Answer, ScriptedEndpoint

REGION = "eu-west-1"


@pytest.fixture
def topic_arn(sandbox: object) -> str:
    return ensure_topic(region=REGION, name="postern-topics")


def attributes_of(topic_arn: str) -> dict[str, str]:
    answer = call(service="sns", region=REGION, operation="GetTopicAttributes", TopicArn=topic_arn)
    found: dict[str, str] = answer["Attributes"]
    return found


def test_ensuring_a_topic_twice_gives_one_topic(topic_arn: str) -> None:
    assert ensure_topic(region=REGION, name="postern-topics") == topic_arn


def test_the_topic_is_signed_with_sha256_and_open_to_ses(topic_arn: str) -> None:
    attributes = attributes_of(topic_arn)
    assert attributes["SignatureVersion"] == "2"
    statements = {statement["Sid"]: statement for statement in json.loads(attributes["Policy"])["Statement"]}
    assert statements["postern-ses-publish"]["Principal"] == {"Service": "ses.amazonaws.com"}


def test_a_foreign_statement_of_the_topic_stays(topic_arn: str) -> None:
    theirs = {"Sid": "theirs", "Effect": "Deny", "Principal": "*", "Action": "SNS:Publish", "Resource": topic_arn}
    call(
        service="sns",
        region=REGION,
        operation="SetTopicAttributes",
        TopicArn=topic_arn,
        AttributeName="Policy",
        AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [theirs]}),
    )
    ensure_topic(region=REGION, name="postern-topics")
    statements = json.loads(attributes_of(topic_arn)["Policy"])["Statement"]
    assert [statement["Sid"] for statement in statements] == ["theirs", "postern-ses-publish"]


def test_what_the_topic_says_is_received_from_the_queue_once(topic_arn: str) -> None:
    queue = ensure_queue(region=REGION, name="postern-queue", topic_arn=topic_arn)
    assert ensure_queue(region=REGION, name="postern-queue", topic_arn=topic_arn) == queue
    state = ensure_subscription(topic_arn=topic_arn, protocol="sqs", endpoint=queue.arn)
    assert state is SubscriptionState.CONFIRMED
    call(service="sns", region=REGION, operation="Publish", TopicArn=topic_arn, Message="hello", Subject="greeting")
    (message,) = receive_messages(queue_url=queue.url, region=REGION, wait_seconds=5)
    assert json.loads(message.body)["Message"] == "hello"
    assert message.receive_count == 1
    assert message.sent_at is not None
    delete_message(queue_url=queue.url, region=REGION, receipt_handle=message.receipt_handle)
    assert receive_messages(queue_url=queue.url, region=REGION) == []


def test_a_received_message_is_hidden_until_it_is_visible_again(topic_arn: str) -> None:
    queue = ensure_queue(region=REGION, name="postern-queue", topic_arn=topic_arn)
    call(service="sqs", region=REGION, operation="SendMessage", QueueUrl=queue.url, MessageBody="x")
    assert receive_messages(queue_url=queue.url, region=REGION, visibility_seconds=0)
    (again,) = receive_messages(queue_url=queue.url, region=REGION)
    assert again.receive_count == 2
    assert receive_messages(queue_url=queue.url, region=REGION) == []


def test_the_dead_letters_of_a_subscription_go_to_the_queue(topic_arn: str) -> None:
    queue = ensure_queue(region=REGION, name="postern-queue", topic_arn=topic_arn)
    for _ in range(2):
        ensure_subscription(topic_arn=topic_arn, protocol="sqs", endpoint=queue.arn, dead_letter_arn=queue.arn)
    listed = call(service="sns", region=REGION, operation="ListSubscriptionsByTopic", TopicArn=topic_arn)
    (subscription,) = listed["Subscriptions"]
    answer = call(
        service="sns",
        region=REGION,
        operation="GetSubscriptionAttributes",
        SubscriptionArn=subscription["SubscriptionArn"],
    )
    assert json.loads(answer["Attributes"]["RedrivePolicy"]) == {"deadLetterTargetArn": queue.arn}


def test_an_endpoint_that_was_never_subscribed_is_missing(topic_arn: str) -> None:
    state = subscription_state(topic_arn=topic_arn, protocol="https", endpoint="https://example.com/sns")
    assert state is SubscriptionState.MISSING


def test_a_https_endpoint_is_pending_until_it_confirms(topic_arn: str, scripted_receiver: ScriptedEndpoint) -> None:
    endpoint = f"{scripted_receiver.url}/sns"
    state = ensure_subscription(topic_arn=topic_arn, protocol="http", endpoint=endpoint)
    assert state is SubscriptionState.PENDING
    asked = json.loads(scripted_receiver.wait_for_request()[2])
    assert asked["Type"] == "SubscriptionConfirmation"
    arn = confirm_subscription(topic_arn=topic_arn, token=asked["Token"])
    assert arn.startswith(topic_arn)
    state = subscription_state(topic_arn=topic_arn, protocol="http", endpoint=endpoint)
    assert state is SubscriptionState.CONFIRMED


def test_raw_message_delivery_to_a_https_endpoint_is_switched_off_once(
    topic_arn: str, scripted_receiver: ScriptedEndpoint
) -> None:
    door: dict[str, Any] = {"topic_arn": topic_arn, "protocol": "http", "endpoint": f"{scripted_receiver.url}/sns"}
    assert not ensure_whole_messages(**door)
    ensure_subscription(**door)
    assert not ensure_whole_messages(**door)
    token = json.loads(scripted_receiver.wait_for_request()[2])["Token"]
    arn = confirm_subscription(topic_arn=topic_arn, token=token)
    raw: dict[str, Any] = {"AttributeName": "RawMessageDelivery", "AttributeValue": "true"}
    call(service="sns", region=REGION, operation="SetSubscriptionAttributes", SubscriptionArn=arn, **raw)
    assert ensure_whole_messages(**door)
    assert not ensure_whole_messages(**door)


def test_a_subscription_on_the_second_page_is_found(scripted: ScriptedEndpoint) -> None:
    page = "<R><ListSubscriptionsByTopicResult><Subscriptions>{}</Subscriptions>{}</ListSubscriptionsByTopicResult></R>"
    member = (
        "<member><Protocol>sqs</Protocol><Endpoint>arn:q</Endpoint>"
        "<SubscriptionArn>arn:aws:sns:eu-west-1:1:t:s</SubscriptionArn></member>"
    )
    scripted.answers = [
        Answer(body=page.format("", "<NextToken>n</NextToken>").encode()),
        Answer(body=page.format(member, "").encode()),
    ]
    state = subscription_state(topic_arn="arn:aws:sns:eu-west-1:1:t", protocol="sqs", endpoint="arn:q")
    assert state is SubscriptionState.CONFIRMED


@pytest.mark.parametrize("arn", ["", "arn:aws:sns", "x:aws:sns:eu-west-1:1:t"])
def test_what_is_no_arn_has_no_region(arn: str) -> None:
    with pytest.raises(ValueError, match="not an ARN"):
        region_of(arn)
