"""Receipt rule sets and rules of SES v1, as they are written; `receipts` applies them to mail."""

from __future__ import annotations

import copy
import re
from typing import Any

from sandbox.identities import is_name
from sandbox.state import State
from sandbox.wire import AwsProblem

RECEIVING_REGIONS = frozenset(
    [
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
        "ca-central-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "eu-central-1",
        "eu-north-1",
        "eu-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "sa-east-1",
        "af-south-1",
        "me-south-1",
        "il-central-1",
    ]
)
MOST_SETS = 40
MOST_RULES = 200
MOST_RECIPIENTS = 500
LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?")


def _require_label(name: str) -> None:
    if LABEL.fullmatch(name) is None:
        raise AwsProblem("InvalidParameterValue", f"Invalid name: {name}")


class ReceiptRules:
    """The receipt operations of SES v1, by AWS's names; each raises AwsProblem."""

    state: State
    store: Any

    def _sets(self, region: str) -> dict[str, Any]:
        sets: dict[str, Any] = self.state.tree["rule_sets"].setdefault(region, {})
        return sets

    def _rules(self, region: str, name: str) -> list[dict[str, Any]]:
        if name not in self._sets(region):
            raise AwsProblem("RuleSetDoesNotExist", f"Rule set does not exist: {name}")
        rules: list[dict[str, Any]] = self._sets(region)[name]["rules"]
        return rules

    def active_rules(self, region: str) -> list[dict[str, Any]]:
        name = self.state.tree["active_rule_set"].get(region)
        return self._rules(region, name) if name else []

    def CreateReceiptRuleSet(self, region: str, RuleSetName: str) -> None:
        _require_label(RuleSetName)
        if RuleSetName in self._sets(region):
            raise AwsProblem("AlreadyExists", f"Rule set already exists: {RuleSetName}")
        if len(self._sets(region)) >= MOST_SETS:
            raise AwsProblem("LimitExceeded", "There are too many rule sets.")
        self._sets(region)[RuleSetName] = {"created_at": self.state.now(), "rules": []}

    def CloneReceiptRuleSet(self, region: str, RuleSetName: str, OriginalRuleSetName: str) -> None:
        rules = copy.deepcopy(self._rules(region, OriginalRuleSetName))
        self.CreateReceiptRuleSet(region, RuleSetName)
        self._sets(region)[RuleSetName]["rules"] = rules

    def DeleteReceiptRuleSet(self, region: str, RuleSetName: str) -> None:
        if self.state.tree["active_rule_set"].get(region) == RuleSetName:
            raise AwsProblem("CannotDelete", f"Cannot delete active rule set: {RuleSetName}")
        self._sets(region).pop(RuleSetName, None)

    def ListReceiptRuleSets(self, region: str, **_: Any) -> dict[str, Any]:
        return {"RuleSets": [self._metadata(region, name) for name in self._sets(region)]}

    def _metadata(self, region: str, name: str) -> dict[str, Any]:
        return {"Name": name, "CreatedTimestamp": self._sets(region)[name]["created_at"]}

    def SetActiveReceiptRuleSet(self, region: str, RuleSetName: str = "") -> None:
        if RuleSetName:
            self._rules(region, RuleSetName)
        self.state.tree["active_rule_set"][region] = RuleSetName

    def DescribeReceiptRuleSet(self, region: str, RuleSetName: str) -> dict[str, Any]:
        return {"Rules": self._rules(region, RuleSetName), "Metadata": self._metadata(region, RuleSetName)}

    def DescribeActiveReceiptRuleSet(self, region: str) -> dict[str, Any]:
        name = self.state.tree["active_rule_set"].get(region)
        return self.DescribeReceiptRuleSet(region, name) if name else {}

    # --- receipt rules
    def _index(self, region: str, rule_set: str, name: str) -> int:
        for index, rule in enumerate(self._rules(region, rule_set)):
            if rule["Name"] == name:
                return index
        raise AwsProblem("RuleDoesNotExist", f"Rule does not exist: {name}")

    def _checked(self, region: str, rule: dict[str, Any]) -> dict[str, Any]:
        _require_label(rule["Name"])
        for recipient in rule.get("Recipients") or ():
            if not is_name(recipient.rpartition("@")[2].removeprefix(".")):
                raise AwsProblem("InvalidParameterValue", f"Invalid recipient: {recipient}")
        if len(rule.get("Recipients") or ()) > MOST_RECIPIENTS:
            raise AwsProblem("LimitExceeded", "Too many recipients.")
        if len(rule.get("Actions") or ()) > 10:
            raise AwsProblem("LimitExceeded", "Too many actions.")
        for action in rule.get("Actions") or ():
            bucket = (action.get("S3Action") or {}).get("BucketName")
            if bucket and not self.store.has_bucket(bucket):
                raise AwsProblem("InvalidS3Configuration", f"No such bucket: {bucket}")
            for each in action.values():
                topic = each.get("TopicArn")
                if topic and (topic not in self.state.tree["topics"] or topic.split(":")[3] != region):
                    raise AwsProblem("InvalidSnsTopic", f"Invalid SNS topic: {topic}")
        plain = {"Enabled": False, "TlsPolicy": "Optional", "Recipients": [], "Actions": [], "ScanEnabled": False}
        return {**plain, **rule}

    def CreateReceiptRule(self, region: str, RuleSetName: str, Rule: dict[str, Any], After: str = "") -> None:
        rules = self._rules(region, RuleSetName)
        if any(rule["Name"] == Rule["Name"] for rule in rules):
            raise AwsProblem("AlreadyExists", f"Rule already exists: {Rule['Name']}")
        if len(rules) >= MOST_RULES:
            raise AwsProblem("LimitExceeded", "There are too many rules in the rule set.")
        checked = self._checked(region, Rule)
        rules.insert(self._index(region, RuleSetName, After) + 1 if After else 0, checked)
        for action in checked["Actions"]:
            if action.get("S3Action"):
                self.store.set_up_note(action["S3Action"])

    def UpdateReceiptRule(self, region: str, RuleSetName: str, Rule: dict[str, Any]) -> None:
        index = self._index(region, RuleSetName, Rule["Name"])
        self._rules(region, RuleSetName)[index] = self._checked(region, Rule)

    def DescribeReceiptRule(self, region: str, RuleSetName: str, RuleName: str) -> dict[str, Any]:
        return {"Rule": self._rules(region, RuleSetName)[self._index(region, RuleSetName, RuleName)]}

    def DeleteReceiptRule(self, region: str, RuleSetName: str, RuleName: str) -> None:
        # AWS: deleting a rule that is not there is done.
        rules = self._rules(region, RuleSetName)
        rules[:] = [rule for rule in rules if rule["Name"] != RuleName]

    def SetReceiptRulePosition(self, region: str, RuleSetName: str, RuleName: str, After: str = "") -> None:
        rules = self._rules(region, RuleSetName)
        rule = rules[self._index(region, RuleSetName, RuleName)]
        if After:
            self._index(region, RuleSetName, After)
        if After != RuleName:
            rules.remove(rule)
            rules.insert(self._index(region, RuleSetName, After) + 1 if After else 0, rule)

    def ReorderReceiptRuleSet(self, region: str, RuleSetName: str, RuleNames: list[str]) -> None:
        rules = self._rules(region, RuleSetName)
        if sorted(rule["Name"] for rule in rules) != sorted(RuleNames):
            raise AwsProblem("RuleDoesNotExist", "Every rule of the set must be named once.")
        rules.sort(key=lambda rule: RuleNames.index(rule["Name"]))
