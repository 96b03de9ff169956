"""What Amazon SES says inside an SNS notification, as typed events (pure).

Two dialects say the same: notifications (`notificationType`) and event publishing (`eventType`); see the SES developer
guide, "Notification contents for Amazon SES email receiving", "Amazon SNS notification contents" and "Contents of
event data". SES decodes the headers of strangers' mail into this JSON, so its strings are cleaned, not trusted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .ses_event_types import (
    Bounce,
    Complaint,
    Delivery,
    DeliveryDelay,
    Fate,
    Received,
    Reject,
    SentMail,
    SesEvent,
    SetupNotice,
    UnknownEvent,
    Verdicts,
)
from .ses_fields import (
    CONTROL,
    MAX_ADDRESS,
    MAX_RECIPIENTS,
    MalformedEvent,
    Object,
    address,
    as_object,
    child_list,
    child_object,
    line,
    load_event,
    moment,
)

__all__ = [
    "Bounce",
    "Complaint",
    "Delivery",
    "DeliveryDelay",
    "Fate",
    "MalformedEvent",
    "Received",
    "Reject",
    "SentMail",
    "SesEvent",
    "SetupNotice",
    "UnknownEvent",
    "Verdicts",
    "message_id_of",
    "parse_event",
]

SETUP_MESSAGE_ID = "AMAZON_SES_SETUP_NOTIFICATION"

MAX_KEY_BYTES = 1024
VERDICTS = frozenset({"PASS", "FAIL", "GRAY", "PROCESSING_FAILED"})
DMARC_POLICIES = frozenset({"none", "quarantine", "reject"})

_SES_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_SETUP_TEXTS = (
    "Successfully validated SNS topic for Amazon SES event publishing",
    "You have successfully subscribed your Amazon SNS topic",
)


def parse_event(message_text: str) -> SesEvent:
    """Read the Message of a verified SNS notification of SES; raise UnknownEvent or MalformedEvent, nothing else."""
    if message_text.startswith(_SETUP_TEXTS):
        return SetupNotice(message_text.strip()[:1000])
    event = load_event(message_text)
    kind = event.get("notificationType", event.get("eventType"))
    if not isinstance(kind, str) or not 0 < len(kind) <= 100:
        raise MalformedEvent("the event does not say what it is")
    if kind == "AmazonSnsSubscriptionSucceeded":
        return SetupNotice(line(event, "message"))
    parse = _PARSERS.get(kind)
    if parse is None:
        raise UnknownEvent(CONTROL.sub("?", kind))
    return parse(event)


def message_id_of(message_text: str) -> str:
    """The SES message id of the mail that a notification is of; empty where it names none, or is not JSON."""
    try:
        return _message_id(child_object(load_event(message_text), "mail"))
    except MalformedEvent:
        return ""


def _received(event: Object) -> Received | SetupNotice:
    mail, receipt = child_object(event, "mail"), child_object(event, "receipt")
    action = child_object(receipt, "action")
    ses_message_id = _message_id(mail)
    candidates = _key_candidates(action, ses_message_id)
    if SETUP_MESSAGE_ID in (ses_message_id, candidates[0].rpartition("/")[2]):
        return SetupNotice(SETUP_MESSAGE_ID)
    bucket = line(action, "bucketName")
    if _BUCKET.fullmatch(bucket) is None:
        raise MalformedEvent("bucketName is not the name of a bucket")
    recipients = tuple(address(each, "recipients") for each in child_list(receipt, "recipients"))
    if not recipients:
        raise MalformedEvent("recipients is empty")
    return Received(
        ses_message_id=ses_message_id,
        source=address(mail.get("source", ""), "source"),
        received_at=moment(mail, "timestamp"),
        recipients=tuple(dict.fromkeys(recipients)),
        destination=_destination(mail),
        verdicts=Verdicts(*(_verdict(receipt, name) for name in ("spam", "virus", "spf", "dkim", "dmarc"))),
        dmarc_policy=_one_of(receipt.get("dmarcPolicy"), DMARC_POLICIES, str.lower),
        bucket=bucket,
        key=candidates[0],
        key_candidates=candidates,
        headers_truncated=mail.get("headersTruncated") is True,
        raw=event,
    )


def _key_candidates(action: Object, ses_message_id: str) -> tuple[str, ...]:
    """Return the possible keys: AWS's pages disagree on whether objectKey includes the prefix."""
    if action.get("type") != "S3":
        raise MalformedEvent("the mail was not put into S3")
    key = line(action, "objectKey")
    prefix = "" if action.get("objectKeyPrefix") is None else line(action, "objectKeyPrefix")
    candidates = tuple(dict.fromkeys((key, prefix + ses_message_id)))
    for each in candidates:
        is_plain = each and not each.startswith("/") and ".." not in each.split("/") and not CONTROL.search(each)
        if not is_plain or len(each.encode()) > MAX_KEY_BYTES:
            raise MalformedEvent("objectKey is not a key that SES writes")
    return candidates


