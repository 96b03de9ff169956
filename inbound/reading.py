"""Read an organization's mail: what it may see, one message, the raw mail, attachments, deletion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from accounts.errors import Refusal
from accounts.models import AuditEvent, Organization
from aws.mail_store import object_size, stream
from channels.models import EmailAccount
from domains.models import Domain
from domains.upstream import upstream_refusals
from inbound import purging
from inbound.models import Attachment, DeletedMessage, InboundMessage, Recipient, Thread


class MessageNotFound(Refusal):
    code = "message_not_found"
    default_message = "Message does not exist"


class AttachmentNotFound(Refusal):
    code = "attachment_not_found"
    default_message = "Attachment does not exist"


class ThreadNotFound(Refusal):
    code = "thread_not_found"
    default_message = "Thread does not exist"


class RawNotKept(Refusal):
    code = "raw_not_kept"
    default_message = "The raw message is no longer kept."


@dataclass(frozen=True)
class Download:
    """Bytes to be sent on: how many, and the chunks."""

    size: int
    chunks: Iterator[bytes]


def visible_messages(*, organization: Organization) -> QuerySet[InboundMessage]:
    """What the organization may see: delivered and not deleted."""
    return InboundMessage.objects.filter(
        organization=organization,
        disposition=InboundMessage.Disposition.DELIVERED,
        deleted_at__isnull=True,
    )


def visible_recipients(*, organization: Organization) -> QuerySet[Recipient]:
    """The recipients of what the organization may see."""
    return Recipient.objects.filter(message__in=visible_messages(organization=organization))


def came_for(messages: QuerySet[InboundMessage], domains: QuerySet[Domain]) -> QuerySet[InboundMessage]:
    """Those of `messages` with a recipient in one of the domains, whatever other names they came for.

    The domains are looked up first: PostgreSQL then plans for these few, and not for an average one.
    """
    wanted = list(domains.values_list("pk", flat=True))
    return messages.filter(Exists(Recipient.objects.filter(message=OuterRef("pk"), domain__in=wanted)))


def is_suspect(message: InboundMessage) -> bool:
    """Amazon SES found a virus in the mail, or could not rule one out: malformed mail may be why it could not look."""
    return message.virus_verdict in ("FAIL", "GRAY", "PROCESSING_FAILED")


def recipients_in(name: str) -> Q:
    """The condition on recipients to be in the domain of this name."""
    return Q(domain__name=name) | Q(domain__isnull=True, address__iendswith=f"@{name}")


def messages_of_inbox(inbox: EmailAccount) -> QuerySet[InboundMessage]:
    """What came for this inbox, also where the same mail came for other inboxes of the organization."""
    came_here = Recipient.objects.filter(message=OuterRef("pk"), inbox=inbox)
    return visible_messages(organization=inbox.organization).filter(Exists(came_here))


def threads_of_inbox(inbox: EmailAccount) -> QuerySet[Thread]:
    """The conversations that have a visible message of this inbox.

    With `last_received_at` of the newest of those, and `subject_here` of the oldest: the conversation's own subject may
    be that of a mail to another inbox.
    """
    here = messages_of_inbox(inbox).filter(thread=OuterRef("pk"))
    newest = here.order_by("-received_at").values("received_at")[:1]
    oldest = here.order_by("received_at", "pk").values("subject")[:1]
    return Thread.objects.annotate(last_received_at=Subquery(newest), subject_here=Subquery(oldest)).filter(
        organization=inbox.organization, last_received_at__isnull=False
    )


def access_message(*, organization: Organization, public_id: str) -> InboundMessage:
    """The organization's visible message of this id; anything else is MessageNotFound."""
    if not public_id.isprintable() or len(public_id) > 32:
        raise MessageNotFound
    message = (
        visible_messages(organization=organization)
        .select_related("domain", "inbox", "thread")
        .prefetch_related("recipients", "attachments")
        .filter(public_id=public_id)
        .first()
    )
    if message is None:
        raise MessageNotFound
    return message


def access_attachment(*, message: InboundMessage, public_id: str) -> Attachment:
    """The message's attachment of this id; anything else is AttachmentNotFound."""
    for attachment in message.attachments.all():
        if attachment.public_id == public_id:
            return attachment
    raise AttachmentNotFound


def open_raw(*, message: InboundMessage) -> Download:
    """The raw mail as this organization has it; raises RawNotKept and the upstream refusals before the first byte."""
    return _open(region=message.region, bucket=message.bucket, key=message.key)


def open_attachment(*, attachment: Attachment) -> Download:
    """The decoded bytes of an attachment; raises as open_raw does."""
    message = attachment.message
    return _open(region=message.region, bucket=message.bucket, key=attachment.key)


def _open(*, region: str, bucket: str, key: str) -> Download:
    with upstream_refusals():
        size = object_size(region=region, bucket=bucket, key=key)
    if size is None:
        raise RawNotKept
    return Download(size=size, chunks=stream(region=region, bucket=bucket, key=key))


def delete_message(*, message: InboundMessage, actor: str, now: datetime, purge: bool = False) -> None:
    """Hide the message for good; with `purge` its objects in S3 and its row go at once, or when S3 is there again.

    The ledger keeps its SES message id either way, so that no late announcement brings it back. Raises MessageNotFound
    if it was deleted meanwhile.
    """
    with transaction.atomic():
        rows = InboundMessage.objects.filter(pk=message.pk, deleted_at__isnull=True)
        if not rows.update(deleted_at=now):
            raise MessageNotFound
        if purge:
            purging.mark(InboundMessage.objects.filter(pk=message.pk), now=now)
        elif message.organization_id is not None:
            DeletedMessage.objects.get_or_create(
                organization_id=message.organization_id,
                ses_message_id=message.ses_message_id,
                defaults={"deleted_at": now},
            )
        AuditEvent.objects.create(
            organization_id=message.organization_id,
            at=now,
            actor=actor,
            action="message.purged" if purge else "message.deleted",
            subject=message.public_id,
        )
    if purge:
        purging.purge([message.pk], now=now)
