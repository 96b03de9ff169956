"""SNS: topics, the real confirmation handshake, and messages signed with the sandbox's own key."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.paging import page_of
from sandbox.sns_checks import (
    check_endpoint,
    check_message,
    check_subscription_attribute,
    check_topic_attribute,
    check_topic_name,
    invalid,
)
from sandbox.sns_delivery import Delivery
from sandbox.sns_signing import Signer
from sandbox.state import State
from sandbox.wire import AwsProblem

ACCOUNT = "123456789012"
PENDING = "PendingConfirmation"
PAGE = 100


class Sns:
    """`call(operation, region, parameters)` answers as SNS would, or raises AwsProblem."""

    def __init__(self, state: State, signer: Signer, aws_url: str, delivery: Delivery) -> None:
        self.state, self.signer, self.aws_url, self.delivery = state, signer, aws_url, delivery

    def call(self, operation: str, region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        method: Callable[..., dict[str, Any] | None] | None = getattr(self, operation, None)
        if method is None:
            raise AwsProblem("InvalidAction", f"{operation} is not in the sandbox.")
        arn = str(parameters.get("TopicArn") or parameters.get("SubscriptionArn") or "")
        if arn and (len(arn.split(":")) < 6 or (arn.split(":")[3] != region and operation != "Unsubscribe")):
            raise invalid(f"{arn} is not the ARN of a topic or subscription of {region}")
        with self.state.lock:
            result = method(region, **parameters) or {}
            self.state.changed()
            return result

    # --- topics
    def _topic(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] | None = self.state.tree["topics"].get(arn)
        if found is None:
            raise AwsProblem("NotFound", "Topic does not exist", 404)
        return found

    def CreateTopic(self, region: str, Name: str, Attributes: dict[str, str] | None = None, **_: Any) -> dict[str, Any]:
        check_topic_name(Name)
        for key, value in (Attributes or {}).items():
            check_topic_attribute(key, value)
        arn = f"arn:aws:sns:{region}:{ACCOUNT}:{Name}"
        known = self.state.tree["topics"].get(arn)
        if known is None:
            self.state.tree["topics"][arn] = {"attributes": dict(Attributes or {})}
        elif any(known["attributes"].get(key) != value for key, value in (Attributes or {}).items()):
            raise invalid("Attributes Reason: Topic already exists with different attributes")
        return {"TopicArn": arn}

    def DeleteTopic(self, region: str, TopicArn: str) -> None:
        self.state.tree["topics"].pop(TopicArn, None)
        for arn, _ in self._subscriptions_of(TopicArn):
            del self.state.tree["subscriptions"][arn]

    def ListTopics(self, region: str, NextToken: str = "") -> dict[str, Any]:
        arns = [{"TopicArn": arn} for arn in self.state.tree["topics"] if arn.split(":")[3] == region]
        return _page("Topics", arns, NextToken)

    def GetTopicAttributes(self, region: str, TopicArn: str) -> dict[str, Any]:
        kept = self._topic(TopicArn)["attributes"]
        states = [each["confirmed"] for _, each in self._subscriptions_of(TopicArn)]
        facts = {
            "TopicArn": TopicArn,
            "Owner": ACCOUNT,
            "DisplayName": "",
            "Policy": _default_policy(TopicArn),
            "SubscriptionsConfirmed": str(states.count(True)),
            "SubscriptionsPending": str(states.count(False)),
            "SubscriptionsDeleted": "0",
        }
        return {"Attributes": {**facts, **kept}}

    def SetTopicAttributes(self, region: str, TopicArn: str, AttributeName: str, AttributeValue: str = "") -> None:
        topic = self._topic(TopicArn)
        check_topic_attribute(AttributeName, AttributeValue)
        topic["attributes"][AttributeName] = AttributeValue

    # --- subscriptions
    def Subscribe(
        self,
        region: str,
        TopicArn: str,
        Protocol: str,
        Endpoint: str = "",
        Attributes: dict[str, str] | None = None,
        ReturnSubscriptionArn: bool = False,
    ) -> dict[str, Any]:
        self._topic(TopicArn)
        check_endpoint(Protocol, Endpoint)
        for key, value in (Attributes or {}).items():
            check_subscription_attribute(key, value)
        arn, each = self._found_or_made(TopicArn, Protocol, Endpoint, Attributes or {})
        if not each["confirmed"]:
            self._send_confirmation(arn, each)
        return {"SubscriptionArn": arn if each["confirmed"] or ReturnSubscriptionArn else "pending confirmation"}

    def _found_or_made(
        self, topic: str, protocol: str, endpoint: str, attributes: dict[str, str]
    ) -> tuple[str, dict[str, Any]]:
        for arn, each in self._subscriptions_of(topic):
            if (each["protocol"], each["endpoint"]) != (protocol, endpoint):
                continue
            if any(each["attributes"].get(key) != value for key, value in attributes.items()):
                raise invalid("Attributes Reason: Subscription already exists with different attributes")
            return arn, each
        made = {
            "topic": topic,
            "protocol": protocol,
            "endpoint": endpoint,
            # A queue of the same account needs no asking.
            "confirmed": protocol == "sqs",
            "token": secrets.token_hex(32),
            "attributes": dict(attributes),
        }
        arn = f"{topic}:{uuid.uuid4()}"
        self.state.tree["subscriptions"][arn] = made
        return arn, made

    def _subscriptions_of(self, topic: str) -> list[tuple[str, dict[str, Any]]]:
        return [(arn, each) for arn, each in self.state.tree["subscriptions"].items() if each["topic"] == topic]

    def _send_confirmation(self, arn: str, subscription: dict[str, Any]) -> None:
        topic = subscription["topic"]
        text = f"You have chosen to subscribe to the topic {topic}.\nTo confirm, visit the SubscribeURL."
        self._post_asking("SubscriptionConfirmation", text, arn, subscription, is_patient=True)

    def _post_asking(
        self, kind: str, text: str, arn: str, subscription: dict[str, Any], *, is_patient: bool = False
    ) -> None:
        """A message with a token, by which the endpoint subscribes (again)."""
        token, topic = subscription["token"], subscription["topic"]
        message = {
            "Type": kind,
            "MessageId": str(uuid.uuid4()),
            "Token": token,
            "TopicArn": topic,
            "Message": text,
            "SubscribeURL": f"{self.aws_url}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}",
            "Timestamp": self._timestamp(),
        }
        self.delivery.post(arn, subscription, self.signer.sign(message, self._version(topic)), is_patient=is_patient)

    def resume(self) -> None:
        """Ask again those who have not confirmed yet, after a restart."""
        for arn, each in list(self.state.tree["subscriptions"].items()):
            if not each["confirmed"]:
                self._send_confirmation(arn, each)

    def ConfirmSubscription(
        self, region: str, TopicArn: str, Token: str, AuthenticateOnUnsubscribe: str = "false"
    ) -> dict[str, Any]:
        self._topic(TopicArn)
        for arn, each in self._subscriptions_of(TopicArn):
            if each["token"] == Token:
                each["confirmed"] = True
                each["authenticated"] = AuthenticateOnUnsubscribe == "true"
                return {"SubscriptionArn": arn}
        raise invalid("Token")

    def Unsubscribe(self, region: str, SubscriptionArn: str) -> None:
        gone = self.state.tree["subscriptions"].pop(SubscriptionArn, None)
        if gone is not None and gone["confirmed"] and gone["protocol"] != "sqs":
            text = f"You have chosen to deactivate subscription {SubscriptionArn}.\nTo cancel, visit the SubscribeURL."
            self._post_asking("UnsubscribeConfirmation", text, SubscriptionArn, gone)

    def ListSubscriptionsByTopic(self, region: str, TopicArn: str, NextToken: str = "") -> dict[str, Any]:
        self._topic(TopicArn)
        return _page("Subscriptions", [_listed(arn, each) for arn, each in self._subscriptions_of(TopicArn)], NextToken)

    def ListSubscriptions(self, region: str, NextToken: str = "") -> dict[str, Any]:
        subscriptions = self.state.tree["subscriptions"].items()
        found = [_listed(arn, each) for arn, each in subscriptions if arn.split(":")[3] == region]
        return _page("Subscriptions", found, NextToken)

    def _subscription(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] | None = self.state.tree["subscriptions"].get(arn)
        if found is None:
            raise AwsProblem("NotFound", "Subscription does not exist", 404)
        return found

    def GetSubscriptionAttributes(self, region: str, SubscriptionArn: str) -> dict[str, Any]:
        each = self._subscription(SubscriptionArn)
        facts = {
            **_listed(SubscriptionArn, each),
            "SubscriptionArn": SubscriptionArn,
            "PendingConfirmation": "false" if each["confirmed"] else "true",
            "ConfirmationWasAuthenticated": "true" if each.get("authenticated") else "false",
            "RawMessageDelivery": "false",
        }
        return {"Attributes": {**facts, **each["attributes"]}}

    def SetSubscriptionAttributes(
        self, region: str, SubscriptionArn: str, AttributeName: str, AttributeValue: str = ""
    ) -> None:
        subscription = self._subscription(SubscriptionArn)
        check_subscription_attribute(AttributeName, AttributeValue)
        subscription["attributes"][AttributeName] = AttributeValue

    # --- messages
    def Publish(
        self, region: str, Message: str, TopicArn: str = "", Subject: str | None = None, **_: Any
    ) -> dict[str, Any]:
        if not TopicArn:
            raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
        self._topic(TopicArn)
        check_message(Message, Subject)
        return {"MessageId": self.publish(TopicArn, Message, Subject)}

    def publish(self, topic: str, message: str, subject: str | None = None) -> str:
        """Sign once and hand to every confirmed subscription of the topic; the SNS message id."""
        message_id = str(uuid.uuid4())
        envelope: dict[str, Any] = {"Type": "Notification", "MessageId": message_id, "TopicArn": topic}
        if subject is not None:
            envelope["Subject"] = subject
        envelope |= {"Message": message, "Timestamp": self._timestamp()}
        signed = self.signer.sign(envelope, self._version(topic))
        with self.state.lock:
            confirmed = [(arn, each) for arn, each in self._subscriptions_of(topic) if each["confirmed"]]
        for arn, each in confirmed:
            whole = {**signed, "UnsubscribeURL": f"{self.aws_url}/?Action=Unsubscribe&SubscriptionArn={arn}"}
            if each["protocol"] == "sqs":
                is_raw = each["attributes"].get("RawMessageDelivery") == "true"
                self.delivery.to_queue(each["endpoint"], message if is_raw else json.dumps(whole))
            else:
                self.delivery.post(arn, each, whole)
        return message_id

    def _version(self, topic: str) -> str:
        return str(self._topic(topic)["attributes"].get("SignatureVersion", "1"))

    def _timestamp(self) -> str:
        moment = datetime.now(UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _listed(arn: str, each: dict[str, Any]) -> dict[str, Any]:
    return {
        "SubscriptionArn": arn if each["confirmed"] else PENDING,
        "Owner": ACCOUNT,
        "Protocol": each["protocol"],
        "Endpoint": each["endpoint"],
        "TopicArn": each["topic"],
    }


def _page(member: str, found: list[dict[str, Any]], token: str) -> dict[str, Any]:
    page, more = page_of(found, token=token, size=PAGE, refusal=invalid("NextToken"))
    return {member: page, **more}


def _default_policy(topic: str) -> str:
    """The policy that AWS gives a new topic: its owner may do everything."""
    actions = ("GetTopicAttributes", "SetTopicAttributes", "DeleteTopic", "Subscribe", "ListSubscriptionsByTopic")
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["SNS:Publish", *(f"SNS:{action}" for action in actions)],
        "Resource": topic,
        "Condition": {"StringEquals": {"AWS:SourceOwner": ACCOUNT}},
    }
    return json.dumps({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})
