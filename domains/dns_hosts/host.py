"""What the core asks of a DNS host: open the zone of a name, read its sets, write a batch, wait until it is served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aws.pacing import Caller
from domains.models import DnsHostCredential
from domains.zone_plan import HostSet, ZoneChange


class HostRefused(Exception):
    """The host says no for good: no permission, no such zone, a change that it does not take."""


class HostUnavailable(Exception):
    """The host could not be asked or did not answer; with `may_have_landed` a change may be made all the same."""

    def __init__(self, message: str, *, is_silent: bool = False, may_have_landed: bool = False) -> None:
        super().__init__(message)
        self.is_silent = is_silent
        self.may_have_landed = may_have_landed


@dataclass(frozen=True)
class HostZone:
    """A zone at a host; `name` lower-case and undotted, `name_servers` those that the host gave it.

    `record_count` is how many records it has, 0 where the host does not tell with the zone.
    """

    host: str
    zone_id: str
    name: str
    name_servers: tuple[str, ...]
    record_count: int = 0


@dataclass(frozen=True)
class Change:
    """A change that a host took: its id, "" where it has none, and the host's ids of the values that it made.

    `record_ids` is by name, type and value; empty at a host whose values have no ids of their own.
    """

    id: str
    record_ids: Mapping[tuple[str, str, str], str] = field(default_factory=dict)


class OpenZone(Protocol):
    """A zone with the means to use it; every method raises HostRefused and HostUnavailable."""

    @property
    def zone(self) -> HostZone: ...

    def read(self, names: Sequence[str]) -> dict[tuple[str, str], HostSet]:
        """All sets at these names, by name and type."""

    def write(self, changes: Sequence[ZoneChange]) -> Change:
        """Make all changes or none, each only if its `before` still stands."""

    def wait(self, change_id: str, *, seconds: float) -> bool:
        """Whether all of the host's servers answer with the change within this time."""


class DnsHost(Protocol):
    """One DNS host; registered in `domains/dns_hosts/__init__.py`."""

    key: str
    label: str

    def open_zones(self, *, name: str, credential: DnsHostCredential | None, caller: Caller) -> list[OpenZone]:
        """The zones of the longest suffix of `name`, several where the account holds duplicates.

        Without a credential: with the installation's own, none where it can have none. Raises HostRefused,
        HostUnavailable.
        """

    def visible_zones(self, *, credential: DnsHostCredential, caller: Caller) -> list[str]:
        """The names of the public zones that the credential sees, the first hundreds of them: a trial of it.

        Raises HostRefused, HostUnavailable.
        """
