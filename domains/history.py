"""A domain's history: one event for every fact that matters, written in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from domains.models import Domain, DomainEvent
from domains.telling import TOLD, tell

SYSTEM = "system"


def record_event(
    domain: Domain,
    type_: str,
    *,
    now: datetime,
    actor: str = SYSTEM,
    before: str = "",
    after: str = "",
    reason: str = "",
    evidence: Mapping[str, object] | None = None,
) -> DomainEvent:
    """Append to the timeline, and tell the webhooks where they are to know.

    `type_` is one of core section 8 or a finer one such as `domain.restarted`.
    """
    event = DomainEvent.objects.create(
        domain=domain,
        type=type_,
        at=now,
        actor=actor[:200],
        before=before,
        after=after,
        reason=reason,
        evidence=dict(evidence or {}),
    )
    if type_ in TOLD:
        tell(domain, type_, key=event.public_id, now=now, before=before, reason=reason)
    return event
