"""Where a record that is not at its name may have been put instead: the places to look, and what each means (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from domains.dns.judgement import Context, Expected, Finding, Verdict
from domains.dns.matching import is_satisfied
from domains.names import ancestors, is_below, registrable_domain, relative_name

# Their values are this one domain's: seen elsewhere, they are misplaced. An MX or SPF record there may belong there.
UNMISTAKABLE = frozenset({"ownership", "claim", "dkim"})


NOBODYS_LABEL = "postern-asks-for-nothing"


@dataclass(frozen=True)
class Place:
    """A name where the record may stand by mistake, and the code of that mistake."""

    code: str
    name: str


def wrong_places(expected: Expected, *, domain: str, zone: str) -> tuple[Place, ...]:
    """In the order of precedence, the right name left out."""
    zone = zone or domain
    places = [Place("name_doubled", f"{expected.name}.{zone}")]
    if expected.purpose in UNMISTAKABLE:
        places += _unmistakable(expected, domain, zone)
    if expected.purpose == "inbound" and is_below(domain, zone):
        places.append(Place("at_apex", zone))
    if expected.purpose == "dmarc":
        places += [Place("label_missing", f"dmarc.{domain}"), Place("dmarc_at_apex", domain)]
    return tuple(place for place in dict.fromkeys(places) if place.name != expected.name)


def _unmistakable(expected: Expected, domain: str, zone: str) -> list[Place]:
    labels = expected.name.removesuffix("." + domain).split(".")
    prefix = ".".join(labels)
    places: list[Place] = []
    if zone == domain:
        top = registrable_domain(domain)
        above = [name for name in ancestors(domain) if name == top or is_below(name, top)]
        places += [Place("in_parent_zone", f"{prefix}.{name}") for name in above]
    places += [Place("at_apex", domain), Place("at_apex", zone)]
    if is_below(domain, zone):
        places.append(Place("label_missing", f"{prefix}.{zone}"))
    if len(labels) > 1:
        places.append(Place("label_missing", f"{labels[0]}.{domain}"))
    if "_" in prefix:
        places.append(Place("label_missing", f"{prefix.replace('_', '')}.{domain}"))
    return places


MEANING = {
    "name_doubled": "your DNS host added the zone's name once more",
    "in_parent_zone": "that is the zone above, and this domain has a zone of its own",
    "at_apex": "the name field was left empty or has only @",
    "label_missing": "a part of the name, or its underscore, was left out",
    "dmarc_at_apex": "a DMARC policy counts only below _dmarc",
}


def misplaced(context: Context) -> Finding | None:
    """The first wrong place where the record stands."""
    expected, zone = context.expected, context.lookup.zone or context.domain
    for place in wrong_places(expected, domain=context.domain, zone=context.lookup.zone):
        lookup = context.observation.get(place.name, expected.type)
        if lookup is None or not lookup.values or not is_satisfied(expected, lookup.values, context.observation):
            continue
        field = relative_name(expected.name, zone)
        fix = f"In the name field type only: {field}"
        if place.code == "in_parent_zone":
            fix = f"Move the record to the zone {zone}, with the name: {field}"
        return Finding(
            place.code,
            Verdict.MISSING,
            f"The record is at {place.name} instead of {expected.name}: {MEANING[place.code]}.",
            fix,
        )
    return None


def wildcard_probe(expected: Expected, *, zone: str) -> tuple[str, str] | None:
    """A question beside the record that only a wildcard would answer (RFC 4592)."""
    if expected.name == zone or "." not in expected.name:
        return None
    return f"{NOBODYS_LABEL}.{expected.name.partition('.')[2]}", expected.type


def _is_from_wildcard(context: Context) -> bool:
    probe = wildcard_probe(context.expected, zone=context.lookup.zone)
    if probe is None:
        return False
    if context.expected.type == "CNAME" and not context.values:
        # The wildcard of an address, the commonest there is, makes every name below it exist.
        here, beside = (context.observation.get(name, "A") for name in (context.expected.name, probe[0]))
        if here is None or beside is None:
            return False
        return bool(here.values) and set(here.values) == set(beside.values)
    answer = context.observation.get(*probe)
    if answer is None or not (answer.values or answer.cname):
        return False
    return set(answer.values) == set(context.values) and answer.cname == context.lookup.cname


def wildcard_answer(context: Context) -> Finding | None:
    if not _is_from_wildcard(context):
        return None
    expected = context.expected
    parent = expected.name.partition(".")[2]
    return Finding(
        "wildcard_answer",
        Verdict.MISSING,
        f"There is no record at {expected.name}; the wildcard *.{parent} answers in its place.",
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
