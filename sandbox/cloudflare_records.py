"""The records of a zone at Cloudflare: what may stand beside what, and batches that happen whole or not at all."""

from __future__ import annotations

import copy
import math
import uuid
from datetime import UTC, datetime
from typing import Any

from sandbox.zones import plain, txt_value

MOST_IN_A_BATCH = 200
PROXIED_ADDRESS = "104.16.0.1"
AUTOMATIC_TTL = 300
PROXIABLE = frozenset({"A", "AAAA", "CNAME"})
HOSTS = frozenset({"CNAME", "MX", "NS"})
TYPES = PROXIABLE | {"CAA", "MX", "NS", "SRV", "TXT"}
Record = dict[str, Any]


class CloudflareProblem(Exception):
    """An error as Cloudflare would answer it."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def page(found: list[Record], query: dict[str, str], *, usual: int, most: int) -> dict[str, Any]:
    number, size = int(query.get("page", 1)), int(query.get("per_page", usual))
    if number < 1 or not 1 <= size <= most:
        raise CloudflareProblem(6003, "Invalid request parameters", 400)
    part = found[(number - 1) * size : number * size]
    counts = {"page": number, "per_page": size, "count": len(part), "total_count": len(found)}
    return {"result": part, "result_info": counts | {"total_pages": math.ceil(len(found) / size)}}


def find(zone: dict[str, Any], record_id: str) -> Record:
    record: Record | None = zone["records"].get(record_id)
    if record is None:
        raise CloudflareProblem(81044, "Record does not exist.", 404)
    return record


def create(zone: dict[str, Any], given: Record) -> Record:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    record = {**_checked(zone, given), "id": uuid.uuid4().hex, "created_on": now, "modified_on": now}
    _refuse_neighbours(zone, record)
    zone["records"][record["id"]] = record
    return record


def change(zone: dict[str, Any], given: Record) -> Record:
    old = find(zone, given["id"])
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    record = {**_checked(zone, given), "id": old["id"], "created_on": old["created_on"], "modified_on": now}
    _refuse_neighbours(zone, record)
    zone["records"][record["id"]] = record
    return record


def delete(zone: dict[str, Any], record_id: str) -> Record:
    find(zone, record_id)
    del zone["records"][record_id]
    return {"id": record_id}


def batch(zone: dict[str, Any], body: Any) -> dict[str, Any]:
    """Deletes, patches, puts, posts, in this order; the first error undoes all of it."""
    asked = {kind: list(body.get(kind) or ()) for kind in ("deletes", "patches", "puts", "posts")}
    if sum(map(len, asked.values())) > MOST_IN_A_BATCH:
        raise CloudflareProblem(9207, f"A batch may have at most {MOST_IN_A_BATCH} changes", 400)
    before = copy.deepcopy(zone["records"])
    try:
        return {
            "deletes": [delete(zone, each["id"]) for each in asked["deletes"]],
            "patches": [change(zone, {**find(zone, each["id"]), **each}) for each in asked["patches"]],
            "puts": [change(zone, each) for each in asked["puts"]],
            "posts": [create(zone, each) for each in asked["posts"]],
        }
    except CloudflareProblem:
        zone["records"] = before
        raise


def served(zone: str, record: Record) -> tuple[str, str, int, list[str]]:
    """(owner, type, ttl, values) as the name servers give it; what is proxied or flattened is an
    address."""
    ttl = AUTOMATIC_TTL if record["ttl"] == 1 else int(record["ttl"])
    content = str(record["content"])
    if record["proxied"] or (record["type"] == "CNAME" and record["name"] == zone):
        return record["name"], "A", ttl, [PROXIED_ADDRESS]
    if record["type"] == "TXT":
        return record["name"], "TXT", ttl, [txt_value(content)]
    if record["type"] in HOSTS:
        content += "."
    value = f"{record['priority']} {content}" if record["type"] == "MX" else content
    return record["name"], record["type"], ttl, [value]


def _checked(zone: dict[str, Any], given: Record) -> Record:
    type_, name = str(given.get("type", "")).upper(), plain(str(given.get("name", "")))
    if type_ not in TYPES:
        raise CloudflareProblem(9000, f"DNS record type {type_} is not supported.", 400)
    if name in ("", "@"):
        name = zone["name"]
    elif name != zone["name"] and not name.endswith("." + zone["name"]):
        # Cloudflare takes any other name for one relative to the zone.
        name = f"{name}.{zone['name']}"
    content = str(given.get("content", ""))
    if not content:
        raise CloudflareProblem(9005, "Content for DNS record is invalid.", 400)
    ttl = int(given.get("ttl", 1))
    if ttl != 1 and not 60 <= ttl <= 86400:
        raise CloudflareProblem(9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.", 400)
    is_proxied = bool(given.get("proxied", False))
    if is_proxied and type_ not in PROXIABLE:
        raise CloudflareProblem(9004, "This record type cannot be proxied.", 400)
    record = {"name": name, "type": type_, "content": content.rstrip(".") if type_ in HOSTS else content}
    if type_ == "MX":
        if not isinstance(given.get("priority"), int):
            raise CloudflareProblem(9101, "priority is a required field.", 400)
        record["priority"] = given["priority"]
    fixed = {"ttl": ttl, "proxied": is_proxied, "proxiable": type_ in PROXIABLE}
    return record | fixed | {"comment": given.get("comment"), "tags": list(given.get("tags") or ())}


def _refuse_neighbours(zone: dict[str, Any], record: Record) -> None:
    for other in zone["records"].values():
        if other["name"] != record["name"] or other["id"] == record["id"]:
            continue
        types = {other["type"], record["type"]}
        if _identity(other) == _identity(record):
            raise CloudflareProblem(81058, "An identical record already exists.", 400)
        # MX and TXT may stand beside a CNAME there: it is flattened at the apex, and where it is proxied.
        if "CNAME" in types and types <= PROXIABLE:
            told = "A CNAME" if other["type"] == "CNAME" else "An A, AAAA, or CNAME"
            code = 81054 if other["type"] == "CNAME" else 81053
            raise CloudflareProblem(code, f"{told} record with that host already exists.", 400)


def _identity(record: Record) -> tuple[Any, ...]:
    return record["name"], record["type"], record["content"], record.get("priority")
