"""What one look says of a name as a whole: who gets its mail, its SPF and its DMARC, now and as they should be (pure).

What could not be seen is left out, so that the last known part stays: unknown is never missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domains.dns.answers import Observation, Outcome
from domains.dns.dmarc import is_dmarc, parse_dmarc
from domains.dns.dmarc_repair import merge_dmarc, repair_dmarc
from domains.dns.faults import OrElse
from domains.dns.judgement import Expected
from domains.dns.matching import (
    SES_SPF,
    deciding_names,
    inherited_dmarc,
    looks_like_dmarc,
    mx_entries,
    one_spf,
    referred_questions,
    spf_cost,
)
from domains.dns.mx_providers import Provider, provider_of
from domains.dns.spf import MOST_LOOKUPS, is_spf, merge_include, parse_spf
from domains.dns.spf_cost import MOST_VOID_LOOKUPS
from domains.dns.spf_repair import looks_like_spf, repair_spf
from domains.dns.spf_union import unite

NOBODY = Provider("none", "Nobody")
LONGEST = 4096
MOST_HOSTS = 20

Part = dict[str, object]


@dataclass(frozen=True)
class Wishes:
    """What the owner of the name asks for; an empty text asks for no such record.

    `spf_value` is the whole record where the owner orders one; otherwise SES is merged into what is there.
    """

    name: str
    dmarc_value: str = ""
    spf_value: str = ""
    is_spf_wanted: bool = True


def questions(name: str) -> list[tuple[str, str]]:
    """What a summary is made from, whether or not the name's own records ask for it."""
    return [(name, "MX"), (name, "TXT"), (f"_dmarc.{name}", "TXT")]


def further_questions(name: str, seen: Observation) -> list[tuple[str, str]]:
    """What the answers refer to: the includes of the SPF record, the policies above the name."""
    found: list[tuple[str, str]] = []
    for expected in (_spf_of(name), _dmarc_of(name)):
        lookup = seen.get(expected.name, "TXT")
        if lookup is not None and lookup.outcome is not Outcome.UNKNOWN:
            found += [(each, "TXT") for each in deciding_names(expected, lookup.values, seen)]
            found += referred_questions(expected, lookup.values, seen)
    return [each for each in dict.fromkeys(found) if len(each[0]) <= 253 and each not in seen.lookups]


def _spf_of(name: str) -> Expected:
    return Expected("spf", "TXT", name, "")


def _dmarc_of(name: str) -> Expected:
    return Expected("dmarc", "TXT", f"_dmarc.{name}", "")


def summarise(seen: Observation, wishes: Wishes) -> dict[str, Part]:
    """The parts that could be seen, ready for JSON.

    `mail_today` {code, name, hosts}; `spf` {current, proposed, lookups, void_lookups, by_term, refusal}; `dmarc`
    {current, proposed, inherited_from}. Of several records `current` has one a line, `proposed` is one in their place,
    and the look-ups are those of all together. A `proposed` of None is: change nothing, or for SPF the `refusal`:
    `several` (with a mistake among them), `syntax`, `too_many_lookups`, `too_long`.
    """
    parts: dict[str, Part | None] = {
        "mail_today": mail_today(_values(seen, wishes.name, "MX")),
        "spf": _spf(seen, wishes),
        "dmarc": _dmarc(seen, wishes),
    }
    return {key: part for key, part in parts.items() if part is not None}


def _values(seen: Observation, name: str, type_: str) -> tuple[str, ...] | None:
    lookup = seen.get(name, type_)
    return None if lookup is None or lookup.outcome is Outcome.UNKNOWN else lookup.values


@OrElse(None)
def mail_today(values: Sequence[str] | None) -> Part | None:
    """Who the MX set belongs to, told by its most preferred host; a null MX (RFC 7505) is nobody's."""
    if values is None:
        return None
    hosts = [host for _, host in sorted(mx_entries(values)) if host][:MOST_HOSTS]
    provider = NOBODY if not hosts else provider_of(hosts[:1]) or provider_of(hosts) or Provider("other", hosts[0])
    return {"code": provider.code, "name": provider.name, "hosts": hosts}


