"""One question to one server: over UDP, over TCP where the answer was cut, within what is left of time and budget.

dnspython is imported on first use here and in replies.py and public_view.py, and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dns.message

UDP_SECONDS = 1.2
TCP_SECONDS = 2.0
# Below this a packet could not come back anyway.
LEAST_SECONDS = 0.05
# The size that passes without fragmentation (DNS Flag Day 2020).
EDNS_BYTES = 1232
# How long further questions wait for what the first one shows of a server.
ACQUAINTANCE_SECONDS = 0.15
NOT_OVER_TCP = "its answer was truncated, and over TCP there was none"


@dataclass
class Allowance:
    """What one look may still spend: until when (`time.monotonic`), and how many packets; and whom it has met."""

    deadline: float
    budget: int
    asked: int = 0
    # Servers to ask without EDNS, and those whose first question is answered or under way.
    plain: set[str] = field(default_factory=set)
    met: dict[str, asyncio.Event] = field(default_factory=dict)

    @property
    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()

    def take(self) -> str:
        """Spend one packet; the reason why not where nothing is left."""
        if self.seconds_left <= LEAST_SECONDS:
            return "there was no time left"
        if self.asked >= self.budget:
            return "too many questions were needed"
        self.asked += 1
        return ""


async def exchange(
    name: str,
    type_: str,
    address: str,
    port: int,
    allowance: Allowance,
    *,
    recursion: bool,
    is_checking_disabled: bool = False,
) -> tuple[dns.message.Message | None, str]:
    """The reply, or None and the reason why there is none; `is_checking_disabled` is the CD bit (RFC 4035 3.2.2).

    A server that does not know EDNS is asked again without it (RFC 6891 section 7). The first question to a server goes
    a little ahead of the others, so that this is found out once.
    """
    met = allowance.met.get(address)
    if met is not None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(met.wait(), ACQUAINTANCE_SECONDS)
        return await _ask(name, type_, address, port, allowance, recursion, is_checking_disabled)
    allowance.met[address] = asyncio.Event()
    try:
        return await _ask(name, type_, address, port, allowance, recursion, is_checking_disabled)
    finally:
        allowance.met[address].set()


async def _ask(
    name: str, type_: str, address: str, port: int, allowance: Allowance, recursion: bool, is_checking_disabled: bool
) -> tuple[dns.message.Message | None, str]:
    import dns.exception
    import dns.flags
    import dns.message

    try:
        query = dns.message.make_query(name, type_, use_edns=0, payload=EDNS_BYTES)
    except (dns.exception.DNSException, UnicodeError) as error:
        return None, f"the name can not be asked for: {error}"
    if not recursion:
        query.flags &= ~dns.flags.RD
    if is_checking_disabled:
        query.flags |= dns.flags.CD
    if address in allowance.plain:
        query.use_edns(False)
    reply, reason = await _over_both(query, address, port, allowance)
    if reply is not None and query.edns >= 0 and _knows_no_edns(reply):
        allowance.plain.add(address)
        query.use_edns(False)
        return await _over_both(query, address, port, allowance)
    return reply, reason


def _knows_no_edns(reply: dns.message.Message) -> bool:
    import dns.rcode

    return reply.rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS)


async def _over_both(
    query: dns.message.Message, address: str, port: int, allowance: Allowance
) -> tuple[dns.message.Message | None, str]:
    import dns.exception
    import dns.message

    refusal = allowance.take()
    if refusal:
        return None, refusal
    try:
        return await _udp(query, address, port, min(UDP_SECONDS, allowance.seconds_left)), ""
    except dns.message.Truncated:
        # It is there, and whoever waits for that need not wait for TCP.
        allowance.met[address].set()
    except (TimeoutError, dns.exception.Timeout):
        # Some firewalls let no packet with EDNS through.
        allowance.plain.add(address)
        return None, "it did not answer in time"
    except (dns.exception.DNSException, OSError, ValueError) as error:
        return None, f"it could not be asked: {error or type(error).__name__}"
    return await _over_tcp(query, address, port, allowance)


async def _udp(query: dns.message.Message, address: str, port: int, seconds: float) -> dns.message.Message:
    import dns.asyncquery

    # A packet that is not the answer is passed over: whoever forges one shall not be able to end the wait either.
    asking = dns.asyncquery.udp(
        query, address, timeout=seconds, port=port, ignore_unexpected=True, ignore_errors=True, raise_on_truncation=True
    )
    return await asyncio.wait_for(asking, timeout=seconds + LEAST_SECONDS)


async def _over_tcp(
    query: dns.message.Message, address: str, port: int, allowance: Allowance
) -> tuple[dns.message.Message | None, str]:
    import dns.asyncquery
    import dns.exception

    refusal = allowance.take()
    if refusal:
        return None, refusal
    seconds = min(TCP_SECONDS, allowance.seconds_left)
    try:
        asking = dns.asyncquery.tcp(query, address, timeout=seconds, port=port)
        return await asyncio.wait_for(asking, timeout=seconds), ""
    except (TimeoutError, dns.exception.Timeout, dns.exception.DNSException, OSError, EOFError, ValueError) as error:
        return None, f"{NOT_OVER_TCP} ({error or type(error).__name__})"
