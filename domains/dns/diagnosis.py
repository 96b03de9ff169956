"""Why a record is not right: small checks in their order of precedence, each a finding or None (pure)."""

from __future__ import annotations

from collections.abc import Callable

from domains.dns.answers import Outcome
from domains.dns.delegation_diagnosis import (
    dnssec_bogus,
    is_right,
    not_delegated,
    of_one_server,
    server_unreachable,
    servers_disagree,
    wrong_nameservers,
)
from domains.dns.judgement import Context, Expected, Finding, Verdict
from domains.dns.matching import deciding_names, host_of, is_satisfied, mx_entries
from domains.dns.mx_diagnosis import mx_finding
from domains.dns.placement import cname_in_the_way, misplaced, wildcard_answer
from domains.dns.policy_diagnosis import dmarc_finding, rua_unauthorised, spf_finding
from domains.dns.proxies import is_proxy
from domains.dns.token_diagnosis import other_region, other_ses_account, second_ses_account, stale_token

Check = Callable[[Context], Finding | None]


def diagnose(context: Context) -> list[Finding]:
    """All that is wrong, the primary finding first; empty where the record is right and everybody sees it."""
    unseen = dnssec_bogus(context) or server_unreachable(context)
    if unseen is not None:
        return [unseen]
    if all(is_right(context, answer) for answer in context.lookup.reachable):
        return [finding for check in ADVICE if (finding := check(context)) is not None]
    undecided = _undecided(context)
    if undecided is not None:
        return [undecided]
    disagreement = servers_disagree(context)
    seen = of_one_server(context) if disagreement else context
    findings = [finding for check in BEFORE_RECORDS if (finding := check(context)) is not None]
    findings += [disagreement] if disagreement else []
    findings += [finding for check in CHECKS if (finding := check(seen)) is not None]
    return findings or [_not_published(context)]


def _undecided(context: Context) -> Finding | None:
    """The record refers to others that nobody could look up: that is not known, and not wrong."""
    names = deciding_names(context.expected, context.values, context.observation)
    if not names or any(context.observation.get(name, "TXT") is None for name in names):
        return None
    return Finding(
        "server_unreachable",
        Verdict.UNKNOWN,
        f"Whether the record is right depends on {names[0]}, whose name servers could not be asked.",
        "Nothing to change here; check again later.",
    )


def _not_propagated(context: Context) -> Finding | None:
    public = context.lookup.public
    if public is None or not context.lookup.is_authoritative or public.outcome is Outcome.UNKNOWN:
        return None
    if is_right(context, public):
        return None
    until = "soon" if public.ttl is None else f"in at most {max(1, -(-public.ttl // 60))} minutes"
    return Finding(
        "not_propagated",
        Verdict.OK,
        f"The record is right at your DNS host; public caches still hold the old answer and drop it {until}.",
        "Nothing to change; wait.",
    )


def _wrong_type(context: Context) -> Finding | None:
    expected = context.expected
    if context.values:
        return None
    other = "CNAME" if expected.type == "TXT" else "TXT"
    lookup = context.observation.get(expected.name, other)
    if lookup is None or not lookup.values:
        return None
    # A host may stand with its priority where only a text was asked for.
    if host_of(expected.value) not in {host_of(value.strip().rpartition(" ")[2]) for value in lookup.values}:
        return None
    return Finding(
        "wrong_type",
        Verdict.WRONG,
        f"The value is there, but as a {other} record.",
        f"Change the type of the record at {expected.name} from {other} to {expected.type}.",
    )


