"""Judge a name as if it were registered here: its MX, SPF and DMARC, by DNS alone."""

from __future__ import annotations

from collections.abc import Sequence

from aws.regions import inbound_endpoint
from domains.diagnosis_report import Report, ReportedRecord
from domains.dns.codes import sentences
from domains.dns.evaluation import Expected, IssuedTokens, Judgement
from domains.dns.summary import Wishes, summarise
from domains.evidence import look_at
from domains.facts import current_records, next_step_sentence
from domains.models import Domain
from domains.records import SPF_VALUE, PlannedRecord, required_records
from domains.registration import DEFAULT_DMARC


def report_as_if(*, name: str, region: str) -> Report:
    """Ask DNS about a name that need not be claimed; what only a claim has, its tokens, is left out. Asks no AWS."""
    planned = required_records(
        name=name,
        region=region,
        ownership_token="",
        dkim_tokens=(),
        dkim_zone="",
        dmarc_value=DEFAULT_DMARC,
        is_receiving=True,
        spf_value=SPF_VALUE,
    )
    expected = {
        key: Expected(record.purpose, record.type, record.name, record.value, record.priority)
        for key, record in enumerate(planned)
    }
    seen = look_at(name, expected, region=region, issued=IssuedTokens())
    return Report(
        title=f"{name}, judged as if it were registered here (region {region})",
        next_step=_next_step([seen.judgements[key] for key in expected]),
        zone=seen.observation.zone,
        name_servers=seen.observation.name_servers,
        name=name,
        inbound_host=inbound_endpoint(region),
        records=[_reported(record, seen.judgements[key]) for key, record in enumerate(planned)],
        summary=summarise(seen.observation, Wishes(name, DEFAULT_DMARC)),
        remarks=["Ownership and DKIM have tokens of their own, which registering the name gives."],
    )


def _next_step(judged: Sequence[Judgement]) -> str:
    bad = [each for each in judged if each.verdict not in ("ok", "unknown")]
    if bad:
        return f"{len(bad)} of its {len(judged)} records would have to change."
    if any(each.verdict == "unknown" for each in judged):
        return "Not all of it could be seen."
    return "Its MX, SPF and DMARC are as they should be."


def _reported(record: PlannedRecord, judged: Judgement) -> ReportedRecord:
    return ReportedRecord(
        purpose=record.purpose,
        type=record.type,
        name=record.name,
        value=record.value,
        is_required=record.is_required,
        verdict=judged.verdict,
        code=judged.code,
        message=judged.message,
        fix=judged.fix,
        observed=judged.observed,
        other_findings=sentences(judged.other_codes),
    )


def report_of(domain: Domain, *, remarks: Sequence[str] = ()) -> Report:
    """What the last check of a claim saw."""
    records = current_records(domain)
    status = f"{domain.status}, {domain.reason}" if domain.reason else domain.status
    return Report(
        title=f"{domain.name} of {domain.organization.name}: {status} (region {domain.region})",
        next_step=next_step_sentence(domain, records),
        zone=domain.zone,
        name_servers=domain.name_servers,
        name=domain.name,
        inbound_host=inbound_endpoint(domain.region),
        records=[
            ReportedRecord(
                purpose=record.purpose,
                type=record.type,
                name=record.name,
                value=record.value,
                is_required=record.is_required,
                verdict=record.verdict,
                code=record.code,
                message=record.message,
                fix=record.fix,
                observed=tuple(map(str, record.observed)),
                other_findings=record.other_findings,
            )
            for record in records
        ],
        summary=domain.dns_summary,
        remarks=remarks,
    )
