"""All zones of the sandbox, those of Route 53 and Cloudflare and those set by hand, as one answer to one question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sandbox import cloudflare
from sandbox.moto_stores import RecordSet, hosted_zones
from sandbox.state import State
from sandbox.zones import DEFAULT_ADDRESS, SILENT, Zone, plain

_MOST_CNAMES = 8


class NoServerAnswers(Exception):
    """Every server of the zone is lame, silent or refuses."""


class Internet:
    """All zones; built again when zones were set or a DNS host has changed."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._seen = -1
        self._zones: dict[str, Zone] = {}
        self._hosted: dict[str, list[dict[str, Any]]] = {}
        # Parents of zones: "example" exists when "acme.example" does (RFC 8020).
        self._above: set[str] = set()

    @property
    def version(self) -> int:
        return self._state.zones_version

    def zones(self) -> dict[str, Zone]:
        if self._state.zones_version != self._seen:
            with self._state.lock:
                version, touched = self._state.zones_version, self._state.touched_zones
                if touched is None:
                    self._hosted = _hosted([*hosted_zones(), *cloudflare.hosted_zones(self._state)])
                    touched = {*self._zones, *self._hosted, *self._state.tree["zones"]}
                self._build(touched)
                # Last, so that a build that failed is tried again.
                self._seen, self._state.touched_zones = version, set()
        return self._zones

    def _build(self, names: Iterable[str]) -> None:
        # A new table, because others are reading the old one.
        zones = dict(self._zones)
        for name in names:
            hosted, kept = self._hosted.get(name), self._state.tree["zones"].get(name)
            zones.pop(name, None)
            if hosted is not None or kept is not None:
                zones[name] = _zone(name, hosted or [], kept or {})
        self._zones = zones
        self._above = {above for name in zones for above in _parents(name)}

    def addresses(self) -> set[str]:
        """Every loopback address that a zone's server has."""
        found = {address for zone in self.zones().values() for address in zone.servers}
        return {DEFAULT_ADDRESS} | {address for address in found if address.startswith("127.")}

    def zone_of(self, name: str) -> Zone | None:
        zones = self.zones()
        for candidate in (name, *_parents(name)):
            if candidate in zones:
                return zones[candidate]
        return zones.get("")

    def is_above_a_zone(self, name: str) -> bool:
        self.zones()
        return not name or name in self._above

    def exists(self, name: str) -> bool:
        zone = self.zone_of(name)
        return zone is not None and zone.owner_of(name) is not None

    def values(self, name: str, type_: str) -> list[str]:
        """What a resolver would find, through CNAMEs: zone-file values, none for a name that is not there.

        Raises NoServerAnswers.
        """
        for _ in range(_MOST_CNAMES):
            zone = self.zone_of(name)
            if zone is None:
                return []
            zone = _as_resolvers_see(zone)
            if zone.cut_above(name) is not None:
                raise NoServerAnswers(name)
            owner = zone.owner_of(name) or name
            found = zone.records.get((owner, type_))
            if found:
                return found
            alias = zone.records.get((owner, "CNAME"))
            if not alias:
                return []
            name = plain(alias[0])
        return []


def _hosted(zones: Iterable[tuple[str, list[RecordSet]]]) -> dict[str, list[dict[str, Any]]]:
    """The records of the hosts' zones, and of zones made up to give their name servers addresses."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, record_sets in zones:
        if plain(name) in found:
            # A second zone of the same name: the registrar leads to the first, nobody asks this one.
            continue
        records = found.setdefault(plain(name), [])
        for owner, type_, ttl, values in record_sets:
            records += [{"type": type_, "name": owner, "value": value, "ttl": ttl} for value in values]
    hosts = {plain(each["value"]) for name in found for each in found[name] if each["type"] == "NS"}
    for host in sorted(hosts):
        above = host.partition(".")[2]
        found.setdefault(above, []).append({"type": "A", "name": host, "value": DEFAULT_ADDRESS})
    return found


def _zone(name: str, hosted: list[dict[str, Any]], kept: dict[str, Any]) -> Zone:
    zone = Zone(name, servers=kept.get("servers") or {})
    for record in hosted:
        # Servers that were set by hand stand in for those of Route 53.
        if not (zone.servers and record["type"] == "NS" and plain(record["name"]) == name):
            zone.fill([record])
    return zone.fill(kept.get("records") or ()).with_apex()


def _as_resolvers_see(zone: Zone) -> Zone:
    for address in dict.fromkeys(zone.addresses):
        if (zone.servers.get(address) or {}).get("behaviour", "") not in SILENT:
            return zone.at(address)
    raise NoServerAnswers(zone.name)


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.partition(".")[2]
        yield name
