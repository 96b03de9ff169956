"""A zone of the sandbox's internet: its records, its servers, and who answers for a name in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

DEFAULT_ADDRESS = "127.0.0.1"
TTL = 300
# What a server may do instead of answering; "slow" and "truncated" ones do answer.
SILENT = frozenset({"lame", "servfail", "refused", "drop"})
BEHAVIOURS = SILENT | {"slow", "truncated", ""}
_HOST_VALUES = frozenset({"MX", "CNAME", "NS", "DNAME"})


def plain(name: str) -> str:
    """Lower-case, without the trailing dot; Route 53's octal `\\052` is `*`."""
    return name.strip().rstrip(".").lower().replace("\\052", "*")


@dataclass
class Zone:
    """Records by (owner, type); `servers` maps addresses to {"behaviour"?, "records"?}, none is 127.0.0.1 alone."""

    name: str
    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    ttls: dict[tuple[str, str], int] = field(default_factory=dict)
    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Every name that exists, empty non-terminals too (RFC 4592 section 2.2.2).
    names: set[str] = field(default_factory=set)

    def add(self, type_: str, owner: str, value: str, ttl: int = TTL) -> None:
        key = (owner, type_)
        values = self.records.setdefault(key, [])
        if value not in values:
            values.append(value)
        self.ttls[key] = ttl
        while owner not in self.names and (owner == self.name or owner.endswith("." + self.name) or not self.name):
            self.names.add(owner)
            owner = owner.partition(".")[2]

    def fill(self, records: Iterable[dict[str, Any]]) -> Zone:
        for record in records:
            type_, owner, value, ttl = record_value(record)
            self.add(type_, owner, value, ttl)
        return self

    def with_apex(self) -> Zone:
        """The zone with an SOA and NS records whose hosts have addresses, as every zone on the internet has."""
        if (self.name, "NS") not in self.records:
            for number, address in enumerate(self.addresses, start=1):
                host = f"ns{number}.{self.name}"
                self.add("NS", self.name, host + ".")
                if (host, "A") not in self.records:
                    self.add("A", host, address)
        if (self.name, "SOA") not in self.records:
            first = self.records[(self.name, "NS")][0]
            self.add("SOA", self.name, f"{first} hostmaster.{self.name}. 1 7200 900 1209600 60", 60)
        return self

    @property
    def addresses(self) -> list[str]:
        # Two name servers is what every registry asks for; on one address they share what they know.
        return list(self.servers) or [DEFAULT_ADDRESS, DEFAULT_ADDRESS]

    def at(self, address: str) -> Zone:
        """The zone as its server at this address has it, where that server lags behind the others."""
        own = self.servers.get(address) or {}
        if own.get("records") is None:
            return self
        seen = Zone(self.name, servers=self.servers).fill(own["records"])
        for (owner, type_), values in self.records.items():
            is_ns_address = type_ == "A" and f"{owner}." in self.records[(self.name, "NS")]
            if is_ns_address or (owner == self.name and type_ == "NS"):
                for value in values:
                    seen.add(type_, owner, value)
        return seen.with_apex()

    def owner_of(self, name: str) -> str | None:
        """Who answers for the name: itself, or the wildcard at its closest encloser (RFC 4592); None is NXDOMAIN."""
        if name in self.names:
            return name
        parent = name
        while parent and parent != self.name:
            parent = parent.partition(".")[2]
            if parent in self.names:
                wildcard = f"*.{parent}" if parent else "*"
                return wildcard if wildcard in self.names else None
        return None

    def cut_above(self, name: str) -> str | None:
        """The highest delegation at or above the name and below the apex."""
        labels = name.removesuffix(self.name).rstrip(".").split(".") if name != self.name else []
        for start in range(len(labels) - 1, -1, -1):
            owner = ".".join([*labels[start:], *([self.name] if self.name else [])])
            if (owner, "NS") in self.records:
                return owner
        return None


def txt_value(text: str) -> str:
    """Text as the quoted strings of a zone file, 255 bytes each; what is quoted already stays."""
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        return text
    raw = text.encode()
    chunks = [raw[start : start + 255] for start in range(0, len(raw), 255)] or [b""]
    return " ".join(
        '"' + "".join(chr(b) if 32 <= b < 127 and b not in (34, 92) else f"\\{b:03d}" for b in chunk) + '"'
        for chunk in chunks
    )


def record_value(record: dict[str, Any]) -> tuple[str, str, str, int]:
    """(type, owner, zone-file value, ttl) of a record as JSON; an MX may have its priority in the value or beside it.

    Raises KeyError, ValueError for what is no record.
    """
    type_, value = str(record["type"]).upper(), str(record["value"]).strip()
    if type_ == "TXT":
        value = txt_value(value)
    elif type_ == "MX" and not (value.partition(" ")[0].isdigit() and " " in value):
        priority = record.get("priority")
        value = f"{10 if priority is None else int(priority)} {value}"
    if type_ in _HOST_VALUES and not value.endswith("."):
        value += "."
    return type_, plain(str(record["name"])), value, int(record.get("ttl") or TTL)


def check_record(record: dict[str, Any]) -> None:
    """Raises KeyError or ValueError for a record that could not be served."""
    type_, owner, value, ttl = record_value(record)
    try:
        rrset(owner, type_, [value], ttl)
    except dns.exception.DNSException as error:
        raise ValueError(f"{owner} {type_} {value}: {error}") from error


def rrset(owner: str, type_: str, values: Iterable[str], ttl: int) -> dns.rrset.RRset:
    """Zone-file values as an RRset; relative names in them count from the root."""
    name = dns.name.from_text(owner + "." if owner else ".")
    found = dns.rrset.RRset(name, dns.rdataclass.IN, dns.rdatatype.from_text(type_))
    found.update_ttl(ttl)
    for value in values:
        found.add(dns.rdata.from_text("IN", type_, value, origin=dns.name.root, relativize=False), ttl)
    return found
