"""Keeps what moto holds - buckets, objects, hosted zones, queues - in the folder, and brings it back."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.state import write_aside

logger = logging.getLogger("sandbox.stores")
# Assumed roles may live in other accounts; moto keeps those apart.
ACCOUNT = "123456789012"
QUEUE_ATTRIBUTES = ("MessageRetentionPeriod", "VisibilityTimeout", "Policy")
RecordSet = tuple[str, str, int, list[str]]


def hosted_zones() -> Iterator[tuple[str, list[RecordSet]]]:
    """The public zones of every account: (name, [(owner, type, ttl, values)])."""
    for _, zone in _all_zones():
        yield zone.name, _record_sets(zone)


def find_hosted_zone(zone_id: str) -> Any | None:
    """moto's zone of this id (without `/hostedzone/`)."""
    return next((zone for _, zone in _all_zones(is_private_too=True) if zone.id.endswith("/" + zone_id)), None)


def _all_zones(*, is_private_too: bool = False) -> Iterator[tuple[str, Any]]:
    from moto.route53.models import route53_backends

    for account, regions in list(route53_backends.items()):
        for backend in list(regions.values()):
            for zone in list(backend.zones.values()):
                if is_private_too or not zone.private_zone:
                    yield account, zone


def _record_sets(zone: Any) -> list[RecordSet]:
    found = []
    for each in list(zone.rrsets):
        values = [str(value["Value"] if isinstance(value, dict) else value) for value in each.records or ()]
        if values:
            found.append((str(each.name), str(each.type), int(each.ttl or 300), values))
    return found


def mend_start_records() -> None:
    """moto keeps a new zone's SOA in a form that it then lists as Python source; make it a plain value."""
    for _, zone in _all_zones(is_private_too=True):
        for each in zone.rrsets:
            if each.type == "SOA":
                each.records = [value["Value"] if isinstance(value, dict) else value for value in each.records]


def give_zones_their_own_servers() -> None:
    """moto has the same four name servers for all zones; Route 53 has four of its own for each."""
    from moto.route53 import models

    class OwnDelegationSet(models.DelegationSet):
        def __init__(
            self, caller_reference: str, name_servers: list[str] | None, delegation_set_id: str | None
        ) -> None:
            numbers = random.sample(range(2048), 4)
            domains = ("awsdns-64.com", "awsdns-65.net", "awsdns-66.org", "awsdns-67.co.uk")
            own = [f"ns-{number}.{domain}" for number, domain in zip(numbers, domains, strict=True)]
            super().__init__(caller_reference, name_servers or own, delegation_set_id)

    vars(models)["DelegationSet"] = OwnDelegationSet


def let_objects_go_while_they_are_listed() -> None:
    """moto fails to list a bucket of which an object is deleted meanwhile; S3 lists it or does not."""
    from moto.s3.utils import _VersionedKeyStore

    def items(store: dict[str, list[Any]]) -> Iterator[tuple[str, Any]]:
        # A copy of the dictionary itself: what stands under each key is all versions.
        yield from ((key, versions[-1]) for key, versions in dict(store).items() if versions)

    setattr(_VersionedKeyStore, "items", items)  # noqa: B010 - a method of somebody else's class


