"""Remove a claim: routing stops at once, AWS follows; called by channels/removal.py alone."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.doorbell import ring
from domains import ownership, receipt_rules, tenants
from domains.history import record_event
from domains.models import Domain, Tombstone
from domains.provisioning import wish_identity_gone_unless_needed

WATCH_AFTER_REMOVAL = timedelta(days=30)


def remove_claim(*, domain: Domain, actor: str, now: datetime) -> bool:
    """End the claim inside the caller's transaction; False if it had already ended.

    What AWS holds for it becomes a wish for its absence, unless another claim needs it.
    """
    changed = (
        Domain.objects.live()
        .filter(pk=domain.pk)
        .update(removed_at=now, updated_at=now, is_default=False, next_check_at=None, leased_until=None)
    )
    if not changed:
        return False
    ownership.end_tenure(domain=domain, now=now)
    if domain.is_proved:
        receipt_rules.wish_rules(region=domain.region, now=now)
    tenants.wish_gone(domain=domain, now=now)
    wish_identity_gone_unless_needed(domain=domain, now=now, reason=f"claim {domain.public_id} was removed")
    Tombstone.objects.create(
        name=domain.name,
        region=domain.region,
        organization=domain.organization,
        domain=domain,
        removed_at=now,
        watched_until=now + WATCH_AFTER_REMOVAL,
        next_look_at=now + timedelta(days=1),
    )
    record_event(domain, "domain.removed", now=now, actor=actor, before=domain.status)
    ring("domains.tasks.reconcile_due")
    return True
