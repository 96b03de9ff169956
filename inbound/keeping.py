"""Keep one mail for one organization: its own raw copy, its attachments, its rows; idempotent at every step."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.models import Organization
from aws.mail_store import delete_object, put_file
from domains.models import Domain
from inbound import threads
from inbound.judging import Group, Judgement, judge
from inbound.mime import ParsedMessage
from inbound.models import Attachment, DeletedMessage, InboundMessage, Recipient
from inbound.received import topmost_received, without_foreign_recipient
from inbound.ses_events import Received
from inbound.telling import tell_received

if TYPE_CHECKING:
    from inbound.ingestion import Fetched

HEAD_BYTES = 64 * 1024
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
        without.update(mail_from=event.source, **verdicts)


def take_from_staff(groups: Sequence[Group], *, event: Received) -> None:
    """A late announcement says whose a swept mail is: the copy that staff were to place goes. Raises AwsError.

    Where nobody holds one of the names, staff keep it for that.
    """
    if any(group.organization_id is None for group in groups):
        return
    swept = InboundMessage.objects.filter(organization=None, ses_message_id=event.ses_message_id)
    for message in swept.filter(recipients__address=NOBODY):
        for key in (message.key, *message.attachments.values_list("key", flat=True)):
            delete_object(region=message.region, bucket=message.bucket, key=key)
        message.delete()


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
) -> InboundMessage:
    """Copy to S3 first, then write the rows in one transaction; both may be repeated. Raises AwsError."""
    organization = Organization.objects.get(pk=group.organization_id) if group.organization_id else None
    folder = folder_of(organization, event.ses_message_id)
    region = settings.SES_REGIONS[0]
    own_copy = _own_copy(mail, group)
    own_received = None
    if own_copy != mail:
        own_received = _received_of(own_copy)
        fetched = replace(fetched, size=own_copy.stat().st_size, sha256=_sha256(own_copy))
    put_file(region=region, bucket=event.bucket, key=f"{folder}raw", path=own_copy)
    for part in parsed.attachments:
        put_file(
            region=region,
            bucket=event.bucket,
            key=f"{folder}{part.position}",
            path=attachments / str(part.position),
            content_type="application/octet-stream",
        )
    with transaction.atomic():
        message, is_new, was_delivered = _message(
            group,
            organization,
            event=event,
            parsed=parsed,
            key=f"{folder}raw",
            fetched=fetched,
            region=region,
            own_received=own_received,
            now=now,
        )
        known = set(message.recipients.values_list("inbox", flat=True)) if was_delivered else set()
        if is_new:
            _attachments(message, parsed, folder)
        _recipients(message, group)
        tell_received(message, now=now, known=known)
    return message


def _own_copy(mail: Path, group: Group) -> Path:
    """The raw mail without another organization's address in SES's own Received header; else byte for byte."""
    with mail.open("rb") as file:
        head = file.read(HEAD_BYTES)
        cleaned = without_foreign_recipient(head, group.own)
        if cleaned == head:
            return mail
        copy = mail.with_name(f"own-{group.organization_id}")
        with copy.open("wb") as own:
            own.write(cleaned)
            while chunk := file.read(1024 * 1024):
                own.write(chunk)
    return copy


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _message(
    group: Group,
    organization: Organization | None,
    *,
    event: Received,
    parsed: ParsedMessage,
    key: str,
    fetched: Fetched,
    region: str,
    own_received: str | None,
    now: datetime,
) -> tuple[InboundMessage, bool, bool]:
    """The row, whether it is new, and whether an earlier announcement had delivered it."""
    domain, judgement = group.routes[0].domain, judge(group, now=now)
    message, is_new = InboundMessage.objects.get_or_create(
        organization=organization,
        ses_message_id=event.ses_message_id,
        defaults={
            "domain": domain,
            "inbox": next((route.inbox for route in group.routes if route.inbox), None),
            "disposition": judgement.disposition,
            "trace": judgement.trace(),
            "received_at": event.received_at,
            "stored_at": now,
            "mail_from": event.source,
            **_fields_of(parsed),
            "headers": _own_headers(parsed, own_received),
            "bucket": event.bucket,
            "key": key,
            "region": region,
            "size": fetched.size,
            "sha256": fetched.sha256,
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
        changed += ["domain", "disposition"]
    message.save(update_fields=changed)


def _received_of(own_copy: Path) -> str:
    """SES's own Received header of a copy that another organization's address was taken from."""
    with own_copy.open("rb") as file:
        return topmost_received(file.read(HEAD_BYTES))


def _own_headers(parsed: ParsedMessage, own_received: str | None) -> list[dict[str, str]]:
    """The headers for showing. Where the copy's Received header was changed it is shown as it stands there: cleaned
    before anything in it is decoded, since an address may be written as an encoded word."""
    headers = [{"name": name, "value": value} for name, value in parsed.headers]
    topmost = next((header for header in headers if header["name"].lower() == "received"), None)
    if topmost is not None and own_received is not None:
        topmost["value"] = own_received
    return headers


def cut(text: str) -> str:
    """What an index of PostgreSQL takes: a line's 998 bytes (RFC 5322 section 2.1.1), not characters."""
    return text.encode()[:998].decode(errors="ignore")


def _fields_of(parsed: ParsedMessage) -> dict[str, object]:
    """What the mail itself says, as the columns of a message."""
    return {
        "subject": parsed.subject,
        "from_name": parsed.from_.name if parsed.from_ else "",
        "from_email": parsed.from_.email[:998] if parsed.from_ else "",
        "to": [asdict(each) for each in parsed.to],
        "cc": [asdict(each) for each in parsed.cc],
        "reply_to": [asdict(each) for each in parsed.reply_to],
        "date": parsed.date,
        "message_id_header": cut(parsed.message_id_header),
        "in_reply_to": cut(parsed.in_reply_to),
        "references": list(parsed.references),
        "text": parsed.text,
        "html": parsed.html,
        "parse_status": parsed.status,
        "defects": list(parsed.defects),
        "has_attachments": any(not part.is_inline for part in parsed.attachments),
    }


def _attachments(message: InboundMessage, parsed: ParsedMessage, folder: str) -> None:
    Attachment.objects.bulk_create(
        [
            Attachment(
                message=message,
                position=part.position,
                filename=part.filename,
                content_type=part.content_type[:200],
                size=part.size,
                sha256=part.sha256,
                is_inline=part.is_inline,
                content_id=part.content_id[:998],
                key=f"{folder}{part.position}",
            )
            for part in parsed.attachments
        ]
    )


def _recipients(message: InboundMessage, group: Group) -> None:
    """A union over all announcements: SES may tell of a mail once for every rule that matched."""
    Recipient.objects.bulk_create(
        [Recipient(message=message, address=cut(route.address), inbox=route.inbox) for route in group.routes],
        ignore_conflicts=True,
    )
    if message.inbox_id is None:
        inbox = next((route.inbox for route in group.routes if route.inbox), None)
        if inbox is not None:
            InboundMessage.objects.filter(pk=message.pk, inbox__isnull=True).update(inbox=inbox)
            message.inbox = inbox
