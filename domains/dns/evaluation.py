"""What was expected against what was seen: a verdict for each record (pure)."""

from __future__ import annotations

from domains.dns.answers import Lookup, Observation, Outcome, ServerAnswer
from domains.dns.diagnosis import diagnose
from domains.dns.judgement import Context, Expected, IssuedTokens, Judgement, Verdict
from domains.dns.matching import deciding_names, informing_questions, inherited_dmarc, is_satisfied, looks_like_dmarc
from domains.dns.placement import wildcard_probe, wrong_places
from domains.dns.policy_diagnosis import SPF_PURPOSES
from domains.dns.spf import is_spf
from domains.dns.spf_repair import looks_like_spf
from domains.dns.token_diagnosis import former_names

__all__ = ["Expected", "IssuedTokens", "Judgement", "Verdict", "extra_questions", "judge", "server_verdict"]

# A whole check keeps at most 64 KB: a domain has about eight records.
MOST_SHOWN, LONGEST_SHOWN, ALL_SHOWN = 50, 4096, 8192
LONGEST_NAME = 253
NO_TOKENS = IssuedTokens()


def server_verdict(expected: Expected, answer: ServerAnswer, seen: Observation) -> Verdict:
    if answer.outcome is Outcome.UNKNOWN:
        return Verdict.UNKNOWN
    if is_satisfied(expected, answer.values, seen):
        return Verdict.OK
    return Verdict.WRONG if answer.values else Verdict.MISSING


def judge(expected: Expected, observation: Observation, *, domain: str, region: str, issued: IssuedTokens) -> Judgement:
    """The verdict on one record: `ok` only if every reachable server has it right.

    An `ok` may have the code `not_propagated`: right at the DNS host, not yet in public caches.
    """
    lookup = observation.get(expected.name, expected.type)
    if lookup is None:
        lookup = Lookup(expected.name, expected.type, zone="", answers=())
    findings = diagnose(Context(expected, lookup, observation, domain, region, issued))
    servers = tuple((answer.server, str(server_verdict(expected, answer, observation))) for answer in lookup.answers)
    public = str(server_verdict(expected, lookup.public, observation)) if lookup.public else ""
    observed = _shown(expected, lookup, observation)
    if not findings:
        return Judgement(Verdict.OK, "", "", "", observed, servers, public)
    first = findings[0]
    others = tuple(finding.code for finding in findings[1:])
    return Judgement(first.verdict, first.code, first.message, first.fix, observed, servers, public, others)


def _shown(expected: Expected, lookup: Lookup, observation: Observation) -> tuple[str, ...]:
    values = _about(expected, lookup.values) or ((f"CNAME {lookup.cname}",) if lookup.cname else ())
    if not values and expected.purpose == "dmarc":
        values = inherited_dmarc(expected, observation)
    shown: list[str] = []
    room = ALL_SHOWN
    for value in values[:MOST_SHOWN]:
        cut = value[: min(LONGEST_SHOWN, room)]
        room -= len(cut)
        if cut:
            shown.append(cut)
    return tuple(shown)


def _about(expected: Expected, values: tuple[str, ...]) -> tuple[str, ...]:
    """Without the texts that stand there for other ends; at `_dmarc` nothing else has any business."""
    if expected.purpose in SPF_PURPOSES:
        return tuple(value for value in values if is_spf(value) or looks_like_spf(value))
    if expected.purpose == "dmarc":
        return tuple(filter(looks_like_dmarc, values)) or values
    return values


def extra_questions(
    expected: Expected, observation: Observation, *, domain: str, issued: IssuedTokens = NO_TOKENS
) -> list[tuple[str, str]]:
    """What must be looked at besides, where a record is not right at once: what it refers to, where it may be instead.

    To be asked again after each round of answers; it ends with no further question.
    """
    lookup = observation.get(expected.name, expected.type)
    if lookup is None or lookup.outcome is Outcome.UNKNOWN:
        return []
    questions = dict.fromkeys(informing_questions(expected, lookup.values, observation))
    if not is_satisfied(expected, lookup.values, observation):
        questions |= dict.fromkeys(_questions_about_a_mistake(expected, lookup, observation, domain))
        if not lookup.values:
            questions |= {(name, "CNAME"): None for name in former_names(expected, issued, domain=domain)}
    return [
        question for question in questions if question not in observation.lookups and len(question[0]) <= LONGEST_NAME
    ]


def _questions_about_a_mistake(
    expected: Expected, lookup: Lookup, observation: Observation, domain: str
) -> list[tuple[str, str]]:
    deciding = [(name, "TXT") for name in deciding_names(expected, lookup.values, observation)]
    places = [(place.name, expected.type) for place in wrong_places(expected, domain=domain, zone=lookup.zone)]
    # A name that does not exist has no other type either.
    is_other_type = expected.type == "CNAME" and lookup.outcome is Outcome.NODATA
    types = [(expected.name, "TXT"), (expected.name, "A")] if is_other_type else []
    if expected.type == "MX" and lookup.outcome is Outcome.NODATA:
        types.append((expected.name, "TXT"))
    probe = wildcard_probe(expected, zone=lookup.zone)
    if probe is not None and is_other_type:
        types.append((probe[0], "A"))
    is_something = bool(lookup.values or lookup.cname)
    return [*deciding, *places, *types, *([probe] if probe and is_something else [])]
