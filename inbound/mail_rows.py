"""The rows of one mail: what it says as columns, its attachments and its recipients, written and written anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from domains.states import Status
from inbound.judging import Group, Judgement
from inbound.mime import ParsedMessage
from inbound.models import Attachment, InboundMessage, Recipient

# From the worst to the best that a parser made of a mail.
PARSED = ("failed", "partial", "ok")


def cut(text: str) -> str:
    """What an index of PostgreSQL takes: a line's 998 bytes (RFC 5322 section 2.1.1), not characters."""
    return text.encode()[:998].decode(errors="ignore")


def fields_of(parsed: ParsedMessage) -> dict[str, object]:
    """What the mail itself says, as the columns of a message."""
    is_text_from_html = not parsed.text.strip() and bool(parsed.text_from_html)
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
        "text": parsed.text_from_html if is_text_from_html else parsed.text,
        "is_text_from_html": is_text_from_html,
        "html": parsed.html,
        "parse_status": parsed.status,
        "defects": list(parsed.defects),
        "has_attachments": any(not part.is_inline for part in parsed.attachments),
    }


def write_attachments(message: InboundMessage, parsed: ParsedMessage, *, folder: str) -> None:
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


def write_recipients(message: InboundMessage, group: Group, judgement: Judgement) -> None:
    """A union over all announcements: SES may tell of a mail once for every rule that matched."""
    waiting = judgement.waiting if message.disposition == InboundMessage.Disposition.DELIVERED else frozenset()
    Recipient.objects.bulk_create(
        [
            Recipient(
                message=message,
                address=cut(route.address),
                domain=route.domain,
                inbox=None if route.address in waiting else route.inbox,
                is_waiting=route.address in waiting,
            )
            for route in group.routes
        ],
        ignore_conflicts=True,
    )
    if message.inbox_id is None:
        reached = (route.inbox for route in group.routes if route.inbox and route.address not in waiting)
        inbox = next(reached, None)
        if inbox is not None:
            InboundMessage.objects.filter(pk=message.pk, inbox__isnull=True).update(inbox=inbox)
            message.inbox = inbox


def write_anew(message: InboundMessage, parsed: ParsedMessage, *, folder: str, columns: Mapping[str, object]) -> None:
    """A later announcement of the mail has put its copy anew: the row tells of that one, and of the better parse."""
    is_better = PARSED.index(parsed.status) > PARSED.index(message.parse_status)
    changed = columns if is_better else {name: columns[name] for name in ("size", "sha256", "headers")}
    for name, value in changed.items():
        setattr(message, name, value)
    message.save(update_fields=list(changed))
    if is_better:
        message.attachments.all().delete()
        write_attachments(message, parsed, folder=folder)


def let_wait(message: InboundMessage) -> None:
    """Of a mail that is delivered now, those recipients whose domain is suspended; `message.inbox` is not saved."""
    suspended = message.recipients.filter(domain__status=Status.SUSPENDED)
    if message.inbox_id in set(suspended.values_list("inbox", flat=True)):
        elsewhere = message.recipients.exclude(domain__status=Status.SUSPENDED).filter(inbox__isnull=False)
        other = elsewhere.select_related("inbox").order_by("pk").first()
        message.inbox = other.inbox if other else None
    suspended.update(inbox=None, is_waiting=True)
