"""Why a record is not right: small checks in their order of precedence, each a finding or None (pure)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace

from domains.dns.answers import Lookup, Outcome
from domains.dns.codes import PRECEDENCE
from domains.dns.delegation_diagnosis import (
    dnssec_bogus,
    is_right,
    not_delegated,
    of_one_server,
    server_unreachable,
    servers_disagree,
    wrong_nameservers,
)
from domains.dns.judgement import Context, Finding, Verdict
from domains.dns.matching import OTHER_TYPES, SPF_TYPE, deciding_names, host_of, matches, name_beside
from domains.dns.mx_diagnosis import mx_findings
from domains.dns.placement import cname_in_the_way, misplaced, wildcard_answer
from domains.dns.policy_diagnosis import (
    SPF_PURPOSES,
    broken_include_before_ours,
    dmarc_findings,
    ignored_in_dmarc,
    rua_unauthorised,
    spf_findings,
)
from domains.dns.proxies import is_proxy
from domains.dns.spelling import bare_text, named
from domains.dns.spf import is_spf
from domains.dns.token_diagnosis import other_region, other_ses_account, second_ses_account, stale_token
from domains.dns.value_diagnosis import quoted_value, target_doubled, value_lowercased, value_truncated

logger = logging.getLogger(__name__)

ADDRESSES = ("A", "AAAA")
ARTICLES = {"A": "an", "AAAA": "an", "MX": "an", "SPF": "an", "NS": "an"}

Check = Callable[[Context], Finding | None]


def diagnose(context: Context) -> list[Finding]:
    """All that is wrong, one finding a code, the primary first; empty where the record is right and everybody sees it.

    Never an exception: a fault of ours in judging what DNS serves is logged, and this one record is unknown.
    """
    try:
        first: dict[str, Finding] = {}
        for finding in _findings(context):
            first.setdefault(finding.code, finding)
        return sorted(first.values(), key=lambda finding: PRECEDENCE[finding.code])
    except Exception:
        logger.exception("%s %s could not be judged", context.expected.type, context.expected.name)
        message = "What stands there could not be judged."
        fix = "Nothing to change here yet; check again later."
        return [Finding("server_unreachable", Verdict.UNKNOWN, message, fix)]


def _findings(context: Context) -> list[Finding]:
    unseen = dnssec_bogus(context) or _delegated_instead(context) or server_unreachable(context)
    if unseen is not None:
        return [unseen]
    if _is_right_everywhere(context):
        return _of(ADVICE, context)
    undecided = _undecided(context)
    if undecided is not None:
        return [undecided]
    disagreement = servers_disagree(context)
    seen = of_one_server(context) if disagreement else context
    found = _of(BEFORE_RECORDS, context) + ([disagreement] if disagreement else []) + _of(AT_THE_NAME, seen)
    elsewhere = misplaced(seen)
    if elsewhere is not None:
        finding, lookup = elsewhere
        found.append(finding)
        if not seen.values:
            # What is wrong with the record besides, as it stands in its wrong place.
            seen = replace(seen, lookup=replace(seen.lookup, answers=lookup.answers))
    found += _of(AT_THE_VALUE, seen)
    for findings_of in SETS:
        found += findings_of(seen)
    return found or [_not_published(context)]


def _is_right_everywhere(context: Context) -> bool:
    """By every server, so that one whose answer cannot be judged is not passed over for another that is wrong."""
    answers = context.lookup.reachable
    are_right = [matches(context.expected, answer.values, context.observation) for answer in answers]
    return all(are_right)


def _of(checks: tuple[Check, ...], context: Context) -> list[Finding]:
    return [finding for check in checks if (finding := check(context)) is not None]


def _delegated_instead(context: Context) -> Finding | None:
    """NS records in the place of a CNAME make a zone of its name, and its target is no name server."""
    expected, lookup = context.expected, context.lookup
    if expected.type != "CNAME" or host_of(expected.value) not in lookup.name_servers:
        return None
    message = f"There is an NS record at {expected.name}, where a CNAME record should be."
    fix = f"Change the type of the record at {expected.name} from NS to CNAME."
    return Finding("wrong_type", Verdict.WRONG, message, fix)


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
    return _value_of_another_type(context) or _another_type_than_cname(context)


def _value_of_another_type(context: Context) -> Finding | None:
    expected = context.expected
    if expected.purpose in SPF_PURPOSES:
        lookup = context.observation.get(expected.name, SPF_TYPE)
        other = SPF_TYPE if any(is_spf(text) for text in _unquoted(lookup)) else ""
    else:
        other = "CNAME" if expected.type == "TXT" else "TXT"
        lookup = context.observation.get(expected.name, other)
        # A host may stand with its priority where only a text was asked for.
        hosts = {host_of(bare_text(value).rpartition(" ")[2]) for value in lookup.values} if lookup else set()
        other = other if host_of(expected.value) in hosts and not context.values else ""
    if not other:
        return None
    message = f"The value is there, but as {ARTICLES.get(other, 'a')} {other} record."
    fix = f"Change the type of the record at {expected.name} from {other} to {expected.type}."
    return Finding("wrong_type", Verdict.WRONG, message, fix)


def _unquoted(lookup: Lookup | None) -> list[str]:
    """Texts of a type that comes as in a zone file: each string in quotation marks."""
    values = lookup.values if lookup else ()
    return ["".join(re.findall(r'"((?:[^"\\]|\\.)*)"', value)) for value in values]


def _another_type_than_cname(context: Context) -> Finding | None:
    found = _in_the_place_of_a_cname(context)
    addresses = [value for type_ in ADDRESSES for value in found.get(type_, ())]
    if not found or (addresses and is_proxy(addresses, context.lookup.name_servers)):
        return None
    type_, name = next(iter(found)), context.expected.name
    what = f"{ARTICLES.get(type_, 'a')} {type_} record"
    message = f"There is {what} at {name}, where a CNAME record should be."
    return Finding("wrong_type", Verdict.WRONG, message, f"Remove the {type_} record, then: {context.instruction}")


def _in_the_place_of_a_cname(context: Context) -> dict[str, tuple[str, ...]]:
    """What stands at the name of a CNAME that is not there, by type; nothing where a wildcard put it there."""
    expected = context.expected
    if expected.type != "CNAME" or context.values or wildcard_answer(context) is not None:
        return {}
    found = {type_: context.observation.get(expected.name, type_) for type_ in OTHER_TYPES}
    return {
        type_: lookup.values
        for type_, lookup in found.items()
        if lookup is not None and lookup.values and _is_known_beside(context, type_)
    }


def _is_known_beside(context: Context, type_: str) -> bool:
    """Without the answer beside it nobody knows whether a wildcard speaks."""
    beside = context.observation.get(name_beside(context.expected.name), type_)
    return beside is not None and beside.outcome is not Outcome.UNKNOWN


def _proxied_cname(context: Context) -> Finding | None:
    """A DNS host that proxies answers with its own addresses where the CNAME should be."""
    found = _in_the_place_of_a_cname(context)
    addresses = [value for type_ in ADDRESSES for value in found.get(type_, ())]
    if not addresses or not is_proxy(addresses, context.lookup.name_servers):
        return None
    name = context.expected.name
    return Finding(
        "proxied_cname",
        Verdict.WRONG,
        f"Your DNS host answers {name} with its own addresses: the record is proxied.",
        f"Switch the proxy off for {name} (at Cloudflare: DNS only, the grey cloud).",
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
    if expected.purpose == "ownership" and context.values:
        message = f"At {expected.name} stands {named(context.values)}, which is not the value of this domain."
        return Finding("not_published", Verdict.MISSING, message, context.instruction)
    return Finding(
        "not_published",
        Verdict.MISSING,
        f"There is no such {expected.type} record at {expected.name} yet.",
        context.addition,
    )


BEFORE_RECORDS: tuple[Check, ...] = (not_delegated, wrong_nameservers)
AT_THE_NAME: tuple[Check, ...] = (cname_in_the_way, wildcard_answer, _wrong_type, _proxied_cname)
AT_THE_VALUE: tuple[Check, ...] = (
    quoted_value,
    value_lowercased,
    value_truncated,
    target_doubled,
    other_region,
    stale_token,
    other_ses_account,
    _claim_token_missing,
)
SETS: tuple[Callable[[Context], list[Finding]], ...] = (mx_findings, spf_findings, dmarc_findings)
# Of a record that is right: what its owner should know all the same.
ADVICE: tuple[Check, ...] = (
    _not_propagated,
    second_ses_account,
    broken_include_before_ours,
    ignored_in_dmarc,
    rua_unauthorised,
)
