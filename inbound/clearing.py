"""Delete an inbox together with its mail: what no other inbox has goes with it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.models import AuditEvent
from channels.inboxes import InboxNotFound, delete_inbox
from channels.models import EmailAccount
from inbound.models import DeletedMessage, InboundMessage, Recipient

BATCH = 1000


def delete_inbox_and_mail(*, inbox: EmailAccount, actor: str, now: datetime) -> int:
    """End the inbox and hide its messages for good; how many. The objects in S3 go with retention.

    A mail that reached another inbox as well stays there, and so does one that came for another domain. Raises
    InboxNotFound if it had ended meanwhile.
    """
    came_for = Recipient.objects.filter(message=OuterRef("pk"))
    with transaction.atomic():
        if not delete_inbox(inbox=inbox, actor=actor, now=now):
            raise InboxNotFound
        own = InboundMessage.objects.filter(
            Exists(came_for.filter(inbox=inbox)),
            ~Exists(came_for.filter(inbox__isnull=False, inbox__removed_at__isnull=True)),
            ~Exists(came_for.filter(domain__isnull=False).exclude(domain__name=inbox.domain.name)),
            organization=inbox.organization_id,
            deleted_at__isnull=True,
        )
        # The rows first and the ledger then, in one order, as everybody who deletes mail.
        found = list(own.order_by("pk").select_for_update(of=("self",)).values_list("pk", "ses_message_id"))
        # As with a single message: the ledger outlives S3 and late announcements.
        ledger = [
            DeletedMessage(organization_id=inbox.organization_id, ses_message_id=ses_message_id, deleted_at=now)
            for _, ses_message_id in found
        ]
        DeletedMessage.objects.bulk_create(ledger, ignore_conflicts=True, batch_size=BATCH)
        for start in range(0, len(found), BATCH):
            pks = [pk for pk, _ in found[start : start + BATCH]]
            InboundMessage.objects.filter(pk__in=pks).update(deleted_at=now)
        AuditEvent.objects.create(
            organization_id=inbox.organization_id,
            at=now,
            actor=actor,
            action="inbox.emptied",
            subject=inbox.public_id,
            details={"messages": len(found)},
        )
    return len(found)
