"""Whether values are what a record asks for: one matcher a purpose, valid variants included (pure).

Names and host targets match in any case and with or without a trailing dot; TXT values match exactly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from domains.dns.answers import Observation, Outcome
from domains.dns.dmarc import is_dmarc, parse_dmarc, report_addresses
from domains.dns.faults import OrElse
from domains.dns.judgement import Expected
from domains.dns.places import MAY_BE_WILD, rare_places, wrong_places
from domains.dns.spf import authorises, is_spf, parse_spf
from domains.dns.spf_cost import Cost, cost_of
from domains.dns.spf_union import unite
from domains.names import ancestors, is_below, registrable_domain

SES_SPF = "amazonses.com"
NOTHING_SEEN = Observation({})
NOBODYS_LABEL = "postern-asks-for-nothing"
# Reports go to one or two others as a rule; each costs a question.
MOST_REPORT_HOSTS = 5
# The type that SPF records once had (RFC 7208 section 3.1); receivers do not ask for it.
SPF_TYPE = "SPF"
# What may stand where a CNAME should be, the commonest first.
OTHER_TYPES = ("A", "TXT", "AAAA", "MX")
# What a text at `_dmarc` has that was meant as a policy: the version, or a policy's tag at its beginning.
DMARC_ATTEMPT = re.compile(
    r"\W*v\W{0,3}dmarc|\W*dmarc\W{0,2}(?:\d|;)|\W*p\s*[=:]|(?:^|.*[;,\s])[sn]?p\s*[=:]\s*(?:none|quarantine|reject)\b",
    re.IGNORECASE | re.DOTALL,
)


def host_of(text: str) -> str:
    return text.strip().rstrip(".").lower()


def mx_entries(values: Sequence[str]) -> list[tuple[int, str]]:
    """("10 host", ...) as (10, "host"); the null MX has an empty host (RFC 7505)."""
    entries: list[tuple[int, str]] = []
    for value in values:
        preference, _, host = value.partition(" ")
        if preference.isascii() and preference.isdigit():
            entries.append((int(preference), host_of(host)))
    return entries


def is_inbound(expected: Expected, values: Sequence[str], seen: Observation) -> bool:
    """Our endpoint is in the set and no other host is at a lower or equal preference."""
    entries = mx_entries(values)
    ours = [preference for preference, host in entries if host == host_of(expected.value)]
    return bool(ours) and all(preference > min(ours) for preference, host in entries if host != host_of(expected.value))


def is_only_mx(expected: Expected, values: Sequence[str], seen: Observation) -> bool:
    """A MAIL FROM subdomain has exactly one MX record, whatever its preference."""
    return [host for _, host in mx_entries(values)] == [host_of(expected.value)]


def is_cname(expected: Expected, values: Sequence[str], seen: Observation) -> bool:
    return [host_of(value) for value in values] == [host_of(expected.value)]


def is_exact_txt(expected: Expected, values: Sequence[str], seen: Observation) -> bool:
    return expected.value in values


def is_spf_for_ses(expected: Expected, values: Sequence[str], seen: Observation) -> bool:
    """Exactly one SPF record, well-formed, that lets SES's senders pass by itself or by what it includes."""
    records = [value for value in values if is_spf(value)]
    if len(records) != 1 or parse_spf(records[0]).errors or spf_cost(expected, records[0], seen).is_too_much:
        return False
    return authorises(records[0], SES_SPF, lambda name: known_txt(seen, name)).is_given


def one_spf(records: Sequence[str]) -> str | None:
    """The SPF record, or of several the one that they would be together; None where that can not be told."""
    return records[0] if len(records) == 1 else unite(records) if records else None


def spf_cost(expected: Expected, record: str, seen: Observation) -> Cost:
    """What evaluating the record there costs a receiver, as far as what it refers to is known."""
    return cost_of(record, lambda name, type_: known_values(seen, name, type_), at=expected.name, free=SES_SPF)


def is_dmarc_policy(expected: Expected, values: Sequence[str], seen: Observation) -> bool:
    """Exactly one DMARC record with a valid policy, which is the owner's choice, or one inherited from above."""
    records = [value for value in values if is_dmarc(value)]
    if not records and not any(looks_like_dmarc(value) for value in values):
        return bool(_inherited_dmarc(expected, seen))
    return len(records) == 1 and parse_dmarc(records[0]).is_valid


