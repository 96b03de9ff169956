"""SNS: topics, subscriptions and what is refused about them; delivery when endpoints fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.conftest import Receiver, eventually, refusal
from tests.sandbox_process import SandboxProcess

ARN = "arn:aws:sns:us-east-1:123456789012"
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:letters"
Client = Callable[..., Any]


@pytest.fixture
def topic(client: Client) -> str:
    return str(client("sns").create_topic(Name="mail")["TopicArn"])


@pytest.fixture
def letters(client: Client) -> Callable[[], list[str]]:
    """The bodies that have come to the queue `letters`."""
    queue = client("sqs").create_queue(QueueName="letters")["QueueUrl"]

    def take() -> list[str]:
        answer = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        return [message["Body"] for message in answer.get("Messages", [])]

    return take


def confirmed(client: Client, topic: str, receiver: Receiver, **attributes: str) -> str:
    sns = client("sns")
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url, Attributes=attributes)
    assert eventually(lambda: receiver.of_type("SubscriptionConfirmation"))
    token = receiver.of_type("SubscriptionConfirmation")[0]["Token"]
    answer = sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")
    return str(answer["SubscriptionArn"])


@pytest.mark.parametrize(
    ("call", "parameters", "expected"),
    [
        ("create_topic", {"Name": "no spaces"}, ("InvalidParameter", 400)),
        ("create_topic", {"Name": "new", "Attributes": {"SignatureVersion": "3"}}, ("InvalidParameter", 400)),
        ("create_topic", {"Name": "new", "Attributes": {"Colour": "red"}}, ("InvalidParameter", 400)),
        ("create_topic", {"Name": "mail", "Attributes": {"SignatureVersion": "2"}}, ("InvalidParameter", 400)),
        ("get_topic_attributes", {"TopicArn": f"{ARN}:none"}, ("NotFound", 404)),
        ("get_topic_attributes", {"TopicArn": "mail"}, ("InvalidParameter", 400)),
        (
            "get_topic_attributes",
            {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:mail"},
            ("InvalidParameter", 400),
        ),
        (
            "set_topic_attributes",
            {"TopicArn": f"{ARN}:mail", "AttributeName": "SignatureVersion", "AttributeValue": "9"},
            ("InvalidParameter", 400),
        ),
        (
            "set_topic_attributes",
            {"TopicArn": f"{ARN}:mail", "AttributeName": "Policy", "AttributeValue": "no JSON"},
            ("InvalidParameter", 400),
        ),
        (
            "set_topic_attributes",
            {"TopicArn": f"{ARN}:none", "AttributeName": "SignatureVersion", "AttributeValue": "2"},
            ("NotFound", 404),
        ),
        (
            "subscribe",
            {"TopicArn": f"{ARN}:none", "Protocol": "sqs", "Endpoint": QUEUE_ARN},
            ("NotFound", 404),
        ),
        (
            "subscribe",
            {"TopicArn": f"{ARN}:mail", "Protocol": "sqs", "Endpoint": "letters"},
            ("InvalidParameter", 400),
        ),
        (
            "subscribe",
            {"TopicArn": f"{ARN}:mail", "Protocol": "pigeon", "Endpoint": "coop"},
            ("InvalidParameter", 400),
        ),
        (
            "subscribe",
            {
                "TopicArn": f"{ARN}:mail",
                "Protocol": "sqs",
                "Endpoint": QUEUE_ARN,
                "Attributes": {"RedrivePolicy": "{}"},
            },
            ("InvalidParameter", 400),
        ),
        ("confirm_subscription", {"TopicArn": f"{ARN}:mail", "Token": "guessed"}, ("InvalidParameter", 400)),
        ("list_subscriptions_by_topic", {"TopicArn": f"{ARN}:none"}, ("NotFound", 404)),
        ("get_subscription_attributes", {"SubscriptionArn": f"{ARN}:mail:none"}, ("NotFound", 404)),
        ("get_subscription_attributes", {"SubscriptionArn": "PendingConfirmation"}, ("InvalidParameter", 400)),
        (
            "set_subscription_attributes",
            {"SubscriptionArn": f"{ARN}:mail:none", "AttributeName": "RedrivePolicy", "AttributeValue": ""},
            ("NotFound", 404),
        ),
        ("publish", {"TopicArn": f"{ARN}:none", "Message": "x"}, ("NotFound", 404)),
        ("publish", {"TopicArn": f"{ARN}:mail", "Message": ""}, ("InvalidParameter", 400)),
        ("publish", {"TopicArn": f"{ARN}:mail", "Message": "x" * 262_145}, ("InvalidParameter", 400)),
        ("publish", {"TopicArn": f"{ARN}:mail", "Message": "x", "Subject": "two\nlines"}, ("InvalidParameter", 400)),
    ],
)
def test_what_aws_refuses_is_refused(
    client: Client, topic: str, call: str, parameters: dict[str, Any], expected: tuple[str, int]
) -> None:
    assert refusal(getattr(client("sns"), call), **parameters) == expected


def test_a_topic_is_made_once_and_may_be_made_again_alike(client: Client) -> None:
    attributes = {"SignatureVersion": "2"}
    arns = {client("sns").create_topic(Name="mail", Attributes=attributes)["TopicArn"] for _ in range(2)}
    assert arns == {f"{ARN}:mail"}
    assert client("sns").list_topics()["Topics"] == [{"TopicArn": f"{ARN}:mail"}]
    assert client("sns", "eu-west-1").list_topics()["Topics"] == []


def test_lists_come_by_pages_of_a_hundred(client: Client, topic: str) -> None:
    for number in range(101):
        client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{QUEUE_ARN}-{number}")
    for call, more in (("list_subscriptions", {}), ("list_subscriptions_by_topic", {"TopicArn": topic})):
        method = getattr(client("sns"), call)
        first = method(**more)
        second = method(**more, NextToken=first["NextToken"])
        assert (len(first["Subscriptions"]), len(second["Subscriptions"])) == (100, 1)
        assert "NextToken" not in second


def test_a_topic_counts_its_subscriptions_and_takes_them_with_it(client: Client, topic: str) -> None:
    sns = client("sns")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE_ARN)
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/sns")
    found = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (found["SubscriptionsConfirmed"], found["SubscriptionsPending"]) == ("1", "1")
    assert json.loads(found["Policy"])["Statement"][0]["Resource"] == topic
    sns.delete_topic(TopicArn=topic)
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_subscribing_again_is_the_same_subscription(client: Client, topic: str) -> None:
    wanted = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": QUEUE_ARN}
    policy = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": QUEUE_ARN})}
    first = client("sns").subscribe(**wanted, Attributes=policy)["SubscriptionArn"]
    assert client("sns").subscribe(**wanted)["SubscriptionArn"] == first
    different = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": f"{QUEUE_ARN}-2"})}
    assert refusal(client("sns").subscribe, **wanted, Attributes=different) == ("InvalidParameter", 400)


def test_a_pending_subscription_shows_its_arn_only_where_it_is_asked_for(client: Client, topic: str) -> None:
    wanted = {"TopicArn": topic, "Protocol": "http", "Endpoint": "http://127.0.0.1:9/sns"}
    assert client("sns").subscribe(**wanted)["SubscriptionArn"] == "pending confirmation"
    arn = client("sns").subscribe(**wanted, ReturnSubscriptionArn=True)["SubscriptionArn"]
    assert arn.startswith(f"{topic}:")
    (listed,) = client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    found = client("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert found["PendingConfirmation"] == "true"


def test_nobody_is_told_anything_before_it_has_confirmed(client: Client, topic: str, receiver: Receiver) -> None:
    client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    assert eventually(lambda: receiver.posts)
    client("sns").publish(TopicArn=topic, Message="early")
    token = receiver.of_type("SubscriptionConfirmation")[0]["Token"]
    client("sns").confirm_subscription(TopicArn=topic, Token=token)
    client("sns").publish(TopicArn=topic, Message="in time")
    assert eventually(lambda: receiver.of_type("Notification"))
    assert [each["Message"] for each in receiver.of_type("Notification")] == ["in time"]


def test_an_endpoint_is_told_that_it_was_unsubscribed(client: Client, topic: str, receiver: Receiver) -> None:
    client("sns").unsubscribe(SubscriptionArn=confirmed(client, topic, receiver))
    (told,) = eventually(lambda: receiver.of_type("UnsubscribeConfirmation"))
    assert told["Token"]
    assert told["Signature"]


@pytest.mark.parametrize(("is_raw", "body"), [("false", None), ("true", "hello")])
def test_a_queue_gets_the_envelope_or_the_bare_message(
    client: Client, topic: str, letters: Callable[[], list[str]], is_raw: str, body: str | None
) -> None:
    attributes = {"RawMessageDelivery": is_raw}
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE_ARN, Attributes=attributes)
    client("sns").publish(TopicArn=topic, Message="hello")
    (letter,) = letters()
    if body is None:
        envelope = json.loads(letter)
        assert (envelope["Type"], envelope["Message"], envelope["TopicArn"]) == ("Notification", "hello", topic)
        assert envelope["UnsubscribeURL"]
    else:
        assert letter == body


def test_what_an_endpoint_refuses_for_good_becomes_a_dead_letter_at_once(
    sandbox: SandboxProcess, client: Client, topic: str, receiver: Receiver, letters: Callable[[], list[str]]
) -> None:
    arn = confirmed(client, topic, receiver)
    policy = json.dumps({"deadLetterTargetArn": QUEUE_ARN})
    client("sns").set_subscription_attributes(SubscriptionArn=arn, AttributeName="RedrivePolicy", AttributeValue=policy)
    receiver.status = 403
    client("sns").publish(TopicArn=topic, Message="hello")
    (letter,) = eventually(letters)
    assert json.loads(letter)["Message"] == "hello"
    assert len(receiver.of_type("Notification")) == 1
    counts = sandbox.control("GET", "/_sandbox/state")["deliveries"]
    assert (counts["failed"], counts["dead_letters"]) == (1, 1)


def test_endpoints_that_are_away_hold_nobody_up(client: Client, topic: str, receiver: Receiver) -> None:
    for number in range(40):
        client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:9/{number}")
    confirmed(client, topic, receiver)
    client("sns").publish(TopicArn=topic, Message="hello")
    assert eventually(lambda: receiver.of_type("Notification"), seconds=3)
