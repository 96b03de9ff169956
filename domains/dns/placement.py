"""A record that is not at its name: misplaced, behind a wildcard, or with a CNAME in the way (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from domains.dns.answers import Lookup
from domains.dns.dmarc import is_dmarc
from domains.dns.judgement import Context, Expected, Finding, Verdict
from domains.dns.matching import OTHER_TYPES, SES_SPF, host_of, is_satisfied, mx_entries, name_beside
from domains.dns.places import MAY_BE_WILD, UNMISTAKABLE, rare_places, wrong_places
from domains.dns.spelling import bare_host, bare_text, bare_token
from domains.dns.spf import is_spf, parse_spf
from domains.names import relative_name

__all__ = ["cname_in_the_way", "misplaced", "wildcard_answer", "wildcard_probe", "wrong_places"]

MEANING = {
    "name_doubled": "a part of the name was added once more",
    "in_parent_zone": "that is the zone above, and this domain has a zone of its own",
    "at_apex": "the name field was left empty or has only @",
    "label_missing": "a part of the name, or its underscore, was left out",
    "dmarc_at_apex": "a DMARC policy counts only below _dmarc",
}


def misplaced(context: Context) -> tuple[Finding, Lookup] | None:
    """The first wrong place where the record stands, and what stands there."""
    expected, zone = context.expected, context.lookup.zone or context.domain
    where = {"domain": context.domain, "zone": context.lookup.zone}
    for place in (*rare_places(expected, **where), *wrong_places(expected, **where)):
        lookup = context.observation.get(place.name, expected.type)
        is_shared = place.code in ("in_parent_zone", "at_apex") and expected.purpose not in UNMISTAKABLE
        if lookup is None or not _is_the_record(context, place.code, lookup) or (is_shared and _has_its_own(context)):
            continue
        if place.code in MAY_BE_WILD and _is_wild(context, lookup):
            continue
        field = relative_name(expected.name, zone)
        what = f"the {expected.type} record at {place.name}"
        fix = f"Edit {what}, or remove it and add it anew: in the name field type only: {field}"
        if place.code == "in_parent_zone":
            fix = f"Remove {what}, and add it in the zone {zone} with the name: {field}"
        if is_shared:
            # It may be that name's own as well, and mail there would be lost with it.
            fix = f"Add the record with the name: {field} (leave the one at {place.name} if that name needs it too)"
        finding = Finding(
            place.code,
            Verdict.MISSING,
            f"The record is at {place.name} instead of {expected.name}: {MEANING[place.code]}.",
            fix,
        )
        return finding, lookup
    return None


def _is_wild(context: Context, lookup: Lookup) -> bool:
    """A wildcard with the record in it answers at every place that is asked for, and nobody has put it there."""
    beside = context.observation.get(name_beside(lookup.name), lookup.type)
    return beside is not None and bool(beside.values) and set(beside.values) == set(lookup.values)


def _has_its_own(context: Context) -> bool:
    """A name with an MX set or SPF record of its own does not miss the one above."""
    return any(context.expected.type == "MX" or is_spf(value) for value in context.values)


def _is_the_record(context: Context, code: str, lookup: Lookup) -> bool:
    """What stands there can only be this record, be it with a mistake of its own."""
    expected, values = context.expected, lookup.values
    # The zone's own SPF record is its own matter, unless it is to the letter what was asked for below.
    if expected.purpose in ("ownership", "claim") or (expected.purpose == "spf" and code == "at_apex"):
        return bare_token(expected.value).lower() in [bare_token(value).lower() for value in values]
    if expected.purpose == "dmarc":
        return any(is_dmarc(bare_text(value)) for value in values)
    if expected.purpose in ("spf", "mail_from_spf"):
        texts = [bare_text(value) for value in values]
        return any(is_spf(text) and parse_spf(text).includes(SES_SPF) for text in texts) or (
            bool(values) and is_satisfied(expected, values, context.observation)
        )
    return host_of(expected.value) in [meant_host(context, host) for host in hosts_in(expected, values)]


def hosts_in(expected: Expected, values: Sequence[str]) -> list[str]:
    """The hosts that an MX set or a CNAME names, as they stand there."""
    return [host for _, host in mx_entries(values)] if expected.type == "MX" else list(values)


def meant_host(context: Context, host: str) -> str:
    """The host without what was typed or added around it."""
    zones = (context.lookup.zone, context.domain)
    return bare_host(host, zones, is_priority_kept=context.expected.type != "MX")


def wildcard_probe(expected: Expected, *, zone: str) -> tuple[str, str] | None:
    """A question beside the record that only a wildcard would answer (RFC 4592)."""
    if expected.name == zone or "." not in expected.name:
        return None
    return name_beside(expected.name), expected.type


def _is_from_wildcard(context: Context) -> bool:
    probe = wildcard_probe(context.expected, zone=context.lookup.zone)
    if probe is None:
        return False
    if context.expected.type == "CNAME" and not context.values:
        # A wildcard of any other type makes every name below it exist.
        return any(_is_same_beside(context, probe[0], type_) for type_ in OTHER_TYPES)
    answer = context.observation.get(*probe)
    if answer is None or not (answer.values or answer.cname):
        return False
    return set(answer.values) == set(context.values) and answer.cname == context.lookup.cname


def _is_same_beside(context: Context, name: str, type_: str) -> bool:
    here, beside = (context.observation.get(each, type_) for each in (context.expected.name, name))
    if here is None or beside is None:
        return False
    return bool(here.values) and set(here.values) == set(beside.values)


def wildcard_answer(context: Context) -> Finding | None:
    if not _is_from_wildcard(context):
        return None
    expected = context.expected
    zone, parent = context.lookup.zone, expected.name.partition(".")[2]
    # One further up answers as well where nothing stands at the names between (RFC 4592 section 3.3.1).
    wildcard = f"the wildcard *.{zone}" if parent == zone else "a wildcard record of the zone"
    return Finding(
        "wildcard_answer",
        Verdict.MISSING,
        f"There is no record at {expected.name}; {wildcard} answers in its place.",
        context.addition,
    )


def cname_in_the_way(context: Context) -> Finding | None:
    expected, lookup = context.expected, context.lookup
    if expected.type == "CNAME" or not lookup.cname or _is_from_wildcard(context):
        return None
    return Finding(
        "cname_in_the_way",
        Verdict.CONFLICT,
        f"{expected.name} is a CNAME to {lookup.cname}, and nothing else can be beside it.",
        f"Remove the CNAME at {expected.name}, then: {context.instruction}",
    )
