"""The names where a record is put by mistake, and the code of each such mistake (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from domains.dns.faults import OrElse
from domains.dns.judgement import Expected
from domains.names import ancestors, is_below, registrable_domain, relative_name

# Their values are this one domain's: seen elsewhere, they are misplaced. An MX or SPF record there may belong there.
UNMISTAKABLE = frozenset({"ownership", "claim", "dkim"})

# The other codes are of names that certainly exist, where no wildcard answers.
MAY_BE_WILD = frozenset({"name_doubled", "label_missing"})


@dataclass(frozen=True)
class Place:
    """A name where the record may stand by mistake, and the code of that mistake."""

    code: str
    name: str


@dataclass(frozen=True)
class RarePlace(Place):
    """One where little ever stands: worth a question only where something stands at its `stem`, or below it."""

    stem: str


@OrElse(())
def wrong_places(expected: Expected, *, domain: str, zone: str) -> tuple[Place, ...]:
    """Where the record is looked for at once, in the order of precedence, the right name left out."""
    zone = zone or domain
    labels = _labels(expected, domain)
    places = [Place("name_doubled", f"{expected.name}.{zone}")]
    if expected.purpose in UNMISTAKABLE:
        places += _unmistakable(labels, domain, zone)
    if expected.purpose == "spf" and is_below(domain, zone):
        places.append(Place("at_apex", zone))
    if expected.purpose == "inbound":
        places += [Place("in_parent_zone", name) for name in _above(domain) if zone == domain]
        places += [Place("at_apex", zone)] if is_below(domain, zone) else []
    if expected.purpose in ("mail_from_mx", "mail_from_spf"):
        places += [Place("label_missing", f"{labels[0]}.{zone}")] if is_below(domain, zone) else []
    if expected.purpose == "mail_from_mx":
        places += [Place("at_apex", domain), Place("at_apex", zone)]
    if expected.purpose == "dmarc":
        places += [Place("label_missing", f"dmarc.{domain}"), Place("dmarc_at_apex", domain)]
        places += [Place("dmarc_at_apex", zone)] if is_below(domain, zone) else []
    return tuple(place for place in dict.fromkeys(places) if place.name != expected.name)


@OrElse(())
def rare_places(expected: Expected, *, domain: str, zone: str) -> tuple[RarePlace, ...]:
    """What else comes of typing more than the form asks for: it adds the domain, or the label that it asks for."""
    labels, name = _labels(expected, domain), expected.name
    places: list[RarePlace] = []
    if zone and is_below(domain, zone):
        for added in (domain, relative_name(domain, zone)):
            places.append(RarePlace("name_doubled", ".".join([*labels, added, domain]).strip("."), f"{added}.{domain}"))
    if labels[-1].startswith("_"):
        stem = f"{labels[-1]}.{labels[-1]}.{domain}"
        places.append(RarePlace("name_doubled", ".".join([*labels, labels[-1], domain]), stem))
    return tuple(place for place in places if place.name != name)


def _labels(expected: Expected, domain: str) -> list[str]:
    return expected.name.removesuffix(domain).removesuffix(".").split(".")


def _above(domain: str) -> list[str]:
    """The names above the domain that its owner may have too, nearest first."""
    top = registrable_domain(domain)
    return [name for name in ancestors(domain) if name == top or is_below(name, top)]


def _unmistakable(labels: list[str], domain: str, zone: str) -> list[Place]:
    prefix = ".".join(labels)
    places: list[Place] = []
    if zone == domain:
        places += [Place("in_parent_zone", f"{prefix}.{name}") for name in _above(domain)]
    places += [Place("at_apex", domain), Place("at_apex", zone)]
    if is_below(domain, zone):
        places.append(Place("label_missing", f"{prefix}.{zone}"))
    if len(labels) > 1:
        places += [Place("label_missing", f"{labels[0]}.{domain}"), Place("label_missing", f"{labels[-1]}.{domain}")]
    if "_" in prefix:
        places.append(Place("label_missing", f"{prefix.replace('_', '')}.{domain}"))
    return places
