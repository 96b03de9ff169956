"""What the world sees: the recursive resolvers, asked in place of each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domains.dns.answers import Outcome, ServerAnswer
from domains.dns.exchange import Allowance, exchange
from domains.dns.once import Once
from domains.dns.replies import Referral, read_reply

Endpoint = tuple[str, int]
# A question that is lost once is asked again.
ATTEMPTS = 2
REFUSED_ITS_ANSWER = "it answered SERVFAIL"


def system_resolvers() -> tuple[Endpoint, ...]:
    """The machine's own resolvers, from its resolv.conf."""
    import dns.resolver

    try:
        return tuple((str(address), 53) for address in dns.resolver.Resolver().nameservers)
    except dns.resolver.NoResolverConfiguration:
        return ()


class PublicView:
    """The resolvers of one look; each question is asked once."""

    def __init__(self, resolvers: Sequence[Endpoint], allowance: Allowance) -> None:
        self.resolvers = tuple(resolvers)
        self.allowance = allowance
        self.once = Once()
        # Resolvers that stayed silent are asked last.
        self.silent: set[Endpoint] = set()

    async def ask(self, name: str, type_: str) -> ServerAnswer:
        return await self.once((name, type_), lambda: self._resolve(name, type_))

    async def ask_and_doubt(self, name: str, type_: str) -> ServerAnswer:
        """The same; where the answer was refused, also whether that is for its signatures alone."""
        answer = await self.ask(name, type_)
        if not answer.reason.startswith(REFUSED_ITS_ANSWER):
            return answer
        unchecked = await self.once((name, type_, "CD"), lambda: self._resolve(name, type_, is_checking_disabled=True))
        if unchecked.outcome is Outcome.UNKNOWN:
            return answer
        return replace(answer, is_bogus=True, reason="the DNSSEC signatures of the answer do not hold")

    async def _resolve(self, name: str, type_: str, *, is_checking_disabled: bool = False) -> ServerAnswer:
        """The first resolver that answers."""
        last = ServerAnswer("resolver", Outcome.UNKNOWN, reason="no resolver is configured")
        for _ in range(ATTEMPTS):
            for endpoint in sorted(self.resolvers, key=self.silent.__contains__):
                label = f"resolver {endpoint[0]}"
                reply, reason = await exchange(
                    name,
                    type_,
                    *endpoint,
                    self.allowance,
                    recursion=True,
                    is_checking_disabled=is_checking_disabled,
                )
                if reply is None:
                    self.silent.add(endpoint)
                    last = ServerAnswer(label, Outcome.UNKNOWN, reason=reason)
                    continue
                answer = read_reply(reply, name, type_, label)
                if isinstance(answer, Referral):
                    last = ServerAnswer(label, Outcome.UNKNOWN, reason="it only names other servers")
                elif answer.outcome is not Outcome.UNKNOWN:
                    return answer
                else:
                    last = answer
            if last.reason.startswith("it answered"):
                break
        return last
