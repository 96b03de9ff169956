"""Amazon Route 53. A batch is applied whole or not at all; a set is changed by deleting it exactly as it was read and
creating the new one, so that what somebody else changed meanwhile makes the batch fail instead of being overwritten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from aws.clients import Credentials
from aws.errors import AwsError, AwsRefused, AwsTimedOut, AwsUnavailable
from aws.hosted_zones import (
    HostedZone,
    RecordChange,
    RecordSet,
    change_records,
    public_zone_names,
    public_zones,
    record_sets,
    wait_until_insync,
)
from aws.pacing import Caller, person
from aws.roles import assume_role
from aws.zone_text import txt_text, txt_value
from domains.dns_hosts.host import Change, HostRefused, HostUnavailable, HostZone, OpenZone
from domains.models import DnsHostCredential
from domains.zone_plan import HostSet, ZoneChange

HOST_TYPES = ("MX", "CNAME")


class Route53:
    key = "route53"
    label = "Amazon Route 53"

    def open_zones(self, *, name: str, credential: DnsHostCredential | None, caller: Caller) -> list[OpenZone]:
        with _translated():
            keys = None
            if credential is not None:
                keys = assume_role(role_arn=credential.role_arn, external_id=credential.external_id, caller=caller)
            found = public_zones(name=name, caller=caller, credentials=keys)
        return [Route53Zone(_host_zone(zone), keys, caller) for zone in found]

    def visible_zones(self, *, credential: DnsHostCredential, caller: Caller) -> list[str]:
        with _translated():
            keys = assume_role(role_arn=credential.role_arn, external_id=credential.external_id, caller=caller)
            return list(public_zone_names(caller=caller, credentials=keys))


@dataclass(frozen=True)
class Route53Zone:
    """`as_read` has the values in zone-file form: a set is deleted, and others' values kept, byte for byte."""

    zone: HostZone
    keys: Credentials | None
    caller: Caller
    as_read: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def read(self, names: Sequence[str]) -> dict[tuple[str, str], HostSet]:
        found: dict[tuple[str, str], HostSet] = {}
        with _translated():
            for name in dict.fromkeys(names):
                for each in self._sets_at(name):
                    # Of several sets with a routing policy one is enough to know that they are not ours to write.
                    found[(each.name, each.type)] = each
        return found

    def _sets_at(self, name: str) -> Iterator[HostSet]:
        for found in record_sets(zone_id=self.zone.zone_id, name=name, caller=self.caller, credentials=self.keys):
            values = tuple(_plain(found.record_type, value) for value in found.values)
            for plain, wire in zip(values, found.values, strict=True):
                self.as_read[(found.name, found.record_type, plain)] = wire
            is_plain = not (found.is_alias or found.is_routed)
            yield HostSet(found.name, found.record_type, found.ttl, values, is_plain)

    def write(self, changes: Sequence[ZoneChange]) -> Change:
        batch: list[RecordChange] = []
        for change in changes:
            if change.before is not None:
                batch.append(RecordChange("DELETE", self._record_set(change.before)))
            if change.after is not None:
                batch.append(RecordChange("CREATE", self._record_set(change.after)))
        with _translated():
            id_ = change_records(zone_id=self.zone.zone_id, changes=batch, caller=self.caller, credentials=self.keys)
        return Change(id_)

    def _record_set(self, wanted: HostSet) -> RecordSet:
        values = (
            self.as_read.get((wanted.name, wanted.type, value)) or _wire(wanted.type, value) for value in wanted.values
        )
        return RecordSet(wanted.name, wanted.type, wanted.ttl, tuple(values))

    def wait(self, change_id: str, *, seconds: float) -> bool:
        try:
            with _translated():
                wait_until_insync(change_id=change_id, caller=person(seconds), credentials=self.keys)
        except (HostUnavailable, HostRefused):
            # The change is made; that nobody tells when it is served (no permission for GetChange) undoes nothing.
            return False
        return True


def _host_zone(zone: HostedZone) -> HostZone:
    return HostZone(Route53.key, zone.zone_id, zone.name, zone.name_servers, zone.record_count)


def _plain(type_: str, value: str) -> str:
    if type_ == "TXT":
        return txt_text(value)
    return value.rstrip(".").lower() if type_ in HOST_TYPES else value


def _wire(type_: str, value: str) -> str:
    if type_ == "TXT":
        return txt_value(value)
    return f"{value}." if type_ in HOST_TYPES else value


@contextmanager
def _translated() -> Iterator[None]:
    """Raise HostRefused or HostUnavailable in place of an AwsError."""
    try:
        yield
    except AwsRefused as error:
        raise HostRefused(str(error)) from error
    except AwsUnavailable as error:
        raise HostUnavailable(
            str(error), is_silent=isinstance(error, AwsTimedOut), may_have_landed=error.is_outcome_unknown
        ) from error
    except AwsError as error:
        raise HostUnavailable(str(error)) from error
