"""The records as they should stand in the zone: ours merged with what is there, in the languages of tools (pure).

A record that can not be merged is left out, and a note says why: a file must never make a second SPF record or weaken
a DMARC policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domains.dns.summary import Part, part_of
from domains.exports import FORMATS
from domains.records import PlannedRecord, Purpose

SPF_REFUSALS = {
    "several": "there are several SPF records, and then none of them counts: make one of them first",
    "syntax": "the SPF record that is there has a mistake: correct it first",
    "too_many_lookups": "with Amazon SES in it the SPF record would take more look-ups than are allowed",
    "too_long": "the SPF record that is there is too long to be added to",
}
COMMENTS = {"bind": ";", "terraform-route53": "#", "terraform-cloudflare": "#", "octodns": "#"}
LONGEST_NOTE = 500


@dataclass(frozen=True)
class ExportPlan:
    """What to write into `zone`, and what whoever writes it should know."""

    zone: str
    records: tuple[PlannedRecord, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ExportFile:
    name: str
    media_type: str
    text: str


def export_plan(records: Sequence[PlannedRecord], summary: Mapping[str, Part], *, zone: str) -> ExportPlan:
    """`summary` is what the last look made of the name (domains.dns.summary); empty before the first."""
    kept: list[PlannedRecord] = []
    notes: list[str] = []
    for record in records:
        merged, note = _merged(record, summary)
        if merged is not None:
            kept.append(merged)
        if note:
            notes.append(_printable(note))
    return ExportPlan(zone, tuple(kept), tuple(notes))


def _merged(record: PlannedRecord, summary: Mapping[str, Part]) -> tuple[PlannedRecord | None, str]:
    match record.purpose:
        case Purpose.SPF:
            return _merged_spf(record, part_of(summary, "spf"))
        case Purpose.DMARC:
            return _merged_dmarc(record, part_of(summary, "dmarc"))
        case Purpose.INBOUND:
            return record, _note_on_mx(record, part_of(summary, "mail_today"))
    return record, ""


def _merged_spf(record: PlannedRecord, spf: Part) -> tuple[PlannedRecord | None, str]:
    refusal = str(spf.get("refusal") or "")
    if refusal:
        return None, f"SPF of {record.name} left out: {SPF_REFUSALS[refusal]}."
    proposed = spf.get("proposed")
    if not spf or proposed is None:
        return record, f"The DNS of {record.name} has not been seen: if it has an SPF record, change that one instead."
    current = spf.get("current")
    is_change = current is not None and current != proposed
    note = f"SPF of {record.name}: this takes the place of {current}" if is_change else ""
    return replace(record, value=str(proposed)), note


def _merged_dmarc(record: PlannedRecord, dmarc: Part) -> tuple[PlannedRecord | None, str]:
    above = dmarc.get("inherited_from")
    if above:
        return None, f"DMARC of {record.name} left out: the policy of {above} holds for it already."
    proposed, current = dmarc.get("proposed"), dmarc.get("current")
    if proposed is None:
        return record, ""
    is_change = current is not None and current != proposed
    note = f"DMARC at {record.name}: this takes the place of {current}" if is_change else ""
    return replace(record, value=str(proposed)), note


def _note_on_mx(record: PlannedRecord, today: Part) -> str:
    hosts = today.get("hosts")
    others = [host for host in hosts if host != record.value] if isinstance(hosts, list) else []
    if not others:
        return ""
    return (
        f"MX of {record.name}: mail goes to {today.get('name')} today ({', '.join(map(str, others))}). "
        f"It comes here once those records are gone."
    )


def _printable(note: str) -> str:
    """One line of plain text: what stood in somebody's DNS must not end a comment."""
    plain = "".join(character if character.isascii() and character.isprintable() else " " for character in note)
    return " ".join(plain.split())[:LONGEST_NOTE]


def export_file(plan: ExportPlan, *, domain: str, format_: str) -> ExportFile:
    """The plan in one of domains.exports.FORMATS, notes as comments where the format has any; raises KeyError."""
    export, media_type, ending = FORMATS[format_]
    comment = COMMENTS.get(format_)
    head = "".join(f"{comment} {note}\n" for note in plan.notes) if comment else ""
    text = export(plan.records, plan.zone)
    if format_ == "octodns" and head:
        # The marker of the document stays the first line.
        marker, _, rest = text.partition("\n")
        return ExportFile(f"{domain}.{ending}", media_type, f"{marker}\n{head}{rest}")
    return ExportFile(f"{domain}.{ending}", media_type, head + text)
