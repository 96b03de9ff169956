"""An organization's choices about its mail: how long it is kept, and whether mail to unknown addresses is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.errors import Refusal
from accounts.models import AuditEvent, Organization
from inbound.models import InboundMessage, MailPolicy
from inbound.models.mail import LONGEST_RETENTION_DAYS, SHORTEST_RETENTION_DAYS


class RetentionOutOfBounds(Refusal):
    code = "retention_out_of_bounds"
    default_message = f"Mail is kept from {SHORTEST_RETENTION_DAYS} to {LONGEST_RETENTION_DAYS} days."


@dataclass(frozen=True)
class Removal:
    """What a retention of so many days removes: how many delivered messages at the next run, those that came before
    `before`, and which is the oldest that stays, with the moment from which it is too old; None where none does.
    """

    days: int
    before: datetime
    count: int
    next_received_at: datetime | None

    @property
    def next_at(self) -> datetime | None:
        return self.next_received_at + timedelta(days=self.days) if self.next_received_at else None


def mail_policy_of(organization: Organization) -> MailPolicy:
    """The organization's choices; the installation's (not stored) where it has made none."""
    return MailPolicy.objects.filter(organization=organization).first() or MailPolicy(organization=organization)


def removal_after(*, organization: Organization, retention_days: int | None, now: datetime) -> Removal:
    """What would be removed, and when, if mail were kept so long; None is the installation's MAIL_RETENTION_DAYS."""
    days = settings.MAIL_RETENTION_DAYS if retention_days is None else retention_days
    before = now - timedelta(days=days)
    delivered = InboundMessage.objects.filter(
        organization=organization, disposition=InboundMessage.Disposition.DELIVERED, deleted_at__isnull=True
    )
    stays = delivered.filter(received_at__gte=before).order_by("received_at").values_list("received_at", flat=True)
    return Removal(
        days=days,
        before=before,
        count=delivered.filter(received_at__lt=before).count(),
        next_received_at=stays.first(),
    )


def set_mail_policy(
    *,
    organization: Organization,
    retention_days: int | None,
    keeps_unknown_recipients: bool,
    actor: str,
    now: datetime,
) -> MailPolicy:
    """Write the choices down, with an audit line if they differ; raises RetentionOutOfBounds.

    A longer retention brings nothing back, and what was refused as unknown stays so.
    """
    if retention_days is not None and not SHORTEST_RETENTION_DAYS <= retention_days <= LONGEST_RETENTION_DAYS:
        raise RetentionOutOfBounds(field="retention_days")
    chosen: dict[str, object] = {
        "retention_days": retention_days,
        "keeps_unknown_recipients": keeps_unknown_recipients,
    }
    with transaction.atomic():
        # The organization's row is held, so that of two changes at once each tells truly what it has changed.
        Organization.objects.select_for_update().get(pk=organization.pk)
        policy = mail_policy_of(organization)
        before = {field: getattr(policy, field) for field in chosen}
        policy, _ = MailPolicy.objects.update_or_create(organization=organization, defaults=chosen)
        if before != chosen:
            AuditEvent.objects.create(
                organization=organization,
                at=now,
                actor=actor,
                action="mail_policy.changed",
                details={"before": before, "after": chosen},
            )
    return policy
