"""What one address of the sandbox answers to one DNS question: as authority, or as the resolver that 127.0.0.1 is."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from sandbox.internet import Internet
from sandbox.zones import DEFAULT_ADDRESS, Zone, plain, rrset

_MOST_CNAMES = 8
_NEGATIVE_SECONDS = 60


def behaviour_at(internet: Internet, address: str, query: dns.message.Message) -> str:
    """How the server at this address treats the zone of the question: "" for well."""
    zone = internet.zone_of(plain(query.question[0].name.to_text()))
    return str((zone.servers.get(address) or {}).get("behaviour", "")) if zone else ""


def fill(internet: Internet, address: str, query: dns.message.Message, message: dns.message.Message) -> None:
    """Answer the first question into `message`, as the address would.

    127.0.0.1 is the whole internet's resolver for whoever asks for recursion. Otherwise an address answers for the
    zones that it serves, refers to the child of such a zone, and refuses the rest.
    """
    question = query.question[0]
    name, type_ = plain(question.name.to_text()), dns.rdatatype.to_text(question.rdtype)
    if address == DEFAULT_ADDRESS and query.flags & dns.flags.RD:
        _resolve(internet, name, type_, message)
        return
    zone = _served_zone(internet, address, name)
    if zone is None:
        _answer_as_root(internet, address, name, message)
        return
    below = _delegation(internet, zone, name)
    if below is not None:
        _refer(below, internet.zone_of(below), zone, message)
        return
    message.flags |= dns.flags.AA
    _answer_from(zone, name, type_, message)


def _served_zone(internet: Internet, address: str, name: str) -> Zone | None:
    """The deepest zone at or above the name that this address serves, as it has it."""
    zone = internet.zone_of(name)
    while zone is not None:
        if address in zone.addresses:
            return zone.at(address)
        zone = internet.zone_of(zone.name.partition(".")[2]) if "." in zone.name else None
    return None


def _delegation(internet: Internet, zone: Zone, name: str) -> str | None:
    """The child zone, of its own servers or named by NS records alone, that has the name instead of this zone."""
    deepest = internet.zone_of(name)
    if deepest is not None and len(deepest.name) > len(zone.name):
        return deepest.name
    return zone.cut_above(name)


def _refer(cut: str, child: Zone | None, parent: Zone, message: dns.message.Message) -> None:
    source = child if child is not None and child.name == cut else parent
    hosts = source.records[(cut, "NS")]
    message.authority.append(rrset(cut, "NS", hosts, source.ttls[(cut, "NS")]))
    for host in map(plain, hosts):
        glue = source.records.get((host, "A"))
        if glue:
            message.additional.append(rrset(host, "A", glue, source.ttls[(host, "A")]))


def _answer_from(zone: Zone, name: str, type_: str, message: dns.message.Message) -> str | None:
    """Put what the zone has into the message; the target of a CNAME that is still to be followed, or None."""
    owner = zone.owner_of(name)
    found = zone.records.get((owner, type_)) if owner is not None else None
    if owner is not None and found:
        message.answer.append(rrset(name, type_, found, zone.ttls[(owner, type_)]))
        return None
    alias = zone.records.get((owner, "CNAME")) if owner is not None else None
    if owner is not None and alias:
        message.answer.append(rrset(name, "CNAME", alias, zone.ttls[(owner, "CNAME")]))
        return plain(alias[0])
    if owner is None:
        message.set_rcode(dns.rcode.NXDOMAIN)
    soa = zone.records[(zone.name, "SOA")]
    message.authority.append(rrset(zone.name, "SOA", soa, _NEGATIVE_SECONDS))
    return None


def _resolve(internet: Internet, name: str, type_: str, message: dns.message.Message) -> None:
    # A resolver has no authority, but its word about the emulator's whole internet must count where it alone is asked.
    message.flags |= dns.flags.AA
    for _ in range(_MOST_CNAMES):
        zone = internet.zone_of(name)
        if zone is None:
            _no_such_name(internet, name, message)
            return
        if zone.cut_above(name) is not None:
            # Delegated to servers that are not part of this internet.
            message.set_rcode(dns.rcode.SERVFAIL)
            return
        target = _answer_from(zone, name, type_, message)
        if target is None:
            return
        name = target


def _answer_as_root(internet: Internet, address: str, name: str, message: dns.message.Message) -> None:
    """127.0.0.1 stands for all that is above the zones as well, and refers to one that others serve."""
    zone = internet.zone_of(name)
    if address != DEFAULT_ADDRESS:
        message.set_rcode(dns.rcode.REFUSED)
    elif zone is None:
        _no_such_name(internet, name, message)
    else:
        _refer(zone.name, zone, zone, message)


def _no_such_name(internet: Internet, name: str, message: dns.message.Message) -> None:
    message.flags |= dns.flags.AA
    if not internet.is_above_a_zone(name):
        message.set_rcode(dns.rcode.NXDOMAIN)
    message.authority.append(rrset("", "SOA", ["a.root. hostmaster.root. 1 60 60 60 60"], _NEGATIVE_SECONDS))
