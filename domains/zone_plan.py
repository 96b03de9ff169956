"""What writing a record into a zone would do to what stands there: create, replace, add, keep or conflict (pure).

Only values that we wrote are ever replaced, unless the owner gave leave: to force or merge the SPF record, to replace
the MX set that was shown. TXT sets are merged: other values at the name stay.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from domains.choices import LONGEST_SPF
from domains.dns.dmarc import is_at_least_as_strong, is_dmarc, parse_dmarc
from domains.dns.judgement import Expected
from domains.dns.matching import SES_SPF, host_of, is_satisfied, looks_like_dmarc
from domains.dns.spf import is_spf, merge_include, parse_spf
from domains.names import ancestors, is_below
from domains.records import PlannedRecord, Purpose

THERE_ALREADY = "it is there already"


@dataclass(frozen=True)
class HostSet:
    """All values of one name and type at a DNS host: TXT as text, MX as `10 host`, hosts undotted and lower-case.

    A set that is not plain (an alias, a routing policy, a proxy before it) is looked at and left alone. `record_ids`
    are the host's own ids of the values, in their order, where it has such.
    """

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]
    is_plain: bool = True
    record_ids: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class ZoneChange:
    """One set before and after; None where there is none. A host applies it only if `before` still stands."""

    before: HostSet | None
    after: HostSet | None


class Action(StrEnum):
    CREATE = "create"
    REPLACE = "replace"
    ADD = "add"
    KEEP = "keep"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Step:
    """What happens to one record; `reason` is a sentence where it is kept or conflicts.

    `replaced` are values of others that give way, to be put back when ours is taken back.
    """

    record: PlannedRecord
    action: Action
    before: HostSet | None = None
    after: HostSet | None = None
    reason: str = ""
    replaced: tuple[str, ...] = ()

    @property
    def change(self) -> ZoneChange | None:
        return ZoneChange(self.before, self.after) if self.after is not None else None


Sets = Mapping[tuple[str, str], HostSet]


def zone_value(record: PlannedRecord) -> str:
    """The value as a HostSet has it."""
    if record.type == "TXT":
        return record.value
    host = host_of(record.value)
    return host if record.priority is None else f"{record.priority} {host}"


def names_to_read(records: Sequence[PlannedRecord], *, zone: str) -> list[str]:
    """Every name of the zone whose sets decide the plan: the records' own, and the DMARC names above."""
    names = {record.name: None for record in records}
    for record in records:
        if record.purpose == Purpose.DMARC:
            names |= dict.fromkeys(_dmarc_names_above(record, zone))
    return list(names)


@dataclass(frozen=True)
class Leave:
    """How far a plan may go into what others wrote.

    `is_spf_forced`: their SPF record gives way to ours. `is_spf_merged`: ours is put into theirs, unless `spf_refusal`
    says why not. `confirmed` is what the owner saw at an MX name, by name, and wants replaced.
    """

    is_spf_forced: bool = False
    is_spf_merged: bool = False
    spf_refusal: str = ""
    confirmed: Mapping[str, Collection[str]] = field(default_factory=dict)


NO_LEAVE = Leave()


def plan_record(
    record: PlannedRecord, sets: Sets, *, ours: Collection[str], zone: str, leave: Leave = NO_LEAVE
) -> Step:
    """`ours` are the values that we wrote at this name and type. Without leave an SPF record stays as it is."""
    here = sets.get((record.name, record.type))
    if record.type == "CNAME" and any(name == record.name and type_ != "CNAME" for name, type_ in sets):
        return _conflict(record, here, f"other records stand at {record.name}, and a CNAME must stand alone")
    if record.type != "CNAME" and (record.name, "CNAME") in sets:
        return _conflict(record, here, f"a CNAME stands at {record.name}, and nothing can stand beside it")
    if here is not None and not here.is_plain:
        return _conflict(
            record, here, f"the {record.type} set at {record.name} is proxied, an alias, or has a routing policy"
        )
    match record.purpose:
        case Purpose.SPF | Purpose.MAIL_FROM_SPF:
            return _plan_spf(record, here, ours=ours, leave=leave)
        case Purpose.DMARC:
            return _plan_dmarc(record, here, ours=ours, above=_stronger_above(record, sets, zone))
        case Purpose.OWNERSHIP | Purpose.CLAIM:
            return _plan_token(record, here, ours=ours)
    return _plan_whole_set(record, here, ours=ours, confirmed=leave.confirmed.get(record.name, ()))


def _conflict(record: PlannedRecord, here: HostSet | None, reason: str) -> Step:
    return Step(record, Action.CONFLICT, before=here, reason=reason)


def _keep(record: PlannedRecord, here: HostSet | None, reason: str = THERE_ALREADY) -> Step:
    return Step(record, Action.KEEP, before=here, reason=reason)


def _write(record: PlannedRecord, here: HostSet | None, *, gone: Collection[str], ours: Collection[str]) -> Step:
    """Our value in the place of those that are `gone`, beside all others."""
    if here is None:
        return Step(record, Action.CREATE, after=HostSet(record.name, record.type, record.ttl, (zone_value(record),)))
    kept = tuple(value for value in here.values if value not in gone)
    action = Action.REPLACE if len(kept) < len(here.values) else Action.ADD
    after = replace(here, values=(*kept, zone_value(record)), record_ids=())
    return Step(record, action, here, after, replaced=tuple(value for value in gone if value not in ours))


