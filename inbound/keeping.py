"""Keep one mail for one organization: its own raw copy, its attachments, its rows; idempotent at every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.models import Organization
from aws.mail_store import delete_object, iter_objects, put_file
from domains.models import Domain
from inbound import own_copies, purging, threads
from inbound.judging import Group, Judgement, judge
from inbound.mail_rows import cut, fields_of, let_wait, write_anew, write_attachments, write_recipients
from inbound.mime import ParsedMessage
from inbound.models import DeletedMessage, InboundMessage, Recipient
from inbound.ses_events import Received
from inbound.telling import tell_received

if TYPE_CHECKING:
    from inbound.ingestion import Fetched

# The recipient of a swept mail that says none, as one to several: nobody holds this name, so staff place the mail.
NOBODY = "unknown-recipient@swept.invalid"


def already_kept(group: Group, *, event: Received) -> bool:
    """This organization has the mail with all these recipients, or has deleted it."""
    if DeletedMessage.objects.filter(organization=group.organization_id, ses_message_id=event.ses_message_id).exists():
        return True
    kept = set(
        Recipient.objects.filter(
            message__organization=group.organization_id, message__ses_message_id=event.ses_message_id
        ).values_list("address", flat=True)
        if group.organization_id is not None
        else Recipient.objects.filter(
            message__organization__isnull=True, message__ses_message_id=event.ses_message_id
        ).values_list("address", flat=True)
    )
    return {cut(address) for address in group.addresses} <= kept


def complete_swept(event: Received) -> None:
    """A late announcement brings what a swept mail lacked: its envelope sender and SES's verdicts."""
    verdicts = {f"{kind}_verdict": verdict or "" for kind, verdict in asdict(event.verdicts).items()}
    if any(verdicts.values()):
        without = InboundMessage.objects.filter(ses_message_id=event.ses_message_id, **dict.fromkeys(verdicts, ""))
        without.update(mail_from=cut(event.source), **verdicts)


def take_from_staff(groups: Sequence[Group], *, event: Received, now: datetime) -> None:
    """A late announcement says whose a swept mail is: the copy that staff were to place goes.

    Where nobody holds one of the names, staff keep it for that.
    """
    if any(group.organization_id is None for group in groups):
        return
    swept = InboundMessage.objects.filter(
        organization=None, ses_message_id=event.ses_message_id, recipients__address=NOBODY
    )
    pks = list(swept.values_list("pk", flat=True))
    if not pks:
        return
    with transaction.atomic():
        purging.mark(InboundMessage.objects.filter(pk__in=pks), now=now)
    purging.purge(pks, now=now)


def folder_of(organization: Organization | None, ses_message_id: str) -> str:
    """Where an organization's copy lies in the bucket; nobody's mail lies apart."""
    owner = organization.public_id if organization else "unroutable"
    return f"mail/{owner}/{ses_message_id}/"


def keep_group(
    group: Group,
    *,
    event: Received,
    parsed: ParsedMessage,
    mail: Path,
    fetched: Fetched,
    attachments: Path,
    now: datetime,
) -> InboundMessage | None:
    """Copy to S3 first, then write the rows in one transaction; both may be repeated. Raises AwsError.

    None where the mail was purged while it was being stored once more.
    """
    organization = Organization.objects.get(pk=group.organization_id) if group.organization_id else None
    folder = folder_of(organization, event.ses_message_id)
    region = settings.SES_REGIONS[0]
    # With those of earlier announcements: their copy is the one that is written anew.
    own_copy = own_copies.own_copy(mail, group.own | _own_until_now(organization, event))
    own_received = None
    if own_copy != mail:
        own_received = own_copies.received_of(own_copy)
        fetched = replace(fetched, size=own_copy.stat().st_size, sha256=own_copies.sha256_of(own_copy))
    files = {f"{folder}{part.position}": attachments / str(part.position) for part in parsed.attachments}
    put_file(region=region, bucket=event.bucket, key=f"{folder}raw", path=own_copy)
    for key, path in files.items():
        put_file(region=region, bucket=event.bucket, key=key, path=path, content_type="application/octet-stream")
    with transaction.atomic():
        message = None
        if not _is_purged(organization, event):
            message = _write(
                group,
                organization,
                event=event,
                parsed=parsed,
                folder=folder,
                fetched=fetched,
                own_received=own_received,
                now=now,
            )
    if message is None:
        # No row knows of what was just put, or only one that is about to go.
        for key in (f"{folder}raw", *files):
            delete_object(region=region, bucket=event.bucket, key=key)
    return message


