"""Topics and subscriptions of the sandbox: the handshake, the signature, retries, queues and dead letters."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.sandbox.conftest import Receiver, eventually, refusal
from tests.sandbox_process import SandboxProcess

SIGNED = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def check_signature(message: dict[str, Any]) -> None:
    """As the SNS guide says; raises InvalidSignature."""
    with urllib.request.urlopen(message["SigningCertURL"], timeout=5) as answer:
        certificate = x509.load_pem_x509_certificate(answer.read())
    text = "".join(f"{name}\n{message[name]}\n" for name in SIGNED if name in message)
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    algorithm = {"1": hashes.SHA1, "2": hashes.SHA256}[message["SignatureVersion"]]()
    key.verify(base64.b64decode(message["Signature"]), text.encode(), padding.PKCS1v15(), algorithm)


@pytest.fixture
def sns(sandbox: SandboxProcess) -> Any:
    return sandbox.client("sns")


@pytest.fixture
def topic(sns: Any) -> str:
    return str(sns.create_topic(Name="mail")["TopicArn"])


def subscriptions(sns: Any, topic: str) -> list[str]:
    return [each["SubscriptionArn"] for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]]


def confirm(sns: Any, topic: str, receiver: Receiver) -> str:
    """Subscribe the receiver and confirm with the token that it was sent."""
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    (asked,) = eventually(lambda: receiver.of_type("SubscriptionConfirmation"))
    return str(sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])["SubscriptionArn"])


def test_a_subscription_is_pending_until_it_is_confirmed(sns: Any, topic: str, receiver: Receiver) -> None:
    answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    assert answer["SubscriptionArn"] == "pending confirmation"
    assert subscriptions(sns, topic) == ["PendingConfirmation"]
    sns.publish(TopicArn=topic, Message="too early")
    (asked,) = eventually(lambda: receiver.of_type("SubscriptionConfirmation"))
    assert refusal(sns.confirm_subscription, TopicArn=topic, Token="wrong") == ("InvalidParameter", 400)
    arn = sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])["SubscriptionArn"]
    assert subscriptions(sns, topic) == [arn]
    assert receiver.of_type("Notification") == []


def test_the_link_in_the_message_confirms_too(sns: Any, topic: str, receiver: Receiver) -> None:
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    (asked,) = eventually(lambda: receiver.of_type("SubscriptionConfirmation"))
    with urllib.request.urlopen(asked["SubscribeURL"], timeout=5) as answer:
        assert b"<SubscriptionArn>" in answer.read()
    assert subscriptions(sns, topic)[0].startswith(topic)


def test_a_notification_comes_with_its_headers(sns: Any, topic: str, receiver: Receiver) -> None:
    arn = confirm(sns, topic, receiver)
    message_id = sns.publish(TopicArn=topic, Message="hello", Subject="Hi")["MessageId"]
    assert eventually(lambda: receiver.of_type("Notification"))
    headers, body = receiver.posts[-1]
    assert (body["Message"], body["Subject"], body["MessageId"]) == ("hello", "Hi", message_id)
    assert headers["content-type"].startswith("text/plain")
    assert headers["x-amz-sns-message-type"] == "Notification"
    assert headers["x-amz-sns-topic-arn"] == topic
    assert headers["x-amz-sns-subscription-arn"] == arn


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [{}, {"Subject": "Hi"}])
def test_every_message_is_signed(
    sns: Any, topic: str, receiver: Receiver, version: str, subject: dict[str, str]
) -> None:
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version)
    confirm(sns, topic, receiver)
    sns.publish(TopicArn=topic, Message="hello\nworld", **subject)
    (message,) = eventually(lambda: receiver.of_type("Notification"))
    assert message["SignatureVersion"] == version
    check_signature(message)
    check_signature(receiver.of_type("SubscriptionConfirmation")[0])
    with pytest.raises(InvalidSignature):
        check_signature({**message, "Message": "forged"})


def test_the_trusted_certificate_is_named_in_the_folder(sandbox: SandboxProcess) -> None:
    trusted = json.loads((sandbox.folder / "trusted_certificates.json").read_text())
    ((url, path),) = trusted.items()
    with urllib.request.urlopen(url, timeout=5) as answer, open(path, "rb") as file:
        assert answer.read() == file.read()


def test_a_failing_endpoint_is_tried_again(sns: Any, topic: str, receiver: Receiver) -> None:
    confirm(sns, topic, receiver)
    receiver.status = 503
    sns.publish(TopicArn=topic, Message="hello")
    assert eventually(lambda: receiver.of_type("Notification"))
    receiver.status = 200
    assert eventually(lambda: len(receiver.of_type("Notification")) == 2)
    first, second = receiver.of_type("Notification")
    assert first == second


def test_a_queue_gets_the_signed_envelope_and_what_an_endpoint_refused(
    sandbox: SandboxProcess, sns: Any, topic: str, receiver: Receiver
) -> None:
    sqs = sandbox.client("sqs")
    queues: dict[str, tuple[str, str]] = {}
    for name in ("mail", "dead"):
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        queues[name] = url, arn
    made = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queues["mail"][1])["SubscriptionArn"]
    assert made.startswith("arn:")
    http = confirm(sns, topic, receiver)
    policy = json.dumps({"deadLetterTargetArn": queues["dead"][1]})
    sns.set_subscription_attributes(SubscriptionArn=http, AttributeName="RedrivePolicy", AttributeValue=policy)
    assert sns.get_subscription_attributes(SubscriptionArn=http)["Attributes"]["RedrivePolicy"] == policy
    receiver.status = 404
    sns.publish(TopicArn=topic, Message="hello", Subject="Hi")
    for url, _ in queues.values():
        (message,) = eventually(lambda url=url: sqs.receive_message(QueueUrl=url).get("Messages"))
        envelope = json.loads(message["Body"])
        assert envelope["Message"] == "hello"
        check_signature(envelope)


def test_who_unsubscribed_hears_no_more(sns: Any, topic: str, receiver: Receiver) -> None:
    sns.unsubscribe(SubscriptionArn=confirm(sns, topic, receiver))
    assert subscriptions(sns, topic) == []


def test_topics_keep_their_attributes_and_refuse_what_is_unknown(sns: Any, topic: str) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"] == policy
    assert sns.create_topic(Name="mail")["TopicArn"] == topic
    assert refusal(sns.get_topic_attributes, TopicArn=topic + "x") == ("NotFound", 404)
    assert refusal(sns.publish, TopicArn=topic + "x", Message="hello") == ("NotFound", 404)
    bad = {"TopicArn": topic, "Protocol": "https", "Endpoint": "http://127.0.0.1/"}
    assert refusal(sns.subscribe, **bad) == ("InvalidParameter", 400)


def test_an_unknown_action_is_refused(sandbox: SandboxProcess) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{sandbox.aws_url}/?Action=ConfirmSubscription&TopicArn=none&Token=none", timeout=5)
    assert caught.value.code == 400
