"""Mail out through SESv2, and the configuration set that reports what became of it. All functions raise AwsError."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws.clients import call
from aws.errors import AwsRefused
from aws.ours import our_tags
from aws.pacing import Caller

EVENT_DESTINATION = "postern-events"
_EVENT_TYPES = ("BOUNCE", "COMPLAINT", "DELIVERY", "REJECT")


@dataclass(frozen=True)
class SendingAccount:
    """Whether and how much the account may send in a region: mails a day and a second, and those of the last day.

    Without `is_production` (the SES sandbox) mail to strangers is refused.
    """

    is_production: bool
    is_sending_enabled: bool
    most_per_day: float
    most_per_second: float
    sent_last_day: float


def sending_account(*, region: str, caller: Caller) -> SendingAccount:
    """What SES allows the account in this region (a paced call)."""
    answer = _sesv2("GetAccount", region, caller)
    quota = answer.get("SendQuota") or {}
    return SendingAccount(
        is_production=bool(answer.get("ProductionAccessEnabled")),
        is_sending_enabled=bool(answer.get("SendingEnabled")),
        most_per_day=float(quota.get("Max24HourSend") or 0),
        most_per_second=float(quota.get("MaxSendRate") or 0),
        sent_last_day=float(quota.get("SentLast24Hours") or 0),
    )


def ensure_configuration_set(*, region: str, name: str, topic_arn: str, caller: Caller) -> None:
    """A configuration set of this name whose deliveries, bounces, complaints and rejects are told to the topic.

    Its messages carry `eventType` (event publishing), not the `notificationType` of identity notifications.
    """
    destination = {"Enabled": True, "MatchingEventTypes": list(_EVENT_TYPES), "SnsDestination": {"TopicArn": topic_arn}}
    try:
        answer = _sesv2("GetConfigurationSetEventDestinations", region, caller, ConfigurationSetName=name)
    except AwsRefused as refusal:
        if not refusal.is_not_found:
            raise
        _unless_there("CreateConfigurationSet", region, caller, ConfigurationSetName=name, Tags=our_tags())
        answer = {}
    written = {"ConfigurationSetName": name, "EventDestinationName": EVENT_DESTINATION, "EventDestination": destination}
    found = {each["Name"]: each for each in answer.get("EventDestinations") or ()}.get(EVENT_DESTINATION)
    if found is None:
        _unless_there("CreateConfigurationSetEventDestination", region, caller, **written)
    elif not _is_same(found, destination):
        _sesv2("UpdateConfigurationSetEventDestination", region, caller, **written)


def send_email(
    *,
    region: str,
    from_address: str,
    to: Sequence[str],
    subject: str,
    text: str,
    html: str = "",
    reply_to: Sequence[str] = (),
    configuration_set: str = "",
    tenant_name: str = "",
    email_tags: Mapping[str, str] | None = None,
    caller: Caller,
) -> str:
    """Send one mail and return SES's message id (`ses_message_id`). Never tried twice once SES may have taken it.

    With `tenant_name` the identity and the configuration set must both be associated with that tenant.
    Raises AwsRefused (`MessageRejected`, `NotFoundException`, ...), AwsUnavailable, AwsTimedOut.
    """
    body: dict[str, Any] = {"Text": {"Data": text, "Charset": "UTF-8"}}
    if html:
        body["Html"] = {"Data": html, "Charset": "UTF-8"}
    wanted = {
        "ReplyToAddresses": list(reply_to),
        "ConfigurationSetName": configuration_set,
        "TenantName": tenant_name,
        "EmailTags": [{"Name": key, "Value": value} for key, value in (email_tags or {}).items()],
    }
    answer = _sesv2(
        "SendEmail",
        region,
        caller,
        FromEmailAddress=from_address,
        Destination={"ToAddresses": list(to)},
        Content={"Simple": {"Subject": {"Data": subject, "Charset": "UTF-8"}, "Body": body}},
        **{key: value for key, value in wanted.items() if value},
    )
    return str(answer["MessageId"])


def _sesv2(operation: str, region: str, caller: Caller, **parameters: Any) -> dict[str, Any]:
    return call(service="sesv2", region=region, operation=operation, caller=caller, **parameters)


def _unless_there(operation: str, region: str, caller: Caller, **parameters: Any) -> None:
    try:
        _sesv2(operation, region, caller, **parameters)
    except AwsRefused as refusal:
        if not refusal.is_already_exists:
            raise


def _is_same(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return (
        bool(found.get("Enabled")) == wanted["Enabled"]
        and set(found.get("MatchingEventTypes") or ()) == set(wanted["MatchingEventTypes"])
        and (found.get("SnsDestination") or {}).get("TopicArn") == wanted["SnsDestination"]["TopicArn"]
    )
