"""What evaluating an SPF record costs a receiver: look-ups and void ones, by term (RFC 7208 section 4.6.4; pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from domains.dns.spf import LOOKUP_TERMS, MOST_LOOKUPS, Term, is_spf, parse_spf

MOST_VOID_LOOKUPS = 2
HOST_TYPES = {"a": "A", "mx": "MX", "exists": "A"}
# Beyond this nothing more is learned: the record is past its limit however it goes on.
MOST_RECORDS = 30
MOST_TERMS = 100

Question = tuple[str, str]
Known = Callable[[str, str], Sequence[str] | None]


@dataclass(frozen=True)
class TermCost:
    """One term of the record itself, and the look-ups that it and all it leads to take."""

    term: str
    lookups: int


@dataclass(frozen=True)
class Cost:
    """`unseen` are questions (name, type) whose answers are not known yet and may say more: one of an include counts as
    the one look-up that it surely takes."""

    lookups: int
    void_lookups: int
    by_term: tuple[TermCost, ...]
    unseen: tuple[Question, ...]

    @property
    def is_too_much(self) -> bool:
        return self.lookups > MOST_LOOKUPS or self.void_lookups > MOST_VOID_LOOKUPS


def cost_of(text: str, known: Known, *, at: str, free: str = "") -> Cost:
    """Count what the record at the name `at` makes a receiver look up, down to the last include.

    `known` gives the values at (name, type), None where they are not known; `free` is a host whose own record is known
    to ask for nothing more. What an `a`, `mx` or `exists` finds is asked only where it could exceed the void look-ups;
    a receiver that was called over IPv4 asks an `a` for A alone, and so does this.
    """
    count = _Count(known, free)
    by_term = tuple(TermCost(term.text, count.of(term, (at,))) for term in lookup_terms(text))
    found = {question: known(*question) for question in dict.fromkeys(count.hosts)}
    voids = count.voids + sum(found[question] == () for question in count.hosts)
    open_ones = [question for question in count.hosts if found[question] is None]
    if voids + len(open_ones) > MOST_VOID_LOOKUPS >= voids:
        count.unseen += open_ones
    return Cost(sum(each.lookups for each in by_term), voids, by_term, tuple(dict.fromkeys(count.unseen)))


@dataclass
class _Count:
    """A walk over includes under way; `hosts` are the questions of terms that name hosts and not records."""

    known: Known
    free: str
    unseen: list[Question] = field(default_factory=list)
    hosts: list[Question] = field(default_factory=list)
    voids: int = 0
    visited: int = 0
    # Whether the walk has come to `free`: its senders pass there, whatever stands behind.
    is_past_free: bool = False

    def of(self, term: Term, path: tuple[str, ...]) -> int:
        """The term's own look-up, and those below it; `path` are the names whose records led here."""
        target = term.target
        if term.name in HOST_TYPES:
            host = target.partition("/")[0] or path[-1]
            if "%" not in host:
                self.hosts.append((host, HOST_TYPES[term.name]))
            return 1
        self.is_past_free = self.is_past_free or target == self.free
        if target in path and not self.is_past_free:
            # A record that comes back to itself takes look-ups without end.
            return MOST_LOOKUPS + 1
        if term.name not in ("include", "redirect") or target == self.free or target in path or "%" in target:
            return 1
        self.visited += 1
        if self.visited > MOST_RECORDS:
            return 1
        values = self.known(target, "TXT")
        if values is None:
            self.unseen.append((target, "TXT"))
            return 1
        records = [value for value in values if is_spf(value)]
        if not records:
            self.voids += 1
            return 1
        return 1 + sum(self.of(each, (*path, target)) for each in lookup_terms(records[0]))


def lookup_terms(text: str) -> list[Term]:
    """The terms that make a receiver ask, in order, the first MOST_TERMS of them.

    Behind `all` nothing is evaluated, and no redirect beside it.
    """
    terms = parse_spf(text).terms
    ends = next((index for index, term in enumerate(terms) if term.name == "all"), None)
    asking = (
        term
        for term in terms[:ends]
        if term.name in LOOKUP_TERMS and not (ends is not None and term.name == "redirect")
    )
    return list(islice(asking, MOST_TERMS))