class MotoStores:
    """`save()` writes what changed; `restore()` makes it again, in this process and before anybody is served."""

    def __init__(self, folder: Path) -> None:
        self._index = folder / "stores.json"
        self._objects = folder / "objects"
        self._objects.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._last = ""

    def forget(self) -> None:
        """Clear moto and the folder."""
        from moto.backends import get_backend

        with self._lock:
            for name in ("s3", "sqs", "route53"):
                service: Any = get_backend(name)
                for account in list(service.values()):
                    for backend in list(account.values()):
                        backend.reset()
            self._index.unlink(missing_ok=True)
            for file in self._objects.iterdir():
                file.unlink(missing_ok=True)
            self._last = ""

    def save(self) -> None:
        """Objects first, then the index that names them: a kill in between leaves the old index and its files."""
        with self._lock:
            index = {"buckets": self._buckets(), "zones": self._zones(), "queues": self._queues()}
            text = json.dumps(index)
            if text == self._last:
                return
            write_aside(self._index, text.encode())
            self._last = text
            named = {each["file"] for bucket in index["buckets"] for each in bucket["objects"]}
            for file in self._objects.iterdir():
                if file.name not in named:
                    file.unlink(missing_ok=True)

    def _buckets(self) -> list[dict[str, Any]]:
        from moto.s3.models import s3_backends

        found = []
        for bucket in list(s3_backends[ACCOUNT]["aws"].buckets.values()):
            objects = []
            for key, stored in list(bucket.keys.items()):
                digest = hashlib.sha256(f"{bucket.name}/{key}/{stored.etag}".encode()).hexdigest()
                if not (self._objects / digest).exists():
                    write_aside(self._objects / digest, stored.value)
                metadata = {str(name): str(value) for name, value in (stored.metadata or {}).items()}
                at = stored.last_modified.timestamp()
                objects.append({"key": key, "file": digest, "last_modified": at, "metadata": metadata})
            policy = bucket.policy.decode() if isinstance(bucket.policy, bytes) else bucket.policy or ""
            found.append({"name": bucket.name, "region": bucket.region_name, "policy": policy, "objects": objects})
        return found

    def _zones(self) -> list[dict[str, Any]]:
        return [
            {
                "account": account,
                "id": zone.id.rpartition("/")[2],
                "name": zone.name,
                "name_servers": list(zone.delegation_set.name_servers),
                "records": _record_sets(zone),
            }
            for account, zone in _all_zones()
        ]

    def _queues(self) -> list[dict[str, Any]]:
        from moto.sqs.models import sqs_backends

        regions: list[tuple[str, Any]] = list(sqs_backends[ACCOUNT].items())
        return [
            {
                "name": queue.name,
                "region": region,
                "attributes": {name: queue.attributes.get(name) for name in QUEUE_ATTRIBUTES},
                "messages": [message.body for message in list(queue._messages)],
            }
            for region, backend in regions
            for queue in list(backend.queues.values())
        ]

    def restore(self) -> None:
        if not self._index.is_file():
            return
        self._last = self._index.read_text()
        index = json.loads(self._last)
        for bucket in index["buckets"]:
            self._restore_bucket(bucket)
        for zone in index["zones"]:
            _restore_zone(zone)
        for queue in index["queues"]:
            _restore_queue(queue)

    def _restore_bucket(self, kept: dict[str, Any]) -> None:
        from moto.s3.models import s3_backends

        backend = s3_backends[ACCOUNT]["aws"]
        bucket = backend.create_bucket(kept["name"], kept["region"])
        bucket.policy = kept["policy"].encode() or None
        for each in kept["objects"]:
            stored = backend.put_object(kept["name"], each["key"], (self._objects / each["file"]).read_bytes())
            stored.set_metadata(each["metadata"])
            stored.last_modified = datetime.fromtimestamp(each["last_modified"], UTC)


def _restore_zone(kept: dict[str, Any]) -> None:
    from moto.route53.models import route53_backends

    backend = route53_backends[kept["account"]]["aws"]
    zone = backend.create_hosted_zone(kept["name"], private_zone=False)
    # The product remembers the id, so it must outlive a restart.
    backend.zones.pop(zone.id.rpartition("/")[2])
    zone.resource_id = kept["id"]
    if zone.delegation_set is not None and "name_servers" in kept:
        zone.delegation_set.name_servers = kept["name_servers"]
    backend.zones[kept["id"]] = zone
    for owner, type_, ttl, values in kept["records"]:
        zone.upsert_rrset({"Name": owner, "Type": type_, "TTL": ttl, "ResourceRecords": values})


def _restore_queue(kept: dict[str, Any]) -> None:
    from moto.sqs.models import sqs_backends

    backend = sqs_backends[ACCOUNT][kept["region"]]
    attributes = {name: value for name, value in kept["attributes"].items() if value}
    backend.create_queue(kept["name"], **attributes)
    for body in kept["messages"]:
        backend.send_message(kept["name"], body)
