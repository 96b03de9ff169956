"""Ask the DNS: the authoritative servers of the zone that really holds a name, and one public resolver.

A walk starts at the closest zone cut that the resolvers know, asks its servers on the authoritative port, and follows
their referrals (RFC 1034 section 5.3.3). What one look finds out about zones is shared by all its names.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from domains.dns.answers import Lookup, Observation, Outcome, ServerAnswer
from domains.dns.exchange import UDP_SECONDS, Allowance, exchange
from domains.dns.once import Once
from domains.dns.public_view import ATTEMPTS, Endpoint, PublicView
from domains.dns.replies import Referral, is_lame, read_reply
from domains.names import is_below, registrable_domain

Question = tuple[str, str]
More = Callable[[Observation], Sequence[Question]]

MOST_SERVERS = 8
MOST_SERVERS_TO_DOUBT = 3
MOST_CNAMES = 8
# A CNAME at such a name may lead to the right value; of a CNAME question only what a DNAME makes up is followed.
FOLLOWED = frozenset({"TXT", "CNAME"})
MOST_ROUNDS = 5
NOT_AUTHORITATIVE = "it does not hold the zone (lame delegation)"


def observe(
    questions: Sequence[Question],
    *,
    resolvers: Sequence[Endpoint],
    authoritative_port: int = 53,
    deadline_seconds: float = 5.0,
    budget: int = 120,
    more: More | None = None,
) -> Observation:
    """Look all questions up at once and end within the deadline; what can not be seen is UNKNOWN, never an exception.

    `more` sees the observation so far and names further questions, round by round, which is how a diagnosis asks only
    where it must; those outside the registrable domains of `questions` are asked of the resolver alone. `budget` bounds
    the packets of the whole look. It blocks, and may be called from a thread with a running event loop too.
    """
    allowance = Allowance(time.monotonic() + deadline_seconds, budget)
    look = _Look(
        public=PublicView(resolvers, allowance),
        port=authoritative_port,
        allowance=allowance,
        own=frozenset(registrable_domain(name) for name, _ in questions),
    )
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(look.observe(questions, more))
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="dns") as pool:
        return pool.submit(lambda: asyncio.run(look.observe(questions, more))).result()


@dataclass(frozen=True)
class _Host:
    """A name server, with its addresses where a referral brought them along."""

    name: str
    glue: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Zone:
    """A zone cut and who serves it; without hosts only the resolvers know it."""

    name: str
    hosts: tuple[_Host, ...] = ()


@dataclass
class _Look:
    """One observation under way: what it may spend, and what it has found out so far."""

    public: PublicView
    port: int
    allowance: Allowance
    own: frozenset[str]
    once: Once = field(default_factory=Once)
    found: dict[str, _Zone] = field(default_factory=dict)
    # Addresses that stayed silent, with the reason: later rounds do not wait for them again.
    silent: dict[str, str] = field(default_factory=dict)

    async def observe(self, questions: Sequence[Question], more: More | None) -> Observation:
        started = time.monotonic()
        lookups = await self._all(questions, self._look_up)
        # The shortest name asked for is the domain itself; its zone is what the owner edits.
        domain = min(lookups.values(), key=lambda each: len(each.name), default=Lookup("", "", "", ()))

        def seen() -> Observation:
            spent = time.monotonic() - started
            return Observation(lookups, domain.zone, domain.name_servers, self.allowance.asked, spent)

        for _ in range(MOST_ROUNDS if more is not None else 0):
            further = [question for question in (more(seen()) if more else ()) if question not in lookups]
            if not further:
                break
            lookups = {**lookups, **await self._all(further, self._look_further)}
        return seen()

    async def _all(
        self, questions: Iterable[Question], look_up: Callable[[str, str], Awaitable[Lookup]]
    ) -> dict[Question, Lookup]:
        wanted = list(dict.fromkeys(questions))
        found = await asyncio.gather(*(look_up(name, type_) for name, type_ in wanted))
        return dict(zip(wanted, found, strict=True))

    def _is_own(self, name: str) -> bool:
        return any(name == own or is_below(name, own) for own in self.own)

    async def _look_up(self, name: str, type_: str) -> Lookup:
        listed = await self._start_of(name)
        public, (zone, answers), delegated = await asyncio.gather(
            self._publicly(name, type_),
            self._ask_authority(name, type_, listed),
            self.once(("delegated", listed.name), lambda: self._delegated(listed)),
        )
        stray: tuple[ServerAnswer, ...] = ()
        if delegated is not None:
            stray = answers
            zone, answers = await self._ask_authority(name, type_, delegated)
        hosts = tuple(host.name for host in zone.hosts)
        if not answers or (_all_unknown(answers) and await self._is_cut_off(zone)):
            return Lookup(name, type_, zone.name, (public,), public, hosts, is_authoritative=False)
        if type_ in FOLLOWED:
            answers = tuple(await asyncio.gather(*(self._through_cname(answer, type_) for answer in answers)))
        return Lookup(name, type_, zone.name, answers, public, hosts, stray=stray)

    async def _publicly(self, name: str, type_: str) -> ServerAnswer:
        """What the resolver says, followed to the end where it leaves that to us."""
        answer = await self.public.ask_and_doubt(name, type_)
        seen: set[str] = set()
        while type_ in FOLLOWED and not answer.values and answer.cname and answer.cname not in seen:
            seen.add(answer.cname)
            led = await self.public.ask(answer.cname, type_)
            answer = replace(answer, outcome=led.outcome, values=led.values, cname=led.cname, reason=led.reason)
        return answer

    async def _look_further(self, name: str, type_: str) -> Lookup:
        """A look aside for a diagnosis: cheaper, by two servers of the zone, without the public view."""
        if self._is_own(name):
            zone, answers = await self._ask_authority(name, type_, await self._near(name))
            if answers and not (_all_unknown(answers) and await self._is_cut_off(zone)):
                return Lookup(name, type_, zone.name, answers)
        public = await self.public.ask(name, type_)
        return Lookup(name, type_, "", (public,), public, is_authoritative=False)

    async def _near(self, name: str) -> _Zone:
        """The closest zone that this look already knows, with two of its servers; referrals lead on from there."""
        known = [zone for zone in self.found.values() if zone.name == name or is_below(name, zone.name)]
        zone = max(known, key=lambda each: len(each.name), default=None) or await self._zone_of(name)
        return _Zone(zone.name, zone.hosts[:2])

    async def _ask_authority(self, name: str, type_: str, zone: _Zone) -> tuple[_Zone, tuple[ServerAnswer, ...]]:
        """What each server of the name's zone says; each referral leads deeper, so the walk ends."""
        while zone.hosts:
            replies = await asyncio.gather(*(self._ask_server(name, type_, host) for host in zone.hosts))
            child = next(
                (reply for reply in replies if isinstance(reply, Referral) and is_below(reply.zone, zone.name)), None
            )
            if child is None:
                return zone, tuple(_lame(host, reply) for host, reply in zip(zone.hosts, replies, strict=True))
            zone = _Zone(child.zone, _hosts_of(child))
        return zone, ()

    async def _start_of(self, name: str) -> _Zone:
        """Where the walk to a name begins: for what stands below an underscore, at the name without it.

        A cut at `_domainkey` is looked for first, for three names at once; where servers are many that look is left to
        their referrals, so that all is within the questions of a check in good order.
        """
        parent = name.partition(".")[2]
        is_service = name.startswith("_") and self._is_own(parent)
        is_deep = parent.startswith("_") and self._is_own(parent)
        if is_service:
            return await self._zone_of(parent)
        if not is_deep:
            return await self._zone_of(name)
        above = await self._zone_of(parent.partition(".")[2])
        return above if len(above.hosts) > MOST_SERVERS_TO_DOUBT else await self._zone_of(parent)

    async def _zone_of(self, name: str) -> _Zone:
        """The closest enclosing zone that the resolvers know, with its servers; shared by all names below it."""
        return await self.once(("zone", name), lambda: self._find_zone(name))

    async def _find_zone(self, name: str) -> _Zone:
        answer = await self.public.ask(name, "NS")
        if answer.outcome is Outcome.FOUND and not answer.cname:
            listed = tuple(_Host(host) for host in sorted(answer.values)[:MOST_SERVERS])
            zone = self.found[name] = _Zone(name, listed)
            return zone
        parent = name.partition(".")[2]
        return await self._zone_of(parent) if parent else _Zone("")

    async def _delegated(self, zone: _Zone) -> _Zone | None:
        """The zone with the servers that the zone above names, where those are quite others than it lists itself.

        Asked only where the servers are so few that all is still within the questions of a check in good order.
        """
        parent = zone.name.partition(".")[2]
        if not parent or not zone.hosts or len(zone.hosts) > MOST_SERVERS_TO_DOUBT:
            return None
        above = await self._zone_of(parent)
        reply = await self._ask_server(zone.name, "NS", above.hosts[0]) if above.hosts else None
        if not isinstance(reply, Referral) or reply.zone != zone.name:
            return None
        is_other = not set(reply.hosts) & {host.name for host in zone.hosts}
        return _Zone(zone.name, _hosts_of(reply)) if is_other else None

    async def _is_cut_off(self, zone: _Zone) -> bool:
        """Whether this network lets no question through to authoritative servers: those above the zone fail as well."""
        return await self.once(("cut off", zone.name), lambda: self._probe_above(zone))

    async def _probe_above(self, zone: _Zone) -> bool:
        parent = zone.name.partition(".")[2]
        above = await self._zone_of(parent) if parent else _Zone("")
        if self.allowance.seconds_left < UDP_SECONDS:
            # Too late to tell: silence would prove nothing.
            return False
        replies = await asyncio.gather(*(self._ask_server(zone.name, "NS", host) for host in above.hosts[:2]))
        return bool(replies) and all(isinstance(reply, ServerAnswer) and reply.is_silence for reply in replies)

    async def _ask_server(self, name: str, type_: str, host: _Host) -> ServerAnswer | Referral:
        """One server's reply, by its IPv4 addresses first; IPv6 where those are missing or fail."""
        addresses = sorted(host.glue, key=lambda address: ":" in address) or list(await self._addresses(host.name, "A"))
        label, reason, waits = host.name, "its address can not be found", 0
        while waits < ATTEMPTS:
            if (waits or not addresses) and not host.glue:
                addresses += [each for each in await self._addresses(host.name, "AAAA") if each not in addresses]
            address = next((each for each in addresses[waits:] + addresses[:waits] if each not in self.silent), "")
            if not address:
                reason = next((self.silent[each] for each in addresses), reason)
                break
            label = f"{host.name} ({address})"
            reply, reason = await exchange(name, type_, address, self.port, self.allowance, recursion=False)
            if reply is not None:
                answer = read_reply(reply, name, type_, label)
                if isinstance(answer, ServerAnswer) and is_lame(reply, answer):
                    return ServerAnswer(label, Outcome.UNKNOWN, reason=NOT_AUTHORITATIVE)
                return answer
            waits += 1
        else:
            self.silent.update(dict.fromkeys(addresses, reason))
        return ServerAnswer(label, Outcome.UNKNOWN, reason=reason)

    async def _addresses(self, host: str, family: str) -> tuple[str, ...]:
        return (await self.public.ask(host, family)).values

    async def _through_cname(self, answer: ServerAnswer, type_: str) -> ServerAnswer:
        """A CNAME at a TXT name is a valid way to publish it elsewhere: what counts is where it leads."""
        target, seen = answer.cname, set[str]()
        if not target or answer.values:
            return answer
        while target and target not in seen and len(seen) < MOST_CNAMES:
            seen.add(target)
            led = await self._led_to(target, type_)
            if led.values:
                return replace(answer, outcome=Outcome.FOUND, values=led.values)
            if led.outcome is Outcome.UNKNOWN:
                reason = f"the CNAME leads to {target}, which can not be looked up: {led.reason}"
                return replace(answer, outcome=Outcome.UNKNOWN, reason=reason)
            target = led.cname
        return answer

    async def _led_to(self, target: str, type_: str) -> ServerAnswer:
        if self._is_own(target):
            _, answers = await self.once(("led", target, type_), lambda: self._ask_own(target, type_))
            reached = [answer for answer in answers if answer.outcome is not Outcome.UNKNOWN]
            if reached:
                return next((answer for answer in reached if answer.values), reached[0])
        return await self.public.ask(target, type_)

    async def _ask_own(self, name: str, type_: str) -> tuple[_Zone, tuple[ServerAnswer, ...]]:
        return await self._ask_authority(name, type_, await self._start_of(name))


def _all_unknown(answers: Sequence[ServerAnswer]) -> bool:
    return all(answer.outcome is Outcome.UNKNOWN for answer in answers)


def _hosts_of(referral: Referral) -> tuple[_Host, ...]:
    return tuple(_Host(host, referral.glue.get(host, ())) for host in referral.hosts[:MOST_SERVERS])


def _lame(host: _Host, reply: ServerAnswer | Referral) -> ServerAnswer:
    """A referral that leads no deeper comes from a server that does not hold the zone."""
    if isinstance(reply, ServerAnswer):
        return reply
    return ServerAnswer(host.name, Outcome.UNKNOWN, reason=NOT_AUTHORITATIVE)
