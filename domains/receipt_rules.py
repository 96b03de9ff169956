"""The receipt rules as a projection of the database: every proved name that receives, packed into our rules."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.conf import settings

from accounts.errors import UpstreamRefusal
from aws.errors import AwsRefused
from aws.ours import our_name_prefix
from aws.pacing import Caller
from aws.receipt_rules import ReceiptRule, active_rule_set, delete_rule, ensure_active_rule_set, put_rule
from domains import intents
from domains.models import AwsIntent, Domain, Installation

logger = logging.getLogger(__name__)

ALL_RULES = "*"


class InstallationMissing(UpstreamRefusal):
    """There is no bucket and no topic to name in a rule."""

    code = "installation_missing"
    default_message = "Receiving is not set up in this region: run `manage.py setup_aws`."


def pack(
    *, wanted: Iterable[str], current: Mapping[str, tuple[str, ...]], prefix: str, limit: int
) -> dict[str, tuple[str, ...]]:
    """Which recipients each of our rules shall name (pure); an emptied rule has none and is to be deleted.

    A name stays in the rule that has it, so that one change rewrites one rule; new names fill the first rule with
    room, then a new rule with the lowest free number.
    """
    missing = sorted(set(wanted))
    packed: dict[str, list[str]] = {}
    for rule in sorted(current):
        kept = [name for name in dict.fromkeys(current[rule]) if name in set(missing)][:limit]
        missing = [name for name in missing if name not in set(kept)]
        packed[rule] = kept
    number = 1
    for names in packed.values():
        room = limit - len(names)
        if names:
            names += missing[:room]
            missing = missing[room:]
    while missing:
        rule = f"{prefix}{number:03d}"
        number += 1
        if packed.get(rule):
            continue
        packed[rule], missing = missing[:limit], missing[limit:]
    return {rule: tuple(sorted(names)) for rule, names in packed.items()}


def wish_rules(*, region: str, now: datetime) -> None:
    """The rules shall equal the database again; call it in the transaction that changed a proved name."""
    intents.wish(
        kind=AwsIntent.Kind.RECEIPT_RULES,
        region=region,
        name=ALL_RULES,
        desired=AwsIntent.Desired.PRESENT,
        now=now,
        reason="the proved names changed",
    )


def apply_wished(*, region: str, caller: Caller) -> bool:
    """Carry the wish for this region's rules out now, if there is one; False if there is none.

    While another writer is at it this one waits. Raises AwsError, AwsTimedOut when the caller's patience ends first,
    InstallationMissing.
    """

    def converge(intent: AwsIntent, caller: Caller) -> None:
        apply_rules(region=intent.region, caller=caller)

    return intents.carry_out_now(
        kind=AwsIntent.Kind.RECEIPT_RULES, region=region, name=ALL_RULES, caller=caller, converge=converge
    )


def apply_rules(*, region: str, caller: Caller) -> None:
    """Make our rules in the active rule set equal to the database; foreign rules are never touched.

    Raises AwsError, InstallationMissing.
    """
    installation = Installation.objects.filter(region=region).first()
    if installation is None or not installation.bucket or not installation.topic_arn:
        raise InstallationMissing
    active = active_rule_set(region=region, caller=caller)
    name = active.name
    if name is None:
        name = ensure_active_rule_set(region=region, name=f"{our_name_prefix()}rules", caller=caller)
    ours = {
        rule.name: rule
        for rule in active.rules
        if isinstance(rule, ReceiptRule) and rule.name.startswith(our_name_prefix())
    }
    wanted = Domain.objects.proved().filter(region=region, is_receiving=True).values_list("name", flat=True)
    packed = pack(
        wanted=wanted,
        current={rule.name: rule.recipients for rule in ours.values()},
        prefix=our_name_prefix(),
        limit=settings.RECEIPT_RULE_RECIPIENTS,
    )
    # Writing before deleting: what can not be deleted must not keep a name from its mail.
    last = active.rules[-1].name if active.rules else None
    for rule_name, recipients in packed.items():
        if not recipients:
            continue
        rule = ReceiptRule(
            name=rule_name,
            recipients=recipients,
            bucket=installation.bucket,
            prefix=settings.INBOUND_PREFIX,
            topic_arn=installation.topic_arn,
        )
        found = ours.get(rule_name)
        if found is None or not _is_same(found, rule):
            put_rule(region=region, rule_set=name, rule=rule, after=last, caller=caller)
        if found is None:
            last = rule_name
    for rule_name in (rule_name for rule_name, recipients in packed.items() if not recipients):
        _delete(rule_name, rule_set=name, region=region, caller=caller)


def _delete(rule_name: str, *, rule_set: str, region: str, caller: Caller) -> None:
    try:
        delete_rule(region=region, rule_set=rule_set, name=rule_name, caller=caller)
    except AwsRefused as refusal:
        if not refusal.is_unsupported:
            raise
        # An emulator without the call: the rule asks for mail of names that nobody holds any more, which is kept apart.
        logger.warning("the emptied rule %s stays: %s", rule_name, refusal)


def _is_same(found: ReceiptRule, wanted: ReceiptRule) -> bool:
    return (
        set(found.recipients) == set(wanted.recipients)
        and (found.bucket, found.prefix, found.topic_arn) == (wanted.bucket, wanted.prefix, wanted.topic_arn)
        and found.is_enabled
        and found.is_scan_enabled
        and found.other_actions == 0
    )
