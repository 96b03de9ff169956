"""Resource policies of topics, queues and buckets: put our statement in, leave everybody else's alone (pure)."""

from __future__ import annotations

import json
from typing import Any

from aws.errors import AwsRefused

VERSION = "2012-10-17"


def with_statement(policy: str, statement: dict[str, Any]) -> str | None:
    """The policy text with our statement, told by its `Sid`, put in or brought up to date; None if nothing is to do.

    `policy` is the JSON that AWS holds, "" for none. Raises AwsRefused for text that is no policy: not ours to lose.
    """
    document: dict[str, Any] = _parsed(policy) if policy else {"Version": VERSION, "Statement": []}
    held = document["Statement"]
    statements: list[dict[str, Any]] = [held] if isinstance(held, dict) else held
    others = [found for found in statements if found.get("Sid") != statement["Sid"]]
    if len(others) == len(statements) - 1 and statement in statements:
        return None
    return json.dumps({**document, "Statement": [*others, statement]}, sort_keys=True)


def _parsed(policy: str) -> dict[str, Any]:
    try:
        document = json.loads(policy)
    except ValueError:
        document = None
    if isinstance(document, dict) and isinstance(document.get("Statement"), dict | list):
        return document
    raise AwsRefused(operation="MergePolicy", code="UnreadablePolicy", message=policy)


def ses_may(*, sid: str, action: str, resource: str, partition: str, account_id: str) -> dict[str, Any]:
    """A statement that lets SES act on a resource, on behalf of this account alone (in any region).

    AWS: SES Developer Guide, "Giving permissions to Amazon SES for email receiving".
    """
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": action,
        "Resource": resource,
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": account_id},
            "StringLike": {"AWS:SourceArn": f"arn:{partition}:ses:*:{account_id}:*"},
        },
    }


def topic_may_send(*, sid: str, queue_arn: str, topic_arn: str) -> dict[str, Any]:
    """A statement that lets one SNS topic put messages into a queue, by subscription or as its dead-letter queue."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
