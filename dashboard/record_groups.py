"""The records of a domain as its page shows them: by purpose, with what was found beside what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dashboard.chips import NOT_NEEDED, Chip, record_chip
from dashboard.watches import Watch
from domains.facts import is_needless, plan_of
from domains.models import DnsRecord, Domain
from domains.names import registrable_domain, relative_name
from domains.records import Purpose


@dataclass(frozen=True)
class Group:
    """A heading, why the records under it are wanted, and their purposes."""

    title: str | Promise
    why: str | Promise
    purposes: frozenset[str]


GROUPS = (
    Group(
        _("Ownership"),
        _("Proves that the name is yours."),
        frozenset({Purpose.OWNERSHIP, Purpose.CLAIM}),
    ),
    Group(
        _("Receiving"),
        _("Sends the mail of this name to us. Set it last: from then on mail arrives here."),
        frozenset({Purpose.INBOUND}),
    ),
    Group(
        _("Sending"),
        _("Lets receivers see that mail sent through us really comes from you."),
        frozenset({Purpose.SPF, Purpose.DKIM, Purpose.MAIL_FROM_MX, Purpose.MAIL_FROM_SPF}),
    ),
    Group(
        _("Policy"),
        _("Tells receivers what to do with mail that only claims to be yours."),
        frozenset({Purpose.DMARC}),
    ),
)

MERGED = frozenset({Purpose.SPF, Purpose.DMARC})


@dataclass(frozen=True)
class Found:
    """An observed value, cut in three: `differs` is the part that is not as it was asked for."""

    before: str
    differs: str
    after: str


@dataclass(frozen=True)
class RecordRow:
    """`value` is what to write there: for SPF and DMARC merged with what stands there already."""

    record: DnsRecord
    chip: Chip
    shown_name: str
    value: str
    is_apex: bool
    is_older_than_look: bool
    found: tuple[Found, ...]
    watch: Watch | None = None

    @property
    def is_needless(self) -> bool:
        return self.chip == NOT_NEEDED

    @property
    def name_id(self) -> str:
        return f"copy-name-{self.record.position}"

    @property
    def value_id(self) -> str:
        return f"copy-value-{self.record.position}"

    @property
    def has_finding(self) -> bool:
        """Also of a record that is right: something to know, such as until when caches hold the old answer."""
        return bool(self.record.verdict) and bool(self.record.message or self.found or self.is_needless)


@dataclass(frozen=True)
class RecordGroup:
    group: Group
    rows: tuple[RecordRow, ...]

    @property
    def need(self) -> str | Promise:
        rows = [row for row in self.rows if not row.is_needless]
        if not rows:
            return NOT_NEEDED.word
        return _("Required") if any(row.record.is_required for row in rows) else _("Recommended")


def record_groups(domain: Domain, records: Sequence[DnsRecord], *, has_full_names: bool) -> list[RecordGroup]:
    """All records in the groups that have any; names relative to the zone unless the full ones are wanted."""
    # Before the first look nobody knows the real zone; the registrable name is where it nearly always begins.
    zone = domain.zone or registrable_domain(domain.name)
    merged = {(each.type, each.name, each.purpose): each.value for each in plan_of(domain, records).records}
    groups = []
    for group in GROUPS:
        rows = tuple(
            _row(
                record,
                merged.get((record.type, record.name, Purpose(record.purpose)), record.value)
                if record.purpose in MERGED
                else record.value,
                zone=zone,
                domain=domain,
                has_full_names=has_full_names,
            )
            for record in records
            if record.purpose in group.purposes
        )
        if rows:
            groups.append(RecordGroup(group, rows))
    return groups


def _row(record: DnsRecord, value: str, *, zone: str, domain: Domain, has_full_names: bool) -> RecordRow:
    relative, looked_at = relative_name(record.name, zone), domain.dns_checked_at
    return RecordRow(
        record=record,
        chip=NOT_NEEDED if is_needless(domain, record) else record_chip(record),
        shown_name=record.name if has_full_names else relative,
        value=value,
        is_apex=relative == "@",
        is_older_than_look=bool(record.checked_at and looked_at and record.checked_at < looked_at),
        found=found_of(record, record.value),
    )


def found_of(record: DnsRecord, wanted: str) -> tuple[Found, ...]:
    """What was seen where the record is not right; the null MX ends with the dot that is its host (RFC 7505)."""
    if record.is_ok:
        return ()
    values = (str(seen) for seen in record.observed)
    return tuple(
        difference(wanted, f"{seen.strip()} ." if record.type == "MX" and seen.strip().isdigit() else seen)
        for seen in values
    )


def difference(wanted: str, seen: str) -> Found:
    """`seen` cut where it stops and where it starts again to be like `wanted`."""
    shortest = min(len(wanted), len(seen))
    start = next((at for at in range(shortest) if wanted[at] != seen[at]), shortest)
    longest_end = shortest - start
    end = next((at for at in range(longest_end) if wanted[-1 - at] != seen[-1 - at]), longest_end)
    return Found(before=seen[:start], differs=seen[start : len(seen) - end], after=seen[len(seen) - end :])
