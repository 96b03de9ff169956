"""Watch what was right once: count its misses, keep the domain's health, and tell the owners once (core section 6).

How looks are counted is in `drift_rules`. Every look at a domain in use comes through `note_look`, the poller's, a
person's and an API's alike; other domains are not judged: one that is switched off, has failed or is being verified
keeps its counts as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.errors import Refusal
from accounts.models import AuditEvent
from domains import schedule
from domains.drift_rules import IDENTITY, WATCHED, Sight, after_look, health_of, sight_of_identity, sight_of_record
from domains.drift_telling import Step, count_of, tell_of_steps
from domains.history import record_event
from domains.models import DnsRecord, Domain, Drift
from domains.states import Health, Status

COUNTED = ("misses", "missed_since", "last_missed_at", "drifted_at", "code")
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Seen:
    """What one look says of one watched thing; `record` is None for the SES identity."""

    sight: Sight
    code: str
    record: DnsRecord | None = None

    @property
    def key(self) -> Key:
        return (self.record.purpose, self.record.type, self.record.name) if self.record else (IDENTITY, "", "")


def note_look(
    *, domain: Domain, records: Sequence[DnsRecord], verdicts: Mapping[int, str], ses_status: str | None, now: datetime
) -> bool:
    """Count one look at a domain in use, move its health, and tell of each step once; whether anything changed.

    `verdicts` holds this look's own by the records' keys, empty where DNS was not asked; `ses_status` is None where
    SES was not. A domain with a miss is looked at again in three hours.
    """
    if domain.status != Status.ACTIVE:
        return False
    seen = [Seen(sight_of_identity(ses_status), f"ses_{(ses_status or '').lower()}")]
    for record in records:
        if record.generation == domain.generation and record.purpose in WATCHED and record.first_ok_at is not None:
            seen.append(Seen(sight_of_record(verdicts.get(record.pk, "")), record.code, record))
    is_calm = all(each.sight in (Sight.RIGHT, Sight.UNSEEN) for each in seen) and domain.health == Health.HEALTHY
    if is_calm and not domain.drifts.filter(misses__gt=0).exists():
        return False
    with transaction.atomic():
        # Two looks at one domain are judged in turn: the second finds what the first has counted and told.
        row = Domain.objects.live().select_for_update().filter(pk=domain.pk, status=Status.ACTIVE).first()
        if row is None:
            return False
        steps = _count(row, seen, now=now)
        _forget_others(row, records, seen)
        before, after = _move_health(row, now=now)
        tell_of_steps(row, steps, before=before, after=after, now=now)
    if row.drifts.filter(misses__gt=0, muted_at__isnull=True, acknowledged_at__isnull=True).exists():
        soon = schedule.after_a_miss(now=now)
        Domain.objects.filter(pk=row.pk, next_check_at__gt=soon).update(next_check_at=soon)
    return True


def _count(domain: Domain, seen: Iterable[Seen], *, now: datetime) -> list[Step]:
    rows = {(row.purpose, row.type, row.name): row for row in domain.drifts.all()}
    steps = []
    for each in seen:
        purpose, type_, name = each.key
        row = rows.get(each.key) or Drift(domain=domain, purpose=purpose, type=type_, name=name)
        before = count_of(row)
        after = after_look(before, each.sight, code=each.code, is_muted=row.muted_at is not None, now=now)
        if after == before:
            continue
        changed: dict[str, object] = {field: getattr(after, field) for field in COUNTED}
        steps.append(Step(row, before, after, each.record))
        if each.key not in rows:
            Drift.objects.create(domain=domain, purpose=purpose, type=type_, name=name, **changed)
            continue
        if not after.misses:
            changed |= {"acknowledged_at": None, "acknowledged_by": ""}
        Drift.objects.filter(pk=row.pk).update(**changed)
    return steps


def _forget_others(domain: Domain, records: Sequence[DnsRecord], seen: Iterable[Seen]) -> None:
    """A record that the domain no longer asks for, or asks for with another name, can not be lost."""
    if all(record.generation == domain.generation for record in records):
        watched = {each.key for each in seen}
        gone = [row.pk for row in domain.drifts.all() if (row.purpose, row.type, row.name) not in watched]
        Drift.objects.filter(pk__in=gone).delete()


def _move_health(domain: Domain, *, now: datetime) -> tuple[Health, Health]:
    """The health before and as it is now, by the rows as they stand."""
    before = Health(domain.health)
    watched = domain.drifts.filter(muted_at__isnull=True)
    after = health_of((row.purpose, count_of(row)) for row in watched)
    if after is before:
        return before, after
    moved = Domain.objects.filter(pk=domain.pk, health=before.value)
    if not moved.update(health=after.value, health_changed_at=now):
        return after, after
    domain.health, domain.health_changed_at = after.value, now
    return before, after


class DriftNotFound(Refusal):
    """Never missed, no longer asked for, or of a domain that is not the organization's."""

    code = "drift_not_found"
    default_message = "There is nothing of this kind at this domain."


