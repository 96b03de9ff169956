"""A diagnosis as a person reads it in a terminal, from a claim or from a name that nobody has claimed (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from domains.dns.summary import Part, part_of
from domains.dns_hosts.known import known_host
from domains.export_plan import SPF_REFUSALS
from domains.mail_choices import mail_choices, mail_today_sentence

BAD = ("missing", "wrong", "conflict")
PURPOSES = {
    "inbound": "receiving",
    "ownership": "ownership",
    "claim": "ownership",
    "spf": "SPF",
    "dkim": "DKIM",
    "dmarc": "DMARC",
    "mail_from_mx": "return path",
    "mail_from_spf": "return path",
}


class Outcome(IntEnum):
    """What a diagnosis comes to, as an exit code."""

    RIGHT = 0
    TO_DO = 1
    NOT_KNOWN = 3


@dataclass(frozen=True)
class ReportedRecord:
    """One record and what was seen of it; `value` with the priority where there is one.

    `other_findings` are what is wrong besides, each a code and its sentence.
    """

    purpose: str
    type: str
    name: str
    value: str
    is_required: bool
    verdict: str
    code: str
    message: str
    fix: str
    observed: tuple[str, ...]
    other_findings: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Report:
    title: str
    next_step: str
    zone: str
    name_servers: Sequence[str]
    name: str
    inbound_host: str
    records: Sequence[ReportedRecord]
    summary: Mapping[str, Part]
    remarks: Sequence[str] = ()


def outcome_of(records: Sequence[ReportedRecord]) -> Outcome:
    """By the worst of these records: what must be changed comes before what could not be seen."""
    verdicts = {record.verdict for record in records}
    if verdicts & set(BAD):
        return Outcome.TO_DO
    return Outcome.NOT_KNOWN if verdicts - {"ok"} else Outcome.RIGHT


def report_lines(report: Report) -> Iterator[str]:
    """The report line by line; what came from DNS can not steer the terminal."""
    for line in _lines(report):
        yield "".join(character if character.isprintable() else "?" for character in line).rstrip()


def _lines(report: Report) -> Iterator[str]:
    yield report.title
    yield report.next_step
    yield from report.remarks
    yield ""
    if report.zone:
        host = known_host(report.name_servers)
        at = f" at {host.name}" if host else ""
        servers = f" ({', '.join(report.name_servers)})" if report.name_servers else ""
        yield f"Zone {report.zone}{at}{servers}"
    else:
        yield "The zone could not be found: the name may not be registered, or DNS can not be reached from here."
    today = part_of(report.summary, "mail_today")
    yield mail_today_sentence(today)
    yield ""
    for record in report.records:
        yield from _record_lines(record)
    yield from _policy_lines(report.summary)
    choices = mail_choices(report.name, today, inbound_host=report.inbound_host) if today else ()
    if choices:
        yield ""
        yield "What you can do about its mail"
        for choice in choices:
            yield f"  {choice.title}: {choice.consequence}"


def _record_lines(record: ReportedRecord) -> Iterator[str]:
    wanted = PURPOSES.get(record.purpose, record.purpose) + ("" if record.is_required else ", recommended")
    code = f": {record.code}" if record.code else ""
    yield f"  {record.verdict or 'not seen':<9} {record.type:<5} {record.name}  ({wanted}){code}"
    if record.verdict == "ok" and not record.code:
        return
    if record.message:
        yield f"            {record.message}"
    for value in record.observed:
        yield f"            found: {value}"
    if record.fix:
        yield f"            to do: {record.fix}"
    for code, sentence in record.other_findings:
        yield f"            also: {code}: {sentence}"


def _policy_lines(summary: Mapping[str, Part]) -> Iterator[str]:
    spf, dmarc = part_of(summary, "spf"), part_of(summary, "dmarc")
    if spf:
        yield ""
        yield f"SPF now     {_told(spf.get('current'))}"
        if spf.get("current"):
            cost = f"{spf.get('lookups')} of 10 look-ups, {spf.get('void_lookups')} of 2 that find nothing"
            yield f"            takes {cost}"
        refusal = str(spf.get("refusal") or "")
        if refusal:
            yield f"    no proposal: {SPF_REFUSALS[refusal]}"
        elif spf.get("proposed") != spf.get("current"):
            yield f"    proposed {_told(spf.get('proposed'))}"
    if dmarc:
        yield f"DMARC now   {_told(dmarc.get('current'))}"
        if dmarc.get("inherited_from"):
            yield f"            from {dmarc['inherited_from']}, which is enough"
        elif dmarc.get("proposed") != dmarc.get("current"):
            yield f"    proposed {_told(dmarc.get('proposed'))}"


def _told(records: object) -> str:
    return " | ".join(str(records).split("\n")) if records else "none"