def _verdict(receipt: Object, name: str) -> str | None:
    if receipt.get(f"{name}Verdict") is None:
        return None
    # A status that is not in the list (DISABLED: the rule does not scan) is no verdict.
    return _one_of(child_object(receipt, f"{name}Verdict").get("status"), VERDICTS, str.upper)


def _one_of(value: object, allowed: frozenset[str], fold: Callable[[str], str]) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise MalformedEvent("a verdict is not a word")
    return fold(value) if fold(value) in allowed else None


def _bounce(event: Object) -> Bounce:
    bounce = child_object(event, "bounce")
    people = [as_object(each, "bouncedRecipients") for each in child_list(bounce, "bouncedRecipients")]
    return Bounce(
        mail=_sent_mail(event),
        recipients=tuple(address(each.get("emailAddress", ""), "emailAddress") for each in people),
        occurred_at=moment(bounce, "timestamp"),
        raw=event,
        bounce_type=line(bounce, "bounceType"),
        bounce_subtype=line(bounce, "bounceSubType", optional=True),
        diagnostics=tuple(line(each, "diagnosticCode", optional=True) for each in people),
    )


def _complaint(event: Object) -> Complaint:
    complaint = child_object(event, "complaint")
    people = [as_object(each, "complainedRecipients") for each in child_list(complaint, "complainedRecipients")]
    return Complaint(
        mail=_sent_mail(event),
        recipients=tuple(address(each.get("emailAddress", ""), "emailAddress") for each in people),
        occurred_at=moment(complaint, "timestamp"),
        raw=event,
        feedback_type=line(complaint, "complaintFeedbackType", optional=True),
        # OnAccountSuppressionList: SES took the mail, but did not send it to somebody who had complained before.
        feedback_subtype=line(complaint, "complaintSubType", optional=True),
    )


def _delivery(event: Object) -> Delivery:
    delivery = child_object(event, "delivery")
    return Delivery(
        mail=_sent_mail(event),
        recipients=tuple(address(each, "recipients") for each in child_list(delivery, "recipients")),
        occurred_at=moment(delivery, "timestamp"),
        raw=event,
        smtp_response=line(delivery, "smtpResponse", optional=True),
    )


def _delivery_delay(event: Object) -> DeliveryDelay:
    delay = child_object(event, "deliveryDelay")
    people = [as_object(each, "delayedRecipients") for each in child_list(delay, "delayedRecipients")]
    return DeliveryDelay(
        mail=_sent_mail(event),
        recipients=tuple(address(each.get("emailAddress", ""), "emailAddress") for each in people),
        occurred_at=moment(delay, "timestamp"),
        raw=event,
        delay_type=line(delay, "delayType"),
    )


def _reject(event: Object) -> Reject:
    mail = _sent_mail(event)
    # The one event without a timestamp of its own: SES refuses at the moment of sending.
    return Reject(
        mail=mail,
        recipients=mail.destination,
        occurred_at=mail.sent_at,
        raw=event,
        reason=line(child_object(event, "reject"), "reason", optional=True),
    )


def _sent_mail(event: Object) -> SentMail:
    mail = child_object(event, "mail")
    tags = as_object(mail.get("tags") or {}, "tags")
    return SentMail(
        ses_message_id=_message_id(mail),
        source=address(mail.get("source", ""), "source"),
        sent_at=moment(mail, "timestamp"),
        destination=_destination(mail),
        tags={name: tuple(str(value)[:256] for value in child_list(tags, name)) for name in list(tags)[:50]},
    )


def _destination(mail: Object) -> tuple[str, ...]:
    """Return what the header says, cut to size: whatever a stranger writes there, the mail itself is still good."""
    value = mail.get("destination")
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise MalformedEvent("destination is not a list of addresses")
    return tuple(CONTROL.sub(" ", each[:MAX_ADDRESS]) for each in value[:MAX_RECIPIENTS])


def _message_id(mail: Object) -> str:
    value = mail.get("messageId")
    if not isinstance(value, str) or _SES_MESSAGE_ID.fullmatch(value) is None:
        raise MalformedEvent("messageId is not one of SES")
    return value


_PARSERS: Mapping[str, Callable[[Object], SesEvent]] = {
    "Received": _received,
    "Bounce": _bounce,
    "Complaint": _complaint,
    "Delivery": _delivery,
    "DeliveryDelay": _delivery_delay,
    "Reject": _reject,
}
