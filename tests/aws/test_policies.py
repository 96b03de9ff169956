"""Our statement goes into a policy; everybody else's stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws.errors import AwsRefused
from aws.policies import ses_may, with_statement

OURS: dict[str, Any] = {"Sid": "ours", "Effect": "Allow", "Action": "s3:PutObject"}
THEIRS: dict[str, Any] = {"Sid": "theirs", "Effect": "Deny", "Action": "s3:*"}


def statements(policy: str | None) -> list[dict[str, Any]]:
    assert policy is not None
    found: list[dict[str, Any]] = json.loads(policy)["Statement"]
    return found


def test_an_empty_policy_gets_our_statement() -> None:
    assert statements(with_statement("", OURS)) == [OURS]


def test_a_foreign_statement_stays() -> None:
    policy = json.dumps({"Version": "2008-10-17", "Id": "kept", "Statement": THEIRS})
    merged = with_statement(policy, OURS)
    assert statements(merged) == [THEIRS, OURS]
    assert json.loads(merged or "")["Id"] == "kept"


def test_our_old_statement_is_replaced() -> None:
    policy = json.dumps({"Statement": [{**OURS, "Action": "s3:*"}, THEIRS]})
    assert statements(with_statement(policy, OURS)) == [THEIRS, OURS]


def test_a_policy_with_our_statement_needs_no_write() -> None:
    merged = with_statement(json.dumps({"Statement": [THEIRS]}), OURS)
    assert with_statement(merged or "", OURS) is None


@pytest.mark.parametrize("policy", ["{", "[]", "{}", '{"Statement": "x"}'])
def test_a_policy_that_can_not_be_read_is_not_overwritten(policy: str) -> None:
    with pytest.raises(AwsRefused, match="UnreadablePolicy"):
        with_statement(policy, OURS)


def test_ses_may_act_for_our_account_alone() -> None:
    statement = ses_may(sid="x", action="SNS:Publish", resource="arn:y", partition="aws", account_id="123456789012")
    assert statement["Principal"] == {"Service": "ses.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"AWS:SourceAccount": "123456789012"}
