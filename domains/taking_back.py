"""Take back what we wrote at a DNS host, and put back what had given way to it; what changed since is not ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from aws.pacing import person
from domains import written_values
from domains.dns_hosts.host import HostRefused, HostZone, OpenZone
from domains.history import record_event
from domains.models import Domain, PublishedValue
from domains.publishing import PERSON_SECONDS, HostRefusedChange
from domains.zone_access import host_refusals, open_zone
from domains.zone_plan import HostSet, ZoneChange, plan_take_back


@dataclass(frozen=True)
class Undoing:
    """What taking back would change, or has changed, in this zone."""

    zone: HostZone
    changes: tuple[ZoneChange, ...]


def plan_undoing(*, domain: Domain) -> Undoing | None:
    """Preview what `undo_records` would do; None where nothing of ours stands. Raises what that raises."""
    rows = written_values.standing(domain=domain)
    if not rows.exists():
        return None
    zone = open_zone(domain=domain, caller=person(PERSON_SECONDS))
    with host_refusals():
        try:
            return Undoing(zone.zone, tuple(_removals(zone, _here(rows, zone.zone))))
        except HostRefused as error:
            raise HostRefusedChange(str(error)) from error


def undo_records(*, domain: Domain, actor: str, now: datetime, name: str = "", type_: str = "") -> Undoing | None:
    """Remove what we wrote, all of it or that of one name and type, and put back what had given way to it.

    None where nothing of ours stood. Raises NoWritableZone, HostRefusedChange and the upstream refusals, each only
    where there is something of ours to remove.
    """
    rows = written_values.standing(domain=domain)
    if name:
        rows = rows.filter(name=name, type=type_)
    if not rows.exists():
        return None
    zone = open_zone(domain=domain, caller=person(PERSON_SECONDS))
    here = _here(rows, zone.zone)
    with host_refusals():
        try:
            removals = _removals(zone, here)
            if removals:
                zone.write(removals)
        except HostRefused as error:
            raise HostRefusedChange(str(error)) from error
    with transaction.atomic():
        rows.filter(pk__in=[row.pk for row in here]).update(taken_back_at=now)
        if removals:
            taken = sorted({f"{row.type} {row.name}" for row in here})
            record_event(domain, "dns.taken_back", now=now, actor=actor, evidence={"records": taken})
    return Undoing(zone.zone, tuple(removals))


def take_back(*, domain: Domain, actor: str, now: datetime, name: str = "", type_: str = "") -> bool:
    """Whether `undo_records` changed anything; raises what it raises."""
    undone = undo_records(domain=domain, actor=actor, now=now, name=name, type_=type_)
    return undone is not None and bool(undone.changes)


def _here(rows: QuerySet[PublishedValue], zone: HostZone) -> list[PublishedValue]:
    return list(rows.filter(host=zone.host, zone_id=zone.zone_id))


def _removals(zone: OpenZone, rows: Sequence[PublishedValue]) -> list[ZoneChange]:
    """What takes these values out of the zone as it stands now."""
    by_place: dict[tuple[str, str], list[PublishedValue]] = defaultdict(list)
    for row in rows:
        by_place[(row.name, row.type)].append(row)
    sets = zone.read([name for name, _ in by_place])
    changes = []
    for place, of_place in by_place.items():
        here = sets.get(place)
        ours = [row for row in of_place if _is_still_ours(row, here)]
        replaced = [value for row in ours for value in row.replaced]
        changes.append(plan_take_back(here, ours=[row.value for row in ours], replaced=replaced))
    return [change for change in changes if change is not None]


def _is_still_ours(row: PublishedValue, here: HostSet | None) -> bool:
    """Where records have ids: whether it is the record that we made, and not another's of the same value."""
    if here is None or not here.record_ids or not row.host_record_id:
        return True
    return row.host_record_id in here.record_ids
