"""DNS over UDP and TCP: every zone of the sandbox, each on the addresses of its servers, all on one port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.rcode

from sandbox.dns_answers import behaviour_at, fill
from sandbox.internet import Internet
from sandbox.zones import DEFAULT_ADDRESS

logger = logging.getLogger("sandbox.dns")
UDP_BYTES = 1232
SLOW_SECONDS = 3.0
MOST_CACHED = 20_000
_CODES = {"servfail": dns.rcode.SERVFAIL, "refused": dns.rcode.REFUSED}


class DnsServer:
    """Serves on 127.0.0.1 and, on demand, on each further 127.x address that a zone names; one port."""

    def __init__(self, internet: Internet, port: int) -> None:
        self.internet, self.port = internet, port
        self._bound: dict[str, Any] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="dns", daemon=True)
        self._failure: OSError | None = None
        self._ready = threading.Event()
        # Replies by (address, protocol, packet without its id), good for one version of the zones.
        self._cache: dict[tuple[str, bool, bytes], bytes] = {}
        self._cached_version = -1

    def start(self) -> None:
        """Raises OSError if the port is taken."""
        self._thread.start()
        self._ready.wait(10)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2)

    def bind_new_addresses(self) -> None:
        """Listen on addresses that zones have come to name; call it after zones were set. Raises OSError."""
        for address in self.internet.addresses() - set(self._bound):
            asyncio.run_coroutine_threadsafe(self._listen(address), self._loop).result(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._listen(DEFAULT_ADDRESS))
        except OSError as error:
            self._failure = error
            return
        finally:
            self._ready.set()
        self._loop.run_forever()

    async def _listen(self, address: str) -> None:
        if address in self._bound:
            return
        server = await asyncio.start_server(lambda r, w: self._tcp(address, r, w), address, self.port)
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Udp(self, address), local_addr=(address, self.port)
        )
        self._bound[address] = (server, transport)

    async def _tcp(self, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            while True:
                length = int.from_bytes(await asyncio.wait_for(reader.readexactly(2), 10), "big")
                packet = await asyncio.wait_for(reader.readexactly(length), 10)
                reply = await self.reply(address, packet, is_tcp=True)
                if reply is None:
                    break
                writer.write(len(reply).to_bytes(2, "big") + reply)
                await writer.drain()
        writer.close()

    async def reply(self, address: str, packet: bytes, *, is_tcp: bool) -> bytes | None:
        """The answer to one packet as this address gives it; None where it stays silent."""
        if self._cached_version != self.internet.version:
            self._cache.clear()
            self._cached_version = self.internet.version
        key = (address, is_tcp, packet[2:])
        cached = self._cache.get(key)
        if cached is not None:
            return packet[:2] + cached
        try:
            query = dns.message.from_wire(packet)
        except dns.exception.DNSException:
            return None
        if not query.question:
            return None
        behaviour = behaviour_at(self.internet, address, query)
        if behaviour == "drop":
            return None
        if behaviour == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        reply = self._reply(address, query, behaviour, is_tcp=is_tcp)
        if not behaviour and len(self._cache) < MOST_CACHED:
            self._cache[key] = reply[2:]
        return reply

    def _reply(self, address: str, query: dns.message.Message, behaviour: str, *, is_tcp: bool) -> bytes:
        message = dns.message.make_response(query, recursion_available=address == DEFAULT_ADDRESS)
        if behaviour == "truncated" and not is_tcp:
            message.flags |= dns.flags.TC
        elif behaviour in _CODES:
            message.set_rcode(_CODES[behaviour])
        elif behaviour != "lame":
            try:
                fill(self.internet, address, query, message)
            except Exception:
                # A server that fails says so; a silent one would cost every asker a timeout.
                logger.exception("a question could not be answered: %s", query.question[0])
                message = dns.message.make_response(query)
                message.set_rcode(dns.rcode.SERVFAIL)
        return self._to_wire(message, query, is_tcp=is_tcp)

    @staticmethod
    def _to_wire(message: dns.message.Message, query: dns.message.Message, *, is_tcp: bool) -> bytes:
        if is_tcp:
            return message.to_wire(max_size=65535)
        try:
            return message.to_wire(max_size=min(max(query.payload, 512), UDP_BYTES))
        except dns.exception.TooBig:
            short = dns.message.make_response(query, recursion_available=True)
            short.flags |= dns.flags.TC | dns.flags.AA
            return short.to_wire()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer, address: str) -> None:
        self._server, self._address = server, address
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, packet: bytes, peer: Any) -> None:
        task = asyncio.ensure_future(self._answer(packet, peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, packet: bytes, peer: Any) -> None:
        reply = await self._server.reply(self._address, packet, is_tcp=False)
        if reply is not None:
            self._transport.sendto(reply, peer)
