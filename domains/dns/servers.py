"""One authoritative server, asked by the addresses that it has."""

from __future__ import annotations

from dataclasses import dataclass, field

from domains.dns.answers import NO_ADDRESS, Outcome, ServerAnswer
from domains.dns.exchange import NOT_OVER_TCP, Allowance, exchange
from domains.dns.public_view import ATTEMPTS, PublicView
from domains.dns.replies import Referral, lack_of_authority, read_reply


@dataclass(frozen=True)
class Host:
    """A name server of a zone, with its addresses where a referral brought them along.

    `is_delegated`: the zone above names it; `is_listed`: the zone itself does. What nobody said otherwise is both.
    """

    name: str
    glue: tuple[str, ...] = ()
    is_delegated: bool = True
    is_listed: bool = True


@dataclass
class Servers:
    """Those of one look, and what was found out about them."""

    public: PublicView
    port: int
    allowance: Allowance
    # Addresses that stayed silent, with the reason: later questions do not wait for them again.
    silent: dict[str, str] = field(default_factory=dict)
    # Servers that gave an answer that counts.
    useful: set[str] = field(default_factory=set)

    async def ask(self, name: str, type_: str, host: Host, *, attempts: int = ATTEMPTS) -> ServerAnswer | Referral:
        """One server's reply, by its IPv4 addresses first; by further ones where those are missing or fail."""
        addresses = list(await self.addresses(host))
        label, reason, tried = host.name, NO_ADDRESS, list[str]()
        while len(tried) < attempts:
            waits = len(tried)
            if waits or not addresses:
                addresses += [each for each in await self._further_addresses(host) if each not in addresses]
            address = next((each for each in addresses[waits:] + addresses[:waits] if each not in self.silent), "")
            if not address:
                reason = next((self.silent[each] for each in addresses), reason)
                break
            label = f"{host.name} ({address})"
            reply, reason = await exchange(name, type_, address, self.port, self.allowance, recursion=False)
            if reply is not None:
                answer = read_reply(reply, name, type_, label)
                if isinstance(answer, ServerAnswer):
                    lack = lack_of_authority(reply, answer)
                    answer = ServerAnswer(label, Outcome.UNKNOWN, reason=lack) if lack else answer
                    self.useful |= {host.name} if answer.outcome is not Outcome.UNKNOWN else set()
                return answer
            tried.append(address)
            if reason.startswith(NOT_OVER_TCP):
                # TCP has made its own attempts.
                self.silent[address] = reason
        else:
            if attempts == ATTEMPTS:
                self.silent.update(dict.fromkeys(tried, reason))
        return ServerAnswer(label, Outcome.UNKNOWN, reason=reason)

    async def addresses(self, host: Host) -> tuple[str, ...]:
        """Those to begin with, IPv4 first."""
        if host.glue:
            return tuple(sorted(host.glue, key=lambda address: ":" in address))
        return (await self.public.ask(host.name, "A")).values

    async def _further_addresses(self, host: Host) -> tuple[str, ...]:
        found = (await self.public.ask(host.name, "A")).values if host.glue else ()
        return (*found, *(await self.public.ask(host.name, "AAAA")).values)


def of_a_referral(referral: Referral, most: int) -> tuple[Host, ...]:
    return tuple(Host(host, referral.glue.get(host, ())) for host in sorted(referral.hosts)[:most])
