"""What became of the mails that we sent, as Amazon SES tells it: each word once, in whatever order it comes.

SES promises neither order nor batches, and one recipient may be delivered to, bounce and complain (SES developer
guide, "Amazon SNS notification contents for Amazon SES"). So every word is a row, and a mail's status is what the
weightiest of its rows says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.timestamps import seconds
from channels.addresses import parse_mailbox
from domains.models import Domain
from domains.names import ancestors, normalise_name
from domains.ownership import holder_at
from inbound.mail_rows import cut
from inbound.models import SendingFeedback, SentMessage
from inbound.ses_event_types import Bounce, Complaint, Delivery, DeliveryDelay, Fate, Reject, SentMail
from inbound.ses_fields import CONTROL
from webhooks.events import emit

Kind, Status = SendingFeedback.Kind, SentMessage.Status

# The tag that a mail of ours carries: which of our mails it is.
MESSAGE_TAG = "postern-message"
COUNTS = {Kind.DELIVERY: "delivered_count", Kind.BOUNCE: "bounced_count", Kind.COMPLAINT: "complained_count"}
EVENTS = {Kind.DELIVERY: "message.delivered", Kind.BOUNCE: "message.bounced", Kind.COMPLAINT: "message.complained"}
STATUSES = {
    Kind.DELIVERY: Status.DELIVERED,
    Kind.BOUNCE: Status.BOUNCED,
    Kind.COMPLAINT: Status.COMPLAINED,
    Kind.REJECT: Status.REFUSED,
}


class NoUse(Exception):
    """The notification changes nothing here, and its text says why: staff see it beside the ignored row."""


@dataclass(frozen=True)
class Word:
    """What SES says of a mail, in our terms: `details` by recipient, `more` for customers' systems."""

    kind: str
    details: Mapping[str, str]
    is_permanent: bool = False
    more: Mapping[str, object] = field(default_factory=dict)


def apply_feedback(fate: Fate, *, now: datetime) -> None:
    """Note it, count it, tell it and move the mail's status, all in one transaction; again it changes nothing.

    Raises NoUse for what is no fate yet, and for mail that nobody here sent.
    """
    word = _word(fate)
    domain, message = _origin(fate.mail)
    with transaction.atomic():
        # One at a time for a domain: what is found now can not be outdated when it is written.
        _hold(domain.pk)
        domain = Domain.objects.select_related("organization").get(pk=domain.pk)
        message = message or SentMessage.objects.filter(ses_message_id=fate.mail.ses_message_id, domain=domain).first()
        for recipient in sorted(word.details):
            _note(word, recipient, fate=fate, domain=domain, message=message, now=now)
        if message is not None:
            # Feedback may overtake SES's answer to the sending, or be all that is ever heard of it.
            note_sent(message=message, ses_message_id=fate.mail.ses_message_id, at=fate.mail.sent_at)


def note_sent(*, message: SentMessage, ses_message_id: str, at: datetime) -> None:
    """The mail is with SES: counted once, whether the answer or the feedback was first. Call it in a transaction."""
    _hold(message.domain_id)
    rows = SentMessage.objects.filter(pk=message.pk)
    if rows.filter(sent_at__isnull=True).update(ses_message_id=ses_message_id, sent_at=at, status=Status.SENT):
        Domain.objects.filter(pk=message.domain_id).update(sent_count=F("sent_count") + 1)
    waiting = SendingFeedback.objects.filter(ses_message_id=ses_message_id, domain=message.domain_id, sent_message=None)
    waiting.update(sent_message=message)
    _settle(message)


def _hold(domain_id: int) -> None:
    """Keep other feedback of this domain out until the transaction ends; what only refers to it may go on."""
    Domain.objects.select_for_update(no_key=True).only("pk").get(pk=domain_id)


def _word(fate: Fate) -> Word:
    """The typed event as a word; raises NoUse."""
    recipients = fate.recipients
    if isinstance(fate, Delivery):
        return Word(Kind.DELIVERY, _details(recipients, fate.smtp_response))
    if isinstance(fate, Bounce):
        is_permanent = fate.bounce_type.lower() == "permanent"
        kind = ", ".join(part for part in (fate.bounce_type, fate.bounce_subtype) if part)
        told = {"isPermanent": is_permanent, "bounceType": fate.bounce_type, "bounceSubType": fate.bounce_subtype}
        spoken = {each: said for each, said in zip(recipients, fate.diagnostics, strict=False) if said}
        return Word(Kind.BOUNCE, _details(recipients, kind) | _cut(spoken), is_permanent, told)
    if isinstance(fate, Complaint):
        if fate.feedback_type == "not-spam":
            raise NoUse("a recipient's provider says that the mail is not spam")
        said = ", ".join(part for part in (fate.feedback_type, fate.feedback_subtype) if part)
        return Word(Kind.COMPLAINT, _details(recipients, said), more={"feedbackType": fate.feedback_type})
    if isinstance(fate, Reject):
        return Word(Kind.REJECT, _details(recipients, fate.reason), is_permanent=True)
    if isinstance(fate, DeliveryDelay):
        raise NoUse(f"Amazon SES goes on trying to deliver {fate.mail.ses_message_id} ({fate.delay_type})")
    raise NoUse(f"no use for {type(fate).__name__}")


