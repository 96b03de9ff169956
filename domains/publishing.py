"""Write a domain's records at its DNS host: plan and apply; only what we wrote is ever changed, unless the owner says.

What was written is taken back in `taking_back.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.errors import Refusal
from aws.pacing import person
from domains import written_values
from domains.dns.summary import part_of
from domains.dns_hosts.host import Change, HostRefused, HostUnavailable, HostZone, OpenZone
from domains.export_plan import SPF_REFUSALS
from domains.facts import current_records
from domains.history import record_event
from domains.models import Domain, Publication
from domains.records import PlannedRecord, Purpose, SpfMode
from domains.registration import restart_claim
from domains.ses_check import check_or_last_values
from domains.states import Status
from domains.zone_access import host_refusals, open_zone
from domains.zone_plan import Action, Leave, Step, names_to_read, plan_record

# Reading, writing and looking again fit into one request.
PERSON_SECONDS = 12.0
INSYNC_SECONDS = 4.0
LONGEST_ERROR = 1000
SPF_IS_OURS = (SpfMode.CREATE_IF_MISSING, SpfMode.FORCE_VALUE)


class HostRefusedChange(Refusal):
    code = "host_refused_change"
    default_message = "The DNS host did not take the change."


@dataclass(frozen=True)
class Wishes:
    """Which records are to be written, and how far that may go into what others wrote.

    `merges_spf`: an SPF record that is there gets ours in it; without it that record stays as it is. `confirmed` is
    by name the MX set that the owner saw and wants replaced; of any other set nothing gives way.
    """

    purposes: Collection[Purpose] = tuple(Purpose)
    merges_spf: bool = False
    confirmed: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What publishing would do in this zone, record by record; nothing has been written."""

    zone: HostZone
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Failure:
    """A record that is not there after all, and why."""

    name: str
    type: str
    reason: str


@dataclass(frozen=True)
class Applied:
    """The domain as a look after the writing found it, what was done, and the records that could not be written."""

    domain: Domain
    publication: Publication
    failures: tuple[Failure, ...]
    steps: tuple[Step, ...]

    @property
    def failed_names(self) -> list[str]:
        return list(dict.fromkeys(failure.name for failure in self.failures))


def plan_records(*, domain: Domain, wishes: Wishes) -> Plan:
    """Preview what `apply_records` would do. Raises NoWritableZone, HostRefusedChange and the upstream refusals."""
    zone = open_zone(domain=domain, caller=person(PERSON_SECONDS))
    with host_refusals():
        try:
            return Plan(zone.zone, tuple(_plan(zone, domain, _wanted(domain, wishes), wishes)))
        except HostRefused as error:
            raise HostRefusedChange(str(error)) from error


def apply_records(*, domain: Domain, wishes: Wishes, actor: str, now: datetime) -> Applied:
    """Write what is missing of these records, in one batch; where the host takes it only in part, one by one.

    What could not be written is a failure of its record, not of the call. It is a set-up, so a failed claim starts
    again first. Raises NoWritableZone, HostRefusedChange where not even reading is allowed, the upstream refusals where
    the host can not be asked, and what `restart_claim` raises.
    """
    zone = open_zone(domain=domain, caller=person(PERSON_SECONDS))
    if domain.status == Status.FAILED:
        domain = restart_claim(domain=domain, actor=actor, now=now)
    with host_refusals():
        try:
            steps = _plan(zone, domain, _wanted(domain, wishes), wishes)
        except HostRefused as error:
            raise HostRefusedChange(str(error)) from error
    conflicts = [step for step in steps if step.action is Action.CONFLICT]
    written_values.settle(domain=domain, zone=zone.zone, steps=conflicts, now=now)
    rest = [step for step in steps if step.action is not Action.CONFLICT]
    written = _write(zone, domain, rest, wishes, now=now)
    failures = [*(_failure(step) for step in conflicts), *written.failures]
    publication = _record(domain, zone.zone, failures, actor=actor, now=now)
    if written.change_id:
        zone.wait(written.change_id, seconds=INSYNC_SECONDS)
    fresh = check_or_last_values(domain=domain, with_dns=True, actor=actor, now=timezone.now())
    return Applied(fresh, publication, tuple(failures), written.done)


def _wanted(domain: Domain, wishes: Wishes) -> list[PlannedRecord]:
    return [
        PlannedRecord(
            Purpose(record.purpose),
            record.type,
            record.name,
            record.value,
            record.priority,
            record.is_required,
            record.ttl,
        )
        for record in current_records(domain)
        if record.purpose in wishes.purposes and (record.purpose != Purpose.SPF or domain.spf_mode in SPF_IS_OURS)
    ]


