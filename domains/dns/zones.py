"""Which servers hold a zone: those that it lists itself, with those that the zone above names."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from domains.dns.answers import Outcome, ServerAnswer
from domains.dns.exchange import UDP_SECONDS
from domains.dns.once import Once
from domains.dns.public_view import PublicView
from domains.dns.replies import Referral
from domains.dns.servers import Host, Servers, of_a_referral
from domains.names import is_below, registrable_domain

MOST_SERVERS = 8
# The zone above is asked by one server, by a second where that is slow, and not waited for longer.
MOST_ASKED_ABOVE = 2
PATIENCE_SECONDS = 0.4
ABOVE_SECONDS = 1.0
# A resolver that drops the question for a zone is asked a second time; what is left of the look is for its answers.
ZONE_SECONDS = 2 * UDP_SECONDS + 0.1


@dataclass(frozen=True)
class Zone:
    """A zone cut and who serves it; without hosts only the resolvers know it."""

    name: str
    hosts: tuple[Host, ...] = ()

    @property
    def delegated(self) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if host.is_delegated)

    @property
    def is_partly_shared(self) -> bool:
        """Some server is both named above and listed below, as it should be of all."""
        return any(host.is_delegated and host.is_listed for host in self.hosts)


@dataclass
class Zones:
    """Those of one look, each found out about once."""

    public: PublicView
    servers: Servers
    own: frozenset[str]
    once: Once = field(default_factory=Once)
    known: dict[str, Zone] = field(default_factory=dict)

    def is_own(self, name: str) -> bool:
        return any(name == own or is_below(name, own) for own in self.own)

    async def holding(self, name: str) -> Zone:
        """Where the walk to a name begins, with all the servers of that zone.

        For what stands below an underscore that is at the name without it; a cut at `_domainkey` is looked for first,
        for three names at once.
        """
        parent = name.partition(".")[2]
        is_underscored = self.is_own(parent) and name.startswith("_")
        is_deep = self.is_own(parent) and parent.startswith("_")
        try:
            listed = await asyncio.wait_for(self.of(parent if is_underscored or is_deep else name), ZONE_SECONDS)
        except TimeoutError:
            listed = Zone("")
        bought = registrable_domain(name)
        return await self.once(("all servers", listed.name, bought), lambda: self._all_servers(listed, bought))

    async def near(self, name: str, most: int) -> Zone:
        """The closest zone that this look already knows, with its best servers; referrals lead on from there."""
        known = [zone for zone in self.known.values() if zone.name == name or is_inside(name, zone.name)]
        zone = max(known, key=lambda each: len(each.name), default=None) or await self.holding(name)
        best = sorted(zone.delegated, key=lambda host: host.name not in self.servers.useful)
        return Zone(zone.name, tuple(best[:most]))

    async def of(self, name: str) -> Zone:
        """The closest enclosing zone that the resolvers know, with the servers that they name."""
        return await self.once(("zone", name), lambda: self._find(name))

    async def _find(self, name: str) -> Zone:
        answer = await self.public.ask(name, "NS")
        if answer.outcome is Outcome.FOUND and not answer.cname:
            return Zone(name, tuple(Host(host) for host in sorted(answer.values)[:MOST_SERVERS]))
        parent = answer.zone or name.partition(".")[2]
        return await self.of(parent) if name else Zone("")

    async def _all_servers(self, listed: Zone, bought: str) -> Zone:
        """What a zone lists may be old or wrong: the world begins at the servers that the zone above names."""
        zone = listed
        if listed.hosts and is_inside(bought, listed.name):
            # The resolvers do not know the zone itself.
            word = await self._word_from_above(bought, listed.hosts)
            zone = Zone(word.zone, of_a_referral(word, MOST_SERVERS)) if isinstance(word, Referral) else listed
        elif listed.hosts and "." in listed.name:
            try:
                above, word = await asyncio.wait_for(self._above(listed.name), ABOVE_SECONDS)
            except TimeoutError:
                above, word = Zone(""), None
            if isinstance(word, Referral) and word.zone == listed.name:
                zone = Zone(listed.name, _united(of_a_referral(word, MOST_SERVERS), listed.hosts))
            elif isinstance(word, ServerAnswer) and _has_let_go(word, bought):
                # Whoever still answers for the zone does so in vain.
                registry = tuple(replace(host, is_listed=False) for host in above.hosts[:MOST_ASKED_ABOVE])
                zone = Zone(above.name, _united(registry, listed.hosts))
        self.known[zone.name] = zone
        await asyncio.gather(*(self.servers.addresses(host) for host in zone.hosts))
        return zone

    async def _above(self, name: str) -> tuple[Zone, ServerAnswer | Referral | None]:
        zone = await self.of(name.partition(".")[2])
        return zone, await self._word_from_above(name, zone.hosts)

    async def _word_from_above(self, name: str, hosts: Sequence[Host]) -> ServerAnswer | Referral | None:
        """What the first of two servers that answers says of who holds the name; None where neither does in time."""
        waiting = list(hosts[:MOST_ASKED_ABOVE])
        asked: set[asyncio.Task[ServerAnswer | Referral]] = set()
        ends, word = time.monotonic() + ABOVE_SECONDS, None
        try:
            while word is None and (waiting or asked):
                if waiting:
                    asked.add(asyncio.ensure_future(self.servers.ask(name, "NS", waiting.pop(0), attempts=1)))
                patience = PATIENCE_SECONDS if waiting else max(0, ends - time.monotonic())
                done, asked = await asyncio.wait(asked, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                if not (done or waiting):
                    break
                words = [task.result() for task in done]
                word = next((each for each in words if isinstance(each, Referral) or not _is_unknown(each)), None)
        finally:
            for task in asked:
                task.cancel()
        return word

    async def is_cut_off(self, zone: Zone) -> bool:
        """Whether this network lets no question through to authoritative servers at all: even the root is silent.

        Where nobody knows the root, or it stands at the zone's own addresses, that can not be told, and is not so.
        """
        return await self.once(("cut off", zone.name), lambda: self._probe_above(zone))

    async def _probe_above(self, zone: Zone) -> bool:
        if self.servers.allowance.seconds_left < UDP_SECONDS:
            # Too late to tell: silence would prove nothing.
            return False
        own = {address for host in zone.hosts for address in await self.servers.addresses(host)}
        parent = zone.name.partition(".")[2]
        root, above = await asyncio.gather(self.of(""), self.of(parent))
        at_root = [host for host in root.hosts if not own & set(await self.servers.addresses(host))]
        if root.name or not at_root[:MOST_ASKED_ABOVE]:
            return False
        probed = (*at_root[:MOST_ASKED_ABOVE], *above.hosts[:MOST_ASKED_ABOVE])
        replies = await asyncio.gather(*(self.servers.ask(zone.name, "NS", host, attempts=1) for host in probed))
        return all(isinstance(reply, ServerAnswer) and reply.is_silence for reply in replies)


def is_inside(name: str, zone: str) -> bool:
    """Whether a name is below a zone; all are below the root."""
    return bool(name) if not zone else is_below(name, zone)


def _has_let_go(word: ServerAnswer, bought: str) -> bool:
    """No such name; or none with servers, as where others still name hosts below it: then the registry itself says so.

    A zone on one machine with the one above answers for itself.
    """
    is_from_above = bool(word.zone) and is_below(bought, word.zone)
    return word.outcome is Outcome.NXDOMAIN or (word.outcome is Outcome.NODATA and is_from_above)


def _is_unknown(reply: ServerAnswer) -> bool:
    return reply.outcome is Outcome.UNKNOWN


def _united(delegated: Sequence[Host], listed: Sequence[Host]) -> tuple[Host, ...]:
    """Both at once, each host with who names it; those that the zone above names come first."""
    in_zone = {host.name for host in listed}
    above = {host.name: replace(host, is_listed=host.name in in_zone) for host in delegated}
    stray = [replace(host, is_delegated=False) for host in listed if host.name not in above]
    return (*above.values(), *stray)[:MOST_SERVERS]
