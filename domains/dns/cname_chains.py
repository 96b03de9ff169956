"""Where a CNAME at a TXT name leads: a valid way to publish the record elsewhere, and all servers there count."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from domains.dns.answers import Outcome, ServerAnswer
from domains.dns.public_view import PublicView

MOST_CNAMES = 8
# A CNAME at such a name may lead to the right value; of a CNAME question only what a DNAME makes up is followed.
FOLLOWED = frozenset({"TXT", "CNAME"})

Answers = tuple[ServerAnswer, ...]


async def follow(
    answers: Sequence[ServerAnswer],
    type_: str,
    ask: Callable[[str, str], Awaitable[Answers]],
    seen: frozenset[str] = frozenset(),
) -> Answers:
    """Each answer with what its CNAME leads to, once for each different thing that the servers there say.

    `ask` gives the answers of the servers that hold a name. A chain that ends in nothing stays a CNAME without value.
    """
    if type_ not in FOLLOWED or len(seen) >= MOST_CNAMES:
        return tuple(answers)
    targets = {answer.cname for answer in answers if answer.cname and not answer.values} - seen
    led = dict(zip(targets, await asyncio.gather(*(_led_to(each, type_, ask, seen) for each in targets)), strict=True))
    return tuple(
        each
        for answer in answers
        for each in (_joined(answer, led[answer.cname]) if not answer.values and answer.cname in led else (answer,))
    )


async def _led_to(
    target: str, type_: str, ask: Callable[[str, str], Awaitable[Answers]], seen: frozenset[str]
) -> Answers:
    return await follow(await ask(target, type_), type_, ask, seen | {target})


def _joined(answer: ServerAnswer, led: Answers) -> Answers:
    """One server's CNAME with the different words of those that it leads to; where they agree it stays one answer."""
    reached = [each for each in led if each.outcome is not Outcome.UNKNOWN]
    if not reached:
        reason = next((each.reason for each in led if each.reason), "no server could be found")
        reason = f"the CNAME leads to {answer.cname}, which can not be looked up: {reason}"
        return (replace(answer, outcome=Outcome.UNKNOWN, reason=reason),)
    answer = replace(answer, is_hearsay=answer.is_hearsay or any(each.is_hearsay for each in reached))
    different = {frozenset(each.values): each for each in reversed(reached)}
    if len(different) == 1:
        return (_with_values(answer, reached[0], answer.server),)
    return tuple(_with_values(answer, each, f"{answer.server}, by {each.server}") for each in different.values())


def _with_values(answer: ServerAnswer, led: ServerAnswer, server: str) -> ServerAnswer:
    if not led.values:
        return replace(answer, server=server)
    return replace(answer, server=server, outcome=Outcome.FOUND, values=led.values)


async def follow_publicly(public: PublicView, answer: ServerAnswer, type_: str) -> ServerAnswer:
    """What the resolver says, followed to the end where it leaves that to us."""
    seen: set[str] = set()
    while type_ in FOLLOWED and not answer.values and answer.cname and answer.cname not in seen:
        seen.add(answer.cname)
        led = await public.ask(answer.cname, type_)
        answer = replace(answer, outcome=led.outcome, values=led.values, cname=led.cname, reason=led.reason)
    return answer
