"""Rows for the pages' tests, made without SES or DNS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from accounts.models import Organization
from channels.models import EmailAccount
from domains.models import DnsRecord, Domain
from domains.records import required_records
from inbound.models import Attachment, InboundMessage, Recipient

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def make_domain(organization: Organization, name: str = "shop.example", **fields: object) -> Domain:
    """A pending domain with its seven records; `status="active"` makes it a verified one."""
    values: dict[str, object] = {"claim_started_at": NOW, "region": "us-east-1", "dmarc_value": "v=DMARC1; p=none;"}
    if fields.get("status") == "active":
        values |= {"proved_at": NOW, "reason": "", "verification_status": "SUCCESS", "checked_at": NOW}
    domain = Domain.objects.create(organization=organization, name=name, **(values | fields))
    planned = required_records(
        name=name,
        region="us-east-1",
        ownership_token="token-of-ownership=",
        dkim_tokens=("aaa", "bbb", "ccc"),
        dkim_zone="dkim.amazonses.com",
        dmarc_value="v=DMARC1; p=none;",
        is_receiving=True,
    )
    for position, plan in enumerate(planned):
        DnsRecord.objects.create(
            domain=domain,
            position=position,
            purpose=plan.purpose,
            type=plan.type,
            name=plan.name,
            value=plan.value,
            priority=plan.priority,
            is_required=plan.is_required,
        )
    return domain


def make_inbox(domain: Domain, local_part: str = "support") -> EmailAccount:
    return EmailAccount.objects.create(
        organization=domain.organization, domain=domain, email=f"{local_part}@{domain.name}", local_part=local_part
    )


def make_message(domain: Domain, number: int = 0, **fields: object) -> InboundMessage:
    """A delivered message, the newer the smaller its number."""
    values: dict[str, object] = {
        "organization": domain.organization,
        "domain": domain,
        "ses_message_id": f"ses-{domain.name}-{number}",
        "received_at": NOW - timedelta(hours=number),
        "subject": f"Subject {number}",
        "from_email": "jana@elsewhere.example",
        "text": "Where is my parcel?",
    }
    message = InboundMessage.objects.create(**(values | fields))
    Recipient.objects.create(message=message, address=f"support@{domain.name}", domain=domain, inbox=message.inbox)
    return message


def make_attachment(message: InboundMessage) -> Attachment:
    return Attachment.objects.create(
        message=message, position=0, filename="a.pdf", content_type="application/pdf", size=3, sha256="0" * 64, key="k"
    )