MATCHERS: dict[str, Callable[[Expected, Sequence[str], Observation], bool]] = {
    "inbound": is_inbound,
    "ownership": is_exact_txt,
    "claim": is_exact_txt,
    "dkim": is_cname,
    "spf": is_spf_for_ses,
    "dmarc": is_dmarc_policy,
    "mail_from_mx": is_only_mx,
    "mail_from_spf": is_spf_for_ses,
}


def matches(expected: Expected, values: Sequence[str], seen: Observation) -> bool:
    """Whether these values are what was asked for, in any valid spelling; `seen` holds what they refer to."""
    return MATCHERS[expected.purpose](expected, values, seen)


@OrElse(False)
def is_satisfied(expected: Expected, values: Sequence[str], seen: Observation = NOTHING_SEEN) -> bool:
    """The same, and never an exception."""
    return matches(expected, values, seen)


@OrElse(())
def deciding_names(expected: Expected, values: Sequence[str], seen: Observation) -> tuple[str, ...]:
    """Names whose TXT records would decide whether these values do, and are not known: SPF includes, DMARC above."""
    if expected.purpose in ("spf", "mail_from_spf"):
        records = [value for value in values if is_spf(value)]
        if len(records) == 1:
            return authorises(records[0], SES_SPF, lambda name: known_txt(seen, name)).unseen
    if expected.purpose == "dmarc" and not any(looks_like_dmarc(value) for value in values):
        return tuple(_unknown_above(expected, seen))
    return ()


def _unknown_above(expected: Expected, seen: Observation) -> Iterator[str]:
    """All at once, up to the first policy that is known: a walk one by one would come to its end too late."""
    for name in dmarc_names_above(expected):
        records_above = known_txt(seen, name)
        if records_above is None:
            yield name
        elif any(is_dmarc(value) for value in records_above):
            return


@OrElse(())
def informing_questions(expected: Expected, values: Sequence[str], seen: Observation) -> tuple[tuple[str, str], ...]:
    """What tells more than whether the record does its work, (name, type): what follows from it, or stands instead."""
    asides = () if is_satisfied(expected, values, seen) else _questions_aside(expected, values, seen)
    return (*referred_questions(expected, values, seen), *asides)


@OrElse(())
def referred_questions(expected: Expected, values: Sequence[str], seen: Observation) -> tuple[tuple[str, str], ...]:
    """What says whether a record that does its work may still be too much, or reach nobody."""
    if expected.purpose in ("spf", "mail_from_spf"):
        record = one_spf([value for value in values if is_spf(value)])
        return spf_cost(expected, record, seen).unseen if record else ()
    if expected.purpose == "dmarc":
        records = [value for value in values if is_dmarc(value)]
        return tuple((name, "TXT") for name in report_permissions(expected, records[0])) if len(records) == 1 else ()
    return ()


def _questions_aside(expected: Expected, values: Sequence[str], seen: Observation) -> tuple[tuple[str, str], ...]:
    """What a record that is not right may be instead: of another type, or at a rare name."""
    asides = [*_questions_about_rare_places(expected, seen), *_questions_beside_places(expected, seen)]
    if expected.purpose in ("spf", "mail_from_spf") and not any(map(is_spf, values)):
        asides += [(expected.name, SPF_TYPE)] if _may_have_other_types(expected, seen) else []
    if expected.purpose == "dkim" and not values and _may_have_other_types(expected, seen):
        asides += _questions_about_other_types(expected, seen)
    return tuple(asides)


def _questions_beside_places(expected: Expected, seen: Observation) -> Iterator[tuple[str, str]]:
    """Where something stands in a wrong place: whether a wildcard put it there."""
    lookup = seen.get(expected.name, expected.type)
    where = {"domain": domain_of(expected), "zone": lookup.zone if lookup else ""}
    for place in (*rare_places(expected, **where), *wrong_places(expected, **where)):
        if place.code in MAY_BE_WILD and known_values(seen, place.name, expected.type):
            yield name_beside(place.name), expected.type


