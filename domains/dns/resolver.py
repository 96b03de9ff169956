"""Ask the DNS: the authoritative servers of the zone that really holds a name, and one public resolver.

A walk starts at the closest zone cut that the resolvers know, asks its servers on the authoritative port, and follows
their referrals (RFC 1034 section 5.3.3). What one look finds out about zones is shared by all its names.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from domains.dns.answers import Lookup, Observation, Outcome, ServerAnswer
from domains.dns.asking_order import Ask, Question, Weight, at_least, in_order
from domains.dns.cname_chains import follow, follow_publicly
from domains.dns.exchange import Allowance
from domains.dns.once import Once
from domains.dns.public_view import Endpoint, PublicView
from domains.dns.replies import NOT_AUTHORITATIVE, Referral
from domains.dns.servers import Host, Servers, of_a_referral
from domains.dns.zones import MOST_SERVERS, Zone, Zones, is_inside
from domains.names import registrable_domain

More = Callable[[Observation], Sequence[Question]]

MOST_ROUNDS = 5
# Some servers are enough of what lies beside the records, and of somebody else's zone that a CNAME leads to: not where
# it leads to what proves a name.
MOST_ASKED_BESIDE = 2
MOST_ASKED_ELSEWHERE = 3
# What a first round leaves for what the records refer to.
KEPT_BACK = 8


@dataclass(frozen=True)
class Thrift:
    """Spend no more than `questions` where `is_well` says so of what was seen; where it does not, ask all servers."""

    weights: Mapping[Question, Weight]
    is_well: Callable[[Observation], bool]
    questions: int = 40


def observe(
    questions: Sequence[Question],
    *,
    resolvers: Sequence[Endpoint],
    authoritative_port: int = 53,
    deadline_seconds: float = 5.0,
    budget: int = 120,
    more: More | None = None,
    thrift: Thrift | None = None,
) -> Observation:
    """Look all questions up at once and end within the deadline; what can not be seen is UNKNOWN, never an exception.

    `more` sees the observation so far and names further questions, round by round, which is how a diagnosis asks only
    where it must; those outside the registrable domains of `questions` are asked of the resolver alone. `budget` bounds
    the packets of the whole look; without `thrift` all servers are asked for all `questions`. It blocks, and may be
    called from a thread with a running event loop too.
    """
    allowance = Allowance(time.monotonic() + deadline_seconds, budget)
    public = PublicView(resolvers, allowance)
    servers = Servers(public, authoritative_port, allowance)
    zones = Zones(public, servers, frozenset(registrable_domain(name) for name, _ in questions))
    look = _Look(allowance, public, servers, zones)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(look.observe(questions, more, thrift))
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="dns") as pool:
        return pool.submit(lambda: asyncio.run(look.observe(questions, more, thrift))).result()


@dataclass
class _Sight:
    """One question: the zone that holds its name, and what was said so far, by server."""

    zone: Zone
    replies: dict[str, ServerAnswer] = field(default_factory=dict)
    public: ServerAnswer | None = None


@dataclass
class _Look:
    """One observation under way: what it may spend, and what it has found out so far."""

    allowance: Allowance
    public: PublicView
    servers: Servers
    zones: Zones
    once: Once = field(default_factory=Once)
    sights: dict[Question, _Sight] = field(default_factory=dict)
    lookups: dict[Question, Lookup] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    # What proves whose the name is, so that all servers count which a CNAME leads to.
    deciding: frozenset[Question] = frozenset()

    async def observe(self, questions: Sequence[Question], more: More | None, thrift: Thrift | None) -> Observation:
        asked = list(dict.fromkeys(questions))
        for question, zone in zip(
            asked, await asyncio.gather(*(self.zones.holding(name) for name, _ in asked)), strict=True
        ):
            self.sights[question] = _Sight(zone)
        begun = {question: self.sights[question].zone for question in asked}
        servers = {question: len(zone.hosts) for question, zone in begun.items()}
        weights = thrift.weights if thrift else dict.fromkeys(asked, Weight.DECIDES)
        self.deciding = frozenset(question for question, weight in weights.items() if weight is Weight.DECIDES)
        # By the name, so that each look asks the same servers and agrees with the one before.
        shortest = min((name for name, _ in asked), key=len, default="")
        order = in_order(servers, weights, turn=zlib.crc32(shortest.encode(errors="replace")))
        room = len(order)
        if thrift is not None:
            room = max(at_least(order), thrift.questions - KEPT_BACK - self.allowance.asked)
        while count := self._affordable(order, room):
            await self._ask_all(order[:count], begun)
            order = order[count:]
            await self._ask_more(more)
            if thrift is not None:
                is_well = thrift.is_well(self.seen())
                room = thrift.questions - self.allowance.asked if is_well else self.allowance.budget
        return self.seen()

    def _affordable(self, order: Sequence[Ask], room: int) -> int:
        """How many of these can be asked for so many questions: a resolver may leave the end of a CNAME to us."""
        for count, ask in enumerate(order):
            lookup = self.lookups.get(ask.question)
            room -= 2 if ask.is_public and lookup is not None and lookup.cname else 1
            if room < 0:
                return count
        return len(order)

    def seen(self) -> Observation:
        # The shortest name asked for is the domain itself; its zone is what the owner edits.
        domain = min(self.lookups.values(), key=lambda each: len(each.name), default=Lookup("", "", "", ()))
        spent = time.monotonic() - self.started
        return Observation(dict(self.lookups), domain.zone, domain.name_servers, self.allowance.asked, spent)

    async def _ask_all(self, asks: Iterable[Ask], begun: Mapping[Question, Zone]) -> None:
        by_question: dict[Question, list[Ask]] = {}
        for ask in asks:
            by_question.setdefault(ask.question, []).append(ask)
        await asyncio.gather(*(self._ask(question, part, begun[question]) for question, part in by_question.items()))

    async def _ask(self, question: Question, asks: Sequence[Ask], begun: Zone) -> None:
        sight = self.sights[question]
        hosts = tuple(begun.hosts[ask.server] for ask in asks if ask.server is not None)
        is_public = any(ask.is_public for ask in asks)
        public, _ = await asyncio.gather(
            self._publicly(*question) if is_public else _nothing(),
            # Servers of a zone that was left on a referral have nothing more to say.
            self._ask_authority(question, hosts) if sight.zone is begun else _nothing(),
        )
        sight.public = public or sight.public
        self.lookups[question] = await self._lookup(question, sight)

    async def _ask_more(self, more: More | None) -> None:
        """The looks aside of a diagnosis, round by round: cheaper, by two servers, without the public view."""
        for _ in range(MOST_ROUNDS if more is not None else 0):
            named = dict.fromkeys(more(self.seen()) if more else ())
            further = [question for question in named if question not in self.lookups]
            if not further:
                break
            await asyncio.gather(*(self._ask_beside(question) for question in further))

    async def _ask_beside(self, question: Question) -> None:
        zone = Zone("")
        if self.zones.is_own(question[0]):
            zone = await self.zones.near(question[0], MOST_ASKED_BESIDE)
        sight = self.sights[question] = _Sight(zone)
        await self._ask_authority(question, zone.hosts)
        self.lookups[question] = await self._lookup(question, sight)

    async def _publicly(self, name: str, type_: str) -> ServerAnswer:
        return await follow_publicly(self.public, await self.public.ask_and_doubt(name, type_), type_)

    async def _ask_authority(self, question: Question, hosts: Sequence[Host]) -> None:
        """What these servers of the name's zone say; each referral leads deeper, so the walk ends."""
        sight = self.sights[question]
        sight.zone, found = await self._walk(question, Zone(sight.zone.name, tuple(hosts)), sight.zone)
        sight.replies.update(found)

    async def _walk(self, question: Question, asked: Zone, whole: Zone) -> tuple[Zone, dict[str, ServerAnswer]]:
        while asked.hosts:
            replies = await asyncio.gather(*(self.servers.ask(*question, host) for host in asked.hosts))
            child = _child_of(asked, replies)
            if child is None:
                by_host = zip(asked.hosts, replies, strict=True)
                return whole, {host.name: _lame(host, reply) for host, reply in by_host}
            asked = whole = child
        return whole, {}

    async def _lookup(self, question: Question, sight: _Sight) -> Lookup:
        """What is known by now of one question, as a value."""
        name, type_ = question
        by_host = [(host, sight.replies[host.name]) for host in sight.zone.hosts if host.name in sight.replies]
        counting = tuple(answer for host, answer in by_host if host.is_delegated)
        stray = tuple(answer for host, answer in by_host if not host.is_delegated)
        if sight.zone.is_partly_shared and not _all_unknown(counting):
            counting += stray
        hosts = tuple(host.name for host in sight.zone.delegated)
        if not sight.zone.hosts or (_all_unknown(counting) and await self._is_cut_off(sight.zone, counting)):
            public = sight.public or await self._publicly(name, type_)
            return Lookup(name, type_, sight.zone.name, (public,), public, hosts, is_authoritative=False)
        most = MOST_SERVERS if question in self.deciding else MOST_ASKED_ELSEWHERE
        ask = partial(self._ask_target, most)
        counting, stray = [await follow(each, type_, ask) for each in (counting, stray)]
        is_known = not any(answer.is_hearsay for answer in counting)
        return Lookup(name, type_, sight.zone.name, counting, sight.public, hosts, is_known, stray)

    async def _is_cut_off(self, zone: Zone, answers: Sequence[ServerAnswer]) -> bool:
        """A server that refuses or fails has been reached, so that what caches still hold does not stand for it."""
        is_silent = bool(answers) and all(answer.is_silence for answer in answers)
        return is_silent and await self.zones.is_cut_off(zone)

    async def _ask_target(self, most: int, name: str, type_: str) -> tuple[ServerAnswer, ...]:
        """What the servers that hold the target of a CNAME say, the resolver only where those can not be found."""
        return await self.once((name, type_, str(most)), lambda: self._find_target(name, type_, most))

    async def _find_target(self, name: str, type_: str, most: int) -> tuple[ServerAnswer, ...]:
        if self.zones.is_own(name):
            zone = await self.zones.holding(name)
        else:
            zone = await self.zones.of(name)
            zone = Zone(zone.name, zone.hosts[:most])
        whole, replies = await self._walk((name, type_), zone, zone)
        answers = tuple(replies.values())
        if not whole.hosts or (_all_unknown(answers) and await self._is_cut_off(whole, answers)):
            return (replace(await self.public.ask(name, type_), is_hearsay=True),)
        return answers


async def _nothing() -> None:
    return None


def _all_unknown(answers: Sequence[ServerAnswer]) -> bool:
    return all(answer.outcome is Outcome.UNKNOWN for answer in answers)


def _child_of(zone: Zone, replies: Sequence[ServerAnswer | Referral]) -> Zone | None:
    """Where referrals lead deeper: the zone, with the servers that any of them names."""
    deeper = [reply for reply in replies if isinstance(reply, Referral) and is_inside(reply.zone, zone.name)]
    if not deeper:
        return None
    hosts: dict[str, Host] = {}
    for referral in deeper:
        for host in of_a_referral(referral, MOST_SERVERS) if referral.zone == deeper[0].zone else ():
            known = hosts.get(host.name, host)
            hosts[host.name] = replace(host, glue=tuple(dict.fromkeys((*known.glue, *host.glue))))
    return Zone(deeper[0].zone, tuple(hosts.values())[:MOST_SERVERS])


def _lame(host: Host, reply: ServerAnswer | Referral) -> ServerAnswer:
    """A referral that leads no deeper comes from a server that does not hold the zone."""
    if isinstance(reply, ServerAnswer):
        return reply
    return ServerAnswer(host.name, Outcome.UNKNOWN, reason=NOT_AUTHORITATIVE)
