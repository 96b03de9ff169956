"""Receipt rule sets and rules of SES v1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.conftest import refusal

Client = Callable[..., Any]


@pytest.fixture
def ses(client: Client) -> Any:
    """SES with a bucket `mail`, a topic, and the rule set `ours` with the rules a, b, c in this order."""
    client("s3").create_bucket(Bucket="mail")
    client("sns").create_topic(Name="mail")
    found = client("ses")
    found.create_receipt_rule_set(RuleSetName="ours")
    for name in ("c", "b", "a"):
        found.create_receipt_rule(RuleSetName="ours", Rule={"Name": name, "Recipients": [f"{name}.example"]})
    return found


def names(ses: Any, rule_set: str = "ours") -> list[str]:
    return [rule["Name"] for rule in ses.describe_receipt_rule_set(RuleSetName=rule_set)["Rules"]]


def stored(**action: Any) -> dict[str, Any]:
    return {"Name": "new", "Recipients": ["new.example"], "Actions": [{"S3Action": {"BucketName": "mail"} | action}]}


def test_no_set_is_active_at_first_and_the_answer_names_none(client: Client) -> None:
    answer = client("ses").describe_active_receipt_rule_set()
    assert (answer.get("Metadata"), answer.get("Rules")) in ((None, None), (None, []))
    assert client("ses").list_receipt_rule_sets()["RuleSets"] == []


def test_a_rule_goes_first_or_behind_the_one_named(ses: Any) -> None:
    assert names(ses) == ["a", "b", "c"]
    ses.create_receipt_rule(RuleSetName="ours", Rule={"Name": "d"}, After="b")
    assert names(ses) == ["a", "b", "d", "c"]


def test_a_rule_is_disabled_and_does_not_scan_unless_told_otherwise(ses: Any) -> None:
    rule = ses.describe_receipt_rule(RuleSetName="ours", RuleName="a")["Rule"]
    assert (rule["Enabled"], rule["ScanEnabled"], rule["TlsPolicy"]) == (False, False, "Optional")


def test_a_rule_is_updated_where_it_stands(ses: Any) -> None:
    ses.update_receipt_rule(RuleSetName="ours", Rule={"Name": "b", "Enabled": True, "Recipients": ["x.example"]})
    assert names(ses) == ["a", "b", "c"]
    assert ses.describe_receipt_rule(RuleSetName="ours", RuleName="b")["Rule"]["Recipients"] == ["x.example"]


def test_rules_are_moved_reordered_and_deleted(ses: Any) -> None:
    ses.set_receipt_rule_position(RuleSetName="ours", RuleName="a", After="b")
    assert names(ses) == ["b", "a", "c"]
    ses.set_receipt_rule_position(RuleSetName="ours", RuleName="c")
    assert names(ses) == ["c", "b", "a"]
    ses.reorder_receipt_rule_set(RuleSetName="ours", RuleNames=["a", "b", "c"])
    assert names(ses) == ["a", "b", "c"]
    for _ in range(2):
        ses.delete_receipt_rule(RuleSetName="ours", RuleName="b")
    assert names(ses) == ["a", "c"]


def test_a_rule_set_is_cloned_activated_and_deleted(ses: Any) -> None:
    ses.clone_receipt_rule_set(RuleSetName="copy", OriginalRuleSetName="ours")
    assert names(ses, "copy") == ["a", "b", "c"]
    ses.set_active_receipt_rule_set(RuleSetName="copy")
    active = ses.describe_active_receipt_rule_set()
    assert (active["Metadata"]["Name"], len(active["Rules"])) == ("copy", 3)
    assert refusal(ses.delete_receipt_rule_set, RuleSetName="copy") == ("CannotDelete", 400)
    ses.set_active_receipt_rule_set()
    assert "Metadata" not in ses.describe_active_receipt_rule_set()
    ses.delete_receipt_rule_set(RuleSetName="copy")
    assert [each["Name"] for each in ses.list_receipt_rule_sets()["RuleSets"]] == ["ours"]


def test_a_region_has_rule_sets_of_its_own(ses: Any, client: Client) -> None:
    assert client("ses", "eu-west-1").list_receipt_rule_sets()["RuleSets"] == []


def test_a_new_rule_tries_its_bucket_out(ses: Any, client: Client) -> None:
    ses.create_receipt_rule(RuleSetName="ours", Rule=stored(ObjectKeyPrefix="incoming/"))
    (found,) = client("s3").list_objects_v2(Bucket="mail")["Contents"]
    assert found["Key"] == "incoming/AMAZON_SES_SETUP_NOTIFICATION"


@pytest.mark.parametrize(
    ("call", "parameters", "expected"),
    [
        ("create_receipt_rule_set", {"RuleSetName": "ours"}, "AlreadyExists"),
        ("create_receipt_rule_set", {"RuleSetName": "not a name!"}, "InvalidParameterValue"),
        ("clone_receipt_rule_set", {"RuleSetName": "x", "OriginalRuleSetName": "none"}, "RuleSetDoesNotExist"),
        ("set_active_receipt_rule_set", {"RuleSetName": "none"}, "RuleSetDoesNotExist"),
        ("describe_receipt_rule_set", {"RuleSetName": "none"}, "RuleSetDoesNotExist"),
        ("create_receipt_rule", {"RuleSetName": "none", "Rule": {"Name": "x"}}, "RuleSetDoesNotExist"),
        ("create_receipt_rule", {"RuleSetName": "ours", "Rule": {"Name": "a"}}, "AlreadyExists"),
        ("create_receipt_rule", {"RuleSetName": "ours", "Rule": {"Name": "x"}, "After": "none"}, "RuleDoesNotExist"),
        ("create_receipt_rule", {"RuleSetName": "ours", "Rule": stored(BucketName="none")}, "InvalidS3Configuration"),
        (
            "create_receipt_rule",
            {"RuleSetName": "ours", "Rule": stored(TopicArn="arn:aws:sns:us-east-1:123456789012:none")},
            "InvalidSnsTopic",
        ),
        (
            "create_receipt_rule",
            {"RuleSetName": "ours", "Rule": {"Name": "x", "Recipients": [f"n{n}.example" for n in range(501)]}},
            "LimitExceeded",
        ),
        (
            "create_receipt_rule",
            {"RuleSetName": "ours", "Rule": {"Name": "x", "Recipients": ["not an address"]}},
            "InvalidParameterValue",
        ),
        (
            "create_receipt_rule",
            {"RuleSetName": "ours", "Rule": {"Name": "x", "Actions": [{"StopAction": {"Scope": "RuleSet"}}] * 11}},
            "LimitExceeded",
        ),
        ("update_receipt_rule", {"RuleSetName": "ours", "Rule": {"Name": "none"}}, "RuleDoesNotExist"),
        ("update_receipt_rule", {"RuleSetName": "none", "Rule": {"Name": "a"}}, "RuleSetDoesNotExist"),
        ("delete_receipt_rule", {"RuleSetName": "none", "RuleName": "a"}, "RuleSetDoesNotExist"),
        ("describe_receipt_rule", {"RuleSetName": "ours", "RuleName": "none"}, "RuleDoesNotExist"),
        ("set_receipt_rule_position", {"RuleSetName": "ours", "RuleName": "none"}, "RuleDoesNotExist"),
        ("set_receipt_rule_position", {"RuleSetName": "ours", "RuleName": "a", "After": "none"}, "RuleDoesNotExist"),
        ("reorder_receipt_rule_set", {"RuleSetName": "ours", "RuleNames": ["a", "b"]}, "RuleDoesNotExist"),
    ],
)
def test_what_aws_refuses_is_refused_and_changes_nothing(
    ses: Any, call: str, parameters: dict[str, Any], expected: str
) -> None:
    before = ses.describe_receipt_rule_set(RuleSetName="ours")["Rules"]
    assert refusal(getattr(ses, call), **parameters) == (expected, 400)
    assert ses.describe_receipt_rule_set(RuleSetName="ours")["Rules"] == before


def test_a_topic_of_another_region_is_refused(ses: Any, client: Client) -> None:
    topic = client("sns", "eu-west-1").create_topic(Name="mail")["TopicArn"]
    code, _ = refusal(ses.create_receipt_rule, RuleSetName="ours", Rule=stored(TopicArn=topic))
    assert code == "InvalidSnsTopic"


def test_the_201st_rule_and_the_41st_set_are_refused(ses: Any) -> None:
    for number in range(197):
        ses.create_receipt_rule(RuleSetName="ours", Rule={"Name": f"r{number}"})
    code, _ = refusal(ses.create_receipt_rule, RuleSetName="ours", Rule={"Name": "one-more"})
    assert code == "LimitExceeded"
    for number in range(39):
        ses.create_receipt_rule_set(RuleSetName=f"s{number}")
    assert refusal(ses.create_receipt_rule_set, RuleSetName="one-more")[0] == "LimitExceeded"


def test_a_region_that_does_not_receive_has_no_rules(client: Client) -> None:
    ses = client("ses", "ap-south-2")
    code, _ = refusal(ses.create_receipt_rule_set, RuleSetName="ours")
    assert code == "InvalidAction"
    assert client("sesv2", "ap-south-2").get_account()["SendingEnabled"]
