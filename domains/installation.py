"""What this installation owns in a region of AWS: make it, adopt it, and remember it in the Installation row."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from aws.account import account_id
from aws.errors import AwsError, AwsRefused
from aws.mail_store import ensure_bucket
from aws.ours import our_name_prefix
from aws.pacing import Caller
from aws.queues import ensure_dead_letters, ensure_queue
from aws.receipt_rules import ForeignRule, active_rule_set, ensure_active_rule_set
from aws.regions import can_receive
from aws.sending import ensure_configuration_set
from aws.tenants import list_tenants
from aws.topics import SubscriptionState, ensure_subscription, ensure_topic, ensure_whole_messages
from domains import intents, receipt_rules
from domains.models import AwsIntent, Installation
from domains.receipt_rules import InstallationMissing

logger = logging.getLogger(__name__)

# Not the columns of the confirmation: those are the door's, which SNS may knock at while we set up.
MADE_HERE = (
    "account_id",
    "bucket",
    "topic_arn",
    "queue_url",
    "queue_arn",
    "rule_set_name",
    "configuration_set",
    "warnings",
    "set_up_at",
)


@dataclass
class SetUp:
    """What setting a region up did, line by line, and what could not be done."""

    region: str
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


Step = Callable[[Installation, Caller, SetUp], None]


def sns_endpoint() -> str:
    """Where SNS announces mail to us."""
    return f"{settings.PUBLIC_URL}/inbound/sns"


def set_up_region(*, region: str, caller: Caller, now: datetime) -> SetUp:
    """Make or adopt all that receiving and sending need in the region. Idempotent; raises AwsError.

    Bucket, topic and the rule set must be had where there are such things: what an emulator does not know, and what
    else could not be had, is a warning.
    """
    done = SetUp(region=region)
    row, _ = Installation.objects.get_or_create(region=region)
    row.account_id = account_id(region)
    row.bucket = settings.INBOUND_BUCKET
    _try("the bucket", _bucket, row, caller, done, is_needed=True)
    _try("the topic", _topic, row, caller, done, is_needed=True)
    # Saved before anybody subscribes: the door only confirms a topic that it knows.
    row.set_up_at = now
    row.save(update_fields=MADE_HERE)
    if can_receive(region):
        _try("the receipt rule set", _rule_set, row, caller, done, is_needed=True)
    else:
        done.warnings.append(f"Amazon SES does not receive mail in {region}; domains there can only send.")
    if row.topic_arn:
        _try("the SQS queue", _queue, row, caller, done)
        if row.queue_url:
            _try("the dead letters of the SQS queue", _dead_letters, row, caller, done)
        _try("the configuration set", _configuration_set, row, caller, done)
        _try("the subscription of our SNS endpoint", _subscription, row, caller, done)
        _try("that SNS sends us whole messages", _whole_messages, row, caller, done)
    _try("the SES tenants", _tenants, row, caller, done)
    row.warnings = done.warnings
    row.save(update_fields=MADE_HERE)
    receipt_rules.wish_rules(region=region, now=now)
    # Tenants of before this configuration set shall send with it too.
    intents.look_again(kind=AwsIntent.Kind.ASSOCIATION, region=region, now=now)
    return done


def _try(what: str, step: Step, row: Installation, caller: Caller, done: SetUp, *, is_needed: bool = False) -> None:
    try:
        step(row, caller, done)
    except AwsError as error:
        if is_needed and not is_lacking(error):
            raise
        done.warnings.append(f"{what} could not be set up: {error}")


def is_lacking(error: AwsError) -> bool:
    """The other side is an emulator that does not know the operation: what needs it is given up, and nothing else."""
    return isinstance(error, AwsRefused) and error.is_unsupported


def _tenants(row: Installation, caller: Caller, done: SetUp) -> None:
    """Nothing to make before a customer asks for one; only whether there are such things here."""
    next(list_tenants(region=row.region, caller=caller), None)
    done.lines.append("tenants        available")


def _bucket(row: Installation, caller: Caller, done: SetUp) -> None:
    ensure_bucket(region=settings.SES_REGIONS[0], bucket=row.bucket, prefix=settings.INBOUND_PREFIX, caller=caller)
    done.lines.append(f"bucket         {row.bucket} (SES may put under {settings.INBOUND_PREFIX})")


def _topic(row: Installation, caller: Caller, done: SetUp) -> None:
    row.topic_arn = ensure_topic(region=row.region, name=settings.SNS_TOPIC_NAME, caller=caller)
    done.lines.append(f"topic          {row.topic_arn}")


def _rule_set(row: Installation, caller: Caller, done: SetUp) -> None:
    name = ensure_active_rule_set(region=row.region, name=f"{our_name_prefix()}rules", caller=caller)
    for rule in active_rule_set(region=row.region, caller=caller).rules:
        if isinstance(rule, ForeignRule) and rule.is_enabled and rule.is_catch_all:
            done.warnings.append(f"The rule {rule.name} takes the mail of every verified name of the account.")
    row.rule_set_name = name
    done.lines.append(f"rule set       {name} (active)")


def _queue(row: Installation, caller: Caller, done: SetUp) -> None:
    name = _queue_name()
    facts = ensure_queue(region=row.region, name=name, topic_arn=row.topic_arn, caller=caller)
    row.queue_url, row.queue_arn = facts.url, facts.arn
    ensure_subscription(topic_arn=row.topic_arn, protocol="sqs", endpoint=facts.arn, caller=caller)
    done.lines.append(f"queue          {facts.arn}")


def _queue_name() -> str:
    return f"{settings.SNS_TOPIC_NAME}-queue"


def _dead_letters(row: Installation, caller: Caller, done: SetUp) -> None:
    name = f"{_queue_name()}-dead-letters"
    arn = ensure_dead_letters(region=row.region, queue_url=row.queue_url, name=name, caller=caller)
    done.lines.append(f"dead letters   {arn}")


def _configuration_set(row: Installation, caller: Caller, done: SetUp) -> None:
    name = f"{our_name_prefix()}sending"
    ensure_configuration_set(region=row.region, name=name, topic_arn=row.topic_arn, caller=caller)
    row.configuration_set = name
    done.lines.append(f"configuration  {name}")


def _subscription(row: Installation, caller: Caller, done: SetUp) -> None:
    if not settings.PUBLIC_URL:
        done.warnings.append("PUBLIC_URL is not set: SNS is not subscribed, mail comes through the queue alone.")
        return
    state = subscribe_door(row, caller=caller)
    done.lines.append(f"subscription   {sns_endpoint()} ({state})")


def _whole_messages(row: Installation, caller: Caller, done: SetUp) -> None:
    ours = [("sqs", row.queue_arn)] if row.queue_arn else []
    if settings.PUBLIC_URL:
        ours.append((_door_protocol(), sns_endpoint()))
    for protocol, endpoint in ours:
        if ensure_whole_messages(topic_arn=row.topic_arn, protocol=protocol, endpoint=endpoint, caller=caller):
            done.lines.append(f"subscription   {endpoint}: raw message delivery was on, and is off")


def _door_protocol() -> str:
    return sns_endpoint().partition("://")[0]


def subscribe_door(row: Installation, *, caller: Caller) -> SubscriptionState:
    """Subscribe our SNS endpoint to the region's topic; raises AwsError."""
    return ensure_subscription(
        topic_arn=row.topic_arn,
        protocol=_door_protocol(),
        endpoint=sns_endpoint(),
        dead_letter_arn="",
        caller=caller,
    )


