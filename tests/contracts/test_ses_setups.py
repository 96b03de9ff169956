"""Contract `ses_setups`: create, list, look, verify, delete, and use cases - bodies as its seed has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization
from api.contracts import contract_of
from aws.pacing import person
from channels.models import EmailAccount, SesSetup, UseCase
from domains import live_reads, registration
from domains.models import Domain, SesTenant
from tests.contracts.conftest import Api
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

NAME, TENANT = "mail.acme.example", "acme-prod"
WANTED = {"tenant_name": TENANT, "domain_identity": NAME}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
EXISTS = {"detail": "Tenant name or domain identity already exists."}
NOT_FOUND = {"detail": "SES setup not found"}
FORBIDDEN = {"detail": "Insufficient permissions."}
NOBODYS = "00000000-0000-4000-8000-000000000000"
SES_READS = ("GetIdentityVerificationAttributes", "GetIdentityDkimAttributes")

Fault = Callable[..., None]


def setups(organization: Organization) -> str:
    return f"/v1/{organization.workspace_id}/channels/ses-setup"


def use_cases(organization: Organization) -> str:
    return f"/v1/{organization.workspace_id}/use-cases"


@pytest.fixture
def base(acme: Organization) -> str:
    return setups(acme)


@pytest.fixture
def created(api: Api, base: str, installation: SandboxProcess) -> dict[str, Any]:
    answer = api.post(base, WANTED)
    assert answer.status_code == 201, answer.content
    return answer.json()


@pytest.fixture
def verified(api: Api, base: str, created: dict[str, Any], publish: Callable[..., None]) -> dict[str, Any]:
    publish(Domain.objects.get(name=NAME))
    answer = api.post(f"{base}/{created['id']}/verify")
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.fixture
def fault(sandbox: SandboxProcess) -> Fault:
    def add(operation: str, kind: str = "error", **more: Any) -> None:
        sandbox.control("POST", "/_sandbox/faults", {"operation": operation, "kind": kind, **more})

    return add


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock: a read that gives up sooner than a person would."""
    monkeypatch.setattr(live_reads, "SECONDS", 1.0)
    monkeypatch.setattr(live_reads, "DNS_SECONDS", 0.8)


def flags(body: dict[str, Any]) -> list[bool]:
    return [record["verified"] for record in body["dns_records"]]


