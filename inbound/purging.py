"""Mail that is to go for good: hidden at once, its objects in S3 before its row, however often S3 is away meanwhile.

The row is what knows where the objects lie, so it goes last; until then `purge_at` says when to try again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from accounts.doorbell import ring
from accounts.models import Organization
from aws.errors import AwsError, AwsRefused
from aws.mail_store import delete_object, iter_objects
from inbound.models import DeletedMessage, InboundMessage, Thread

logger = logging.getLogger(__name__)

BATCH = 200
RAW = "raw"
# After so long another run goes on, which other work of the worker may go before.
RUN_SECONDS = 20.0
TRY_AGAIN_AFTER = timedelta(minutes=50)


def mark(messages: QuerySet[InboundMessage], *, now: datetime) -> list[tuple[int, int | None]]:
    """Hide these messages and want them gone, for good: primary key and organization of each that was not marked yet.

    Call it in a transaction. The ledger keeps their SES message ids, so that no late announcement brings them back.
    """
    rows = messages.filter(purge_at__isnull=True).order_by("pk").select_for_update(skip_locked=True, of=("self",))
    found = list(rows.values_list("pk", "organization_id", "ses_message_id"))
    ledger = [
        DeletedMessage(organization_id=organization_id, ses_message_id=ses_message_id, deleted_at=now)
        for _, organization_id, ses_message_id in found
        if organization_id is not None
    ]
    DeletedMessage.objects.bulk_create(ledger, ignore_conflicts=True)
    marked = InboundMessage.objects.filter(pk__in=[pk for pk, *_ in found])
    marked.update(deleted_at=Coalesce("deleted_at", now), purge_at=now)
    return [(pk, organization_id) for pk, organization_id, _ in found]


def purge(pks: Collection[int], *, now: datetime) -> int:
    """Remove what was marked, objects first; how many messages. What S3 will not let go of is tried again later."""
    return _purge(pks, now=now)[0]


def purge_due(*, now: datetime) -> int:
    """Remove what is marked and due, a batch after the other; how many. Ends when S3 is away, to be called again."""
    removed, is_there, ends = 0, True, time.monotonic() + RUN_SECONDS
    due = InboundMessage.objects.filter(purge_at__lte=now).order_by("purge_at", "pk").values_list("pk", flat=True)
    while is_there and (batch := list(due[:BATCH])):
        if time.monotonic() >= ends:
            ring("inbound.tasks.expire_mail")
            break
        count, is_there = _purge(batch, now=now)
        removed += count
    return removed


def _purge(pks: Collection[int], *, now: datetime) -> tuple[int, bool]:
    """How many were removed, and whether S3 is there; a mail that it refuses to let go of is put off, alone."""
    rows = InboundMessage.objects.filter(pk__in=pks, purge_at__isnull=False).order_by("purge_at", "pk")
    without_objects: list[int] = []
    is_there = True
    for message in rows.only("public_id", "region", "bucket", "key").prefetch_related("attachments"):
        try:
            _remove_objects(message)
        except AwsRefused as error:
            logger.warning("message %s is purged later: %s", message.public_id, error)
            InboundMessage.objects.filter(pk=message.pk).update(purge_at=now + TRY_AGAIN_AFTER)
        except AwsError as error:
            logger.warning("the purge of mail waits for S3: %s", error)
            is_there = False
            break
        else:
            without_objects.append(message.pk)
    return _remove_rows(without_objects), is_there


def _remove_objects(message: InboundMessage) -> None:
    """Remove what lies in S3 of it; raises AwsUnavailable, and AwsRefused after it has tried them all.

    The folder is the message's own, and may hold what no row tells of: attachments that another parse found.
    """
    refused: AwsRefused | None = None
    folder, name = message.key[: -len(RAW)], message.key[-len(RAW) :]
    keys = {message.key, *(attachment.key for attachment in message.attachments.all())} - {""}
    if name == RAW and folder.endswith("/"):
        listed = iter_objects(region=message.region, bucket=message.bucket, prefix=folder)
        keys.update(stored.key for stored in listed)
    for key in sorted(keys):
        try:
            delete_object(region=message.region, bucket=message.bucket, key=key)
        except AwsRefused as error:
            refused = error
    if refused is not None:
        raise refused


def _remove_rows(pks: Sequence[int]) -> int:
    """The messages, and the conversations that end with them."""
    with transaction.atomic():
        # Two runs at once share the work: neither counts what the other removes.
        rows = InboundMessage.objects.filter(pk__in=pks, purge_at__isnull=False).select_for_update(skip_locked=True)
        mine = list(rows.values_list("pk", "thread_id"))
        InboundMessage.objects.filter(pk__in=[pk for pk, _ in mine]).delete()
        threads = Thread.objects.filter(pk__in={thread_id for _, thread_id in mine if thread_id})
        # A reply that comes at this moment is put into its thread under the same lock.
        owners = Organization.objects.filter(pk__in=threads.values("organization")).order_by("pk")
        list(owners.select_for_update(no_key=True).values_list("pk", flat=True))
        threads.exclude(Exists(InboundMessage.objects.filter(thread=OuterRef("pk")))).delete()
    return len(mine)
