"""Cloudflare's v4 API, as far as a DNS customer uses it: tokens, zones, records and batches of them.

After https://developers.cloudflare.com/api/resources/dns/ and /zones/; the codes are those that its customers report.
Tokens are made at `/_sandbox/cloudflare`. A token sees its own zones only, those that it made included.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from sandbox import cloudflare_records
from sandbox.cloudflare_records import CloudflareProblem
from sandbox.state import State
from sandbox.wire import Response
from sandbox.zones import plain

PREFIX = "/client/v4"
ROUTES: tuple[tuple[str, str, str], ...] = (
    ("GET", r"/user/tokens/verify", "VerifyToken"),
    ("GET", r"/zones", "ListZones"),
    ("POST", r"/zones", "CreateZone"),
    ("GET", r"/zones/(?P<zone_id>[^/]+)", "GetZone"),
    ("DELETE", r"/zones/(?P<zone_id>[^/]+)", "DeleteZone"),
    ("GET", r"/zones/(?P<zone_id>[^/]+)/dns_records", "ListDnsRecords"),
    ("POST", r"/zones/(?P<zone_id>[^/]+)/dns_records", "CreateDnsRecord"),
    ("POST", r"/zones/(?P<zone_id>[^/]+)/dns_records/batch", "BatchDnsRecords"),
    ("GET", r"/zones/(?P<zone_id>[^/]+)/dns_records/(?P<record_id>[^/]+)", "GetDnsRecord"),
    ("PATCH", r"/zones/(?P<zone_id>[^/]+)/dns_records/(?P<record_id>[^/]+)", "UpdateDnsRecord"),
    ("PUT", r"/zones/(?P<zone_id>[^/]+)/dns_records/(?P<record_id>[^/]+)", "OverwriteDnsRecord"),
    ("DELETE", r"/zones/(?P<zone_id>[^/]+)/dns_records/(?P<record_id>[^/]+)", "DeleteDnsRecord"),
)
WRITES = re.compile(r"Create|Delete|Batch|Update|Overwrite")
TOKEN = re.compile(r"Bearer ([A-Za-z0-9_-]{1,200})")
PEOPLE = ("ada", "bob", "cleo", "dan", "elle", "finn", "gina", "hank")
Zone = dict[str, Any]


def operation_of(method: str, path: str) -> tuple[str, dict[str, str]]:
    """(operation, parameters of the path); raises CloudflareProblem where there is nothing."""
    for verb, pattern, operation in ROUTES:
        found = re.fullmatch(PREFIX + pattern, path)
        if found and verb == method:
            return operation, found.groupdict()
    raise CloudflareProblem(7003, f"Could not route to {path}, perhaps your object identifier is invalid?", 400)


def hosted_zones(state: State) -> Iterator[tuple[str, list[tuple[str, str, int, list[str]]]]]:
    """What Cloudflare's name servers answer: (zone, [(owner, type, ttl, values)])."""
    for zone in state.tree["cloudflare"]["zones"].values():
        served = [(zone["name"], "NS", 86400, [f"{server}." for server in zone["name_servers"]])]
        served += [cloudflare_records.served(zone["name"], record) for record in zone["records"].values()]
        yield zone["name"], served