def refused(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 422, answer.content
    detail: list[dict[str, Any]] = answer.json()["detail"]
    return detail


# --- create


def test_create_answers_201_with_the_detail_and_its_five_records(created: dict[str, Any]) -> None:
    assert list(created) == [
        "id",
        "tenant_name",
        "domain_identity",
        "dns_checked_at",
        "dns_records",
        "created_at",
        "updated_at",
    ]
    assert (created["tenant_name"], created["domain_identity"]) == (TENANT, NAME)
    assert created["id"] == str(Domain.objects.get().uuid)
    assert created["dns_checked_at"] is None
    assert TIME.fullmatch(created["created_at"])
    assert created["updated_at"] == created["created_at"]
    records = created["dns_records"]
    assert [record["type"] for record in records] == ["CNAME", "CNAME", "CNAME", "MX", "TXT"]
    assert all(list(record) == ["address", "record", "type", "verified"] for record in records)
    token = records[0]["address"].removesuffix(f"._domainkey.{NAME}")
    assert records[0]["record"] == f"{token}.dkim.amazonses.com"
    assert (records[3]["address"], records[3]["record"]) == (NAME, "10 inbound-smtp.us-east-1.amazonaws.com")
    assert (records[4]["address"], records[4]["record"]) == (f"_dmarc.{NAME}", "v=DMARC1; p=quarantine;")
    assert flags(created) == [False] * 5


def test_create_makes_tenant_and_identity_in_this_order(created: dict[str, Any], sandbox: SandboxProcess) -> None:
    calls = [call["operation"] for call in sandbox.control("GET", "/_sandbox/calls")["calls"]]
    assert calls.index("CreateTenant") < calls.index("CreateEmailIdentity")
    assert "CreateTenantResourceAssociation" not in calls
    assert list(sandbox.control("GET", "/_sandbox/state")["tenants"]) == [f"us-east-1 {TENANT}"]


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("tenant_name", ["a", "A_b-9", "x" * 64])
def test_a_tenant_name_of_the_pattern_is_taken_as_it_is(api: Api, base: str, tenant_name: str) -> None:
    answer = api.post(base, {**WANTED, "tenant_name": tenant_name, "unknown": True})
    assert (answer.status_code, answer.json()["tenant_name"]) == (201, tenant_name)


@pytest.mark.usefixtures("sandbox")
def test_an_international_domain_is_held_as_a_labels(api: Api, base: str) -> None:
    answer = api.post(base, {**WANTED, "domain_identity": " BÜCHER.example. "})
    assert answer.json()["domain_identity"] == "xn--bcher-kva.example"


def missing(field: str, given: object) -> dict[str, Any]:
    return {"type": "missing", "loc": ["body", field], "msg": "Field required", "input": given}


def wrong(type_: str, field: str, msg: str, given: object, **ctx: object) -> dict[str, Any]:
    error = {"type": type_, "loc": ["body", field], "msg": msg, "input": given}
    return {**error, "ctx": ctx} if ctx else error


PATTERN = "^[A-Za-z0-9_-]+$"
MISMATCH = f"String should match pattern '{PATTERN}'"


# What FastAPI 0.165 with pydantic 2.14 answers to the same bodies.
@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [missing("tenant_name", {}), missing("domain_identity", {})]),
        (None, [missing("tenant_name", {}), missing("domain_identity", {})]),
        ({"tenant_name": TENANT}, [missing("domain_identity", {"tenant_name": TENANT})]),
        ({**WANTED, "tenant_name": 5}, [wrong("string_type", "tenant_name", "Input should be a valid string", 5)]),
        (
            {**WANTED, "tenant_name": None},
            [wrong("string_type", "tenant_name", "Input should be a valid string", None)],
        ),
        (
            {**WANTED, "tenant_name": ""},
            [wrong("string_too_short", "tenant_name", "String should have at least 1 character", "", min_length=1)],
        ),
        (
            {**WANTED, "tenant_name": " " * 65},
            [
                wrong(
                    "string_too_long",
                    "tenant_name",
                    "String should have at most 64 characters",
                    " " * 65,
                    max_length=64,
                )
            ],
        ),
        (
            {**WANTED, "tenant_name": "a b"},
            [wrong("string_pattern_mismatch", "tenant_name", MISMATCH, "a b", pattern=PATTERN)],
        ),
        (
            {**WANTED, "tenant_name": "a\n"},
            [wrong("string_pattern_mismatch", "tenant_name", MISMATCH, "a\n", pattern=PATTERN)],
        ),
        (
            {**WANTED, "domain_identity": "a" * 256},
            [
                wrong(
                    "string_too_long",
                    "domain_identity",
                    "String should have at most 255 characters",
                    "a" * 256,
                    max_length=255,
                )
            ],
        ),
        (
            {"tenant_name": True},
            [
                wrong("string_type", "tenant_name", "Input should be a valid string", True),
                missing("domain_identity", {"tenant_name": True}),
            ],
        ),
        (
            [1],
            [
                {
                    "type": "model_attributes_type",
                    "loc": ["body"],
                    "msg": "Input should be a valid dictionary or object to extract fields from",
                    "input": [1],
                }
            ],
        ),
        (
            b"{x",
            [
                {
                    "type": "json_invalid",
                    "loc": ["body", 1],
                    "msg": "JSON decode error",
                    "input": {},
                    "ctx": {"error": "Expecting property name enclosed in double quotes"},
                }
            ],
        ),
    ],
)
def test_a_body_that_is_not_valid_is_refused_as_fastapi_does(
    api: Api, base: str, body: object, errors: list[dict[str, Any]]
) -> None:
    assert refused(api.post(base, body)) == errors
    assert not Domain.objects.exists()


@pytest.mark.parametrize(
    "domain",
    [
        "https://example.com",
        "example.com/x",
        "a@b.example",
        "*.example.com",
        "192.0.2.1",
        "co.uk",
        "localhost",
        "a b.example",
        " ",
    ],
)
def test_what_is_no_domain_is_a_value_error_of_its_field(api: Api, base: str, domain: str) -> None:
    (error,) = refused(api.post(base, {**WANTED, "domain_identity": domain}))
    assert (error["type"], error["loc"], error["input"]) == ("value_error", ["body", "domain_identity"], domain)
    assert error["msg"].startswith("Value error, ")
    assert error["ctx"] == {"error": {}}
    assert not Domain.objects.exists()


def test_a_tenant_name_that_is_taken_is_409_whoever_has_it(
    api: Api, base: str, created: dict[str, Any], stranger: Api, globex: Organization
) -> None:
    for caller, path in ((api, base), (stranger, setups(globex))):
        answer = caller.post(path, {"tenant_name": TENANT, "domain_identity": "other.example"})
        assert (answer.status_code, answer.json()) == (409, EXISTS)
    assert Domain.objects.count() == 1


def test_a_tenant_of_somebody_else_in_the_account_is_409_and_stays(
    api: Api, base: str, sandbox: SandboxProcess
) -> None:
    sandbox.client("sesv2").create_tenant(TenantName=TENANT)
    answer = api.post(base, WANTED)
    assert (answer.status_code, answer.json()) == (409, EXISTS)
    assert not SesSetup.objects.exists()
    assert not Domain.objects.exists()
    assert list(sandbox.control("GET", "/_sandbox/state")["tenants"]) == [f"us-east-1 {TENANT}"]


