"""The SNS topic of a region, its subscriptions and their confirmation. All functions raise AwsError."""

from __future__ import annotations

import json
import logging
from enum import StrEnum
from typing import Any

from aws.account import account
from aws.clients import call
from aws.errors import AwsRefused
from aws.pacing import Caller
from aws.policies import ses_may, with_statement
from aws.queues import QueueFacts, QueueMessage, delete_message, ensure_queue, receive_messages

__all__ = [
    "QueueFacts",
    "QueueMessage",
    "SubscriptionState",
    "confirm_subscription",
    "delete_message",
    "ensure_queue",
    "ensure_subscription",
    "ensure_topic",
    "ensure_whole_messages",
    "receive_messages",
    "subscription_state",
]

logger = logging.getLogger(__name__)

_SES_STATEMENT = "postern-ses-publish"


class SubscriptionState(StrEnum):
    """Where an endpoint stands with a topic."""

    MISSING = "missing"
    PENDING = "pending"
    CONFIRMED = "confirmed"


def ensure_topic(*, region: str, name: str, caller: Caller | None = None) -> str:
    """The ARN of the topic of this name, made where it is missing: signed with SHA-256, open to SES of our account.

    What others wrote into its policy stays. An emulator that keeps no attributes leaves the topic as it is.
    """
    # CreateTopic with attributes refuses a topic that exists with others, so they are set afterwards.
    answer = call(service="sns", region=region, operation="CreateTopic", caller=caller, Name=name)
    arn: str = answer["TopicArn"]
    try:
        _ensure_attributes(arn, region, caller)
    except AwsRefused as refusal:
        if not refusal.is_unsupported:
            raise
        logger.warning("the topic %s stays as it is: %s", arn, refusal)
    return arn


def _ensure_attributes(arn: str, region: str, caller: Caller | None) -> None:
    found = call(service="sns", region=region, operation="GetTopicAttributes", caller=caller, TopicArn=arn)
    attributes = found.get("Attributes") or {}
    wanted: dict[str, str] = {}
    if attributes.get("SignatureVersion") != "2":
        wanted["SignatureVersion"] = "2"
    ours = account(region)
    statement = ses_may(
        sid=_SES_STATEMENT, action="SNS:Publish", resource=arn, partition=ours.partition, account_id=ours.account_id
    )
    policy = with_statement(attributes.get("Policy") or "", statement)
    if policy is not None:
        wanted["Policy"] = policy
    for key, value in wanted.items():
        call(
            service="sns",
            region=region,
            operation="SetTopicAttributes",
            caller=caller,
            TopicArn=arn,
            AttributeName=key,
            AttributeValue=value,
        )


def ensure_subscription(
    *, topic_arn: str, protocol: str, endpoint: str, dead_letter_arn: str = "", caller: Caller | None = None
) -> SubscriptionState:
    """Subscribe an endpoint (`https` with a URL, `sqs` with a queue ARN) to the topic and say where it stands.

    A pending one is sent its confirmation again. `dead_letter_arn` names the queue for what could not be delivered;
    it is set once the subscription is confirmed.
    """
    state, arn = _find(topic_arn, protocol, endpoint, caller)
    if state is not SubscriptionState.CONFIRMED:
        call(
            service="sns",
            region=region_of(topic_arn),
            operation="Subscribe",
            caller=caller,
            TopicArn=topic_arn,
            Protocol=protocol,
            Endpoint=endpoint,
        )
        state, arn = _find(topic_arn, protocol, endpoint, caller)
    if dead_letter_arn and state is SubscriptionState.CONFIRMED:
        _ensure_dead_letters(arn, dead_letter_arn, caller)
    return state


def ensure_whole_messages(*, topic_arn: str, protocol: str, endpoint: str, caller: Caller | None = None) -> bool:
    """Switch raw message delivery off where the confirmed subscription has it; whether it had.

    A raw message comes without SNS's envelope, and so without the signature by which it could be believed.
    """
    state, arn = _find(topic_arn, protocol, endpoint, caller)
    if state is not SubscriptionState.CONFIRMED:
        return False
    if _subscription_attributes(arn, caller).get("RawMessageDelivery", "false").lower() != "true":
        return False
    _set_subscription_attribute(arn, "RawMessageDelivery", "false", caller)
    return True


def subscription_state(
    *, topic_arn: str, protocol: str, endpoint: str, caller: Caller | None = None
) -> SubscriptionState:
    """Where the endpoint stands with the topic; asks SNS, changes nothing."""
    return _find(topic_arn, protocol, endpoint, caller)[0]


def confirm_subscription(*, topic_arn: str, token: str, caller: Caller | None = None) -> str:
    """Confirm with the token that SNS sent us and return the subscription's ARN.

    From then on only our account may unsubscribe it. Call it for an allow-listed topic alone.
    """
    answer = call(
        service="sns",
        region=region_of(topic_arn),
        operation="ConfirmSubscription",
        caller=caller,
        TopicArn=topic_arn,
        Token=token,
        AuthenticateOnUnsubscribe="true",
    )
    return str(answer["SubscriptionArn"])


def region_of(arn: str) -> str:
    """The region that an ARN names: its fourth part. Raises ValueError for what is no ARN."""
    parts = arn.split(":")
    if len(parts) < 6 or parts[0] != "arn":
        raise ValueError(f"{arn!r} is not an ARN.")
    return parts[3]


def _find(topic_arn: str, protocol: str, endpoint: str, caller: Caller | None) -> tuple[SubscriptionState, str]:
    more: dict[str, Any] = {}
    while True:
        answer = call(
            service="sns",
            region=region_of(topic_arn),
            operation="ListSubscriptionsByTopic",
            caller=caller,
            TopicArn=topic_arn,
            **more,
        )
        for subscription in answer.get("Subscriptions") or ():
            if subscription.get("Protocol") == protocol and subscription.get("Endpoint") == endpoint:
                return _state(subscription)
        if not answer.get("NextToken"):
            return SubscriptionState.MISSING, ""
        more = {"NextToken": answer["NextToken"]}


def _state(subscription: dict[str, Any]) -> tuple[SubscriptionState, str]:
    arn = subscription.get("SubscriptionArn") or ""
    # The list shows a word in place of the ARN while the endpoint has not confirmed, or is being deleted.
    if not arn.startswith("arn:"):
        return (SubscriptionState.MISSING if arn == "Deleted" else SubscriptionState.PENDING), ""
    return SubscriptionState.CONFIRMED, arn


def _ensure_dead_letters(arn: str, dead_letter_arn: str, caller: Caller | None) -> None:
    wanted = {"deadLetterTargetArn": dead_letter_arn}
    if json.loads(_subscription_attributes(arn, caller).get("RedrivePolicy") or "{}") != wanted:
        _set_subscription_attribute(arn, "RedrivePolicy", json.dumps(wanted), caller)


def _subscription_attributes(arn: str, caller: Caller | None) -> dict[str, str]:
    answer = call(
        service="sns",
        region=region_of(arn),
        operation="GetSubscriptionAttributes",
        caller=caller,
        SubscriptionArn=arn,
    )
    return answer.get("Attributes") or {}


def _set_subscription_attribute(arn: str, name: str, value: str, caller: Caller | None) -> None:
    call(
        service="sns",
        region=region_of(arn),
        operation="SetSubscriptionAttributes",
        caller=caller,
        SubscriptionArn=arn,
        AttributeName=name,
        AttributeValue=value,
    )