@OrElse(None)
def _spf(seen: Observation, wishes: Wishes) -> Part | None:
    values = _values(seen, wishes.name, "TXT")
    if values is None:
        return None
    records = [value for value in values if is_spf(value)]
    counted = one_spf(records)
    cost = spf_cost(_spf_of(wishes.name), counted, seen) if counted else None
    proposed, refusal = _proposed_spf(records, values, seen, wishes)
    return {
        "current": _shown(records),
        "proposed": proposed,
        "lookups": cost.lookups if cost else 0,
        "void_lookups": cost.void_lookups if cost else 0,
        "by_term": [{"term": each.term, "lookups": each.lookups} for each in cost.by_term] if cost else [],
        "refusal": refusal,
    }


def _proposed_spf(
    records: Sequence[str], values: Sequence[str], seen: Observation, wishes: Wishes
) -> tuple[str | None, str]:
    if not wishes.is_spf_wanted:
        return (records[0] if len(records) == 1 else None), ""
    if wishes.spf_value:
        return wishes.spf_value, ""
    meant = _meant_spf(records, values)
    if records and meant is None:
        return None, "several" if len(records) > 1 else "syntax"
    merged = merge_include(meant, SES_SPF)
    if len(merged) > LONGEST:
        return None, "too_long"
    cost = spf_cost(_spf_of(wishes.name), merged, seen)
    is_over = cost.lookups > MOST_LOOKUPS or cost.void_lookups > MOST_VOID_LOOKUPS
    return (None, "too_many_lookups") if is_over else (merged, "")


def _meant_spf(records: Sequence[str], values: Sequence[str]) -> str | None:
    """The record; of several, of one with a mistake, or of a text that was meant as one, what it comes to."""
    if len(records) > 1:
        return unite(records)
    if records and not parse_spf(records[0]).errors:
        return records[0]
    attempts = records or [value for value in values if looks_like_spf(value)]
    return repair_spf(attempts[0]) if attempts else None


@OrElse(None)
def _dmarc(seen: Observation, wishes: Wishes) -> Part | None:
    expected = _dmarc_of(wishes.name)
    values = _values(seen, expected.name, "TXT")
    if values is None:
        return None
    records = [value for value in values if looks_like_dmarc(value)]
    if not records and deciding_names(expected, values, seen):
        # Whether a policy above holds for the name is not known.
        return None
    inherited = inherited_dmarc(expected, seen) if not records else ()
    if inherited:
        owner, _, text = inherited[0].partition(": ")
        return {"current": _shown([text]), "proposed": None, "inherited_from": owner.removeprefix("_dmarc.")}
    return {"current": _shown(records), "proposed": _proposed_dmarc(records, wishes), "inherited_from": None}


def _proposed_dmarc(records: Sequence[str], wishes: Wishes) -> str | None:
    """A record that does its work stays as it is; a new one is never weaker than what was found."""
    counted = [record for record in records if is_dmarc(record)]
    if len(counted) == 1 and len(counted[0]) <= LONGEST:
        parsed = parse_dmarc(counted[0])
        if parsed.is_valid and not parsed.ignored:
            return counted[0]
    if not records or not wishes.dmarc_value:
        return wishes.dmarc_value or None
    otherwise = parse_dmarc(wishes.dmarc_value).policy or "none"
    if len(records) == 1:
        return repair_dmarc(records[0], otherwise=otherwise)
    return merge_dmarc(counted or records, otherwise=otherwise)


def _shown(records: Sequence[str]) -> str | None:
    return "\n".join(records)[:LONGEST] if records else None


def part_of(summary: Mapping[str, Part], key: str) -> Part:
    """A part of a stored summary; empty where it was never seen."""
    return summary.get(key) or {}
