"""The book of what we wrote into zones: intended before a host is asked, settled by what it answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from domains.dns_hosts.host import HostZone
from domains.models import Domain, PublishedValue
from domains.zone_plan import Step, zone_value

Place = tuple[str, str]


def standing(*, domain: Domain) -> QuerySet[PublishedValue]:
    """What the domain's organization wrote for this name and did not take back, also for an earlier claim on it."""
    return PublishedValue.objects.filter(
        domain__organization=domain.organization_id, domain__name=domain.name, taken_back_at__isnull=True
    )


def ours_in(*, domain: Domain, zone: HostZone) -> dict[Place, set[str]]:
    """Our values in this zone by name and type."""
    ours: dict[Place, set[str]] = defaultdict(set)
    rows = standing(domain=domain).filter(host=zone.host, zone_id=zone.zone_id)
    for name, type_, value in rows.values_list("name", "type", "value"):
        ours[(name, type_)].add(value)
    return ours


def intend(*, domain: Domain, zone: HostZone, steps: Iterable[Step], now: datetime) -> list[int]:
    """Note what is about to be written, so that a lost answer leaves a trace; the rows that are new."""
    fresh: list[int] = []
    with transaction.atomic():
        for step in steps:
            row, is_new = PublishedValue.objects.get_or_create(
                **_key(domain, zone, step),
                taken_back_at=None,
                defaults={"replaced": _given_way(domain, zone, step), "intended_at": now},
            )
            if is_new:
                fresh.append(row.pk)
    return fresh


def settle(
    *,
    domain: Domain,
    zone: HostZone,
    steps: Iterable[Step],
    now: datetime,
    record_ids: Mapping[tuple[str, str, str], str] = MappingProxyType({}),
) -> None:
    """Note what stands after these steps: what they wrote does, and what of ours the zone has no more does not."""
    for step in steps:
        left = step.after or step.before
        values = left.values if left is not None else ()
        if step.after is not None:
            # Another who tried the same at once may have dropped the intent.
            value = zone_value(step.record)
            written = {
                "written_at": now,
                "host_record_id": record_ids.get((step.record.name, step.record.type, value), ""),
            }
            fresh = {**written, "replaced": _given_way(domain, zone, step)}
            PublishedValue.objects.update_or_create(
                **_key(domain, zone, step), taken_back_at=None, defaults=written, create_defaults=fresh
            )
        ours = _at(domain, zone, step)
        ours.exclude(value__in=values).update(taken_back_at=now)
        # An answer that was lost earlier: the value did arrive.
        ours.filter(value__in=values, written_at__isnull=True).update(written_at=now)


def drop_intents(fresh: Collection[int]) -> None:
    """Nothing was written; what another call has settled meanwhile stays."""
    PublishedValue.objects.filter(pk__in=fresh, written_at__isnull=True).delete()


def _key(domain: Domain, zone: HostZone, step: Step) -> dict[str, Any]:
    return {
        "domain": domain,
        "host": zone.host,
        "zone_id": zone.zone_id,
        "name": step.record.name,
        "type": step.record.type,
        "value": zone_value(step.record),
    }


def _at(domain: Domain, zone: HostZone, step: Step) -> QuerySet[PublishedValue]:
    place = {"host": zone.host, "zone_id": zone.zone_id, "name": step.record.name, "type": step.record.type}
    return standing(domain=domain).filter(**place)


def _given_way(domain: Domain, zone: HostZone, step: Step) -> list[str]:
    """Values of others in whose place this one stands, those included that had given way to our earlier one."""
    inherited = [value for row in _at(domain, zone, step) for value in row.replaced]
    return list(dict.fromkeys([*inherited, *step.replaced]))
