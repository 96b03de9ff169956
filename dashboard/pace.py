"""How soon a page should ask again, and whether what it shows is still so (pure but for the models' fields)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from domains.models import DnsRecord, Domain
from domains.states import Status

# A look that is due, or will be when those who click again have waited: the page asks until it has come.
NEAR = timedelta(seconds=6)
OVERDUE = timedelta(minutes=1)
SECONDS_WHEN_NEAR = 3
PACE = ((timedelta(minutes=2), 5), (timedelta(hours=1), 15))
SLOWEST = 60


def poll_seconds(domain: Domain, now: datetime) -> int | None:
    """5 s for the first two minutes of a claim, 15 s for its first hour, then 60 s; None when nothing will change.

    3 s while a look is near, whatever the status.
    """
    if is_look_near(domain, now):
        return SECONDS_WHEN_NEAR
    if domain.status != Status.PENDING:
        return None
    age = now - domain.claim_started_at
    return next((seconds for limit, seconds in PACE if age < limit), SLOWEST)


def is_look_near(domain: Domain, now: datetime) -> bool:
    """The next look comes in a moment; one that is long overdue waits for a poller that is away."""
    planned = domain.next_check_at
    return planned is not None and domain.status != Status.FAILED and now - OVERDUE < planned <= now + NEAR


def fingerprint(domain: Domain, records: Sequence[DnsRecord], seconds: int | None) -> str:
    """Equal as long as the page would look the same."""
    shown = [domain.status, domain.reason, domain.checked_at, domain.dns_checked_at, domain.next_check_at, seconds]
    for record in records:
        shown += [record.pk, record.verdict, record.code, record.message, record.fix, record.observed]
        shown += record.other_codes
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]
