"""Several SPF records at one name, of which none counts, as the one that lets all their senders pass (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from domains.dns.spf import VERSION, SpfRecord, Term, parse_spf
from domains.dns.spf_repair import repair_spf

# The more lenient first; `+all`, which lets the whole world send, only where nothing else was asked for.
LENIENT_FIRST = "?~-+"


def unite(records: Sequence[str]) -> str | None:
    """One record with the terms of all, each once, and the most lenient `all`; None where a mistake can not be told.

    A name server gives the records in any order, and the result is the same for each. Terms that no receiver comes to
    are left out. A `redirect` counts only where it is alone (RFC 7208 section 6.1), else it becomes an include.
    """
    sound = [record if not parse_spf(record).errors else repair_spf(record) for record in sorted(records)]
    meant = [parse_spf(record) for record in sound if record is not None]
    if len(meant) < len(sound):
        return None
    ends = [term for record in meant for term in record.terms if term.name == "all"]
    redirects = list(dict.fromkeys(record.redirect for record in meant if record.redirect))
    is_redirect_kept = not ends and len(redirects) == 1
    words: dict[str, str] = {}
    for record in meant:
        for term in _mechanisms(record):
            words.setdefault(_same(term), term.text)
        if record.redirect and not is_redirect_kept:
            words.setdefault(f"+include:{record.redirect}", f"include:{record.redirect}")
    tail = [min((term.text for term in ends), key=_lenience)] if ends else []
    tail += [f"redirect={redirects[0]}"] if is_redirect_kept else []
    tail += [term.text for record in meant for term in record.terms if term.name == "exp"][:1]
    return " ".join([VERSION, *words.values(), *tail])


def _mechanisms(record: SpfRecord) -> list[Term]:
    """What a receiver goes through: nothing behind `all`."""
    end = next((index for index, term in enumerate(record.terms) if term.name == "all"), len(record.terms))
    return [term for term in record.terms[:end] if not term.is_modifier]


def _same(term: Term) -> str:
    return f"{term.qualifier}{term.name}:{term.target}"


def _lenience(word: str) -> int:
    return LENIENT_FIRST.index(parse_spf(f"{VERSION} {word}").terms[0].qualifier)
