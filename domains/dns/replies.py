"""A DNS reply as an answer or a referral; what is neither is unknown, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domains.dns.answers import FROM_A_CACHE, Outcome, ServerAnswer

if TYPE_CHECKING:
    import dns.message

MOST_CNAMES = 8
# A CNAME at such a name is in the way and is shown; it is not looked through.
NOT_FOLLOWED = frozenset({"CNAME", "MX"})
MOST_VALUES = 1000
LONGEST_VALUE = 64 * 1024
NOT_AUTHORITATIVE = "it does not hold the zone (lame delegation)"


@dataclass(frozen=True)
class Referral:
    """A server's word that a zone below its own holds the name."""

    zone: str
    hosts: tuple[str, ...]
    glue: dict[str, tuple[str, ...]]


def read_reply(reply: dns.message.Message, name: str, type_: str, label: str) -> ServerAnswer | Referral:
    """A reply as an answer or a referral; what is neither is UNKNOWN with its reason."""
    import dns.rcode

    code = reply.rcode()
    if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return ServerAnswer(server=label, outcome=Outcome.UNKNOWN, reason=f"it answered {dns.rcode.to_text(code)}")
    values, ttl, cname = _values(reply, name, type_)
    if values:
        return ServerAnswer(server=label, outcome=Outcome.FOUND, values=values, ttl=ttl, cname=cname)
    if cname:
        # With NXDOMAIN it is the end of the chain that does not exist (RFC 6604); the asked name does.
        return ServerAnswer(server=label, outcome=Outcome.NODATA, ttl=ttl, cname=cname)
    if code == dns.rcode.NXDOMAIN:
        return ServerAnswer(label, Outcome.NXDOMAIN, ttl=_negative_ttl(reply), zone=_zone_of_no(reply, name))
    referral = _referral(reply, name)
    if referral is not None:
        return referral
    return ServerAnswer(label, Outcome.NODATA, ttl=_negative_ttl(reply), zone=_zone_of_no(reply, name))


def lack_of_authority(reply: dns.message.Message, answer: ServerAnswer) -> str:
    """Why the answer of a server of the zone does not count, if so: it has no authority over it (RFC 1912 section 2.8).

    A "no" never counts then, and a "yes" not from a recursive server, which has it from a cache.
    """
    import dns.flags

    if answer.outcome is Outcome.UNKNOWN or reply.flags & dns.flags.AA:
        return ""
    if reply.flags & dns.flags.RA:
        return FROM_A_CACHE
    is_no = answer.outcome in (Outcome.NODATA, Outcome.NXDOMAIN) and not answer.cname
    return NOT_AUTHORITATIVE if is_no else ""


def _values(reply: dns.message.Message, name: str, type_: str) -> tuple[tuple[str, ...], int | None, str]:
    """The values of the type at the name, through CNAMEs within the reply; a CNAME question is never followed."""
    import dns.rdatatype

    wanted = dns.rdatatype.from_text(type_)
    by_owner: dict[tuple[str, int], Any] = {}
    for rrset in reply.answer:
        by_owner[(_text_of(rrset.name), rrset.rdtype)] = rrset
    owner, first_cname, ttl = name.lower(), "", None
    renamed = tuple(f".{name}" for name, rdtype in by_owner if rdtype == dns.rdatatype.DNAME)
    for _ in range(MOST_CNAMES):
        found = by_owner.get((owner, wanted))
        # The CNAME that comes with a DNAME is made up (RFC 6672): the record is where it leads.
        if found is not None and not (type_ == "CNAME" and owner.endswith(renamed)):
            values = tuple(_value_of(rdata) for rdata in found)[:MOST_VALUES]
            return values, found.ttl if ttl is None else min(ttl, found.ttl), first_cname
        alias = by_owner.get((owner, dns.rdatatype.CNAME))
        if alias is None:
            break
        owner = _text_of(alias[0].target)
        first_cname = first_cname or owner
        ttl = alias.ttl if ttl is None else min(ttl, alias.ttl)
        if type_ in NOT_FOLLOWED and not alias_is_made_up(alias, renamed):
            break
    return (), ttl, first_cname


def alias_is_made_up(alias: Any, renamed: tuple[str, ...]) -> bool:
    return bool(renamed) and _text_of(alias.name).endswith(renamed)


def _referral(reply: dns.message.Message, name: str) -> Referral | None:
    import dns.flags
    import dns.rdatatype

    if reply.flags & dns.flags.AA:
        return None
    for rrset in reply.authority:
        zone = _text_of(rrset.name)
        if rrset.rdtype != dns.rdatatype.NS or not (name == zone or name.endswith("." + zone)):
            continue
        glue: dict[str, tuple[str, ...]] = {}
        for extra in reply.additional:
            if extra.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                host = _text_of(extra.name)
                glue[host] = glue.get(host, ()) + tuple(rdata.address for rdata in extra)
        return Referral(zone, tuple(_text_of(rdata.target) for rdata in rrset), glue)
    return None


def _negative_ttl(reply: dns.message.Message) -> int | None:
    """How long a cache may hold the "no": the lesser of the SOA's TTL and its minimum (RFC 2308 section 5)."""
    import dns.rdatatype

    for rrset in reply.authority:
        if rrset.rdtype == dns.rdatatype.SOA:
            return min(int(rrset.ttl), int(rrset[0].minimum))
    return None


def _zone_of_no(reply: dns.message.Message, name: str) -> str:
    """The zone that says "no": whose SOA comes with it (RFC 2308 section 3), if that is above the name."""
    import dns.rdatatype

    owners = (_text_of(rrset.name) for rrset in reply.authority if rrset.rdtype == dns.rdatatype.SOA)
    return next((owner for owner in owners if owner and name.lower().endswith(f".{owner}")), "")


def _text_of(name: Any) -> str:
    return str(name).rstrip(".").lower()


def _value_of(rdata: Any) -> str:
    import dns.rdatatype

    if rdata.rdtype == dns.rdatatype.TXT:
        joined = b"".join(rdata.strings)[:LONGEST_VALUE]
        return joined.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    if rdata.rdtype == dns.rdatatype.MX:
        return f"{rdata.preference} {_text_of(rdata.exchange) or '.'}"
    if rdata.rdtype in (dns.rdatatype.CNAME, dns.rdatatype.NS):
        return _text_of(rdata.target)
    return str(rdata)
