"""What is wrong with an SPF or a DMARC record (pure)."""

from __future__ import annotations

from domains.dns.dmarc import is_dmarc, parse_dmarc
from domains.dns.judgement import Context, Finding, Verdict
from domains.dns.matching import SES_SPF, known_txt, looks_like_dmarc, report_permissions, spf_cost
from domains.dns.spf import MOST_LOOKUPS, authorises, is_spf, merge_include, parse_spf
from domains.dns.spf_cost import MOST_VOID_LOOKUPS


def spf_finding(context: Context) -> Finding | None:
    if context.expected.purpose not in ("spf", "mail_from_spf"):
        return None
    records = [value for value in context.values if is_spf(value)]
    if len(records) > 1:
        return Finding(
            "spf_duplicate",
            Verdict.WRONG,
            f"There are {len(records)} SPF records, and then none of them counts.",
            "Keep one SPF record with the terms of all, and remove the others.",
        )
    if not records:
        return None
    record = parse_spf(records[0])
    if record.errors:
        return Finding(
            "spf_syntax",
            Verdict.WRONG,
            f"The SPF record has a mistake, and then none of it counts: {record.errors[0]}.",
            f"Correct that part of the SPF record at {context.expected.name}: {record.text}",
        )
    if is_spf_given(context, records[0]):
        return _too_many_lookups(context, records[0])
    merged = merge_include(records[0], SES_SPF)
    fix = f"Change the SPF record at {context.expected.name} to: {merged}"
    if spf_cost(context.expected, merged, context.observation).is_too_much:
        fix = (
            "With Amazon SES in it the record would take more look-ups than are allowed: first remove what you no "
            "longer send from, or send from a MAIL FROM subdomain, which has an SPF record of its own."
        )
    return Finding("spf_missing_include", Verdict.WRONG, "The SPF record does not let Amazon SES send.", fix)


def is_spf_given(context: Context, record: str) -> bool:
    return authorises(record, SES_SPF, lambda name: known_txt(context.observation, name)).is_given


def _too_many_lookups(context: Context, record: str) -> Finding:
    cost = spf_cost(context.expected, record, context.observation)
    dearest = max(cost.by_term, key=lambda each: each.lookups)
    what = f"{cost.lookups} look-ups, and 10 are allowed"
    if cost.lookups <= MOST_LOOKUPS:
        what = f"{cost.void_lookups} look-ups that find nothing, and {MOST_VOID_LOOKUPS} are allowed"
    return Finding(
        "spf_too_many_lookups",
        Verdict.WRONG,
        f"The SPF record takes {what}: then none of it counts.",
        f"Remove what you no longer send from; the dearest is {dearest.term} ({dearest.lookups}). "
        f"Or send from a MAIL FROM subdomain, which has an SPF record of its own.",
    )


def rua_unauthorised(context: Context) -> Finding | None:
    """The policy counts, but whoever should read the reports has not agreed to (RFC 7489 section 7.1)."""
    records = [value for value in context.values if is_dmarc(value)] if context.expected.purpose == "dmarc" else []
    if len(records) != 1:
        return None
    for name in report_permissions(context.expected, records[0]):
        known = known_txt(context.observation, name)
        if known is None or any(is_dmarc(value) for value in known):
            continue
        host = name.partition("._report._dmarc.")[2]
        return Finding(
            "dmarc_rua_unauthorised",
            Verdict.OK,
            f"The policy is in force, but {host} has not agreed to take this domain's reports, so none are sent there.",
            f"Have {host} publish the TXT record {name} with the value: v=DMARC1;",
        )
    return None


def dmarc_finding(context: Context) -> Finding | None:
    if context.expected.purpose != "dmarc":
        return None
    records = [value for value in context.values if is_dmarc(value)]
    if len(records) > 1:
        return Finding(
            "dmarc_duplicate",
            Verdict.WRONG,
            f"There are {len(records)} DMARC records, and then none of them counts.",
            "Keep one DMARC record and remove the others.",
        )
    broken = records or [value for value in context.values if looks_like_dmarc(value)]
    if not broken:
        return None
    errors = parse_dmarc(broken[0]).errors if records else ("it must begin with v=DMARC1; in this spelling",)
    if not errors:
        return None
    error = errors[0]
    return Finding("dmarc_syntax", Verdict.WRONG, f"The DMARC record has a mistake: {error}.", context.instruction)
