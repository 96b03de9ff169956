"""Route 53: find the public zone of a name, read and change its record sets, wait until the change is served.

`credentials` are an organization's own (see `aws.roles`), without them the installation's. All functions raise
AwsError. Route 53 refuses a CREATE of what exists and a CNAME beside others; an emulator may not: plan before writing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aws.clients import Credentials, call
from aws.errors import out_of_time
from aws.pacing import Caller
from aws.zone_text import is_txt_value, plain_name

# Route 53 is one service for the whole partition; its endpoint is signed for this region.
_REGION = "us-east-1"
_POLL_SECONDS = 1.5


@dataclass(frozen=True)
class HostedZone:
    """A public zone; `name` and `name_servers` without trailing dot, lower case. `zone_id` without `/hostedzone/`."""

    zone_id: str
    name: str
    name_servers: tuple[str, ...]
    record_count: int


@dataclass(frozen=True)
class RecordSet:
    """The values of one name and type, in zone-file form: TXT values in quotes, MX as `10 host`.

    An alias set (`is_alias`) and one with a routing policy (`is_routed`) have no plain values: leave them alone.
    """

    name: str
    record_type: str
    ttl: int
    values: tuple[str, ...]
    is_alias: bool = False
    is_routed: bool = False


@dataclass(frozen=True)
class RecordChange:
    """One change of a batch. A DELETE must repeat the set exactly as it stands. Raises ValueError for unquoted TXT."""

    action: Literal["CREATE", "UPSERT", "DELETE"]
    record_set: RecordSet

    def __post_init__(self) -> None:
        found = self.record_set
        if found.is_alias or found.is_routed:
            raise ValueError(f"{found.name} {found.record_type} is not a plain record set.")
        if found.record_type == "TXT" and not all(is_txt_value(value) for value in found.values):
            raise ValueError(f"A TXT value of {found.name} is not in quotes.")


def public_zones(*, name: str, caller: Caller, credentials: Credentials | None = None) -> tuple[HostedZone, ...]:
    """The public zones of the longest suffix of `name` that has any here: none, one, or duplicates of one name.

    Of duplicates the one that the parent delegates to is the real one: compare `name_servers`.
    """
    labels = name.rstrip(".").lower().split(".")
    for start in range(len(labels) - 1):
        suffix = ".".join(labels[start:])
        zones = _zones_named(suffix, caller, credentials)
        if zones:
            return zones
    return ()


def public_zone_names(*, caller: Caller, credentials: Credentials | None = None) -> tuple[str, ...]:
    """The names of the account's public zones, of its first hundred."""
    answer = _route53("ListHostedZonesByName", caller, credentials)
    zones = answer.get("HostedZones") or ()
    return tuple(plain_name(wire["Name"]) for wire in zones if not (wire.get("Config") or {}).get("PrivateZone"))


def record_sets(
    *, zone_id: str, name: str, caller: Caller, credentials: Credentials | None = None
) -> tuple[RecordSet, ...]:
    """All record sets that stand at exactly this name."""
    wanted = name.rstrip(".").lower()
    found: list[RecordSet] = []
    position: dict[str, Any] = {"StartRecordName": wanted}
    while True:
        answer = _route53("ListResourceRecordSets", caller, credentials, HostedZoneId=zone_id, **position)
        for wire in answer.get("ResourceRecordSets") or ():
            record_set = _from_wire(wire)
            # The list is sorted, so the first other name ends ours.
            if record_set.name != wanted:
                return tuple(found)
            found.append(record_set)
        if not answer.get("IsTruncated"):
            return tuple(found)
        position = {"StartRecordName": answer["NextRecordName"], "StartRecordType": answer["NextRecordType"]}
        if answer.get("NextRecordIdentifier"):
            position["StartRecordIdentifier"] = answer["NextRecordIdentifier"]


def change_records(
    *,
    zone_id: str,
    changes: Sequence[RecordChange],
    caller: Caller,
    comment: str = "Postern",
    credentials: Credentials | None = None,
) -> str:
    """Apply all changes or none, and return the change's id. Raises AwsRefused `InvalidChangeBatch`."""
    batch = {
        "Comment": comment,
        "Changes": [{"Action": change.action, "ResourceRecordSet": _to_wire(change.record_set)} for change in changes],
    }
    answer = _route53("ChangeResourceRecordSets", caller, credentials, HostedZoneId=zone_id, ChangeBatch=batch)
    return str(answer["ChangeInfo"]["Id"]).rpartition("/")[2]


def wait_until_insync(*, change_id: str, caller: Caller, credentials: Credentials | None = None) -> None:
    """Return when all of Route 53's servers answer with the change. Raises AwsTimedOut at the caller's deadline."""
    while True:
        answer = _route53("GetChange", caller, credentials, Id=change_id)
        if answer["ChangeInfo"]["Status"] == "INSYNC":
            return
        if caller.remaining <= _POLL_SECONDS:
            raise out_of_time("GetChange")
        time.sleep(_POLL_SECONDS)


def _zones_named(name: str, caller: Caller, credentials: Credentials | None) -> tuple[HostedZone, ...]:
    zones: list[HostedZone] = []
    position: dict[str, Any] = {"DNSName": name}
    while True:
        answer = _route53("ListHostedZonesByName", caller, credentials, **position)
        for wire in answer.get("HostedZones") or ():
            # DNSName is where the list starts, not a filter.
            if plain_name(wire["Name"]) != name:
                return tuple(zones)
            if not (wire.get("Config") or {}).get("PrivateZone"):
                zones.append(_with_name_servers(wire["Id"].rpartition("/")[2], name, caller, credentials))
        if not answer.get("IsTruncated"):
            return tuple(zones)
        position = {"DNSName": answer["NextDNSName"], "HostedZoneId": answer["NextHostedZoneId"]}


def _with_name_servers(zone_id: str, name: str, caller: Caller, credentials: Credentials | None) -> HostedZone:
    answer = _route53("GetHostedZone", caller, credentials, Id=zone_id)
    servers = (answer.get("DelegationSet") or {}).get("NameServers") or ()
    return HostedZone(
        zone_id=zone_id,
        name=name,
        name_servers=tuple(plain_name(server) for server in servers),
        record_count=int(answer["HostedZone"].get("ResourceRecordSetCount") or 0),
    )


def _from_wire(wire: dict[str, Any]) -> RecordSet:
    return RecordSet(
        name=plain_name(wire["Name"]),
        record_type=wire["Type"],
        ttl=int(wire.get("TTL") or 0),
        values=tuple(record["Value"] for record in wire.get("ResourceRecords") or ()),
        is_alias="AliasTarget" in wire,
        is_routed=bool(wire.get("SetIdentifier")),
    )


def _to_wire(record_set: RecordSet) -> dict[str, Any]:
    return {
        "Name": record_set.name,
        "Type": record_set.record_type,
        "TTL": record_set.ttl,
        "ResourceRecords": [{"Value": value} for value in record_set.values],
    }


def _route53(operation: str, caller: Caller, credentials: Credentials | None, **parameters: Any) -> dict[str, Any]:
    return call(
        service="route53", region=_REGION, operation=operation, caller=caller, credentials=credentials, **parameters
    )
