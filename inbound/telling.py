"""What customers' systems are told of a mail: its summary, once for every inbox that is new to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from django.conf import settings
from django.urls import reverse

from accounts.timestamps import seconds
from channels.models import EmailAccount
from inbound.models import InboundMessage, Recipient
from webhooks.events import emit, subscribers

RECEIVED = "message.received"


def tell_received(message: InboundMessage, *, now: datetime, known: Collection[int | None] = ()) -> int:
    """Tell the organization's webhooks inside the caller's transaction; how many inboxes were new.

    `known` are the inboxes, by primary key, that were told of this mail before. A mail that reached no inbox is told
    of once, with none.
    """
    if message.organization is None or message.disposition != InboundMessage.Disposition.DELIVERED:
        return 0
    if not subscribers(organization=message.organization, type=RECEIVED, now=now):
        return 0
    recipients = list(Recipient.objects.filter(message=message).select_related("inbox").order_by("pk"))
    told = 0
    for inbox in _new_inboxes(recipients, known):
        data = partial(_data, message, [recipient.address for recipient in recipients], inbox)
        key = f"{message.public_id}:{inbox.public_id if inbox else ''}"
        emit(organization=message.organization, type=RECEIVED, key=key, data=data, now=now)
        told += 1
    return told


def _new_inboxes(recipients: Iterable[Recipient], known: Collection[int | None]) -> list[EmailAccount | None]:
    reached = {recipient.inbox_id: recipient.inbox for recipient in recipients}
    if len(reached) > 1:
        # The mail is in an inbox: that it had other recipients too is in its list of them.
        reached.pop(None, None)
    return [inbox for pk, inbox in reached.items() if pk not in known]


def _data(message: InboundMessage, recipients: Sequence[str], inbox: EmailAccount | None) -> Mapping[str, object]:
    return summary(message, recipients=recipients) | {
        "inboxId": inbox.public_id if inbox else None,
        "url": f"{settings.PUBLIC_URL}{reverse('api_message', args=[message.public_id])}",
    }


def summary(message: InboundMessage, *, recipients: Sequence[str]) -> dict[str, object]:
    """A message as lists and events show it; `recipients` are this organization's envelope recipients only."""
    return {
        "id": message.public_id,
        "from": {"name": message.from_name, "email": message.from_email},
        "recipients": list(recipients),
        "subject": message.subject,
        "receivedAt": seconds(message.received_at),
        "inboxId": message.inbox.public_id if message.inbox else None,
        "threadId": message.thread.public_id if message.thread else None,
        "domain": message.domain.name if message.domain else None,
        "hasAttachments": message.has_attachments,
        "size": message.size,
        "verdicts": {
            "spam": message.spam_verdict or None,
            "virus": message.virus_verdict or None,
            "spf": message.spf_verdict or None,
            "dkim": message.dkim_verdict or None,
            "dmarc": message.dmarc_verdict or None,
        },
        "parseStatus": message.parse_status,
    }
