"""The control routes under `/_sandbox/`: zones, faults, calls, clock, mail - for people and for tests."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from publicsuffixlist import PublicSuffixList

from sandbox.cloudflare import Cloudflare
from sandbox.dns_server import DnsServer
from sandbox.faults import Faults
from sandbox.identities import Identities
from sandbox.index_page import INDEX
from sandbox.receipts import Receiver
from sandbox.state import State
from sandbox.wire import Response
from sandbox.zones import BEHAVIOURS, check_record, plain, record_value

SPECIAL = ("test", "example")


class BadRequest(Exception):
    """What was asked for can not be done; the text says why."""


class Control:
    """Answers with JSON, but for the index page."""

    def __init__(
        self,
        *,
        state: State,
        faults: Faults,
        identities: Identities,
        receiver: Receiver,
        cloudflare_api: Cloudflare,
        dns_server: DnsServer,
        counts: Mapping[str, Mapping[str, int]],
        reset: Callable[[], None],
    ) -> None:
        self.state, self.faults, self.identities = state, faults, identities
        self.receiver, self.dns_server, self.reset = receiver, dns_server, reset
        self.counts, self.cloudflare_api = counts, cloudflare_api
        self._suffixes = PublicSuffixList()

    def answer(self, environ: dict[str, Any], body: bytes) -> Response:
        method = environ["REQUEST_METHOD"]
        words = [unquote(word) for word in environ["PATH_INFO"].split("/")[2:] if word]
        if not words:
            return 200, [("Content-Type", "text/html; charset=utf-8")], INDEX.encode()
        handler = getattr(self, f"{method.lower()}_{words[0]}", None)
        if handler is None:
            return _json(404, {"error": "There is no such control route; see /_sandbox/"})
        try:
            given = json.loads(body) if body and not _is_zone_text(environ) else {"text": body.decode()}
            query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
            return _json(200, handler(*words[1:], given=given or {}, query=query) or {"ok": True})
        except (BadRequest, KeyError, TypeError, ValueError) as error:
            return _json(400, {"error": f"{type(error).__name__}: {error}"})

    # --- the program
    def get_ready(self, **_: Any) -> dict[str, Any]:
        return {"ready": True}

    def get_state(self, **_: Any) -> dict[str, Any]:
        with self.state.lock:
            copy: dict[str, Any] = json.loads(json.dumps(self.state.tree))
        return copy | {name: dict(counts) for name, counts in self.counts.items()}

    def post_reset(self, **_: Any) -> None:
        self.reset()

    # --- DNS
    def get_zones(self, *names: str, **_: Any) -> dict[str, Any]:
        zones = self.dns_server.internet.zones()
        if not names:
            return {"zones": sorted(zones)}
        zone = zones.get(plain(names[0]))
        if zone is None:
            raise BadRequest(f"There is no zone {names[0]}.")
        records = [
            {"type": type_, "name": owner, "value": value, "ttl": zone.ttls[(owner, type_)]}
            for (owner, type_), values in sorted(zone.records.items())
            for value in values
        ]
        return {"name": zone.name, "records": records, "servers": zone.servers}

    def put_zones(self, name: str, *, given: dict[str, Any], **_: Any) -> None:
        if "text" in given:
            given = {"records": _read_zone_text(given["text"], plain(name))}
        given = _with_delegations(given)
        _check_zone(given)
        with self.state.lock:
            self.state.tree["zones"][plain(name)] = {
                "records": list(given.get("records") or ()),
                "servers": dict(given.get("servers") or {}),
            }
            self._zone_changed(plain(name))

    def delete_zones(self, name: str, *rest: str, given: dict[str, Any], **_: Any) -> None:
        with self.state.lock:
            if rest:
                zone = self.state.tree["zones"].get(plain(name)) or {"records": []}
                gone = record_value(given)[:3]
                zone["records"] = [each for each in zone["records"] if record_value(each)[:3] != gone]
            else:
                self.state.tree["zones"].pop(plain(name), None)
            self._zone_changed(plain(name))

    def post_zones(self, name: str, what: str, *, given: dict[str, Any], **_: Any) -> None:
        if what != "records":
            raise BadRequest("POST zones/<name>/records")
        self._add(plain(name), [given])

    def post_publish(self, *, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Any list of records, as the REST APIs show them, into the zones of their registrable domains."""
        records = given.get("records") or given.get("dnsRecords") or []
        if isinstance(records, dict):
            records = _in_one_list(records, plain(str(given["domain"])))
        published: dict[str, list[Any]] = {}
        for record in records:
            published.setdefault(self._zone_for(plain(str(record["name"]))), []).append(record)
        for zone, each in published.items():
            self._add(zone, each)
        return {"published": len(records), "zones": sorted(published)}

    def _zone_for(self, name: str) -> str:
        existing = self.dns_server.internet.zone_of(name)
        if existing is not None and existing.name:
            return existing.name
        labels = [label for label in name.split(".") if not label.startswith("_")]
        if labels[-1] in SPECIAL:
            return ".".join(labels[-2:])
        return self._suffixes.privatesuffix(".".join(labels)) or ".".join(labels)

    def _add(self, zone: str, records: list[dict[str, Any]]) -> None:
        with self.state.lock:
            kept = self.state.tree["zones"].setdefault(zone, {"records": [], "servers": {}})
            for record in records:
                check_record(record)
                wanted = record_value(record)
                kept["records"] = [each for each in kept["records"] if record_value(each)[:3] != wanted[:3]] + [record]
            self._zone_changed(zone)

    def _zone_changed(self, name: str) -> None:
        self.state.zones_changed(name)
        self.dns_server.bind_new_addresses()

    def post_cloudflare(self, *, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """A token for Cloudflare's API, and the zones that it may use."""
        return self.cloudflare_api.make_token(given)

    # --- SES
    def post_check(self, **_: Any) -> dict[str, Any]:
        self.identities.look()
        with self.state.lock:
            return {key: each["status"] for key, each in self.state.tree["identities"].items()}

    def get_clock(self, **_: Any) -> dict[str, Any]:
        return {"now": self.state.now(), "ahead_seconds": self.state.tree["clock_ahead"]}

    def post_clock(self, *, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        seconds = float(given["advance_seconds"])
        if seconds < 0:
            raise BadRequest("the clock goes forward; POST reset puts it right")
        with self.state.lock:
            self.state.tree["clock_ahead"] += seconds
            self.state.changed()
        self.identities.look()
        return self.get_clock()

    def post_mail(self, *, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        raw = base64.b64decode(given["raw_base64"]) if "raw_base64" in given else str(given["raw"]).encode()
        ids = self.receiver.receive(
            str(given["from"]),
            [str(each) for each in given["to"]],
            raw,
            verdicts=given.get("verdicts"),
            is_announced=bool(given.get("announce", True)),
            duplicates=int(given.get("duplicate", 0)),
        )
        return {"ses_message_ids": ids}

    def get_account(self, **_: Any) -> dict[str, Any]:
        return {"production": bool(self.state.tree.get("is_production", True))}

    def post_account(self, *, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Without production access (the SES sandbox of a new account) mail to strangers is refused."""
        with self.state.lock:
            self.state.tree["is_production"] = bool(given["production"])
            self.state.changed()
        return self.get_account()

    # --- faults and calls
    def get_faults(self, **_: Any) -> dict[str, Any]:
        return {"faults": self.faults.listed()}

    def post_faults(self, *, given: dict[str, Any], **_: Any) -> None:
        self.faults.add(given)

    def delete_faults(self, **_: Any) -> None:
        with self.faults.lock:
            self.faults.pending.clear()

    def get_calls(self, *, query: dict[str, str], **_: Any) -> dict[str, Any]:
        since = float(query.get("since", 0))
        return {"calls": [call for call in list(self.faults.calls) if call["at"] >= since]}

    def delete_calls(self, **_: Any) -> None:
        self.faults.calls.clear()

    def post_throttle(self, *, given: dict[str, Any], **_: Any) -> None:
        self.faults.is_throttling = bool(given["on"])


def _in_one_list(records: dict[str, list[dict[str, Any]]], domain: str) -> list[dict[str, Any]]:
    """Records that came as lists by type; the domain's own name may be `@` in them, or what it is in its zone."""

    def absolute(name: str) -> str:
        return domain if name == "@" or domain.startswith(f"{plain(name)}.") else name

    return [{**record, "name": absolute(str(record["name"]))} for each in records.values() for record in each]


def _with_delegations(given: dict[str, Any]) -> dict[str, Any]:
    """`delegations` {child zone: [name server, ...]} as the NS records that they are."""
    records = list(given.get("records") or ())
    for child, hosts in (given.get("delegations") or {}).items():
        records += [{"type": "NS", "name": child, "value": host} for host in hosts]
    return {**given, "records": records}


def _check_zone(given: dict[str, Any]) -> None:
    servers = (given.get("servers") or {}).values()
    for record in (*given["records"], *(each for server in servers for each in server.get("records") or ())):
        check_record(record)
    for address, server in (given.get("servers") or {}).items():
        if not address.startswith("127."):
            raise BadRequest(f"{address} is not a loopback address")
        if server.get("behaviour", "") not in BEHAVIOURS:
            raise BadRequest(f"behaviour is one of {', '.join(sorted(BEHAVIOURS))}")


def _json(status: int, value: Any) -> Response:
    return status, [("Content-Type", "application/json")], (json.dumps(value, default=str) + "\n").encode()


def _is_zone_text(environ: dict[str, Any]) -> bool:
    return str(environ.get("CONTENT_TYPE", "")).startswith("text/dns")


def _read_zone_text(text: str, origin: str) -> list[dict[str, Any]]:
    import dns.zone

    zone = dns.zone.from_text(text, origin=origin + ".", relativize=False, check_origin=False)
    return [
        {"type": rdata.rdtype.name, "name": owner.to_text(), "value": rdata.to_text(), "ttl": ttl}
        for owner, ttl, rdata in zone.iterate_rdatas()
    ]
