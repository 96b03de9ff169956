"""The active receipt rule set: adopted, never replaced; our rules in it, never empty, never a foreign one touched."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from aws.clients import call
from aws.errors import AwsRefused
from aws.mail_store import ensure_bucket
from aws.pacing import Caller, person
from aws.receipt_rules import (
    ForeignRule,
    ReceiptRule,
    active_rule_set,
    delete_rule,
    ensure_active_rule_set,
    put_rule,
)
from aws.topics import ensure_topic

REGION = "us-east-1"
BUCKET = "postern-rules"

pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture
def caller() -> Caller:
    return person(20)


@pytest.fixture
def rule(sandbox: object) -> ReceiptRule:
    ensure_bucket(region=REGION, bucket=BUCKET, prefix="incoming/")
    topic_arn = ensure_topic(region=REGION, name="postern-rules")
    return ReceiptRule(
        name="postern-postern-001",
        recipients=("acme.example", "support@globex.example"),
        bucket=BUCKET,
        prefix="incoming/",
        topic_arn=topic_arn,
    )


def activate(rule_set: str, *rules: dict[str, Any]) -> None:
    """Somebody else of the AWS account runs a rule set of their own."""
    call(service="ses", region=REGION, operation="CreateReceiptRuleSet", RuleSetName=rule_set)
    for rule in rules:
        call(service="ses", region=REGION, operation="CreateReceiptRule", RuleSetName=rule_set, Rule=rule)
    call(service="ses", region=REGION, operation="SetActiveReceiptRuleSet", RuleSetName=rule_set)


def test_a_fresh_account_has_no_active_rule_set(caller: Caller) -> None:
    active = active_rule_set(region=REGION, caller=caller)
    assert (active.name, active.rules) == (None, ())


def test_without_an_active_set_ours_is_made_and_activated(caller: Caller) -> None:
    assert ensure_active_rule_set(region=REGION, name="postern", caller=caller) == "postern"
    assert active_rule_set(region=REGION, caller=caller).name == "postern"


def test_our_set_that_was_made_but_not_activated_is_activated(caller: Caller) -> None:
    call(service="ses", region=REGION, operation="CreateReceiptRuleSet", RuleSetName="postern")
    assert ensure_active_rule_set(region=REGION, name="postern", caller=caller) == "postern"


def test_a_foreign_active_set_is_adopted(caller: Caller) -> None:
    activate("theirs")
    assert ensure_active_rule_set(region=REGION, name="postern", caller=caller) == "theirs"
    assert active_rule_set(region=REGION, caller=caller).name == "theirs"


def test_a_rule_is_read_as_it_was_written(rule: ReceiptRule, caller: Caller) -> None:
    rule_set = ensure_active_rule_set(region=REGION, name="postern", caller=caller)
    put_rule(region=REGION, rule_set=rule_set, rule=rule, after=None, caller=caller)
    assert active_rule_set(region=REGION, caller=caller).rules == (rule,)


def test_a_rule_is_updated_where_it_stands(rule: ReceiptRule, caller: Caller) -> None:
    rule_set = ensure_active_rule_set(region=REGION, name="postern", caller=caller)
    second = dataclasses.replace(rule, name="postern-postern-002", recipients=("b.example",))
    put_rule(region=REGION, rule_set=rule_set, rule=rule, after=None, caller=caller)
    put_rule(region=REGION, rule_set=rule_set, rule=second, after=rule.name, caller=caller)
    changed = dataclasses.replace(rule, recipients=("c.example",))
    put_rule(region=REGION, rule_set=rule_set, rule=changed, after=second.name, caller=caller)
    assert active_rule_set(region=REGION, caller=caller).rules == (changed, second)


def test_a_foreign_rule_is_seen_and_keeps_its_place(rule: ReceiptRule, caller: Caller) -> None:
    activate("theirs", {"Name": "stop", "Enabled": True, "Actions": [{"StopAction": {"Scope": "RuleSet"}}]})
    put_rule(region=REGION, rule_set="theirs", rule=rule, after="stop", caller=caller)
    rules = active_rule_set(region=REGION, caller=caller).rules
    assert rules == (ForeignRule("stop", (), is_enabled=True, has_stop_action=True), rule)
    assert isinstance(rules[0], ForeignRule)
    assert rules[0].is_catch_all


def test_a_rule_of_ours_with_a_foreign_action_equals_none_of_ours(rule: ReceiptRule, caller: Caller) -> None:
    stored = {"BucketName": rule.bucket, "ObjectKeyPrefix": rule.prefix, "TopicArn": rule.topic_arn}
    wire = {
        "Name": rule.name,
        "Enabled": True,
        "ScanEnabled": True,
        "TlsPolicy": "Optional",
        "Recipients": list(rule.recipients),
        "Actions": [{"S3Action": stored}, {"StopAction": {"Scope": "RuleSet"}}],
    }
    activate("theirs", wire)
    (found,) = active_rule_set(region=REGION, caller=caller).rules
    assert found == dataclasses.replace(rule, other_actions=1)


@pytest.mark.parametrize("recipients", [(), ("",), ("acme.example", " ")])
def test_a_rule_without_recipients_is_never_written(
    rule: ReceiptRule, recipients: tuple[str, ...], caller: Caller
) -> None:
    empty = dataclasses.replace(rule, recipients=recipients)
    with pytest.raises(ValueError, match="every mail"):
        put_rule(region=REGION, rule_set="postern", rule=empty, after=None, caller=caller)


def test_a_rule_that_is_not_named_ours_is_neither_written_nor_deleted(rule: ReceiptRule, caller: Caller) -> None:
    theirs = dataclasses.replace(rule, name="their-rule")
    with pytest.raises(ValueError, match="not named"):
        put_rule(region=REGION, rule_set="postern", rule=theirs, after=None, caller=caller)
    with pytest.raises(ValueError, match="not named"):
        delete_rule(region=REGION, rule_set="postern", name="their-rule", caller=caller)


def test_a_rule_is_deleted_and_deleting_it_again_is_done(rule: ReceiptRule, caller: Caller) -> None:
    rule_set = ensure_active_rule_set(region=REGION, name="postern", caller=caller)
    put_rule(region=REGION, rule_set=rule_set, rule=rule, after=None, caller=caller)
    delete_rule(region=REGION, rule_set=rule_set, name=rule.name, caller=caller)
    delete_rule(region=REGION, rule_set=rule_set, name=rule.name, caller=caller)
    assert active_rule_set(region=REGION, caller=caller).rules == ()


def test_a_rule_in_a_set_that_is_not_there_is_refused(rule: ReceiptRule, caller: Caller) -> None:
    with pytest.raises(AwsRefused) as caught:
        put_rule(region=REGION, rule_set="gone", rule=rule, after=None, caller=caller)
    assert caught.value.is_not_found