def _details(recipients: tuple[str, ...], detail: str) -> dict[str, str]:
    """The same detail for each; an out-of-office reply may name no recipient at all."""
    return _cut(dict.fromkeys(recipients or ("",), detail))


def _cut(details: Mapping[str, str]) -> dict[str, str]:
    return {cut(each): CONTROL.sub(" ", detail) for each, detail in details.items()}


def _origin(mail: SentMail) -> tuple[Domain, SentMessage | None]:
    """Whose mail it was: our own mail's domain, else what the sender's name belonged to then; raises NoUse."""
    sent = SentMessage.objects.select_related("domain")
    message = _labelled(mail) or sent.filter(ses_message_id=mail.ses_message_id).first()
    if message is not None:
        return message.domain, message
    name = _sender_name(mail)
    # SES lets a verified name send for what is below it.
    for each in (name, *ancestors(name)) if name else ():
        tenure = holder_at(name=each, at=mail.sent_at)
        if tenure is not None:
            return tenure.domain, None
    raise NoUse(f"nobody here held the name of the sender {mail.source!r} when the mail was sent")


def _labelled(mail: SentMail) -> SentMessage | None:
    """The mail of ours that the tag names; raises NoUse where it is another one than SES tells of.

    Everybody who may send through the AWS account chooses the tags of their own mail.
    """
    labels = mail.tags.get(MESSAGE_TAG, ())
    message = SentMessage.objects.select_related("domain").filter(public_id=labels[0]).first() if labels else None
    if message is None:
        return None
    name = _sender_name(mail)
    is_sender = name == message.domain.name or name.endswith(f".{message.domain.name}")
    is_unanswered = message.status == Status.SENDING and not message.ses_message_id
    if not is_sender or not (is_unanswered or message.ses_message_id == mail.ses_message_id):
        raise NoUse(f"its tag names {message.public_id}, which is not the mail {mail.ses_message_id}")
    return message


def _sender_name(mail: SentMail) -> str:
    """The domain of `source`, which is an address or, as SES's own examples have it, `Name <address>`."""
    mailbox = parse_mailbox(mail.source)
    return normalise_name(mailbox.domain) if mailbox else ""


def _note(
    word: Word, recipient: str, *, fate: Fate, domain: Domain, message: SentMessage | None, now: datetime
) -> None:
    """The row; where it is new, or a bounce turns out to be for good, also the count and the event."""
    row, is_new = SendingFeedback.objects.get_or_create(
        ses_message_id=fate.mail.ses_message_id,
        kind=word.kind,
        recipient=recipient,
        defaults={
            "domain": domain,
            "sent_message": message,
            "is_permanent": word.is_permanent,
            "detail": word.details[recipient],
            "at": fate.occurred_at,
            "stored_at": now,
        },
    )
    if is_new and word.kind in COUNTS:
        column = COUNTS[Kind(word.kind)]
        Domain.objects.filter(pk=domain.pk).update(**{column: F(column) + 1})
    is_worse = not is_new and word.is_permanent and not row.is_permanent
    if is_worse:
        worse = {"is_permanent": True, "detail": word.details[recipient], "at": fate.occurred_at}
        SendingFeedback.objects.filter(pk=row.pk).update(**worse)
    if (is_new or is_worse) and word.kind in EVENTS:
        emit(
            organization=domain.organization,
            type=EVENTS[Kind(word.kind)],
            key=f"{fate.mail.ses_message_id}:{recipient}:{word.is_permanent}",
            data=lambda: _data(word, recipient, fate=fate, domain=domain, message=message),
            now=now,
        )


def _data(word: Word, recipient: str, *, fate: Fate, domain: Domain, message: SentMessage | None) -> dict[str, object]:
    """As docs/webhooks.md lists it: one recipient's word about one mail."""
    return {
        "id": message.public_id if message else None,
        "sesMessageId": fate.mail.ses_message_id,
        "domain": domain.name,
        "from": {"name": "", "email": message.from_address if message else fate.mail.source},
        "recipients": [recipient] if recipient else [],
        "sentAt": seconds(fate.mail.sent_at),
        "at": seconds(fate.occurred_at),
        "detail": word.details[recipient],
        **word.more,
    }


def _weight(row: SendingFeedback) -> int:
    """Complained > bounced for good > rejected > delivered > a bounce that may pass, as out-of-office replies are."""
    if row.kind == Kind.BOUNCE:
        return 4 if row.is_permanent else 1
    return {Kind.COMPLAINT: 5, Kind.REJECT: 3, Kind.DELIVERY: 2}[Kind(row.kind)]


def _settle(message: SentMessage) -> None:
    """The mail's status is what the weightiest word says, whatever came first."""
    rows = SendingFeedback.objects.filter(sent_message=message)
    told = max(rows, key=lambda row: (_weight(row), row.at, row.recipient), default=None)
    if told is not None:
        is_good = told.kind == Kind.DELIVERY
        SentMessage.objects.filter(pk=message.pk).update(
            status=STATUSES[Kind(told.kind)], fate_at=told.at, error="" if is_good else told.detail
        )