def ensure_receiving(*, region: str, caller: Caller) -> None:
    """The rule set is active and our door subscribed; raises AwsError, InstallationMissing."""
    row = Installation.objects.filter(region=region).first()
    if row is None or not row.topic_arn:
        raise InstallationMissing
    try:
        name = ensure_active_rule_set(region=region, name=f"{our_name_prefix()}rules", caller=caller)
        if name != row.rule_set_name:
            Installation.objects.filter(pk=row.pk).update(rule_set_name=name)
        if settings.PUBLIC_URL:
            subscribe_door(row, caller=caller)
    except AwsRefused as refusal:
        if not is_lacking(refusal):
            raise
        logger.warning("receiving in %s is only what the emulator has: %s", region, refusal)


def configuration_sets() -> dict[str, str]:
    """The configuration set that mail is sent with, by region; where there is none the region is missing."""
    return dict(Installation.objects.exclude(configuration_set="").values_list("region", "configuration_set"))


def allowed_topics() -> frozenset[str]:
    """The topics whose messages the door takes: ours, and those of SNS_ALLOWED_TOPICS."""
    ours = Installation.objects.exclude(topic_arn="").values_list("topic_arn", flat=True)
    return frozenset(ours) | frozenset(settings.SNS_ALLOWED_TOPICS)
