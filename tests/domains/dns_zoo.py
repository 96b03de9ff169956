"""Real DNS servers on loopback, each with its own zones and manners, for the resolver's tests."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone

# How servers that do not know EDNS turn it down: an old one gives back nothing but the header.
NO_EDNS = {"formerr": dns.rcode.FORMERR, "notimp": dns.rcode.NOTIMP, "badvers": dns.rcode.BADVERS}


def _refuse_edns(reply: dns.message.Message, code: dns.rcode.Rcode) -> dns.message.Message:
    if code is dns.rcode.BADVERS:
        reply.set_rcode(code)
        return reply
    bare = dns.message.Message(id=reply.id)
    bare.flags = dns.flags.QR
    bare.set_rcode(code)
    return bare


@dataclass
class Server:
    """One address: its zones as zone-file text by origin, and how it behaves."""

    address: str
    zones: dict[str, str]
    behaviour: str = "good"
    questions: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, query: dns.message.Message, *, is_tcp: bool) -> dns.message.Message | None:
        question = query.question[0]
        self.questions.append((str(question.name).rstrip("."), dns.rdatatype.to_text(question.rdtype)))
        reply = dns.message.make_response(query)
        if self.behaviour == "silent" or (self.behaviour == "deaf_to_edns" and query.edns >= 0):
            return None
        if self.behaviour in NO_EDNS and query.edns >= 0:
            return _refuse_edns(reply, NO_EDNS[self.behaviour])
        if self.behaviour in ("servfail", "refused"):
            reply.set_rcode(dns.rcode.SERVFAIL if self.behaviour == "servfail" else dns.rcode.REFUSED)
            return reply
        if self.behaviour == "lame":
            return reply
        if self.behaviour == "bogus" and not query.flags & dns.flags.CD:
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply
        if self.behaviour == "recursive":
            self._fill(reply, question.name, question.rdtype)
            reply.flags = (reply.flags & ~dns.flags.AA) | dns.flags.RA
            return reply
        if self.behaviour in ("truncated", "drip") and not is_tcp:
            reply.flags |= dns.flags.TC
            return reply
        self._fill(reply, question.name, question.rdtype)
        if self.behaviour == "forged" and not is_tcp:
            reply.id ^= 1
        return reply

    def _fill(self, reply: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> None:
        origins = [dns.name.from_text(origin) for origin in self.zones]
        enclosing = [origin for origin in origins if name.is_subdomain(origin)]
        if not enclosing:
            reply.set_rcode(dns.rcode.REFUSED)
            return
        origin = max(enclosing, key=len)
        zone = dns.zone.from_text(self.zones[str(origin)], origin=origin, relativize=False, check_origin=False)
        cut = next(
            (
                node
                for node in zone.nodes
                if node != origin and name.is_subdomain(node) and zone.get_rdataset(node, "NS")
            ),
            None,
        )
        if cut is not None:
            reply.authority.append(_rrset(cut, zone.get_rdataset(cut, "NS")))
            hosts = [(rdata.target, zone.get_rdataset(rdata.target, "A")) for rdata in zone.get_rdataset(cut, "NS")]
            reply.additional += [_rrset(host, glue) for host, glue in hosts if glue is not None]
            return
        reply.flags |= dns.flags.AA
        holder = _holder(zone, name)
        found, alias = zone.get_rdataset(holder, rdtype), zone.get_rdataset(holder, "CNAME")
        branch = next((node for node in zone.nodes if zone.get_rdataset(node, "DNAME") and name != node), None)
        if branch is not None and name.is_subdomain(branch):
            self._follow(reply, zone, name, branch, rdtype)
        elif found is not None:
            reply.answer.append(_rrset(name, found))
        elif alias is not None:
            reply.answer.append(_rrset(name, alias))
            target = zone.get_rdataset(alias[0].target, rdtype) if alias[0].target.is_subdomain(origin) else None
            if target is not None:
                reply.answer.append(_rrset(alias[0].target, target))
        else:
            if not any(node.is_subdomain(holder) for node in zone.nodes):
                reply.set_rcode(dns.rcode.NXDOMAIN)
            reply.authority.append(_rrset(origin, zone.get_rdataset(origin, "SOA")))

    @staticmethod
    def _follow(
        reply: dns.message.Message,
        zone: dns.zone.Zone,
        name: dns.name.Name,
        branch: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
    ) -> None:
        """A DNAME with the CNAME made from it (RFC 6672), and what that leads to within the zone."""
        renamed = zone.get_rdataset(branch, "DNAME")
        target = name.relativize(branch).derelativize(renamed[0].target)
        reply.answer.append(_rrset(branch, renamed))
        reply.answer.append(dns.rrset.from_text(name, renamed.ttl, "IN", "CNAME", str(target)))
        led = zone.get_rdataset(target, rdtype)
        if led is not None:
            reply.answer.append(_rrset(target, led))


def _holder(zone: dns.zone.Zone, name: dns.name.Name) -> dns.name.Name:
    """The node that answers for a name: its own, or the wildcard of its closest encloser (RFC 4592)."""
    if any(node.is_subdomain(name) for node in zone.nodes):
        return name
    encloser = name.parent()
    while not any(node.is_subdomain(encloser) for node in zone.nodes):
        encloser = encloser.parent()
    wildcard = dns.name.Name((b"*", *encloser.labels))
    return wildcard if wildcard in zone.nodes else name


def _rrset(name: dns.name.Name, rdataset: object) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))  # type: ignore[attr-defined]


@dataclass
class Zoo:
    """Servers that share a port on addresses of their own."""

    port: int
    servers: list[Server]
    stopping: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def zoo(*servers: Server) -> Iterator[Zoo]:
    """Serve over UDP and TCP until the block ends."""
    with socket.socket() as probe:
        probe.bind((servers[0].address, 0))
        port = probe.getsockname()[1]
    park = Zoo(port, list(servers))
    sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []
    for server in servers:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((server.address, port))
        tcp = socket.socket()
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind((server.address, port))
        tcp.listen()
        sockets += [udp, tcp]
        for work, sock in ((_serve_udp, udp), (_serve_tcp, tcp)):
            sock.settimeout(0.02)
            threads.append(threading.Thread(target=work, args=(park, server, sock), daemon=True))
            threads[-1].start()
    try:
        yield park
    finally:
        park.stopping.set()
        for thread in threads:
            thread.join()
        for sock in sockets:
            sock.close()


def _serve_udp(park: Zoo, server: Server, sock: socket.socket) -> None:
    while not park.stopping.is_set():
        try:
            packet, peer = sock.recvfrom(4096)
        except TimeoutError:
            continue
        except OSError:
            return
        reply = server.answer(dns.message.from_wire(packet), is_tcp=False)
        if reply is not None:
            with contextlib.suppress(OSError):
                sock.sendto(reply.to_wire(max_size=65535), peer)


def _serve_tcp(park: Zoo, server: Server, sock: socket.socket) -> None:
    while not park.stopping.is_set():
        try:
            peer, _ = sock.accept()
        except TimeoutError:
            continue
        except OSError:
            return
        with peer:
            peer.settimeout(1)
            length = int.from_bytes(peer.recv(2), "big")
            if server.behaviour == "drip":
                _drip(park, peer)
                continue
            reply = server.answer(dns.message.from_wire(peer.recv(length)), is_tcp=True)
            if reply is not None:
                wire = reply.to_wire(max_size=65535)
                peer.sendall(len(wire).to_bytes(2, "big") + wire)


def _drip(park: Zoo, peer: socket.socket) -> None:
    """Promise a long answer and send a byte of it now and then, until nobody listens."""
    with contextlib.suppress(OSError):
        peer.sendall((4096).to_bytes(2, "big"))
        while not park.stopping.wait(0.1):
            peer.sendall(b"x")
