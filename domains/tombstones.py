"""After a removal: for 30 days, tell the former owner while the name's MX still sends its mail here (core section 4).

Mail to a name that nobody has here bounces, or reaches whoever claims it next. Nobody is told any more once the
former owner has registered the name again or another organization has proved it; who that is, is never said.
"""

from __future__ import annotations

import logging
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.notices import tell_owners
from aws.regions import inbound_endpoint
from domains.dns.answers import Outcome
from domains.dns.matching import host_of, mx_entries
from domains.dns.resolver import observe
from domains.evidence import DEADLINE_SECONDS, DOMAINS_IN_FLIGHT, resolver_endpoints
from domains.history import record_event
from domains.models import Domain, Tenure, Tombstone
from domains.names import DomainName
from domains.schedule import DAILY, JITTER

logger = logging.getLogger(__name__)

BATCH = 100
LEASE = timedelta(minutes=3)
TOLD_AGAIN_AFTER = timedelta(days=7)


def look_at_due(*, now: datetime) -> int:
    """Look at every tombstone that is due; how many were looked at. Two at once share the work."""
    looked_at = 0
    while batch := take_due(now=now):
        watched = [tombstone for tombstone in batch if _is_watched(tombstone, now=now)]
        with ThreadPoolExecutor(max_workers=DOMAINS_IN_FLIGHT, thread_name_prefix="dns") as pool:
            seen = list(pool.map(_points_here_or_unknown, watched))
        for tombstone, points_here in zip(watched, seen, strict=True):
            _note(tombstone, points_here, now=now)
        looked_at += len(batch)
    return looked_at


def take_due(*, now: datetime, most: int = BATCH) -> list[Tombstone]:
    """Lease up to `most` that are due, the longest waiting first; a dead worker's come back when its lease ends."""
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    due = Tombstone.objects.filter(free, next_look_at__lte=now).order_by("next_look_at", "pk")
    with transaction.atomic():
        taken = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:most])
        Tombstone.objects.filter(pk__in=taken).update(leased_until=now + LEASE)
    return list(Tombstone.objects.filter(pk__in=taken).select_related("organization", "domain").order_by("pk"))


def _is_watched(tombstone: Tombstone, *, now: datetime) -> bool:
    """False, and never looked at again, once the 30 days are over or the name is somebody's."""
    if now < tombstone.watched_until and not _is_taken(tombstone):
        return True
    Tombstone.objects.filter(pk=tombstone.pk).update(next_look_at=None, leased_until=None)
    return False


def _is_taken(tombstone: Tombstone) -> bool:
    """Registered again by the former owner, even if that has ended too, or proved by anybody else since."""
    again = Domain.objects.filter(
        name=tombstone.name, organization=tombstone.organization, created_at__gt=tombstone.removed_at
    )
    others = Tenure.objects.filter(Q(to_at__isnull=True) | Q(to_at__gt=tombstone.removed_at), name=tombstone.name)
    return again.exists() or others.exclude(organization=tombstone.organization).exists()


def _points_here_or_unknown(tombstone: Tombstone) -> bool | None:
    try:
        return points_here(name=tombstone.name, region=tombstone.region)
    except Exception:
        # What one zone serves must not blind us for the others.
        logger.exception("%s could not be looked at", tombstone.name)
        return None


def points_here(*, name: str, region: str) -> bool | None:
    """Whether any MX record of the name is the SES endpoint of the region; None where that could not be seen."""
    observation = observe(
        [(name, "MX")],
        resolvers=resolver_endpoints(),
        authoritative_port=settings.DNS_AUTHORITATIVE_PORT,
        deadline_seconds=DEADLINE_SECONDS,
    )
    lookup = observation.get(name, "MX")
    if lookup is None or lookup.outcome is Outcome.UNKNOWN:
        return None
    return any(host == host_of(inbound_endpoint(region)) for _, host in mx_entries(lookup.values))


def _note(tombstone: Tombstone, points_here: bool | None, *, now: datetime) -> None:
    changes: dict[str, object] = {
        "leased_until": None,
        "next_look_at": now + DAILY * (1 - random.random() * JITTER),  # noqa: S311  (spreads load, guards nothing)
    }
    if points_here is not None:
        changes["looked_at"] = now
    if points_here:
        changes["mx_last_seen_at"] = now
    Tombstone.objects.filter(pk=tombstone.pk).update(**changes)
    if points_here and (tombstone.told_at is None or now - tombstone.told_at >= TOLD_AGAIN_AFTER):
        _tell(tombstone, now=now)


def _tell(tombstone: Tombstone, *, now: datetime) -> None:
    name, host = DomainName(tombstone.name).unicode, inbound_endpoint(tombstone.region)
    with transaction.atomic():
        # Another worker whose lease ran out may have told it: then this changes no row.
        untold = Tombstone.objects.filter(pk=tombstone.pk, told_at=tombstone.told_at)
        if not untold.update(told_at=now):
            return
        record_event(tombstone.domain, "domain.mx_remains", now=now, reason=f"its MX still points to {host}")
        tell_owners(
            organization=tombstone.organization,
            kind="domain.mx_remains",
            subject=f"{name}: its mail is still sent here",
            body=(
                f"You removed {name} on {tombstone.removed_at:%Y-%m-%d}, and its DNS still sends its mail here:\n\n"
                f"MX {tombstone.name} -> {host}\n\n"
                "What people write to it bounces. And if somebody else could ever register the name here, your "
                "senders' mail would be theirs.\n\n"
                "Take that MX record out of the DNS, or register the domain again. We look once a day until "
                f"{tombstone.watched_until:%Y-%m-%d} and say this at most once a week.\n"
            ),
            key=f"mx_remains:{tombstone.pk}:{now.isoformat()}",
            now=now,
        )