class Cloudflare:
    """`call` answers one request that is authorised; raises CloudflareProblem."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._operations: dict[str, Callable[..., Any]] = {
            "VerifyToken": self._verify,
            "ListZones": self._list_zones,
            "CreateZone": self._create_zone,
            "GetZone": self._get_zone,
            "DeleteZone": self._delete_zone,
            "ListDnsRecords": self._list_records,
            "CreateDnsRecord": self._create_record,
            "BatchDnsRecords": self._batch,
            "GetDnsRecord": self._get_record,
            "UpdateDnsRecord": self._update_record,
            "OverwriteDnsRecord": self._overwrite_record,
            "DeleteDnsRecord": self._delete_record,
        }

    def make_token(self, given: dict[str, Any]) -> dict[str, Any]:
        """A token for zones that are made with it: `zones` names them, `may` is `edit` or `read`."""
        token = str(given.get("token") or uuid.uuid4().hex + "-sandbox")
        kept = {"may": str(given.get("may", "edit")), "zones": [], "status": str(given.get("status", "active"))}
        with self.state.lock:
            self.state.tree["cloudflare"]["tokens"][token] = kept
            made = [self._make_zone(kept, str(name)) for name in given.get("zones") or ()]
            self.state.zones_changed()
        return {"token": token, "zones": {zone["name"]: zone["id"] for zone in made}}

    def call(self, operation: str, path: dict[str, str], query: dict[str, str], authorization: str, body: Any) -> Any:
        with self.state.lock:
            token = self._token(operation, authorization)
            parameters: dict[str, Any] = dict(path)
            if "zone_id" in path:
                parameters["zone"] = self._zone(token, parameters.pop("zone_id"))
            if WRITES.search(operation):
                if token["may"] != "edit":
                    raise CloudflareProblem(10000, "Authentication error", 403)
                parameters["body"] = body
            answer = self._operations[operation](token=token, query=query, **parameters)
            if WRITES.search(operation):
                self.state.zones_changed()
        return answer

    def _token(self, operation: str, authorization: str) -> dict[str, Any]:
        found = TOKEN.fullmatch(authorization)
        if found is None:
            raise CloudflareProblem(6003, "Invalid request headers", 400)
        kept: dict[str, Any] | None = self.state.tree["cloudflare"]["tokens"].get(found.group(1))
        if kept is None or kept["status"] != "active":
            if operation == "VerifyToken":
                raise CloudflareProblem(1000, "Invalid API Token", 401)
            raise CloudflareProblem(9109, "Invalid access token", 403)
        return kept

    def _zone(self, token: dict[str, Any], zone_id: str) -> Zone:
        zone: Zone | None = self.state.tree["cloudflare"]["zones"].get(zone_id)
        if zone is None or zone_id not in token["zones"]:
            # One answer for what is another's and for what is not there.
            raise CloudflareProblem(9109, "Unauthorized to access requested resource", 403)
        return zone

    def _verify(self, **_: Any) -> Any:
        return {"id": uuid.uuid4().hex, "status": "active"}

    # --- zones
    def _list_zones(self, *, token: dict[str, Any], query: dict[str, str], **_: Any) -> Any:
        zones = [self.state.tree["cloudflare"]["zones"][each] for each in token["zones"]]
        for field in ("name", "status"):
            if field in query:
                zones = [zone for zone in zones if zone[field] == query[field]]
        return cloudflare_records.page([_shown(zone) for zone in zones], query, usual=20, most=50)

    def _create_zone(self, *, token: dict[str, Any], body: Any, **_: Any) -> Any:
        return _shown(self._make_zone(token, str(body["name"]), str(body.get("type", "full"))))

    def _make_zone(self, token: dict[str, Any], name: str, type_: str = "full") -> Zone:
        zone_id = uuid.uuid4().hex
        # Each zone has two of Cloudflare's servers, by people's names.
        number = int(hashlib.sha256(zone_id.encode()).hexdigest(), 16)
        first, second = PEOPLE[number % 4], PEOPLE[4 + number // 4 % 4]
        zone: Zone = {
            "id": zone_id,
            "name": plain(name),
            "type": type_,
            "status": "active",
            "name_servers": [f"{first}.ns.cloudflare.com", f"{second}.ns.cloudflare.com"],
            "records": {},
        }
        self.state.tree["cloudflare"]["zones"][zone_id] = zone
        token["zones"].append(zone_id)
        return zone

    def _get_zone(self, *, zone: Zone, **_: Any) -> Any:
        return _shown(zone)

    def _delete_zone(self, *, zone: Zone, token: dict[str, Any], **_: Any) -> Any:
        del self.state.tree["cloudflare"]["zones"][zone["id"]]
        token["zones"].remove(zone["id"])
        return {"id": zone["id"]}

    # --- records
    def _list_records(self, *, zone: Zone, query: dict[str, str], **_: Any) -> Any:
        found = list(zone["records"].values())
        for field in ("name", "type", "content"):
            wanted = query.get(field) or query.get(f"{field}.exact")
            if wanted:
                found = [each for each in found if each[field] == wanted]
        return cloudflare_records.page(found, query, usual=100, most=5000)

    def _get_record(self, *, zone: Zone, record_id: str, **_: Any) -> Any:
        return cloudflare_records.find(zone, record_id)

    def _create_record(self, *, zone: Zone, body: Any, **_: Any) -> Any:
        return cloudflare_records.create(zone, body)

    def _update_record(self, *, zone: Zone, record_id: str, body: Any, **_: Any) -> Any:
        return cloudflare_records.change(zone, {**cloudflare_records.find(zone, record_id), **body, "id": record_id})

    def _overwrite_record(self, *, zone: Zone, record_id: str, body: Any, **_: Any) -> Any:
        return cloudflare_records.change(zone, {**body, "id": record_id})

    def _delete_record(self, *, zone: Zone, record_id: str, **_: Any) -> Any:
        return cloudflare_records.delete(zone, record_id)

    def _batch(self, *, zone: Zone, body: Any, **_: Any) -> Any:
        return cloudflare_records.batch(zone, body)


def _shown(zone: Zone) -> dict[str, Any]:
    return {name: value for name, value in zone.items() if name != "records"} | {
        "paused": False,
        "original_name_servers": [],
        "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"],
        "created_on": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


def answer(result: Any) -> Response:
    body: dict[str, Any] = {"success": True, "errors": [], "messages": []}
    # A page brings its counts along.
    body |= result if isinstance(result, dict) and "result_info" in result else {"result": result}
    return 200, [("Content-Type", "application/json")], json.dumps(body).encode()


def refusal(problem: CloudflareProblem) -> Response:
    error = {"code": problem.code, "message": problem.message}
    body = {"success": False, "errors": [error], "messages": [], "result": None}
    headers = [("Content-Type", "application/json")]
    if problem.status == 429:
        headers.append(("Retry-After", "300"))
    return problem.status, headers, json.dumps(body).encode()
