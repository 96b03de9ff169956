"""What an owner or staff may change of a domain: suspend, resume, make it the default."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.errors import Refusal
from accounts.models import Organization
from domains.history import record_event
from domains.models import Domain
from domains.states import Reason, Status, status_after_resume


class NotSuspended(Refusal):
    code = "not_suspended"
    default_message = "The domain is not suspended."


def suspend_domain(*, domain: Domain, actor: str, now: datetime, by_staff: bool = False) -> Domain:
    """Switch the domain off: mail is held, the rule entry stays. Suspending twice changes nothing."""
    reason = Reason.SUSPENDED_BY_STAFF if by_staff else Reason.SUSPENDED_BY_OWNER
    with transaction.atomic():
        changed = (
            Domain.objects.live()
            .filter(pk=domain.pk)
            .exclude(status=Status.SUSPENDED)
            .update(status_before_suspension=F("status"), status=Status.SUSPENDED, reason=reason, updated_at=now)
        )
        if changed:
            record_event(
                domain,
                "domain.suspended",
                now=now,
                actor=actor,
                before=domain.status,
                after=Status.SUSPENDED,
                reason=reason,
            )
    domain.refresh_from_db()
    return domain


class SuspendedByStaff(NotSuspended):
    """What staff have switched off only staff may switch on."""

    code = "suspended_by_staff"
    default_message = "This domain was switched off by staff; only they can resume it."


def resume_domain(*, domain: Domain, actor: str, now: datetime, by_staff: bool = False) -> Domain:
    """Back to the last checked state, and a look at once. Raises NotSuspended, SuspendedByStaff."""
    if domain.status == Status.SUSPENDED and domain.reason == Reason.SUSPENDED_BY_STAFF and not by_staff:
        raise SuspendedByStaff
    after = status_after_resume(domain.status_before_suspension, domain.is_proved)
    reason = Reason.NONE if after is Status.ACTIVE else Reason.AWAITING_MX if domain.is_proved else Reason.AWAITING_DNS
    with transaction.atomic():
        changed = (
            Domain.objects.live()
            .filter(pk=domain.pk, status=Status.SUSPENDED)
            .update(
                status=after,
                reason=Reason.EXPIRED if after is Status.FAILED else reason,
                status_before_suspension="",
                next_check_at=now,
                checks_in_a_row=0,
                updated_at=now,
            )
        )
        if not changed:
            raise NotSuspended
        record_event(domain, "domain.resumed", now=now, actor=actor, before=Status.SUSPENDED, after=after)
    domain.refresh_from_db()
    return domain


def make_default(*, domain: Domain, is_default: bool, actor: str, now: datetime) -> Domain:
    """Make it the organization's default in place of another, or end its being so."""
    with transaction.atomic():
        Organization.objects.select_for_update().get(pk=domain.organization_id)
        if is_default:
            Domain.objects.live().filter(organization=domain.organization_id, is_default=True).exclude(
                pk=domain.pk
            ).update(is_default=False, updated_at=now)
        changed = (
            Domain.objects.live()
            .filter(pk=domain.pk)
            .exclude(is_default=is_default)
            .update(is_default=is_default, updated_at=now)
        )
        if changed:
            record_event(domain, "domain.default_changed", now=now, actor=actor, after=str(is_default).lower())
    domain.refresh_from_db()
    return domain
