"""The active SES receipt rule set, and our rules in it (v1 API, paced; all functions raise AwsError).

There is one active set an account and region, at most 200 rules in it; the limit of recipients a rule is a setting of
the caller. **A rule without recipients would catch the mail of the whole account**: none is ever written here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws.clients import call
from aws.errors import AwsRefused
from aws.ours import our_name_prefix
from aws.pacing import Caller


@dataclass(frozen=True)
class ReceiptRule:
    """One rule of ours: mail to `recipients` goes to `bucket` under `prefix` and is announced on `topic_arn`.

    `tls_policy` is Optional or Require. `other_actions` counts what somebody else put into our rule: such a rule
    equals none that we want, so it is written again.
    """

    name: str
    recipients: tuple[str, ...]
    bucket: str
    prefix: str
    topic_arn: str
    is_enabled: bool = True
    is_scan_enabled: bool = True
    tls_policy: str = "Optional"
    other_actions: int = 0


@dataclass(frozen=True)
class ForeignRule:
    """A rule that this installation does not own: seen, never touched."""

    name: str
    recipients: tuple[str, ...]
    is_enabled: bool
    has_stop_action: bool

    @property
    def is_catch_all(self) -> bool:
        """Whether it takes the mail of every verified name of the account, ours too."""
        return not self.recipients


@dataclass(frozen=True)
class ActiveRuleSet:
    """The rules in the order in which SES applies them; `name` is None where no set is active (nothing is received)."""

    name: str | None
    rules: tuple[ReceiptRule | ForeignRule, ...]


def active_rule_set(*, region: str, caller: Caller) -> ActiveRuleSet:
    """Read the active rule set, ours and foreign rules alike."""
    answer = call(service="ses", region=region, operation="DescribeActiveReceiptRuleSet", caller=caller)
    name = (answer.get("Metadata") or {}).get("Name") or None
    return ActiveRuleSet(name=name, rules=tuple(_from_wire(rule) for rule in answer.get("Rules") or ()))


def ensure_active_rule_set(*, region: str, name: str, caller: Caller) -> str:
    """The name of the active set: whichever is active is adopted; only where none is, ours is made and activated."""
    active = active_rule_set(region=region, caller=caller)
    if active.name:
        return active.name
    try:
        call(service="ses", region=region, operation="CreateReceiptRuleSet", caller=caller, RuleSetName=name)
    except AwsRefused as refusal:
        if not refusal.is_already_exists:
            raise
    # Activating replaces silently, so look once more: somebody may have activated theirs meanwhile.
    active = active_rule_set(region=region, caller=caller)
    if active.name:
        return active.name
    call(service="ses", region=region, operation="SetActiveReceiptRuleSet", caller=caller, RuleSetName=name)
    return name


def put_rule(*, region: str, rule_set: str, rule: ReceiptRule, after: str | None, caller: Caller) -> None:
    """Update our rule, or create it behind the rule `after` (None: in front of all, foreign ones too).

    An update leaves the rule where it stands. Raises ValueError for a rule without recipients or not named as ours.
    """
    _require_writable(rule)
    position: dict[str, Any] = {"After": after} if after else {}
    try:
        _write("UpdateReceiptRule", rule_set, rule, region, caller)
    except AwsRefused as refusal:
        if not refusal.is_not_found:
            raise
        try:
            _write("CreateReceiptRule", rule_set, rule, region, caller, **position)
        except AwsRefused as conflict:
            if not conflict.is_already_exists:
                raise
            # A creation whose answer was lost, or another writer: ours is the newer list.
            _write("UpdateReceiptRule", rule_set, rule, region, caller)


def delete_rule(*, region: str, rule_set: str, name: str, caller: Caller) -> None:
    """Delete our rule; no such rule (or set) is done. Raises ValueError for a name that is not ours."""
    _require_our_name(name)
    try:
        call(
            service="ses",
            region=region,
            operation="DeleteReceiptRule",
            caller=caller,
            RuleSetName=rule_set,
            RuleName=name,
        )
    except AwsRefused as refusal:
        if not refusal.is_not_found:
            raise


def _write(operation: str, rule_set: str, rule: ReceiptRule, region: str, caller: Caller, **position: Any) -> None:
    call(
        service="ses",
        region=region,
        operation=operation,
        caller=caller,
        RuleSetName=rule_set,
        Rule=_to_wire(rule),
        **position,
    )


def _require_our_name(name: str) -> None:
    if not name.startswith(our_name_prefix()):
        raise ValueError(f"The receipt rule {name!r} is not named as one of ours.")


def _require_writable(rule: ReceiptRule) -> None:
    _require_our_name(rule.name)
    if not rule.recipients or not all(recipient.strip() for recipient in rule.recipients):
        raise ValueError(f"The receipt rule {rule.name!r} without recipients would catch every mail of the account.")


def _to_wire(rule: ReceiptRule) -> dict[str, Any]:
    return {
        "Name": rule.name,
        "Enabled": rule.is_enabled,
        "ScanEnabled": rule.is_scan_enabled,
        "TlsPolicy": rule.tls_policy,
        "Recipients": list(rule.recipients),
        "Actions": [
            {"S3Action": {"BucketName": rule.bucket, "ObjectKeyPrefix": rule.prefix, "TopicArn": rule.topic_arn}}
        ],
    }


def _from_wire(wire: dict[str, Any]) -> ReceiptRule | ForeignRule:
    actions = wire.get("Actions") or []
    recipients = tuple(wire.get("Recipients") or ())
    is_enabled = bool(wire.get("Enabled"))
    if not wire["Name"].startswith(our_name_prefix()):
        has_stop = any("StopAction" in action for action in actions)
        return ForeignRule(wire["Name"], recipients, is_enabled=is_enabled, has_stop_action=has_stop)
    stored: dict[str, Any] = next((action["S3Action"] for action in actions if action.get("S3Action")), {})
    return ReceiptRule(
        name=wire["Name"],
        recipients=recipients,
        bucket=stored.get("BucketName", ""),
        prefix=stored.get("ObjectKeyPrefix", ""),
        topic_arn=stored.get("TopicArn", ""),
        is_enabled=is_enabled,
        is_scan_enabled=bool(wire.get("ScanEnabled")),
        tls_policy=wire.get("TlsPolicy", "Optional"),
        other_actions=len(actions) - bool(stored),
    )