def _plan_whole_set(
    record: PlannedRecord, here: HostSet | None, *, ours: Collection[str], confirmed: Collection[str]
) -> Step:
    """MX and CNAME: the set is ours as a whole or not at all."""
    if here is None:
        return _write(record, None, gone=(), ours=ours)
    expected = Expected(record.purpose, record.type, record.name, record.value, record.priority)
    if is_satisfied(expected, here.values):
        return _keep(record, here)
    if _same(record.type, here.values) <= _same(record.type, ours):
        return _write(record, here, gone=here.values, ours=here.values)
    if record.type == "MX" and _same("MX", here.values) == _same("MX", confirmed):
        return _write(record, here, gone=here.values, ours=ours)
    found = ", ".join(here.values)
    return _conflict(record, here, f"{record.name} has the {record.type} {found}, which we did not write")


def _plan_token(record: PlannedRecord, here: HostSet | None, *, ours: Collection[str]) -> Step:
    """Tokens of several claims and accounts stand beside one another; an older one of ours gives way."""
    values = here.values if here is not None else ()
    if record.value in values:
        return _keep(record, here)
    return _write(record, here, gone=[value for value in values if value in ours], ours=ours)


def _plan_spf(record: PlannedRecord, here: HostSet | None, *, ours: Collection[str], leave: Leave) -> Step:
    found = [value for value in (here.values if here is not None else ()) if is_spf(value)]
    if found == [record.value]:
        return _keep(record, here)
    if found and leave.is_spf_merged and not leave.is_spf_forced:
        return _merge_spf(record, here, found, ours=ours, refusal=leave.spf_refusal)
    if found and not leave.is_spf_forced:
        return _keep(record, here, f"there is an SPF record already: {found[0]}")
    return _write(record, here, gone=found, ours=ours)


def _merge_spf(
    record: PlannedRecord, here: HostSet | None, found: Sequence[str], *, ours: Collection[str], refusal: str
) -> Step:
    """Their record with our include in it. A mistake in theirs is theirs to correct first."""
    if len(found) > 1:
        return _conflict(record, here, f"{record.name} has {len(found)} SPF records, and then none of them counts")
    if parse_spf(found[0]).errors:
        return _conflict(record, here, f"the SPF record of {record.name} has a mistake: {found[0]}")
    merged = merge_include(found[0], SES_SPF)
    if merged == found[0]:
        return _keep(record, here, "it names Amazon SES already")
    if len(merged) > LONGEST_SPF:
        refusal = refusal or f"the SPF record of {record.name} would become too long for a DNS answer"
    if refusal:
        return _conflict(record, here, refusal)
    return _write(replace(record, value=merged), here, gone=found, ours=ours)


def _plan_dmarc(record: PlannedRecord, here: HostSet | None, *, ours: Collection[str], above: str) -> Step:
    found = [value for value in (here.values if here is not None else ()) if looks_like_dmarc(value)]
    if len(found) == 1 and is_dmarc(found[0]) and parse_dmarc(found[0]).tags == parse_dmarc(record.value).tags:
        return _keep(record, here)
    foreign = [value for value in found if value not in ours]
    if foreign:
        return _conflict(record, here, f"{record.name} has a DMARC record that we did not write: {foreign[0]}")
    if above and not found:
        return _keep(record, here, f"{above} holds for it and is stronger")
    return _write(record, here, gone=found, ours=ours)


def _dmarc_names_above(record: PlannedRecord, zone: str) -> list[str]:
    domain = record.name.removeprefix("_dmarc.")
    return [f"_dmarc.{name}" for name in ancestors(domain) if name == zone or is_below(name, zone)]


def _stronger_above(record: PlannedRecord, sets: Sets, zone: str) -> str:
    """The DMARC record above that asks for more than ours would: a record of its own must not weaken a subdomain."""
    for name in _dmarc_names_above(record, zone):
        found = sets.get((name, "TXT"))
        for value in found.values if found is not None else ():
            if is_dmarc(value):
                policy = parse_dmarc(value).subdomain_policy
                return "" if is_at_least_as_strong(parse_dmarc(record.value).policy, policy) else f"{name} ({value})"
    return ""


def plan_take_back(here: HostSet | None, *, ours: Collection[str], replaced: Sequence[str]) -> ZoneChange | None:
    """Take our values out of a set, and put back what had given way to them; None where none of ours stands."""
    if here is None or not here.is_plain:
        return None
    taken = _same(here.type, ours)
    kept = tuple(value for value in here.values if not _same(here.type, [value]) <= taken)
    if len(kept) == len(here.values):
        return None
    # What took the place of ours since is what its owner wants there now.
    is_taken = any(is_spf(value) for value in kept) if here.type == "TXT" else bool(kept)
    if not is_taken:
        kept += tuple(value for value in replaced if value not in kept)
    return ZoneChange(here, replace(here, values=kept, record_ids=()) if kept else None)


def _same(type_: str, values: Collection[str]) -> set[str]:
    """Values as they are compared: hosts in any case and with or without the last dot, texts exactly."""
    return set(values) if type_ == "TXT" else {host_of(value) for value in values}