@pytest.mark.usefixtures("sandbox")
def test_a_domain_that_came_in_through_another_contract_is_409(api: Api, base: str) -> None:
    api.post("/api/email/domains", {"domain": NAME})
    answer = api.post(base, WANTED)
    assert (answer.status_code, answer.json()) == (409, EXISTS)
    assert not SesTenant.objects.exists()


def test_a_domain_that_another_has_proved_is_409(
    api: Api, base: str, globex: Organization, make_domain: Callable[..., Domain]
) -> None:
    make_domain(globex, NAME, status="active")
    answer = api.post(base, WANTED)
    assert (answer.status_code, answer.json()) == (409, EXISTS)


def test_a_domain_that_another_only_claims_is_accepted_with_a_record_more(
    api: Api, base: str, globex: Organization, stranger: Api, sandbox: SandboxProcess
) -> None:
    stranger.post(setups(globex), {"tenant_name": "globex", "domain_identity": NAME})
    answer = api.post(base, WANTED)
    assert answer.status_code == 201
    record = answer.json()["dns_records"][5]
    assert (record["address"], record["type"], record["verified"]) == (f"_postern.{NAME}", "TXT", False)
    assert record["record"].startswith("postern-verify=")


def test_beyond_the_quota_it_is_429(api: Api, base: str, created: dict[str, Any], settings: Any) -> None:
    settings.MAX_PENDING_DOMAINS = 1
    answer = api.post(base, {"tenant_name": "second", "domain_identity": "second.example"})
    assert (answer.status_code, answer.json()) == (429, {"detail": "Too many SES setups."})


UNAVAILABLE = (502, {"detail": "Upstream email service unavailable."})
TIMED_OUT = (504, {"detail": "Upstream email service timed out."})
UPSTREAM = {
    "limit": ({"code": "LimitExceededException", "status": 400}, UNAVAILABLE),
    "broken": ({"code": "InternalFailure", "status": 500, "times": 9}, UNAVAILABLE),
    "cut": ({"kind": "cut"}, UNAVAILABLE),
    "lost answer": ({"kind": "lose_answer"}, UNAVAILABLE),
    "silent": ({"kind": "delay", "seconds": 7.5}, TIMED_OUT),
}


@pytest.mark.parametrize("operation", ["CreateTenant", "CreateEmailIdentity"])
@pytest.mark.parametrize("what", UPSTREAM)
def test_an_upstream_failure_is_502_or_504_and_stores_nothing(
    api: Api, base: str, fault: Fault, what: str, operation: str
) -> None:
    described, (status, body) = UPSTREAM[what]
    fault(operation, **described)
    answer = api.post(base, WANTED)
    assert (answer.status_code, answer.json()) == (status, body)
    assert not SesSetup.objects.exists()
    assert not SesTenant.objects.exists()
    assert not Domain.objects.exists()


