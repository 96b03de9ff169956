"""How long mail is kept: what is older than the organization's retention goes, rows and objects."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import AuditEvent
from aws.errors import AwsError
from aws.mail_store import delete_object
from inbound.models import DeletedMessage, InboundMessage, MailPolicy, Thread

logger = logging.getLogger(__name__)

BATCH = 200
# What was not delivered: held while a domain was suspended, or meant for nobody.
UNDELIVERED_DAYS = 30
ACTOR = "retention"


def expire(*, now: datetime) -> int:
    """Remove expired messages, the oldest first; how many. An object that S3 will not remove keeps its row.

    The objects of a message go before its row, so that one that is interrupted is taken up again by the next run.
    """
    removed = 0
    for batch in _batches(_expired(now)):
        without_objects = [message.pk for message in batch if _remove_objects(message)]
        removed += _remove_rows(without_objects, now=now)
    return removed


def _expired(now: datetime) -> QuerySet[InboundMessage]:
    def older_than(days: int) -> Q:
        return Q(received_at__lt=now - timedelta(days=days))

    expired = older_than(UNDELIVERED_DAYS) & ~Q(disposition=InboundMessage.Disposition.DELIVERED)
    expired |= older_than(settings.MAIL_RETENTION_DAYS) & Q(organization__mail_policy__retention_days=None)
    for days in MailPolicy.objects.values_list("retention_days", flat=True).distinct():
        if days is not None:
            expired |= older_than(days) & Q(organization__mail_policy__retention_days=days)
    return InboundMessage.objects.filter(expired)


def _batches(messages: QuerySet[InboundMessage]) -> Iterator[list[InboundMessage]]:
    """The oldest first, each once, whatever becomes of it meanwhile; without the contents, which nobody reads here."""
    rows = messages.order_by("received_at", "pk").only("public_id", "received_at", "region", "bucket", "key")
    after = Q()
    while batch := list(rows.filter(after).prefetch_related("attachments")[:BATCH]):
        yield batch
        last = batch[-1]
        after = Q(received_at__gt=last.received_at) | Q(received_at=last.received_at, pk__gt=last.pk)


def _remove_objects(message: InboundMessage) -> bool:
    keys = [message.key, *(attachment.key for attachment in message.attachments.all())]
    try:
        for key in keys:
            if key:
                delete_object(region=message.region, bucket=message.bucket, key=key)
    except AwsError as error:
        logger.warning("expired message %s stays for now: %s", message.public_id, error)
        return False
    return True


def _remove_rows(pks: list[int], *, now: datetime) -> int:
    """The messages, the conversations that end with them, and in their place the ledger and a line of the audit."""
    with transaction.atomic():
        # Two runs at once share the work: neither counts what the other removes.
        rows = InboundMessage.objects.filter(pk__in=pks).select_for_update(skip_locked=True)
        mine = list(rows.values_list("pk", "organization_id", "ses_message_id", "thread_id"))
        DeletedMessage.objects.bulk_create(
            [
                DeletedMessage(organization_id=organization_id, ses_message_id=ses_message_id, deleted_at=now)
                for _, organization_id, ses_message_id, _ in mine
                if organization_id is not None
            ],
            ignore_conflicts=True,
        )
        InboundMessage.objects.filter(pk__in=[pk for pk, *_ in mine]).delete()
        is_in_use = Exists(InboundMessage.objects.filter(thread=OuterRef("pk")))
        Thread.objects.filter(~is_in_use, pk__in={thread_id for *_, thread_id in mine if thread_id}).delete()
        counts = Counter(organization_id for _, organization_id, *_ in mine)
        AuditEvent.objects.bulk_create(
            [
                AuditEvent(
                    organization_id=organization_id,
                    at=now,
                    actor=ACTOR,
                    action="messages.expired",
                    details={"messages": count},
                )
                for organization_id, count in counts.items()
            ]
        )
    return len(mine)