def _plan(zone: OpenZone, domain: Domain, wanted: Sequence[PlannedRecord], wishes: Wishes) -> list[Step]:
    sets = zone.read(names_to_read(wanted, zone=zone.zone.name))
    ours = written_values.ours_in(domain=domain, zone=zone.zone)
    leave = Leave(
        is_spf_forced=domain.spf_mode == SpfMode.FORCE_VALUE,
        is_spf_merged=wishes.merges_spf,
        spf_refusal=SPF_REFUSALS.get(str(part_of(domain.dns_summary, "spf").get("refusal") or ""), ""),
        confirmed=wishes.confirmed,
    )
    return [
        plan_record(record, sets, ours=ours.get((record.name, record.type), set()), zone=zone.zone.name, leave=leave)
        for record in wanted
    ]


def _failure(step: Step, reason: str = "") -> Failure:
    return Failure(step.record.name, step.record.type, reason or step.reason)


@dataclass(frozen=True)
class _Written:
    """How the writing ended; the id of the last change, "" where nothing was changed."""

    change_id: str = ""
    done: tuple[Step, ...] = ()
    failures: tuple[Failure, ...] = ()


def _write(zone: OpenZone, domain: Domain, steps: Sequence[Step], wishes: Wishes, *, now: datetime) -> _Written:
    """All at once; if the host refuses that, record by record, each planned anew."""
    try:
        return _Written(_write_batch(zone, domain, steps, now=now), tuple(steps))
    except HostUnavailable as error:
        failures = tuple(_failure(step, str(error)) for step in steps if step.change is not None)
        return _Written(done=tuple(step for step in steps if step.change is None), failures=failures)
    except HostRefused:
        # One bad record refuses the whole batch, and so does a set that somebody changed since we read it.
        each = [_write_one(zone, domain, step, wishes, now=now) for step in steps]
    change_ids = [written.change_id for written in each if written.change_id]
    return _Written(
        change_ids[-1] if change_ids else "",
        tuple(step for written in each for step in written.done),
        tuple(failure for written in each for failure in written.failures),
    )


def _write_one(zone: OpenZone, domain: Domain, step: Step, wishes: Wishes, *, now: datetime) -> _Written:
    # The step's own record may be merged already with what stood there a moment ago.
    place = (step.record.purpose, step.record.type, step.record.name)
    wanted = [each for each in _wanted(domain, wishes) if (each.purpose, each.type, each.name) == place]
    try:
        (again,) = _plan(zone, domain, wanted, wishes)
        if again.action is Action.CONFLICT:
            written_values.settle(domain=domain, zone=zone.zone, steps=[again], now=now)
            return _Written(failures=(_failure(again),))
        return _Written(_write_batch(zone, domain, [again], now=now), (again,))
    except (HostRefused, HostUnavailable) as error:
        return _Written(failures=(_failure(step, str(error)),))


def _write_batch(zone: OpenZone, domain: Domain, steps: Sequence[Step], *, now: datetime) -> str:
    """The change's id. Raises HostRefused and HostUnavailable; the intents stay where the change may have landed."""
    changes = {step: step.change for step in steps if step.change is not None}
    change = Change("")
    if changes:
        fresh = written_values.intend(domain=domain, zone=zone.zone, steps=changes, now=now)
        try:
            change = zone.write(list(changes.values()))
        except (HostRefused, HostUnavailable) as error:
            if isinstance(error, HostRefused) or not error.may_have_landed:
                written_values.drop_intents(fresh)
            raise
    written_values.settle(domain=domain, zone=zone.zone, steps=steps, record_ids=change.record_ids, now=now)
    return change.id


def _record(domain: Domain, zone: HostZone, failures: Sequence[Failure], *, actor: str, now: datetime) -> Publication:
    error = "; ".join(f"{failure.name}: {failure.reason}" for failure in failures)[:LONGEST_ERROR]
    status = Publication.Status.FAILED if failures else Publication.Status.APPLIED
    outcome: dict[str, object] = {
        "host": zone.host,
        "zone_id": zone.zone_id,
        "zone": zone.name,
        "status": status,
        "last_attempt_at": now,
        "last_error": error,
    }
    if not failures:
        outcome["last_success_at"] = now
    with transaction.atomic():
        publication, _ = Publication.objects.update_or_create(domain=domain, defaults=outcome)
        evidence = {"zone": zone.name, "failed": [failure.name for failure in failures], "error": error}
        record_event(domain, "dns.applied", now=now, actor=actor, after=status, reason=error[:200], evidence=evidence)
    return publication
