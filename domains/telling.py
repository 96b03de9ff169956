"""What customers' systems are told of a domain: written in the transaction of the fact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from accounts.timestamps import seconds, seconds_or_none
from domains.models import Domain
from webhooks.events import emit

# Told with their line of the history. That a domain was created is told once AWS has done its part: until then the
# claim may be undone as if it had never been.
TOLD = frozenset(
    {
        "domain.verified",
        "domain.failed",
        "domain.degraded",
        "domain.recovered",
        "domain.suspended",
        "domain.removed",
    }
)


def tell(domain: Domain, type_: str, *, key: str, now: datetime, before: str = "", reason: str = "") -> int:
    """Tell the organization's webhooks, inside the caller's transaction; `key` names the fact, which is told once."""

    def told() -> Mapping[str, object]:
        row = Domain.objects.get(pk=domain.pk)
        return domain_body(row) | {"before": before or None, "reason": reason or row.reason or None}

    return emit(organization=domain.organization, type=type_, key=key, data=told, now=now)


def domain_body(domain: Domain) -> dict[str, object]:
    return {
        "id": domain.public_id,
        "domain": domain.name,
        "status": domain.status,
        "isDefault": domain.is_default,
        "region": domain.region,
        "createdAt": seconds(domain.created_at),
        "updatedAt": seconds(domain.updated_at),
        "verifiedAt": seconds_or_none(domain.verified_at),
        "removedAt": seconds_or_none(domain.removed_at),
    }