def _proxied_cname(context: Context) -> Finding | None:
    """A DNS host that proxies answers with its own addresses where the CNAME should be."""
    expected = context.expected
    lookup = context.observation.get(expected.name, "A") if expected.type == "CNAME" else None
    if lookup is None or not lookup.values or context.values:
        return None
    if not is_proxy(lookup.values, context.lookup.name_servers):
        return Finding(
            "wrong_type",
            Verdict.WRONG,
            f"There is an address record (A) at {expected.name}, where a CNAME record should be.",
            f"Remove the A record, then: {context.instruction}",
        )
    return Finding(
        "proxied_cname",
        Verdict.WRONG,
        f"Your DNS host answers {expected.name} with its own addresses: the record is proxied.",
        f"Switch the proxy off for {expected.name} (at Cloudflare: DNS only, the grey cloud).",
    )


def _quoted_value(context: Context) -> Finding | None:
    if context.expected.type != "TXT":
        return None
    for value in context.values:
        stripped = value.strip("\"'\\\u201c\u201d ")
        if stripped != value and is_satisfied(context.expected, [stripped], context.observation):
            return Finding(
                "quoted_value",
                Verdict.WRONG,
                "The value has quotation marks or spaces around it that became part of it.",
                f"In the value field type, without quotation marks: {context.expected.value}",
            )
    return None


def _value_lowercased(context: Context) -> Finding | None:
    expected = context.expected
    if expected.purpose not in ("ownership", "claim"):
        return None
    if expected.value.lower() not in [value.lower() for value in context.values]:
        return None
    return Finding(
        "value_lowercased",
        Verdict.WRONG,
        "The value is right but for capital letters, and they count.",
        context.instruction,
    )


def _value_truncated(context: Context) -> Finding | None:
    expected = context.expected
    if expected.purpose not in ("ownership", "claim", "dkim"):
        return None
    cut = [
        value
        for value in context.values
        if len(value) >= 8 and value != expected.value and _same_case(expected).startswith(value)
    ]
    if not cut:
        return None
    return Finding(
        "value_truncated", Verdict.WRONG, f"The value ends too early, after {cut[0]!r}.", context.instruction
    )


def _same_case(expected: Expected) -> str:
    return expected.value.lower() if expected.type == "CNAME" else expected.value


def _target_doubled(context: Context) -> Finding | None:
    expected, zone = context.expected, context.lookup.zone or context.domain
    if expected.type not in ("CNAME", "MX"):
        return None
    hosts = [host for _, host in mx_entries(context.values)] if expected.type == "MX" else list(context.values)
    added = [end for end in (zone, context.domain) if f"{host_of(expected.value)}.{end}" in map(host_of, hosts)]
    if not added:
        return None
    return Finding(
        "target_doubled",
        Verdict.WRONG,
        f"Your DNS host added {added[0]} to the end of the target.",
        f"Type the target with a dot at its end: {expected.value}.",
    )


def _claim_token_missing(context: Context) -> Finding | None:
    if context.expected.purpose != "claim":
        return None
    return Finding(
        "claim_token_missing",
        Verdict.MISSING,
        "Somebody else has used this name here as well, so this record must show that it is yours.",
        context.addition,
    )


def _not_published(context: Context) -> Finding:
    expected = context.expected
    if expected.type == "CNAME" and context.values:
        message = f"The CNAME record leads to {context.values[0]}."
        return Finding("not_published", Verdict.WRONG, message, context.instruction)
    return Finding(
        "not_published",
        Verdict.MISSING,
        f"There is no such {expected.type} record at {expected.name} yet.",
        context.addition,
    )


BEFORE_RECORDS: tuple[Check, ...] = (not_delegated, wrong_nameservers)
CHECKS: tuple[Check, ...] = (
    cname_in_the_way,
    misplaced,
    wildcard_answer,
    _wrong_type,
    _proxied_cname,
    _quoted_value,
    _value_lowercased,
    _value_truncated,
    _target_doubled,
    mx_finding,
    other_region,
    stale_token,
    spf_finding,
    dmarc_finding,
    other_ses_account,
    _claim_token_missing,
)
# Of a record that is right: what its owner should know all the same.
ADVICE: tuple[Check, ...] = (_not_propagated, second_ses_account, rua_unauthorised)