def _questions_about_rare_places(expected: Expected, seen: Observation) -> Iterator[tuple[str, str]]:
    """Only where the zone says that something is there: below a name that does not exist nothing is (RFC 8020)."""
    lookup = seen.get(expected.name, expected.type)
    outcome = lookup.outcome if lookup else Outcome.UNKNOWN
    for place in rare_places(expected, domain=domain_of(expected), zone=lookup.zone if lookup else ""):
        if is_below(place.name, expected.name):
            if outcome is Outcome.NODATA:
                yield place.name, expected.type
        elif outcome is Outcome.NXDOMAIN:
            yield place.stem, "TXT"
            stem = seen.get(place.stem, "TXT")
            if stem is not None and stem.outcome in (Outcome.FOUND, Outcome.NODATA):
                yield place.name, expected.type


def domain_of(expected: Expected) -> str:
    """The domain that the record is asked for: its name without the labels that its purpose puts before."""
    if expected.purpose in ("inbound", "spf"):
        return expected.name
    parent = expected.name.partition(".")[2]
    return parent.partition(".")[2] if expected.purpose == "dkim" else parent


def _may_have_other_types(expected: Expected, seen: Observation) -> bool:
    """A name that does not exist has none, nor one that is a CNAME."""
    lookup = seen.get(expected.name, expected.type)
    return lookup is not None and lookup.outcome in (Outcome.FOUND, Outcome.NODATA) and not lookup.cname


def _questions_about_other_types(expected: Expected, seen: Observation) -> tuple[tuple[str, str], ...]:
    """What else stands at the name of a CNAME, and, where something does, whether a wildcard put it there."""
    found = [type_ for type_ in OTHER_TYPES if known_values(seen, expected.name, type_)]
    if found:
        return tuple((name_beside(expected.name), type_) for type_ in found)
    is_common_known = all(seen.get(expected.name, type_) for type_ in OTHER_TYPES[:2])
    return tuple((expected.name, type_) for type_ in OTHER_TYPES[: None if is_common_known else 2])


def name_beside(name: str) -> str:
    """A name that only a wildcard would answer for (RFC 4592)."""
    return f"{NOBODYS_LABEL}.{name.partition('.')[2]}"


def report_permissions(expected: Expected, record: str) -> tuple[str, ...]:
    """Where others' domains must say that they take this domain's reports (RFC 7489 section 7.1); the first few."""
    domain = expected.name.removeprefix("_dmarc.")
    hosts = dict.fromkeys(host_of(address.rpartition("@")[2]) for address in report_addresses(record))
    others = [host for host in hosts if host and registrable_domain(host) != registrable_domain(domain)]
    return tuple(f"{domain}._report._dmarc.{host}" for host in others[:MOST_REPORT_HOSTS])


def looks_like_dmarc(value: str) -> bool:
    """A DMARC record, or what was meant as one."""
    return DMARC_ATTEMPT.match(value) is not None or "dmarc1" in value.lower()


def known_txt(seen: Observation, name: str) -> tuple[str, ...] | None:
    """The TXT values at a name; None where it was not asked for or not answered."""
    return known_values(seen, name, "TXT")


def known_values(seen: Observation, name: str, type_: str) -> tuple[str, ...] | None:
    """The same of any type."""
    lookup = seen.get(name, type_)
    if lookup is None or lookup.outcome is Outcome.UNKNOWN:
        return None
    # Of a host it is not asked where a CNAME leads: to something, as a rule.
    is_led_away = bool(lookup.cname) and not lookup.values and type_ in ("A", "AAAA", "MX")
    return None if is_led_away else lookup.values


def dmarc_names_above(expected: Expected) -> tuple[str, ...]:
    """`_dmarc` of each parent up to the organizational domain, nearest first (RFC 7489 6.6.3, RFC 9989 tree walk)."""
    domain = expected.name.removeprefix("_dmarc.")
    top = registrable_domain(domain)
    return tuple(f"_dmarc.{name}" for name in ancestors(domain) if name == top or is_below(name, top))


@OrElse(())
def inherited_dmarc(expected: Expected, seen: Observation) -> tuple[str, ...]:
    """The record above that holds for this name, as ("_dmarc.parent: text",), or nothing."""
    return _inherited_dmarc(expected, seen)


def _inherited_dmarc(expected: Expected, seen: Observation) -> tuple[str, ...]:
    for name in dmarc_names_above(expected):
        records = [value for value in known_txt(seen, name) or () if is_dmarc(value)]
        if len(records) == 1 and parse_dmarc(records[0]).is_valid:
            return (f"{name}: {records[0]}",)
    return ()
