"""The SQS queue beside the topic: announcements that nobody has to be reachable for. All functions raise AwsError."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from aws.clients import READ_SECONDS, call
from aws.pacing import Caller
from aws.policies import topic_may_send, with_statement

_TOPIC_STATEMENT = "postern-topic-send"
# Fourteen days is the longest that SQS keeps a message.
_RETENTION = {"MessageRetentionPeriod": "1209600"}
_ATTRIBUTES = {**_RETENTION, "VisibilityTimeout": "120"}
# A day of tries at that timeout: what was left for a reason of our own has had its chances.
_MOST_RECEIVES = 720
_MOST_MESSAGES = 10


@dataclass(frozen=True)
class QueueFacts:
    """A queue as its two names: the URL for calls, the ARN for subscriptions and policies."""

    url: str
    arn: str


@dataclass(frozen=True)
class QueueMessage:
    """One message as received; `body` is untrusted text, `receipt_handle` deletes this very delivery of it."""

    message_id: str
    receipt_handle: str
    body: str
    receive_count: int
    sent_at: datetime | None


def ensure_queue(*, region: str, name: str, topic_arn: str, caller: Caller | None = None) -> QueueFacts:
    """The queue of this name, made where it is missing: keeps 14 days, and the topic may send to it."""
    # As with topics: CreateQueue refuses an existing queue whose attributes differ from those given.
    url: str = call(service="sqs", region=region, operation="CreateQueue", caller=caller, QueueName=name)["QueueUrl"]
    found = _attributes(url, region, caller)
    arn = found["QueueArn"]
    wanted = {key: value for key, value in _ATTRIBUTES.items() if found.get(key) != value}
    statement = topic_may_send(sid=_TOPIC_STATEMENT, queue_arn=arn, topic_arn=topic_arn)
    policy = with_statement(found.get("Policy") or "", statement)
    if policy is not None:
        wanted["Policy"] = policy
    _set_attributes(url, wanted, region, caller)
    return QueueFacts(url=url, arn=arn)


def ensure_dead_letters(*, region: str, queue_url: str, name: str, caller: Caller | None = None) -> str:
    """The ARN of where the queue's messages go that are received for a day and never deleted; kept 14 days in all.

    A queue that has a redrive policy keeps it; else the queue of this name is made, or adopted, for them.
    """
    policy = json.loads(_attributes(queue_url, region, caller).get("RedrivePolicy") or "{}")
    if policy.get("deadLetterTargetArn"):
        return str(policy["deadLetterTargetArn"])
    url: str = call(service="sqs", region=region, operation="CreateQueue", caller=caller, QueueName=name)["QueueUrl"]
    found = _attributes(url, region, caller)
    wanted = {key: value for key, value in _RETENTION.items() if found.get(key) != value}
    _set_attributes(url, wanted, region, caller)
    redrive = {"deadLetterTargetArn": found["QueueArn"], "maxReceiveCount": _MOST_RECEIVES}
    _set_attributes(queue_url, {"RedrivePolicy": json.dumps(redrive)}, region, caller)
    return found["QueueArn"]


def _attributes(url: str, region: str, caller: Caller | None) -> dict[str, str]:
    answer = call(
        service="sqs",
        region=region,
        operation="GetQueueAttributes",
        caller=caller,
        QueueUrl=url,
        AttributeNames=["All"],
    )
    return answer.get("Attributes") or {}


def _set_attributes(url: str, wanted: dict[str, str], region: str, caller: Caller | None) -> None:
    if wanted:
        call(
            service="sqs", region=region, operation="SetQueueAttributes", caller=caller, QueueUrl=url, Attributes=wanted
        )


def receive_messages(
    *,
    queue_url: str,
    region: str,
    most: int = _MOST_MESSAGES,
    wait_seconds: int = 0,
    visibility_seconds: int = 120,
    caller: Caller | None = None,
) -> list[QueueMessage]:
    """Up to 10 messages, hidden from others for `visibility_seconds`; waits up to 5 s for the first one."""
    answer = call(
        service="sqs",
        region=region,
        operation="ReceiveMessage",
        caller=caller,
        QueueUrl=queue_url,
        MaxNumberOfMessages=min(most, _MOST_MESSAGES),
        WaitTimeSeconds=min(wait_seconds, READ_SECONDS - 2),
        VisibilityTimeout=visibility_seconds,
        MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
    )
    return [_message(found) for found in answer.get("Messages") or ()]


def delete_message(*, queue_url: str, region: str, receipt_handle: str, caller: Caller | None = None) -> None:
    """Take a handled message out of the queue; deleting it twice is done."""
    call(
        service="sqs",
        region=region,
        operation="DeleteMessage",
        caller=caller,
        QueueUrl=queue_url,
        ReceiptHandle=receipt_handle,
    )


def _message(found: dict[str, object]) -> QueueMessage:
    attributes = found.get("Attributes")
    system: dict[str, str] = attributes if isinstance(attributes, dict) else {}
    sent = system.get("SentTimestamp", "")
    return QueueMessage(
        message_id=str(found["MessageId"]),
        receipt_handle=str(found["ReceiptHandle"]),
        body=str(found.get("Body", "")),
        receive_count=int(system.get("ApproximateReceiveCount", "1")),
        sent_at=datetime.fromtimestamp(int(sent) / 1000, tz=UTC) if sent.isdigit() else None,
    )
