"""What a DNS look-up brought, as values: four outcomes, and who said what (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

# Reasons that a network which lets no question through would bring about as well; all others are a word of the server.
NO_ADDRESS = "its address can not be found"
FROM_A_CACHE = "it answers from a cache, as if it were a resolver"
SILENCES = ("it did not answer", "it could not be asked", NO_ADDRESS, FROM_A_CACHE)


class Outcome(StrEnum):
    """NODATA is RFC 2308's: the name exists without this type. UNKNOWN is no answer at all, never "missing"."""

    FOUND = "found"
    NODATA = "nodata"
    NXDOMAIN = "nxdomain"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ServerAnswer:
    """One server's answer. Values: MX "10 host", CNAME and NS "host" (lower-case, undotted), TXT the joined text.

    `cname` is the target where a CNAME stands at the asked name; `reason` says why an outcome is unknown; `is_bogus`,
    that a resolver refused an answer whose DNSSEC signatures do not hold (RFC 4035 section 5.5). `zone` is the one that
    a "no" comes from, where the server says it; `is_hearsay`, that the end of its CNAME is known from a cache alone.
    """

    server: str
    outcome: Outcome
    values: tuple[str, ...] = ()
    ttl: int | None = None
    cname: str = ""
    reason: str = ""
    is_bogus: bool = False
    zone: str = ""
    is_hearsay: bool = False

    @property
    def is_silence(self) -> bool:
        """No word at all, or one from a cache, as where a network answers in the servers' place."""
        return self.outcome is Outcome.UNKNOWN and self.reason.startswith(SILENCES)


@dataclass(frozen=True)
class Lookup:
    """One question to every server of the zone that holds the name, and to a public resolver.

    Where no server of the zone could be found or reached from here, the resolver's answer stands in `answers` alone and
    `is_authoritative` is false, as it is where only the resolver knows what a CNAME leads to.
    """

    name: str
    type: str
    zone: str
    answers: tuple[ServerAnswer, ...]
    public: ServerAnswer | None = None
    name_servers: tuple[str, ...] = ()
    is_authoritative: bool = True
    # Servers that the zone itself lists, but that nothing delegates to: where somebody may edit in vain. They are among
    # `answers` too where the zone lists them beside servers that do count, since resolvers then ask them as well.
    stray: tuple[ServerAnswer, ...] = ()

    @property
    def reachable(self) -> tuple[ServerAnswer, ...]:
        return tuple(answer for answer in self.answers if answer.outcome is not Outcome.UNKNOWN)

    @property
    def servers_disagree(self) -> bool:
        return len({(answer.outcome is Outcome.FOUND, frozenset(answer.values)) for answer in self.reachable}) > 1

    @property
    def outcome(self) -> Outcome:
        """FOUND only if every reachable server has it; UNKNOWN only if none could be reached."""
        outcomes = [answer.outcome for answer in self.reachable]
        if not outcomes:
            return Outcome.UNKNOWN
        return next((outcome for outcome in outcomes if outcome is not Outcome.FOUND), Outcome.FOUND)

    @property
    def values(self) -> tuple[str, ...]:
        """Every value that some reachable server gave, in the order in which they were first seen."""
        return tuple(dict.fromkeys(value for answer in self.reachable for value in answer.values))

    @property
    def cname(self) -> str:
        return next((answer.cname for answer in self.reachable if answer.cname), "")

    @property
    def reason(self) -> str:
        return next((answer.reason for answer in self.answers if answer.reason), "no server could be found")


@dataclass(frozen=True)
class Observation:
    """All that one look saw: by (name, type), the zone and servers of the looked-at domain, and what it cost."""

    lookups: Mapping[tuple[str, str], Lookup]
    zone: str = ""
    name_servers: tuple[str, ...] = ()
    questions_asked: int = 0
    took_seconds: float = 0.0

    def get(self, name: str, type_: str) -> Lookup | None:
        return self.lookups.get((name, type_))