@pytest.mark.parametrize("operation", ["CreateTenant", "CreateEmailIdentity"])
def test_throttling_beyond_patience_is_502(
    api: Api, base: str, fault: Fault, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock: nobody here wants to wait for the 25 s that a person would.
    monkeypatch.setattr(registration, "person", lambda: person(1.0))
    fault(operation, code="TooManyRequestsException", status=429, times=99)
    answer = api.post(base, WANTED)
    assert (answer.status_code, answer.json()) == UNAVAILABLE
    assert not Domain.objects.exists()


def test_what_ses_does_not_accept_is_422(api: Api, base: str, fault: Fault) -> None:
    fault("CreateTenant", code="BadRequestException", status=400)
    (error,) = refused(api.post(base, WANTED))
    assert (error["type"], error["loc"], error["input"]) == ("value_error", ["body"], WANTED)


# --- list


def test_the_list_has_the_seeds_keys_and_no_records(api: Api, base: str, created: dict[str, Any]) -> None:
    assert api.get(base).json() == {
        "items": [
            {
                "id": created["id"],
                "tenant_name": TENANT,
                "domain_identity": NAME,
                "dns_verified": False,
                "dns_checked_at": None,
                "created_at": created["created_at"],
                "updated_at": created["updated_at"],
            }
        ],
        "has_more": False,
        "continuation_token": None,
        "total": 1,
    }


@pytest.fixture
def twelve(acme: Organization, make_domain: Callable[..., Domain]) -> list[str]:
    """Setups from the newest to the oldest, by their ids."""
    ids = []
    for number in range(12):
        domain = make_domain(acme, f"n{number}.example")
        tenant = SesTenant.objects.create(
            organization=acme, domain=domain, tenant_name=f"n{number}", region="us-east-1"
        )
        at = timezone.now() - timedelta(hours=number)
        SesSetup.objects.create(organization=acme, domain=domain, tenant=tenant, created_at=at)
        ids.append(str(domain.uuid))
    return ids


def test_pages_are_of_ten_and_the_token_leads_to_the_next(api: Api, base: str, twelve: list[str]) -> None:
    first = api.get(base).json()
    assert ([item["id"] for item in first["items"]], first["has_more"], first["total"]) == (twelve[:10], True, 12)
    second = api.get(f"{base}?limit=10&continuation_token={first['continuation_token']}").json()
    assert [item["id"] for item in second["items"]] == twelve[10:]
    assert (second["has_more"], second["continuation_token"], second["total"]) == (False, None, 12)


@pytest.mark.parametrize(("query", "count"), [("limit=20", 12), ("limit=1", 1), ("continuation_token=12", 0)])
def test_limits_are_held_to_the_letter(api: Api, base: str, twelve: list[str], query: str, count: int) -> None:
    answer = api.get(f"{base}?{query}").json()
    assert len(answer["items"]) == count
    assert answer["has_more"] is (count == 1)


def test_a_token_beyond_all_is_an_empty_page(api: Api, base: str, twelve: list[str]) -> None:
    answer = api.get(f"{base}?continuation_token={10**30}").json()
    assert answer == {"items": [], "has_more": False, "continuation_token": None, "total": 12}


NOT_WHOLE = "Input should be a valid integer, unable to parse string as an integer"


@pytest.mark.parametrize(
    ("name", "text", "type_", "msg", "ctx"),
    [
        ("limit", "21", "less_than_equal", "Input should be less than or equal to 20", {"le": 20}),
        ("limit", "0", "greater_than", "Input should be greater than 0", {"gt": 0}),
        ("limit", "-1", "greater_than", "Input should be greater than 0", {"gt": 0}),
        ("limit", "ten", "int_parsing", NOT_WHOLE, None),
        ("limit", "", "int_parsing", NOT_WHOLE, None),
        ("limit", "1.5", "int_parsing", NOT_WHOLE, None),
        ("limit", "٣", "int_parsing", NOT_WHOLE, None),
        ("continuation_token", "-1", "greater_than_equal", "Input should be greater than or equal to 0", {"ge": 0}),
        ("continuation_token", "abc", "int_parsing", NOT_WHOLE, None),
        (
            "continuation_token",
            "9" * 4301,
            "int_parsing_size",
            "Unable to parse input string as an integer, exceeded maximum size",
            None,
        ),
    ],
)
def test_a_bad_query_is_refused_as_fastapi_does(
    api: Api, base: str, name: str, text: str, type_: str, msg: str, ctx: dict[str, int] | None
) -> None:
    error = {"type": type_, "loc": ["query", name], "msg": msg, "input": text}
    assert refused(api.get(f"{base}?{name}={text}")) == [{**error, "ctx": ctx} if ctx else error]


def test_dns_verified_is_the_last_look_at_every_listed_record(
    api: Api, base: str, created: dict[str, Any], publish: Callable[..., None]
) -> None:
    publish(Domain.objects.get(), "dkim", "inbound")
    assert flags(api.get(f"{base}/{created['id']}").json()) == [True] * 4 + [False]
    assert api.get(base).json()["items"][0]["dns_verified"] is False
    publish(Domain.objects.get(), "dmarc")
    assert api.get(base).json()["items"][0]["dns_verified"] is False
    api.get(f"{base}/{created['id']}")
    assert api.get(base).json()["items"][0]["dns_verified"] is True


def test_a_contested_setup_is_not_verified_before_its_own_record_is(
    api: Api, base: str, stranger: Api, globex: Organization, publish: Callable[..., None]
) -> None:
    stranger.post(setups(globex), {"tenant_name": "globex", "domain_identity": NAME})
    created = api.post(base, WANTED).json()
    own = Domain.objects.get(uuid=created["id"])
    publish(own, "dkim", "inbound", "dmarc")
    assert flags(api.get(f"{base}/{created['id']}").json()) == [True] * 5 + [False]
    assert api.get(base).json()["items"][0]["dns_verified"] is False
    publish(own)
    api.get(f"{base}/{created['id']}")
    assert api.get(base).json()["items"][0]["dns_verified"] is True


# --- look and verify


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_each_read_looks_at_dns_and_says_when(
    api: Api, base: str, created: dict[str, Any], publish: Callable[..., None], method: str
) -> None:
    path = f"{base}/{created['id']}" + ("/verify" if method == "POST" else "")
    before = api.send(method, path).json()
    assert flags(before) == [False] * 5
    assert TIME.fullmatch(before["dns_checked_at"])
    publish(Domain.objects.get())
    after = api.send(method, path).json()
    assert flags(after) == [True] * 5
    assert list(after) == list(created)


def test_a_record_that_is_gone_is_no_longer_verified(
    api: Api, base: str, verified: dict[str, Any], sandbox: SandboxProcess
) -> None:
    assert flags(verified) == [True] * 5
    sandbox.control("PUT", "/_sandbox/zones/acme.example", {"records": []})
    assert flags(api.get(f"{base}/{verified['id']}").json()) == [False] * 5


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("described", [{"status": 500, "times": 9}, {"kind": "delay", "seconds": 2.0}], ids=str)
def test_a_look_that_ses_does_not_answer_gives_the_last_values(
    api: Api,
    base: str,
    verified: dict[str, Any],
    sandbox: SandboxProcess,
    fault: Fault,
    hurried: None,
    method: str,
    described: dict[str, Any],
) -> None:
    before = timezone.now() - timedelta(days=1)
    Domain.objects.update(dns_checked_at=before)
    sandbox.control("PUT", "/_sandbox/zones/acme.example", {"records": []})
    for operation in SES_READS:
        fault(operation, **described)
    answer = api.send(method, f"{base}/{verified['id']}" + ("/verify" if method == "POST" else ""))
    assert (answer.status_code, flags(answer.json())) == (200, [True] * 5)
    assert answer.json()["dns_checked_at"] == before.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("behaviour", ["servfail", "drop"])
def test_a_look_that_dns_does_not_answer_gives_the_last_values(
    api: Api, base: str, verified: dict[str, Any], sandbox: SandboxProcess, hurried: None, behaviour: str
) -> None:
    before = timezone.now() - timedelta(days=1)
    Domain.objects.update(dns_checked_at=before)
    servers = {"127.0.0.1": {"behaviour": behaviour}}
    sandbox.control("PUT", "/_sandbox/zones/acme.example", {"records": [], "servers": servers})
    answer = api.get(f"{base}/{verified['id']}")
    assert (answer.status_code, flags(answer.json())) == (200, [True] * 5)
    assert answer.json()["dns_checked_at"] == before.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_verify_starts_a_failed_claim_again_and_a_read_does_not(api: Api, base: str, created: dict[str, Any]) -> None:
    Domain.objects.update(status="failed", reason="expired")
    api.get(f"{base}/{created['id']}")
    assert Domain.objects.get().status == "failed"
    answer = api.post(f"{base}/{created['id']}/verify")
    assert (answer.status_code, Domain.objects.get().status) == (200, "pending")


def test_verify_of_what_failed_too_often_today_answers_all_the_same(
    api: Api, base: str, created: dict[str, Any], settings: Any
) -> None:
    settings.MAX_RESTARTS_PER_DAY = 0
    Domain.objects.update(status="failed", reason="expired")
    answer = api.post(f"{base}/{created['id']}/verify")
    assert (answer.status_code, Domain.objects.get().status) == (200, "failed")


def test_verify_needs_no_body_and_minds_none(api: Api, base: str, created: dict[str, Any]) -> None:
    for body in (None, {}, b"{", {"x": 1}):
        assert api.post(f"{base}/{created['id']}/verify", body).status_code == 200


# --- delete


def test_delete_is_204_and_empty_and_takes_it_all_down(
    api: Api, base: str, verified: dict[str, Any], sandbox: SandboxProcess
) -> None:
    answer = api.delete(f"{base}/{verified['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    state = sandbox.control("GET", "/_sandbox/state")
    assert (state["tenants"], state["identities"]) == ({}, {})
    assert api.get(base).json()["total"] == 0
    for gone in (api.get(f"{base}/{verified['id']}"), api.delete(f"{base}/{verified['id']}")):
        assert (gone.status_code, gone.json()) == (404, NOT_FOUND)


def test_an_empty_answer_names_no_type_of_a_body(api: Api, base: str, created: dict[str, Any]) -> None:
    answer = api.delete(f"{base}/{created['id']}")
    assert answer.status_code == 204
    assert "Content-Type" not in answer


def test_delete_frees_both_names(api: Api, base: str, created: dict[str, Any]) -> None:
    api.delete(f"{base}/{created['id']}")
    again = api.post(base, WANTED)
    assert again.status_code == 201
    assert again.json()["id"] != created["id"]


def test_delete_goes_on_after_an_upstream_failure(
    api: Api, base: str, verified: dict[str, Any], fault: Fault, sandbox: SandboxProcess
) -> None:
    fault("DeleteTenant", status=500, times=9)
    answer = api.delete(f"{base}/{verified['id']}")
    assert (answer.status_code, answer.json()) == UNAVAILABLE
    assert api.get(f"{base}/{verified['id']}").json()["dns_records"] == verified["dns_records"]
    assert api.get(base).json()["total"] == 1
    sandbox.control("DELETE", "/_sandbox/faults")
    assert api.delete(f"{base}/{verified['id']}").status_code == 204
    assert sandbox.control("GET", "/_sandbox/state")["tenants"] == {}
    assert api.delete(f"{base}/{verified['id']}").status_code == 404


def test_delete_that_times_out_upstream_is_504(api: Api, base: str, created: dict[str, Any], fault: Fault) -> None:
    fault("DeleteTenant", "delay", seconds=7.5)
    answer = api.delete(f"{base}/{created['id']}")
    assert (answer.status_code, answer.json()) == TIMED_OUT
    assert api.delete(f"{base}/{created['id']}").status_code == 204


def test_inboxes_of_other_contracts_do_not_keep_a_setup(api: Api, base: str, verified: dict[str, Any]) -> None:
    api.post("/api/email/inboxes", {"email": f"sales@{NAME}"})
    assert api.delete(f"{base}/{verified['id']}").status_code == 204


# --- use cases


@pytest.fixture
def case(verified: dict[str, Any]) -> dict[str, Any]:
    return {
        "channel": "email",
        "entity_name": "Acme Corp",
        "name": "Order-mails",
        "setup_id": verified["id"],
        "sender_email_address": f"Orders@{NAME}",
        "email_type": "transactional",
    }


def test_a_use_case_is_an_inbox_that_sends_and_receives(api: Api, acme: Organization, case: dict[str, Any]) -> None:
    answer = api.post(use_cases(acme), {**case, "description": "What was ordered"})
    body = answer.json()
    assert answer.status_code == 201
    assert TIME.fullmatch(body["created_at"])
    assert body == {
        "id": str(UseCase.objects.get().uuid),
        "channel": "email",
        "entity_name": "Acme Corp",
        "name": "Order-mails",
        "description": "What was ordered",
        "setup_id": case["setup_id"],
        "configuration_set_name": "postern-postern-sending",
        "sender_email_address": f"orders@{NAME}",
        "email_type": "transactional",
        "tier": None,
        "created_at": body["created_at"],
        "updated_at": body["created_at"],
    }
    inbox = EmailAccount.objects.get()
    assert (inbox.email, inbox.can_send, inbox.can_receive) == (f"orders@{NAME}", True, True)
    assert api.get(use_cases(acme)).json() == {"items": [body]}


def test_use_cases_are_filtered_by_what_the_query_says(api: Api, acme: Organization, case: dict[str, Any]) -> None:
    api.post(use_cases(acme), case)
    path = use_cases(acme)
    for query, count in {
        "entity_name=Acme%20Corp": 1,
        "entity_name=Other": 0,
        "channel=email": 1,
        f"setup_id={case['setup_id']}": 1,
        f"setup_id={NOBODYS}": 0,
    }.items():
        assert len(api.get(f"{path}?{query}").json()["items"]) == count, query
    assert [error["loc"] for error in refused(api.get(f"{path}?channel=sms&setup_id=x"))] == [
        ["query", "channel"],
        ["query", "setup_id"],
    ]


WORDS = "Input should be 'transactional' or 'marketing'"
NAME_PATTERN = r"^[A-Za-z\- ]+$"


@pytest.mark.parametrize(
    ("field", "value", "type_", "msg", "ctx"),
    [
        ("channel", "outbound_voice", "literal_error", "Input should be 'email'", {"expected": "'email'"}),
        ("channel", None, "literal_error", "Input should be 'email'", {"expected": "'email'"}),
        ("email_type", "x", "literal_error", WORDS, {"expected": "'transactional' or 'marketing'"}),
        (
            "name",
            "a1",
            "string_pattern_mismatch",
            f"String should match pattern '{NAME_PATTERN}'",
            {"pattern": NAME_PATTERN},
        ),
        ("name", "", "string_too_short", "String should have at least 1 character", {"min_length": 1}),
        ("entity_name", "a" * 32, "string_too_long", "String should have at most 31 characters", {"max_length": 31}),
        (
            "description",
            "a" * 2001,
            "string_too_long",
            "String should have at most 2000 characters",
            {"max_length": 2000},
        ),
        ("description", 5, "string_type", "Input should be a valid string", None),
        ("setup_id", 5, "uuid_type", "UUID input should be a string, bytes or UUID object", None),
        (
            "setup_id",
            "x",
            "uuid_parsing",
            "Input should be a valid UUID, invalid character: found `x` at 0",
            {"error": "invalid character: found `x` at 0"},
        ),
        (
            "sender_email_address",
            "orders",
            "value_error",
            "value is not a valid email address: An email address must have an @-sign.",
            {"reason": "An email address must have an @-sign."},
        ),
        (
            "sender_email_address",
            "orders@",
            "value_error",
            "value is not a valid email address: There must be something after the @-sign.",
            {"reason": "There must be something after the @-sign."},
        ),
    ],
)
def test_a_use_case_that_is_not_valid_is_refused_as_fastapi_does(
    api: Api, acme: Organization, field: str, value: object, type_: str, msg: str, ctx: dict[str, Any] | None
) -> None:
    case = {
        "channel": "email",
        "entity_name": "Acme",
        "name": "Orders",
        "setup_id": NOBODYS,
        "sender_email_address": "orders@acme.example",
        "email_type": "marketing",
    }
    error = {"type": type_, "loc": ["body", field], "msg": msg, "input": value}
    assert refused(api.post(use_cases(acme), {**case, field: value})) == [{**error, "ctx": ctx} if ctx else error]


@pytest.mark.parametrize(
    "sender", ["orders@acme.example", f"orders@x.{NAME}", f"a b@{NAME}", f"a+b@{NAME}", f"Al <a@{NAME}>"]
)
def test_a_sender_must_be_an_address_of_the_setups_domain(
    api: Api, acme: Organization, case: dict[str, Any], sender: str
) -> None:
    (error,) = refused(api.post(use_cases(acme), {**case, "sender_email_address": sender}))
    assert (error["type"], error["loc"]) == ("value_error", ["body", "sender_email_address"])
    assert error["input"] == sender
    assert not UseCase.objects.exists()


def test_a_description_that_can_not_be_stored_is_refused(api: Api, acme: Organization, case: dict[str, Any]) -> None:
    (error,) = refused(api.post(use_cases(acme), {**case, "description": "a\0b"}))
    assert error["loc"] == ["body", "description"]


def test_a_use_case_of_an_unknown_setup_is_404(api: Api, acme: Organization, case: dict[str, Any]) -> None:
    answer = api.post(use_cases(acme), {**case, "setup_id": NOBODYS})
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_the_same_sender_twice_is_409(api: Api, acme: Organization, case: dict[str, Any]) -> None:
    assert api.post(use_cases(acme), case).status_code == 201
    answer = api.post(use_cases(acme), {**case, "name": "Another", "sender_email_address": f"orders@{NAME.upper()}"})
    assert (answer.status_code, answer.json()) == (409, {"detail": "Use case already exists"})


def test_a_setup_whose_dns_is_not_verified_has_no_use_cases_yet(
    api: Api, acme: Organization, created: dict[str, Any]
) -> None:
    answer = api.post(
        use_cases(acme),
        {
            "channel": "email",
            "entity_name": "Acme",
            "name": "Orders",
            "setup_id": created["id"],
            "sender_email_address": f"orders@{NAME}",
            "email_type": "marketing",
        },
    )
    assert answer.status_code == 409
    assert answer.json() == {"detail": "SES setup is not approved — verify its DNS records first"}


def test_a_setup_with_a_use_case_is_kept_until_that_is_deleted(
    api: Api, base: str, acme: Organization, case: dict[str, Any]
) -> None:
    use_case = api.post(use_cases(acme), case).json()
    refusal = api.delete(f"{base}/{case['setup_id']}")
    assert refusal.status_code == 409
    assert refusal.json() == {"detail": "SES setup has active use cases — delete those first"}
    deleted = api.delete(f"{use_cases(acme)}/{use_case['id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert not EmailAccount.objects.live().exists()
    assert api.delete(f"{use_cases(acme)}/{use_case['id']}").json() == {"detail": "Use case not found"}
    assert api.delete(f"{base}/{case['setup_id']}").status_code == 204


# --- whose it is


def test_another_workspaces_path_is_forbidden_and_its_setup_not_found(
    api: Api, stranger: Api, acme: Organization, globex: Organization, created: dict[str, Any]
) -> None:
    for path in (setups(acme), f"{setups(acme)}/{created['id']}", use_cases(acme)):
        answer = stranger.get(path)
        assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
    for method, tail in (("GET", ""), ("POST", "/verify"), ("DELETE", "")):
        answer = stranger.send(method, f"{setups(globex)}/{created['id']}{tail}")
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert stranger.get(setups(globex)).json()["total"] == 0


@pytest.mark.usefixtures("installation")
def test_each_route_takes_the_permission_of_the_contract(
    base: str, acme: Organization, key_with: Callable[..., Api]
) -> None:
    one, case = f"{base}/{NOBODYS}", f"{use_cases(acme)}/{NOBODYS}"
    needed = {
        ("POST", base): "Channel.create",
        ("GET", base): "Channel.view",
        ("GET", one): "Channel.view",
        ("POST", f"{one}/verify"): "Channel.view",
        ("DELETE", one): "Channel.delete",
        ("POST", use_cases(acme)): "Channel.create",
        ("GET", use_cases(acme)): "Channel.view",
        ("DELETE", case): "Channel.delete",
    }
    for scope in ("Channel.view", "Channel.create", "Channel.delete"):
        key = key_with(scopes=[scope])
        for (method, path), permission in needed.items():
            answer = key.send(method, path, {})
            assert (answer.status_code == 403) is (permission != scope), (method, path, scope)
            assert answer.status_code != 403 or answer.json() == FORBIDDEN


def test_a_key_of_one_domain_sees_and_makes_no_other(
    base: str, acme: Organization, key_with: Callable[..., Api], created: dict[str, Any]
) -> None:
    other, own = key_with(domain_name="other.example"), key_with(domain_name=NAME)
    assert other.post(base, {**WANTED, "tenant_name": "x", "domain_identity": "third.example"}).json() == FORBIDDEN
    assert other.get(f"{base}/{created['id']}").json() == NOT_FOUND
    assert other.delete(f"{base}/{created['id']}").json() == NOT_FOUND
    assert (other.get(base).json()["total"], own.get(base).json()["total"]) == (0, 1)
    assert own.get(f"{base}/{created['id']}").status_code == 200


def test_without_a_key_it_is_401_before_all_else(base: str) -> None:
    for path in (base, "/v1/nope/channels/ses-setup", "/v1/nope/use-cases"):
        answer = Api(None).post(path, b"{")
        assert (answer.status_code, answer.json()) == (401, {"detail": "Missing or invalid API key."})


# --- how the path is read


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nope", "invalid character: found `n` at 0"),
        ("abc", "invalid length: found 3"),
        ("a" * 36, "invalid group count: expected 5, found 1"),
        (NOBODYS[:-1] + "g", "invalid character: found `g` at 35"),
        (NOBODYS + "0", "invalid group length in group 4: expected 12, found 13"),
        (NOBODYS.replace("-8000", "8000"), "invalid group count: expected 5, found 4"),
    ],
)
def test_a_malformed_uuid_is_422_at_its_place_in_the_path(
    api: Api, base: str, acme: Organization, text: str, reason: str
) -> None:
    for path, name in (
        (f"/v1/{text}/channels/ses-setup", "workspace_id"),
        (f"{base}/{text}", "setup_id"),
        (f"{use_cases(acme)}/{text}", "use_case_id"),
    ):
        error = {
            "type": "uuid_parsing",
            "loc": ["path", name],
            "msg": f"Input should be a valid UUID, {reason}",
            "input": text,
            "ctx": {"error": reason},
        }
        assert refused(api.delete(path) if name != "workspace_id" else api.get(path)) == [error]


def test_both_ids_of_a_path_are_said_at_once(api: Api) -> None:
    errors = refused(api.get("/v1/x/channels/ses-setup/y"))
    assert [error["loc"] for error in errors] == [["path", "workspace_id"], ["path", "setup_id"]]


def test_a_uuid_may_be_written_as_pydantic_reads_it(api: Api, acme: Organization) -> None:
    own = str(acme.workspace_id)
    for spelling in (own.upper(), own.replace("-", ""), f"urn:uuid:{own}", f"{{{own}}}"):
        assert api.get(f"/v1/{spelling}/channels/ses-setup").status_code == 200, spelling


@pytest.mark.parametrize(
    ("path", "contract"),
    [
        (f"/v1/{NOBODYS}", "ses_setups"),
        (f"/v1/{NOBODYS}/anything", "ses_setups"),
        (f"/v1/{NOBODYS.replace('-', '')}/channels", "ses_setups"),
        ("/v1/nope/channels/ses-setup", "ses_setups"),
        ("/v1/nope/use-cases", "ses_setups"),
        ("/v1/domains", "domains_by_name"),
        ("/v1/domains/channels/ses-setup", "domains_by_name"),
        ("/v1/inboxes/use-cases", "domains_by_name"),
        ("/v1/nope", "domains_by_name"),
        ("/v1/nope/other", "domains_by_name"),
        ("/v1", "domains_by_name"),
    ],
)
def test_the_paths_below_v1_are_parted_between_two_contracts(path: str, contract: str) -> None:
    found = contract_of(path)
    assert found is not None
    assert found.name == contract


def test_an_unknown_path_or_method_of_a_workspace_is_in_its_words(api: Api, base: str) -> None:
    for path in (base + "/", f"{base}/{NOBODYS}/x", f"/v1/{NOBODYS}/x"):
        assert (api.get(path).status_code, api.get(path).json()) == (404, {"detail": "Not Found"})
    answer = api.send("PUT", base, {})
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
    assert set(answer["Allow"].split(", ")) == {"GET", "POST", "HEAD", "OPTIONS"}


# --- seen from the other contracts


def test_a_setup_shows_in_the_other_contracts_and_goes_with_its_domain(
    api: Api, base: str, verified: dict[str, Any], sandbox: SandboxProcess
) -> None:
    (domain,) = api.get("/api/email/domains").json()["domains"]
    assert (domain["domain"], domain["status"]) == (NAME, "active")
    assert api.delete(f"/api/email/domains/{domain['id']}").status_code == 200
    assert api.get(base).json()["total"] == 0
    assert api.get(f"{base}/{verified['id']}").json() == NOT_FOUND
    assert api.delete(f"{base}/{verified['id']}").json() == NOT_FOUND
    assert api.post(base, WANTED).status_code == 201


def test_a_domain_of_another_contract_is_no_setup(api: Api, base: str, sandbox: SandboxProcess) -> None:
    api.post("/api/email/domains", {"domain": NAME})
    assert api.get(base).json()["total"] == 0
    answer = api.get(f"{base}/{Domain.objects.get().uuid}")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_a_use_case_keeps_its_domain_from_being_deleted_elsewhere(
    api: Api, acme: Organization, case: dict[str, Any]
) -> None:
    api.post(use_cases(acme), case)
    domain = Domain.objects.get()
    answer = api.delete(f"/api/email/domains/{domain.public_id}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "DOMAIN_IN_USE")
    assert api.delete(f"/v1/domains/{NAME}").status_code >= 400
    assert Domain.objects.live().count() == 1
