"""In which order the servers of a zone are asked for its records, where they are too many to ask all for all (pure).

A check of a domain in good order may cost 40 questions: first comes what decides, then every record at some servers,
in turns that give each server its share, then the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

Question = tuple[str, str]


class Weight(IntEnum):
    """How much a record has to be seen at all servers: those that prove a name always are."""

    OTHER = 0
    NEEDED = 1
    DECIDES = 2


@dataclass(frozen=True)
class Ask:
    """A question to one server of the name's zone, by its number, or to the resolver: the public view."""

    question: Question
    server: int | None

    @property
    def is_public(self) -> bool:
        return self.server is None


def in_order(servers: Mapping[Question, int], weights: Mapping[Question, Weight], *, turn: int) -> list[Ask]:
    """All there is to ask, what matters most first; `servers` counts those of each question's zone.

    `turn` is any number, and another one lets other servers begin: one for each domain, so that its looks agree.
    """
    ranked: list[tuple[int, Ask]] = []
    branches: set[str] = set()
    for number, (question, count) in enumerate(servers.items()):
        weight = weights.get(question, Weight.OTHER)
        branch = question[0].partition(".")[2]
        ranked.append((_public_rank(weight, is_told_by_another=branch in branches), Ask(question, None)))
        # Caches hold the names below one underscore, the DKIM names, for as long as each other.
        branches |= {branch} if branch.startswith("_") else set()
        ranked += [(_rank(weight, step), Ask(question, (turn + 2 * number + step) % count)) for step in range(count)]
    return [ask for _, ask in sorted(ranked, key=lambda each: each[0])]


def _rank(weight: Weight, step: int) -> int:
    """Lower is sooner: `step` counts the servers asked before for the same record."""
    if weight is Weight.DECIDES:
        return 0
    return 1 + step if step < 2 or weight is Weight.NEEDED else 200 + step


def _public_rank(weight: Weight, *, is_told_by_another: bool) -> int:
    if weight is Weight.DECIDES:
        return 3
    return 300 if is_told_by_another else 100


def at_least(order: list[Ask]) -> int:
    """How many must be asked in any case: all that decides, and every record at one server."""
    first = {ask.question: index for index, ask in reversed(list(enumerate(order))) if not ask.is_public}
    return max(first.values(), default=-1) + 1
