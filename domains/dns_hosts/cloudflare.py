"""Cloudflare, by its v4 API with an organization's own token.

Records are single there, each with an id, so what others wrote is never written again. A batch happens whole or not at
all (deletes, then posts), but knows no condition: the sets are read again right before it and compared.
See https://developers.cloudflare.com/dns/manage-dns-records/how-to/batch-record-changes/
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from cryptography.fernet import InvalidToken
from django.conf import settings

from accounts.encryption import decrypt
from aws.pacing import Caller
from domains.dns_hosts.host import Change, HostRefused, HostUnavailable, HostZone, OpenZone
from domains.dns_hosts.http_json import CallFailed, JsonAnswer, call_json
from domains.models import DnsHostCredential
from domains.zone_plan import HostSet, ZoneChange

CALL_SECONDS = 10.0
ZONES_A_PAGE = 50
RECORDS_A_PAGE = 100
# A zone with more records at one name is none that mail is set up in.
MOST_PAGES = 20
AUTOMATIC_TTL = 300
HOST_TYPES = ("MX", "CNAME", "NS")
# What a zone is before its registrar leads to it, and while it is not served.
UNSERVED = ("moved", "deleted", "deactivated")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
ESCAPE = re.compile(rb"\\(\d{3}|.)", re.DOTALL)
# 10000, 9109 and 1000: what is wrong is the token or what it may do, not the change.
OF_THE_TOKEN = frozenset({1000, 6003, 6111, 9106, 9109, 10000, 10001})


class Cloudflare:
    key = "cloudflare"
    label = "Cloudflare"

    def open_zones(self, *, name: str, credential: DnsHostCredential | None, caller: Caller) -> list[OpenZone]:
        if credential is None:
            # The installation has no account of its own at Cloudflare.
            return []
        api = _Api(_token_of(credential), caller)
        labels = name.split(".")
        for start in range(len(labels) - 1):
            found = [
                zone
                for zone in api.pages("/zones", name=".".join(labels[start:]), per_page=ZONES_A_PAGE)
                if zone.get("type") != "internal" and zone.get("status") not in UNSERVED
            ]
            if found:
                return [CloudflareZone(_host_zone(zone), api) for zone in found]
        return []

    def visible_zones(self, *, credential: DnsHostCredential, caller: Caller) -> list[str]:
        api = _Api(_token_of(credential), caller)
        zones = list(api.pages("/zones", per_page=ZONES_A_PAGE))
        if zones:
            # That a token lists zones does not say that it may look into them.
            api.call("GET", f"/zones/{zones[0]['id']}/dns_records", per_page=1)
        return [str(zone["name"]) for zone in zones]


@dataclass(frozen=True)
class CloudflareZone:
    zone: HostZone
    api: _Api

    def read(self, names: Sequence[str]) -> dict[tuple[str, str], HostSet]:
        found = {place: _host_set(place, records) for place, records in self._records(names).items()}
        flattened = found.pop((self.zone.name, "CNAME"), None)
        if flattened is not None:
            # At the apex it is answered as the addresses that it leads to, and others may stand beside it.
            found[(self.zone.name, "ALIAS")] = flattened
        return found

    def _records(self, names: Sequence[str]) -> dict[tuple[str, str], list[dict[str, Any]]]:
        found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for name in dict.fromkeys(names):
            for record in self.api.pages(self._path(), name=name, per_page=RECORDS_A_PAGE):
                if _plain_name(str(record["name"])) == name:
                    found[(name, str(record["type"]))].append(record)
        return dict(found)

    def _path(self) -> str:
        return f"/zones/{self.zone.zone_id}/dns_records"

    def write(self, changes: Sequence[ZoneChange]) -> Change:
        wanted = [(each.before, each.after) for each in changes]
        records = self._records([each.name for pair in wanted for each in pair if each is not None])
        deletes: list[dict[str, Any]] = []
        posts: list[dict[str, Any]] = []
        for before, after in wanted:
            either = after or before
            assert either is not None
            place = (either.name, either.type)
            here = records.get(place, [])
            values = [_value(record) for record in here]
            if sorted(values) != sorted(before.values if before else ()):
                raise HostRefused(f"the {either.type} records of {either.name} were changed meanwhile")
            left = list(after.values if after else ())
            deletes += [{"id": record["id"]} for record in here if _value(record) not in left]
            posts += [_post(either, value) for value in left if value not in values]
        answer = self.api.call("POST", f"{self._path()}/batch", body={"deletes": deletes, "posts": posts})
        made = (answer.get("result") or {}).get("posts") or ()
        return Change(
            "", {(_plain_name(str(each["name"])), str(each["type"]), _value(each)): str(each["id"]) for each in made}
        )

    def wait(self, change_id: str, *, seconds: float) -> bool:
        # There is nothing to ask: its servers have a change within seconds.
        return True


@dataclass(frozen=True)
class _Api:
    """Calls with one token, all of them before the caller's deadline. Raises HostRefused and HostUnavailable."""

    token: str
    caller: Caller

    def pages(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        for page in range(1, MOST_PAGES + 1):
            answer = self.call("GET", path, **query, page=page)
            result = answer.get("result") or []
            yield from result
            told = answer.get("result_info") or {}
            if page >= int(told.get("total_pages") or 0):
                return
        raise HostRefused("there are more than can be looked through")

    def call(self, method: str, path: str, *, body: object = None, **query: object) -> dict[str, Any]:
        url = settings.CLOUDFLARE_API_URL + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Authorization": f"Bearer {self.token}", "User-Agent": "Postern"}
        is_write = method != "GET"
        try:
            answer = call_json(
                method, url, headers=headers, body=body, seconds=min(CALL_SECONDS, self.caller.remaining)
            )
        except CallFailed as error:
            raise HostUnavailable(
                f"Cloudflare: {error}", is_silent=error.is_late, may_have_landed=is_write and error.was_sent
            ) from error
        if answer.status == 429:
            raise HostUnavailable("Cloudflare takes no more calls with this token at the moment")
        if answer.status >= 500 or not isinstance(answer.body, dict):
            raise HostUnavailable(f"Cloudflare answered {answer.status}", may_have_landed=is_write)
        if answer.status >= 400 or not answer.body.get("success"):
            raise HostRefused(_refusal(answer))
        found: dict[str, Any] = answer.body
        return found


def _token_of(credential: DnsHostCredential) -> str:
    try:
        return decrypt(credential.token)
    except InvalidToken as error:
        raise HostRefused("the token can no longer be read: enter it again") from error


def _refusal(answer: JsonAnswer) -> str:
    errors = answer.body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    text = "".join(each for each in str(first.get("message") or "no reason given") if each.isprintable())[:200]
    code = first.get("code")
    if answer.status in (401, 403) or code in OF_THE_TOKEN:
        return f"Cloudflare does not take the token for this: {text} ({code})"
    return f"Cloudflare does not take the change: {text} ({code})"


def _host_zone(zone: dict[str, Any]) -> HostZone:
    servers = tuple(_plain_name(str(server)) for server in zone.get("name_servers") or ())
    return HostZone(Cloudflare.key, str(zone["id"]), _plain_name(str(zone["name"])), servers)


def _host_set(place: tuple[str, str], records: Sequence[dict[str, Any]]) -> HostSet:
    ttl = int(records[0].get("ttl") or 1)
    return HostSet(
        *place,
        AUTOMATIC_TTL if ttl == 1 else ttl,
        tuple(_value(record) for record in records),
        # Behind the proxy the name answers with addresses of Cloudflare's own.
        is_plain=not any(record.get("proxied") for record in records),
        record_ids=tuple(str(record["id"]) for record in records),
    )


def _plain_name(name: str) -> str:
    return name.rstrip(".").lower()


def _value(record: dict[str, Any]) -> str:
    """The value of a record as a HostSet has it."""
    type_, content = str(record["type"]), str(record.get("content") or "")
    if type_ == "TXT":
        return _text(content)
    if type_ in HOST_TYPES:
        content = _plain_name(content)
    return f"{int(record.get('priority') or 0)} {content}" if type_ == "MX" else content


def _text(content: str) -> str:
    """The text of a TXT record's content: quoted strings (RFC 1035 section 5.1), or bare as older records are."""
    strings = STRING.findall(content)
    if not content.startswith('"') or not strings:
        return content
    raw = b"".join(ESCAPE.sub(_unescaped, string.encode()) for string in strings)
    return raw.decode("utf-8", "replace")


def _unescaped(found: re.Match[bytes]) -> bytes:
    word = found.group(1)
    return bytes([int(word) & 0xFF]) if len(word) == 3 else word


def _post(wanted: HostSet, value: str) -> dict[str, Any]:
    record: dict[str, Any] = {"type": wanted.type, "name": wanted.name, "ttl": wanted.ttl, "proxied": False}
    if wanted.type == "TXT":
        # Strings of more than 255 bytes are split by Cloudflare.
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return record | {"content": f'"{escaped}"'}
    if wanted.type == "MX":
        priority, _, host = value.partition(" ")
        return record | {"content": host, "priority": int(priority)}
    return record | {"content": value}
