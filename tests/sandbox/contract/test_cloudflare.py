"""Cloudflare's v4 API in the sandbox, called as any HTTP client calls it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import dns.message
import pytest

from tests.sandbox_process import SandboxProcess

MX = {"type": "MX", "name": "acme.example", "content": "mail.acme.example", "priority": 10, "ttl": 300}


class Client:
    def __init__(self, sandbox: SandboxProcess, *zones: str, **token: Any) -> None:
        made = sandbox.control("POST", "/_sandbox/cloudflare", {"zones": zones, **token})
        self.url, self.token, self.zones = sandbox.aws_url + "/client/v4", made["token"], made["zones"]

    def send(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def ask(self, method: str, path: str, body: object = None) -> Any:
        status, answer = self.send(method, path, body)
        assert (status, answer["success"]) == (200, True), answer
        return answer["result"]

    def refused(self, method: str, path: str, body: object = None) -> tuple[int, int]:
        """(HTTP status, Cloudflare's code)."""
        status, answer = self.send(method, path, body)
        assert (answer["success"], answer["result"]) == (False, None)
        return status, answer["errors"][0]["code"]

    @property
    def records(self) -> str:
        return f"/zones/{self.zones['acme.example']}/dns_records"


@pytest.fixture
def client(sandbox: SandboxProcess) -> Client:
    return Client(sandbox, "acme.example")


def test_a_token_is_checked(client: Client) -> None:
    assert client.ask("GET", "/user/tokens/verify")["status"] == "active"
    client.token = "another"
    assert client.refused("GET", "/user/tokens/verify") == (401, 1000)
    assert client.refused("GET", "/zones") == (403, 9109)
    client.token = "not a token"
    assert client.refused("GET", "/zones") == (400, 6003)


def test_a_token_sees_its_own_zones_alone(sandbox: SandboxProcess, client: Client) -> None:
    stranger = Client(sandbox, "globex.example")
    assert [zone["name"] for zone in client.ask("GET", "/zones")] == ["acme.example"]
    assert stranger.refused("GET", client.records) == (403, 9109)
    assert stranger.ask("GET", "/zones?name=acme.example") == []


def test_a_token_that_may_read_does_not_write(sandbox: SandboxProcess) -> None:
    reader = Client(sandbox, "acme.example", may="read")
    assert reader.ask("GET", reader.records) == []
    assert reader.refused("POST", reader.records, MX) == (403, 10000)


def test_zones_come_in_pages(sandbox: SandboxProcess) -> None:
    client = Client(sandbox, *(f"zone{number}.example" for number in range(7)))
    status, answer = client.send("GET", "/zones?per_page=5&page=2")
    assert (status, len(answer["result"])) == (200, 2)
    assert answer["result_info"] == {"page": 2, "per_page": 5, "count": 2, "total_count": 7, "total_pages": 2}


def test_records_are_made_changed_and_deleted(client: Client) -> None:
    made = client.ask("POST", client.records, MX)
    assert (made["name"], made["priority"], made["proxied"]) == ("acme.example", 10, False)
    changed = client.ask("PATCH", f"{client.records}/{made['id']}", {"priority": 20})
    assert (changed["priority"], changed["content"]) == (20, "mail.acme.example")
    assert client.ask("GET", f"{client.records}?name=acme.example&type=MX") == [changed]
    client.ask("DELETE", f"{client.records}/{made['id']}")
    assert client.ask("GET", client.records) == []
    assert client.refused("DELETE", f"{client.records}/{made['id']}") == (404, 81044)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (MX, 81058),
        ({"type": "CNAME", "name": "www.acme.example", "content": "elsewhere.example"}, 81053),
        ({"type": "MX", "name": "acme.example", "content": "mail.acme.example"}, 9101),
        ({"type": "TXT", "name": "acme.example", "content": '"a"', "ttl": 30}, 9021),
        ({"type": "TXT", "name": "acme.example", "content": '"a"', "proxied": True}, 9004),
        ({"type": "TXT", "name": "acme.example", "content": ""}, 9005),
        ({"type": "NAPTR", "name": "acme.example", "content": "a"}, 9000),
    ],
)
def test_what_cloudflare_refuses_is_refused(client: Client, record: dict[str, Any], code: int) -> None:
    client.ask("POST", client.records, MX)
    client.ask("POST", client.records, {"type": "A", "name": "www.acme.example", "content": "192.0.2.1"})
    assert client.refused("POST", client.records, record) == (400, code)


def test_a_batch_happens_whole_or_not_at_all(client: Client) -> None:
    first = client.ask("POST", client.records, MX)
    new = {"type": "TXT", "name": "acme.example", "content": '"hello"'}
    bad = {"deletes": [{"id": first["id"]}], "posts": [new, {**new, "ttl": 5}]}
    assert client.refused("POST", f"{client.records}/batch", bad) == (400, 9021)
    assert client.ask("GET", client.records) == [first]
    done = client.ask("POST", f"{client.records}/batch", {**bad, "posts": [new]})
    assert client.ask("GET", client.records) == done["posts"]


def test_records_are_served(client: Client, ask: Callable[..., dns.message.Message]) -> None:
    client.ask("POST", client.records, MX)
    client.ask("POST", client.records, {"type": "TXT", "name": "acme.example", "content": '"a" "b"'})
    client.ask(
        "POST",
        client.records,
        {"type": "CNAME", "name": "www.acme.example", "content": "elsewhere.example", "proxied": True},
    )
    assert "10 mail.acme.example." in ask("acme.example", "MX").answer[0].to_text()
    assert '"a" "b"' in ask("acme.example", "TXT").answer[0].to_text()
    assert ask("www.acme.example", "CNAME").answer == []
    assert "104.16.0.1" in ask("www.acme.example", "A").answer[0].to_text()
    assert ".ns.cloudflare.com." in ask("acme.example", "NS").answer[0].to_text()


def test_faults_are_cloudflares(client: Client, sandbox: SandboxProcess) -> None:
    busy = {"operation": "ListZones", "kind": "error", "code": "971", "status": 429}
    sandbox.control("POST", "/_sandbox/faults", busy)
    assert client.refused("GET", "/zones") == (429, 971)
    lost = {"operation": "BatchDnsRecords", "kind": "lose_answer"}
    sandbox.control("POST", "/_sandbox/faults", lost)
    with pytest.raises(OSError):
        client.send("POST", f"{client.records}/batch", {"posts": [MX]})
    assert len(client.ask("GET", client.records)) == 1
    calls = [call["operation"] for call in sandbox.control("GET", "/_sandbox/calls")["calls"]]
    assert calls == ["ListZones", "BatchDnsRecords", "ListDnsRecords"]


def test_tokens_zones_and_records_outlive_a_restart(make_sandbox: Callable[..., SandboxProcess]) -> None:
    first = make_sandbox()
    client = Client(first, "acme.example")
    made = client.ask("POST", client.records, MX)
    first.stop()
    make_sandbox()
    assert client.ask("GET", client.records) == [made]
