"""What is wrong with an SPF or a DMARC record (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from domains.dns.dmarc import is_dmarc, parse_dmarc
from domains.dns.dmarc_repair import merge_dmarc, repair_dmarc
from domains.dns.judgement import Context, Finding, Verdict
from domains.dns.matching import SES_SPF, known_txt, looks_like_dmarc, report_permissions, spf_cost
from domains.dns.spelling import named
from domains.dns.spf import MOST_LOOKUPS, SpfRecord, authorises, is_spf, merge_include, parse_spf
from domains.dns.spf_cost import MOST_VOID_LOOKUPS
from domains.dns.spf_repair import looks_like_spf, repair_spf
from domains.dns.spf_union import unite

SPF_PURPOSES = ("spf", "mail_from_spf")
LONGEST_FIX = 4096
FEWER_LOOKUPS = (
    "With Amazon SES in it the record would take more look-ups than are allowed: first remove what you no longer send "
    "from, or send from a MAIL FROM subdomain, which has an SPF record of its own."
)


def spf_findings(context: Context) -> list[Finding]:
    """All that keeps what stands there from letting Amazon SES send; empty where there is no SPF record at all."""
    if context.expected.purpose not in SPF_PURPOSES:
        return []
    records = [parse_spf(value) for value in context.values if is_spf(value)]
    if not records:
        attempts = [value for value in context.values if looks_like_spf(value)]
        return [_unversioned(context, attempts[0])] if attempts else []
    found: list[Finding] = []
    if len(records) > 1:
        message = f"There are {len(records)} SPF records, and then none of them counts."
        found.append(
            Finding("spf_duplicate", Verdict.WRONG, message, _united(context, [each.text for each in records]))
        )
    broken = [record for record in records if record.errors]
    if broken:
        message = f"The SPF record has a mistake, and then none of it counts: {broken[0].errors[0]}."
        found.append(Finding("spf_syntax", Verdict.WRONG, message, _corrected(context, broken[0].text)))
    if not any(_lets_ses_send(context, record) for record in records):
        found.append(_missing_include(context, records[0].text))
    if len(records) == 1 and spf_cost(context.expected, records[0].text, context.observation).is_too_much:
        found.append(_too_many_lookups(context, records[0].text))
    return found


def _united(context: Context, records: list[str]) -> str:
    """The one record to have in the place of all, and which ones go."""
    name, meant = context.expected.name, unite(records)
    if meant is None:
        broken = next(record for record in records if parse_spf(record).errors)
        return f"Delete the SPF record with the mistake at {name}, or correct it and make one of all: {broken}"
    merged = merge_include(meant, SES_SPF)
    if len(merged) > LONGEST_FIX:
        return f"Make one SPF record of them at {name}, with fewer terms: together they are too long for a DNS answer."
    if spf_cost(context.expected, merged, context.observation).is_too_much:
        return f"Make one SPF record of them at {name}. {FEWER_LOOKUPS}"
    return keep_one("SPF", name, records, merged)


def keep_one(kind: str, name: str, records: Sequence[str], merged: str) -> str:
    """How one record comes in the place of several: what is deleted, and what stands there then."""
    gone = sorted(record for record in records if record != merged)
    if len(gone) < len(records):
        return f"Delete the {kind} record at {name} that reads {named(gone)}, and keep only: {merged}"
    return f"Delete the {kind} records at {name} that read {named(gone)}, and add one in their place: {merged}"


def _unversioned(context: Context, text: str) -> Finding:
    message = f"The SPF record must begin with v=spf1 and a space, so it does not count: {text[:100]}"
    return Finding("spf_syntax", Verdict.WRONG, message, _corrected(context, text))


def _corrected(context: Context, text: str) -> str:
    """The whole record as it was meant, ours merged in; the part is left to its owner where that can not be told."""
    meant = repair_spf(text)
    if meant is None:
        return f"Correct that part of the SPF record at {context.expected.name}: {text}"
    return f"Change the SPF record at {context.expected.name} to: {merge_include(meant, SES_SPF)}"


def _lets_ses_send(context: Context, record: SpfRecord) -> bool:
    if record.errors:
        return record.includes(SES_SPF)
    return is_spf_given(context, record.text)


def _missing_include(context: Context, record: str) -> Finding:
    merged = merge_include(record, SES_SPF)
    fix = f"Change the SPF record at {context.expected.name} to: {merged}"
    if spf_cost(context.expected, merged, context.observation).is_too_much:
        fix = FEWER_LOOKUPS
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


def broken_include_before_ours(context: Context) -> Finding | None:
    """A receiver that comes to an include without one sound SPF record stops there (RFC 7208 section 5.2)."""
    records = [value for value in context.values if is_spf(value)] if context.expected.purpose in SPF_PURPOSES else []
    for term in parse_spf(records[0]).terms if len(records) == 1 else ():
        if term.name == "all" or (term.name == "include" and term.target == SES_SPF):
            return None
        known = known_txt(context.observation, term.target) if term.name == "include" else None
        if known is None:
            continue
        sound = [value for value in known if is_spf(value)]
        if len(sound) == 1 and not parse_spf(sound[0]).errors:
            continue
        return Finding(
            "spf_syntax",
            Verdict.OK,
            f"Amazon SES is in the record, but {term.target}, which comes before it, has no valid SPF record: "
            f"a strict receiver stops there.",
            f"Remove {term.text} from the SPF record at {context.expected.name}, or put it behind include:{SES_SPF}.",
        )
    return None


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


def dmarc_findings(context: Context) -> list[Finding]:
    """What keeps the policy that stands there from counting; empty where there is none."""
    if context.expected.purpose != "dmarc":
        return []
    found: list[Finding] = []
    records = [value for value in context.values if is_dmarc(value)]
    if len(records) > 1:
        message = f"There are {len(records)} DMARC records, and then none of them counts."
        merged = merge_dmarc(records, otherwise=_asked_policy(context))
        fix = keep_one("DMARC", context.expected.name, records, merged)
        found.append(Finding("dmarc_duplicate", Verdict.WRONG, message, fix))
    mistakes = [(value, parse_dmarc(value).errors[0]) for value in records if parse_dmarc(value).errors]
    if not records:
        attempts = [value for value in context.values if looks_like_dmarc(value)]
        mistakes = [(value, "it must begin with v=DMARC1; in this spelling") for value in attempts]
    if mistakes:
        text, mistake = mistakes[0]
        message = f"The DMARC record has a mistake: {mistake}."
        found.append(Finding("dmarc_syntax", Verdict.WRONG, message, _corrected_policy(context, text)))
    return found


def ignored_in_dmarc(context: Context) -> Finding | None:
    """The policy counts, and a part of the record does not (RFC 9989 section 4.7)."""
    records = [value for value in context.values if is_dmarc(value)] if context.expected.purpose == "dmarc" else []
    ignored = parse_dmarc(records[0]).ignored if len(records) == 1 else ()
    if not ignored:
        return None
    message = f"The policy is in force, but receivers pass over a part of the record: {ignored[0]}."
    return Finding("dmarc_syntax", Verdict.OK, message, _corrected_policy(context, records[0]))


def _corrected_policy(context: Context, text: str) -> str:
    meant = repair_dmarc(text, otherwise=_asked_policy(context))
    return f"Set the TXT record at {context.expected.name} to: {meant}"


def _asked_policy(context: Context) -> str:
    return parse_dmarc(context.expected.value).policy or "none"
