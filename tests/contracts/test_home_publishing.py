"""The home API's publishing routes: preview, apply and undo at the connected DNS host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.encryption import encrypt
from accounts.models import Organization
from domains.models import DnsHostCredential, Domain, PublishedValue
from domains.registration import register_domain
from tests.contracts.conftest import Api
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

D = "acme.example"
OTHER_MX = {"type": "MX", "name": D, "content": "mail.elsewhere.example", "priority": 10}
OTHER_SPF = {"type": "TXT", "name": D, "content": '"v=spf1 mx -all"'}


@pytest.fixture
def domain(installation: SandboxProcess, acme: Organization) -> Domain:
    return register_domain(organization=acme, name=D, actor="test", now=timezone.now())


@pytest.fixture
def connect(installation: SandboxProcess, acme: Organization) -> Callable[..., None]:
    """Acme's zone at Cloudflare, with these records in it."""

    def make(*records: dict[str, Any]) -> None:
        import json
        import urllib.request

        made = installation.control("POST", "/_sandbox/cloudflare", {"zones": [D]})
        DnsHostCredential.objects.create(organization=acme, host="cloudflare", token=encrypt(made["token"]))
        url = f"{installation.aws_url}/client/v4/zones/{made['zones'][D]}/dns_records"
        for record in records:
            request = urllib.request.Request(url, data=json.dumps(record).encode(), method="POST")
            request.add_header("Authorization", f"Bearer {made['token']}")
            urllib.request.urlopen(request, timeout=10).close()

    return make


@pytest.fixture(autouse=True)
def _own_zones_only(settings: LazySettings) -> None:
    settings.SERVES_UNASSIGNED_ZONES = False


def path(domain: Domain) -> str:
    return f"/api/email/domains/{domain.public_id}/publishing"


def change_of(changes: list[dict[str, Any]], type_: str, name: str = D) -> dict[str, Any]:
    (found,) = [change for change in changes if (change["type"], change["name"]) == (type_, name)]
    return found


def test_without_a_dns_host_nothing_can_be_applied(api: Api, domain: Domain) -> None:
    assert api.get(path(domain)).json() == {"host": None, "canApply": False, "changes": []}
    answer = api.post(path(domain))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "DNS_HOST_NOT_CONNECTED")
    assert api.delete(path(domain)).json() == {"success": True, "undone": []}


def test_the_preview_has_each_record_with_what_stands_there(
    api: Api, domain: Domain, connect: Callable[..., None]
) -> None:
    connect(OTHER_MX, OTHER_SPF)
    body = api.get(path(domain)).json()
    assert (body["host"], body["canApply"], len(body["changes"])) == ("cloudflare", True, 7)
    mx, spf = change_of(body["changes"], "MX"), change_of(body["changes"], "TXT")
    assert (mx["action"], mx["before"], mx["after"]) == ("conflict", *[["10 mail.elsewhere.example"]] * 2)
    assert "which we did not write" in mx["reason"]
    assert spf == {
        "action": "replace",
        "type": "TXT",
        "name": D,
        "before": ["v=spf1 mx -all"],
        "after": ["v=spf1 mx include:amazonses.com -all"],
    }
    assert not PublishedValue.objects.exists()


def test_it_is_applied_but_for_a_foreign_mx_and_undone_twice(
    api: Api, domain: Domain, connect: Callable[..., None]
) -> None:
    connect(OTHER_MX, OTHER_SPF)
    before = api.get(path(domain)).json()
    applied = api.post(path(domain), {}).json()
    assert [(each["type"], each["name"]) for each in applied["failed"]] == [("MX", D)]
    assert {change["action"] for change in applied["applied"]} == {"create", "replace"}
    again = api.post(path(domain)).json()
    assert {change["action"] for change in again["applied"]} == {"keep"}
    undone = api.delete(path(domain)).json()["undone"]
    assert (change_of(undone, "TXT")["after"], len(undone)) == (["v=spf1 mx -all"], 6)
    assert api.get(path(domain)).json() == before
    assert api.delete(path(domain)).json() == {"success": True, "undone": []}


def test_a_post_that_is_sent_again_is_answered_again(
    api: Api, domain: Domain, connect: Callable[..., None], sandbox: SandboxProcess
) -> None:
    connect()
    api.headers["Idempotency-Key"] = "key-1"
    first, second = api.post(path(domain)), api.post(path(domain))
    assert (second.json(), second["Idempotent-Replayed"]) == (first.json(), "true")
    calls = [call["operation"] for call in sandbox.control("GET", "/_sandbox/calls")["calls"]]
    assert calls.count("BatchDnsRecords") == 1


def test_a_host_that_is_away_is_a_bad_gateway(
    api: Api, domain: Domain, connect: Callable[..., None], sandbox: SandboxProcess
) -> None:
    connect()
    sandbox.control("POST", "/_sandbox/faults", {"operation": "ListZones", "kind": "error", "status": 503})
    answer = api.get(path(domain))
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "PROVIDER_ERROR")


def test_a_host_that_refuses_to_be_read_is_told(
    api: Api, domain: Domain, connect: Callable[..., None], sandbox: SandboxProcess
) -> None:
    connect()
    denied = {"operation": "ListDnsRecords", "kind": "error", "code": "10000", "status": 403}
    sandbox.control("POST", "/_sandbox/faults", denied)
    answer = api.post(path(domain))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "DNS_HOST_REFUSED")


def test_a_strangers_domain_is_not_found(stranger: Api, domain: Domain, connect: Callable[..., None]) -> None:
    connect()
    for answer in (stranger.get(path(domain)), stranger.post(path(domain)), stranger.delete(path(domain))):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "DOMAIN_NOT_FOUND")


def test_a_key_that_may_only_look_neither_applies_nor_undoes(
    key_with: Callable[..., Api], domain: Domain, connect: Callable[..., None]
) -> None:
    connect()
    viewer = key_with(role="viewer")
    assert viewer.get(path(domain)).status_code == 200
    assert [viewer.post(path(domain)).status_code, viewer.delete(path(domain)).status_code] == [403, 403]
