"""Whether values are what a record asks for: one matcher a purpose, valid variants included (pure).

Names and host targets match in any case and with or without a trailing dot; TXT values match exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from domains.dns.answers import Observation, Outcome
from domains.dns.dmarc import is_dmarc, parse_dmarc, report_addresses
from domains.dns.judgement import Expected
from domains.dns.spf import authorises, is_spf, parse_spf
from domains.dns.spf_cost import Cost, cost_of
from domains.names import ancestors, is_below, registrable_domain

SES_SPF = "amazonses.com"
NOTHING_SEEN = Observation({})


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


def spf_cost(expected: Expected, record: str, seen: Observation) -> Cost:
    """What evaluating the record there costs a receiver, as far as what it refers to is known."""
    return cost_of(record, lambda name, type_: known_values(seen, name, type_), at=expected.name, free=SES_SPF)


def is_dmarc_policy(expected: Expected, values: Sequence[str], seen: Observation) -> bool:
    """Exactly one DMARC record with a valid policy, which is the owner's choice, or one inherited from above."""
    records = [value for value in values if is_dmarc(value)]
    if not records and not any(looks_like_dmarc(value) for value in values):
        return bool(inherited_dmarc(expected, seen))
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


def is_satisfied(expected: Expected, values: Sequence[str], seen: Observation = NOTHING_SEEN) -> bool:
    """Whether these values are what was asked for, in any valid spelling; `seen` holds what they refer to."""
    return MATCHERS[expected.purpose](expected, values, seen)


def deciding_names(expected: Expected, values: Sequence[str], seen: Observation) -> tuple[str, ...]:
    """Names whose TXT records would decide whether these values do, and are not known: SPF includes, DMARC above."""
    if expected.purpose in ("spf", "mail_from_spf"):
        records = [value for value in values if is_spf(value)]
        if len(records) == 1:
            return authorises(records[0], SES_SPF, lambda name: known_txt(seen, name)).unseen
    if expected.purpose == "dmarc" and not any(looks_like_dmarc(value) for value in values):
        for name in dmarc_names_above(expected):
            records_above = known_txt(seen, name)
            if records_above is None:
                return (name,)
            if any(is_dmarc(value) for value in records_above):
                return ()
    return ()


def informing_questions(expected: Expected, values: Sequence[str], seen: Observation) -> tuple[tuple[str, str], ...]:
    """What says whether a record that does its work may still be too much, or reach nobody: (name, type)."""
    if expected.purpose in ("spf", "mail_from_spf"):
        records = [value for value in values if is_spf(value)]
        return spf_cost(expected, records[0], seen).unseen if len(records) == 1 else ()
    if expected.purpose == "dmarc":
        records = [value for value in values if is_dmarc(value)]
        return tuple((name, "TXT") for name in report_permissions(expected, records[0])) if len(records) == 1 else ()
    return ()


def report_permissions(expected: Expected, record: str) -> tuple[str, ...]:
    """Where others' domains must say that they take this domain's reports (RFC 7489 section 7.1)."""
    domain = expected.name.removeprefix("_dmarc.")
    hosts = dict.fromkeys(host_of(address.rpartition("@")[2]) for address in report_addresses(record))
    return tuple(
        f"{domain}._report._dmarc.{host}"
        for host in hosts
        if host and registrable_domain(host) != registrable_domain(domain)
    )


def looks_like_dmarc(value: str) -> bool:
    return "dmarc1" in value.lower()


def known_txt(seen: Observation, name: str) -> tuple[str, ...] | None:
    """The TXT values at a name; None where it was not asked for or not answered."""
    return known_values(seen, name, "TXT")


def known_values(seen: Observation, name: str, type_: str) -> tuple[str, ...] | None:
    """The same of any type."""
    lookup = seen.get(name, type_)
    return None if lookup is None or lookup.outcome is Outcome.UNKNOWN else lookup.values


def dmarc_names_above(expected: Expected) -> tuple[str, ...]:
    """`_dmarc` of each parent up to the organizational domain, nearest first (RFC 7489 6.6.3, RFC 9989 tree walk)."""
    domain = expected.name.removeprefix("_dmarc.")
    top = registrable_domain(domain)
    return tuple(f"_dmarc.{name}" for name in ancestors(domain) if name == top or is_below(name, top))


def inherited_dmarc(expected: Expected, seen: Observation) -> tuple[str, ...]:
    """The record above that holds for this name, as ("_dmarc.parent: text",), or nothing."""
    for name in dmarc_names_above(expected):
        records = [value for value in known_txt(seen, name) or () if is_dmarc(value)]
        if records:
            is_one = len(records) == 1 and parse_dmarc(records[0]).is_valid
            return (f"{name}: {records[0]}",) if is_one else ()
    return ()