class NothingMissing(Refusal):
    """Only what is wrong now can be acknowledged."""

    code = "nothing_missing"
    default_message = "This is right by now: there is nothing to acknowledge."


class IdentityCanNotBeMuted(Refusal):
    """Without the identity no mail comes or goes, and the domain fails by it whether or not anybody is told."""

    code = "identity_can_not_be_muted"
    default_message = "The identity at Amazon SES can not be muted: without it no mail comes or goes."


def access_drift(*, domain: Domain, public_id: str) -> Drift:
    """The row of this domain, which the caller has been let to; raises DriftNotFound."""
    row = domain.drifts.filter(public_id=public_id if public_id.isprintable() else "").first()
    if row is None:
        raise DriftNotFound
    return row


def acknowledge(*, drift: Drift, actor: str, now: datetime) -> None:
    """It is known: nothing more is said of it until it is right again. Raises NothingMissing."""
    with transaction.atomic():
        row = Drift.objects.filter(pk=drift.pk, misses__gt=0)
        if row.filter(acknowledged_at__isnull=True).update(acknowledged_at=now, acknowledged_by=actor[:200]):
            _note_verb(drift, "domain.drift_acknowledged", actor=actor, now=now)
        elif not row.exists():
            raise NothingMissing


def mute(*, drift: Drift, actor: str, now: datetime) -> None:
    """No notice about it, and no lower health by it, until it is unmuted. Raises IdentityCanNotBeMuted."""
    if drift.purpose == IDENTITY:
        raise IdentityCanNotBeMuted
    with transaction.atomic():
        domain = Domain.objects.select_for_update().get(pk=drift.domain_id)
        row = Drift.objects.filter(pk=drift.pk, muted_at__isnull=True)
        if row.update(muted_at=now, muted_by=actor[:200], drifted_at=None):
            _note_verb(drift, "domain.drift_muted", actor=actor, now=now)
            _move_health(domain, now=now)


def unmute(*, drift: Drift, actor: str, now: datetime) -> None:
    """Watch it again: what has been wrong for long enough is said after the next look."""
    with transaction.atomic():
        domain = Domain.objects.select_for_update().get(pk=drift.domain_id)
        if Drift.objects.filter(pk=drift.pk, muted_at__isnull=False).update(muted_at=None, muted_by=""):
            _note_verb(drift, "domain.drift_unmuted", actor=actor, now=now)
            _move_health(domain, now=now)
            soon = schedule.after_a_miss(now=now)
            Domain.objects.filter(pk=domain.pk, next_check_at__gt=soon).update(next_check_at=soon)


def _note_verb(drift: Drift, type_: str, *, actor: str, now: datetime) -> None:
    record_event(drift.domain, type_, now=now, actor=actor, reason=str(drift))
    AuditEvent.objects.create(
        organization=drift.domain.organization,
        at=now,
        actor=actor[:200],
        action=type_,
        subject=drift.domain.name,
        details={"drift": drift.public_id, "purpose": drift.purpose, "type": drift.type, "name": drift.name},
    )