def _write(
    group: Group,
    organization: Organization | None,
    *,
    event: Received,
    parsed: ParsedMessage,
    folder: str,
    fetched: Fetched,
    own_received: str | None,
    now: datetime,
) -> InboundMessage:
    """The rows, and in the same transaction the outbox."""
    columns = {
        **fields_of(parsed),
        "headers": own_copies.own_headers(parsed, own_received),
        "bucket": event.bucket,
        "key": f"{folder}raw",
        "region": settings.SES_REGIONS[0],
        "size": fetched.size,
        "sha256": fetched.sha256,
    }
    judgement = judge(group, now=now)
    message, is_new, was_delivered = _message(group, organization, judgement, event=event, columns=columns, now=now)
    told = message.recipients.filter(is_waiting=False)
    known = set(told.values_list("inbox", flat=True)) if was_delivered else set()
    if is_new:
        write_attachments(message, parsed, folder=folder)
    else:
        write_anew(message, parsed, folder=folder, columns=columns)
    write_recipients(message, group, judgement)
    tell_received(message, now=now, known=known)
    return message


def _own_until_now(organization: Organization | None, event: Received) -> set[str]:
    known = Recipient.objects.filter(message__organization=organization, message__ses_message_id=event.ses_message_id)
    return {address.lower() for address in known.values_list("address", flat=True)}


def remove_what_is_left(group: Group, *, event: Received) -> None:
    """Remove the objects that lie there without a row of mail that was deleted; raises AwsError.

    Whoever stored it once more while it was purged may have died, or found S3 away, before it could take them back.
    """
    if group.organization_id is None:
        return
    own = {"organization": group.organization_id, "ses_message_id": event.ses_message_id}
    if DeletedMessage.objects.filter(**own).exists() and not InboundMessage.objects.filter(**own).exists():
        region = settings.SES_REGIONS[0]
        folder = folder_of(Organization.objects.get(pk=group.organization_id), event.ses_message_id)
        for left in iter_objects(region=region, bucket=event.bucket, prefix=folder):
            delete_object(region=region, bucket=event.bucket, key=left.key)


def _is_purged(organization: Organization | None, event: Received) -> bool:
    """The mail was deleted; where it was not, its row can not be until the transaction ends."""
    rows = InboundMessage.objects.filter(organization=organization, ses_message_id=event.ses_message_id)
    for deleted_at, purge_at in rows.select_for_update().values_list("deleted_at", "purge_at"):
        return deleted_at is not None or purge_at is not None
    return DeletedMessage.objects.filter(
        organization__isnull=False, organization=organization, ses_message_id=event.ses_message_id
    ).exists()


def _message(
    group: Group,
    organization: Organization | None,
    judgement: Judgement,
    *,
    event: Received,
    columns: Mapping[str, object],
    now: datetime,
) -> tuple[InboundMessage, bool, bool]:
    """The row, with `columns` where it is new, whether it is, and whether an earlier announcement had delivered it."""
    reached = [route for route in group.routes if route.address not in judgement.waiting]
    domain = reached[0].domain
    message, is_new = InboundMessage.objects.get_or_create(
        organization=organization,
        ses_message_id=event.ses_message_id,
        defaults={
            "domain": domain,
            "inbox": next((route.inbox for route in reached if route.inbox), None),
            "disposition": judgement.disposition,
            "trace": judgement.trace(),
            "received_at": event.received_at,
            "stored_at": now,
            "mail_from": cut(event.source),
            **columns,
            **{f"{kind}_verdict": verdict or "" for kind, verdict in asdict(event.verdicts).items()},
        },
    )
    was_delivered = not is_new and message.disposition == InboundMessage.Disposition.DELIVERED
    if is_new and organization is not None:
        threads.place(message, organization)
        Domain.objects.filter(pk__in=group.domains).update(received_count=F("received_count") + 1)
    elif not is_new:
        _rejudge(message, domain, judgement)
    return message, is_new, was_delivered


def _rejudge(message: InboundMessage, domain: Domain | None, judgement: Judgement) -> None:
    """A later announcement of the mail: its recipients' way joins the trace, and one that is delivered delivers it."""
    held = InboundMessage.objects.select_for_update().only("trace").get(pk=message.pk)
    message.trace = [*held.trace, *(step for step in judgement.trace() if step not in held.trace)]
    changed = ["trace"]
    if message.disposition != judgement.disposition == InboundMessage.Disposition.DELIVERED:
        # An earlier announcement named only recipients whose mail waits or is not wanted.
        message.domain, message.disposition = domain, InboundMessage.Disposition.DELIVERED
        let_wait(message)
        changed += ["domain", "disposition", "inbox"]
    message.save(update_fields=changed)
