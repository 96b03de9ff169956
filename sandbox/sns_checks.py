"""What SNS refuses: names, attributes, endpoints and messages that are not as they must be."""

from __future__ import annotations

import json
import re

from sandbox.wire import AwsProblem

MOST_BYTES = 256 * 1024
TOPIC_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
SUBJECT = re.compile(r"[ -~]{1,100}")
QUEUE_ARN = re.compile(r"arn:aws:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}")
TOPIC_ATTRIBUTES = frozenset(
    {"DeliveryPolicy", "DisplayName", "KmsMasterKeyId", "Policy", "SignatureVersion", "TracingConfig"}
)
SUBSCRIPTION_ATTRIBUTES = frozenset(
    {"DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"}
)


def invalid(reason: str) -> AwsProblem:
    return AwsProblem("InvalidParameter", f"Invalid parameter: {reason}")


def check_topic_name(name: str) -> None:
    if TOPIC_NAME.fullmatch(name) is None:
        raise invalid("Topic Name")


def check_message(message: str, subject: str | None) -> None:
    if not message:
        raise invalid("Empty message")
    if len(message.encode()) > MOST_BYTES:
        raise invalid("Message too long")
    if subject is not None and (SUBJECT.fullmatch(subject) is None or subject[0] == " "):
        raise invalid("Subject")


def check_topic_attribute(name: str, value: str) -> None:
    if name not in TOPIC_ATTRIBUTES:
        raise invalid("AttributeName")
    if name == "SignatureVersion" and value not in ("1", "2"):
        raise invalid("SignatureVersion")
    if name == "Policy" and not _is_object(value):
        raise invalid("Policy Error: null")


def check_subscription_attribute(name: str, value: str) -> None:
    if name not in SUBSCRIPTION_ATTRIBUTES:
        raise invalid("AttributeName")
    if name == "RedrivePolicy" and value:
        target = json.loads(value).get("deadLetterTargetArn", "") if _is_object(value) else ""
        if QUEUE_ARN.fullmatch(str(target)) is None:
            raise invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn")


def check_endpoint(protocol: str, endpoint: str) -> None:
    if protocol not in ("http", "https", "sqs"):
        raise invalid(f"Does not support this protocol string: {protocol}")
    is_fit = QUEUE_ARN.fullmatch(endpoint) if protocol == "sqs" else endpoint.startswith(f"{protocol}://")
    if not is_fit:
        raise invalid("Endpoint must match the specified protocol")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
