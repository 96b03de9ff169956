"""Contract `domains_by_name`: the domain routes - bodies, statuses and errors as its file has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Organization
from channels.inboxes import create_inbox
from channels.models import EmailAccount, SesSetup, UseCase
from domains.changes import suspend_domain
from domains.models import DnsRecord, Domain, SesTenant
from domains.ownership import contest
from domains.provisioning import plan_again
from tests.contracts.conftest import NOW, Api
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

DOMAINS = "/v1/domains"
MILLISECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOT_FOUND = {"error": "Domain not found", "message": "Domain not found", "code": "domain_not_found", "details": {}}
MX = "inbound-smtp.us-east-1.amazonaws.com"
SPF = "v=spf1 include:amazonses.com ~all"
Make = Callable[..., Domain]


def said(answer: Any) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["error"], answer.json()["code"]


@pytest.fixture
def domain(acme: Organization, make_domain: Make) -> Domain:
    return make_domain(acme, "acme.example", status="active", dkim_status="SUCCESS", dmarc_value="v=DMARC1; p=reject;")


@pytest.fixture
def registered(api: Api, installation: object) -> dict[str, Any]:
    answer = api.post(DOMAINS, {"name": "shop.example"})
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


# --- create -----------------------------------------------------------------------------------


def test_a_created_domain_is_the_whole_object(registered: dict[str, Any], acme: Organization) -> None:
    domain = Domain.objects.get()
    assert list(registered) == [
        "_id",
        "id",
        "organizationId",
        "name",
        "verified",
        "records",
        "createdAt",
        "updatedAt",
    ]
    assert registered["_id"] == registered["id"] == domain.public_id
    assert registered["organizationId"] == acme.public_id
    assert (registered["name"], registered["verified"]) == ("shop.example", False)
    assert MILLISECONDS.fullmatch(registered["createdAt"])
    assert MILLISECONDS.fullmatch(registered["updatedAt"])


def test_a_created_domain_lists_mx_dmarc_spf_and_dkim_as_pending(registered: dict[str, Any]) -> None:
    first, rest = registered["records"][:3], registered["records"][3:]
    assert first == [
        {"type": "MX", "name": "@", "value": MX, "priority": 10, "status": "pending"},
        {"type": "TXT", "name": "_dmarc", "value": "v=DMARC1; p=reject;", "status": "pending"},
        {"type": "TXT", "name": "@", "value": SPF, "status": "pending"},
    ]
    assert [each["type"] for each in rest] == ["CNAME"] * 3
    assert all(each["name"].endswith("._domainkey.shop.example") for each in rest)


@pytest.mark.parametrize("given", ["  Shop.EXAMPLE ", "shop.example."])
def test_a_name_is_trimmed_and_lower_cased(api: Api, installation: object, given: str) -> None:
    assert api.post(DOMAINS, {"name": given}).json()["name"] == "shop.example"


def test_unknown_keys_of_a_body_are_ignored(api: Api, installation: object) -> None:
    assert api.post(DOMAINS, {"name": "shop.example", "domain": 7}).status_code == 201


@pytest.mark.parametrize(
    "name",
    [
        "bad",
        "",
        "  ",
        "https://shop.example",
        "shop.example/x",
        "-a.example",
        "a..example",
        "*.shop.example",
        "1.2.3.4",
        "co.uk",
        "a" * 64 + ".example",
        "a@shop.example",
        "shop.example:25",
        "shop.123",
        "a_b.example",
    ],
)
def test_a_bad_name_is_told_as_express_validator_tells_it(api: Api, name: str) -> None:
    answer = api.post(DOMAINS, {"name": name})
    message = "Invalid domain name format"
    assert answer.status_code == 400
    assert answer.json() == {
        "error": message,
        "message": message,
        "code": "invalid_domain_name",
        "details": {},
        "errors": [{"type": "field", "value": name, "msg": message, "path": "name", "location": "body"}],
    }


@pytest.mark.parametrize("name", [None, 5, True, ["shop.example"], {"name": "shop.example"}])
def test_a_name_that_is_no_text_is_a_bad_name(api: Api, name: object) -> None:
    answer = api.post(DOMAINS, {"name": name})
    assert said(answer) == (400, "Invalid domain name format", "invalid_domain_name")
    assert answer.json()["errors"][0]["value"] == name


@pytest.mark.parametrize("raw", [b"1e999", b"[-1e999]", b"9" * 4000], ids=["inf", "in a list", "huge"])
def test_a_name_that_can_not_be_repeated_is_refused_without_it(api: Api, raw: bytes) -> None:
    answer = api.post(DOMAINS, b'{"name": ' + raw + b"}")
    assert said(answer) == (400, "Invalid domain name format", "invalid_domain_name")
    assert "value" not in answer.json()["errors"][0]


@pytest.mark.parametrize("body", [{}, None])
def test_a_missing_name_has_no_value_to_repeat(api: Api, body: object) -> None:
    answer = api.post(DOMAINS, body)
    assert answer.json()["errors"] == [
        {"type": "field", "msg": "Invalid domain name format", "path": "name", "location": "body"}
    ]


def test_a_domain_is_created_once(api: Api, domain: Domain) -> None:
    assert said(api.post(DOMAINS, {"name": "ACME.example"})) == (400, "Domain already exists", "domain_exists")


def test_what_another_organization_proved_exists_already(api: Api, globex: Organization, make_domain: Make) -> None:
    make_domain(globex, "globex.example", status="active")
    assert said(api.post(DOMAINS, {"name": "globex.example"})) == (400, "Domain already exists", "domain_exists")


def test_too_many_waiting_domains_are_429(api: Api, domain: Domain, settings: Any) -> None:
    settings.MAX_DOMAINS = 1
    answer = api.post(DOMAINS, {"name": "more.example"})
    assert (answer.status_code, answer.json()["code"]) == (429, "quota_exceeded")


@pytest.mark.parametrize(
    "fault",
    [
        {"operation": "CreateEmailIdentity", "kind": "error", "code": "LimitExceededException"},
        {"operation": "CreateEmailIdentity", "kind": "error", "code": "InternalFailure", "status": 500, "times": 9},
    ],
    ids=["limit", "failure"],
)
def test_when_ses_fails_it_is_502_and_nothing_is_left(api: Api, installation: SandboxProcess, fault: object) -> None:
    installation.control("POST", "/_sandbox/faults", fault)
    answer = api.post(DOMAINS, {"name": "shop.example"})
    assert said(answer) == (502, "Upstream email service unavailable", "upstream_error")
    assert not Domain.objects.exists()


def test_a_contested_claim_lists_its_own_record_last(api: Api, acme: Organization, make_domain: Make) -> None:
    claim = make_domain(acme, "mail.acme.example")
    contest(domain=claim, now=NOW)
    plan_again(domain=claim, now=NOW)
    records = api.get(f"{DOMAINS}/mail.acme.example").json()["records"]
    assert (records[-1]["type"], records[-1]["name"]) == ("TXT", "_postern.mail")
    assert records[-1]["value"].startswith("postern-verify=")
    assert api.get(f"{DOMAINS}/mail.acme.example/dns").json()[-1]["name"] == "_postern.mail"


# --- list and read ----------------------------------------------------------------------------


def test_a_list_is_a_bare_array_of_ones_own_the_newest_first(
    api: Api, acme: Organization, globex: Organization, make_domain: Make
) -> None:
    assert api.get(DOMAINS).json() == []
    make_domain(acme, "old.example", created_at=NOW - timedelta(days=1))
    make_domain(acme, "new.example")
    make_domain(acme, "gone.example", removed_at=NOW)
    make_domain(globex, "globex.example")
    listed = api.get(DOMAINS).json()
    assert [each["name"] for each in listed] == ["new.example", "old.example"]
    assert listed[0] == api.get(f"{DOMAINS}/new.example").json()


def test_a_list_takes_no_query_a_domain(
    api: Api, acme: Organization, make_domain: Make, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        make_domain(acme, f"d{number}.example")
    with django_assert_max_num_queries(5):
        assert len(api.get(DOMAINS).json()) == 5


@pytest.mark.parametrize("spelling", ["acme.example", "ACME.Example", "acme.example.", "%61cme.example"])
def test_a_domain_goes_by_its_name_in_any_spelling(api: Api, domain: Domain, spelling: str) -> None:
    assert api.get(f"{DOMAINS}/{spelling}").json()["id"] == domain.public_id


def test_a_domain_goes_by_its_id_as_well(api: Api, domain: Domain) -> None:
    assert api.get(f"{DOMAINS}/{domain.public_id}").json()["name"] == "acme.example"


def test_an_international_domain_goes_by_either_alphabet(api: Api, acme: Organization, make_domain: Make) -> None:
    made = make_domain(acme, "xn--bcher-kva.example")
    for spelling in (quote("bücher.example"), quote("BÜCHER.example"), "xn--bcher-kva.example"):
        assert api.get(f"{DOMAINS}/{spelling}").json()["id"] == made.public_id


@pytest.mark.parametrize("tail", ["", "/dns", "/verify"])
@pytest.mark.parametrize(
    "id", ["nothing.example", "dom_AAAAAAAAAAAAAAAAAAAAA", "dom_", "bad", "%00", "globex.example", "dom_%00", "a" * 999]
)
def test_what_is_not_ones_own_is_not_found(
    api: Api, globex: Organization, make_domain: Make, id: str, tail: str
) -> None:
    make_domain(globex, "globex.example", status="active")
    answer = api.post(f"{DOMAINS}/{id}{tail}", {}) if tail == "/verify" else api.get(f"{DOMAINS}/{id}{tail}")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        ("", "pending"),
        ("unknown", "pending"),
        ("ok", "verified"),
        ("missing", "failed"),
        ("wrong", "failed"),
        ("conflict", "failed"),
    ],
)
def test_a_record_is_pending_verified_or_failed(api: Api, domain: Domain, verdict: str, status: str) -> None:
    DnsRecord.objects.filter(purpose="spf").update(verdict=verdict)
    assert api.get(f"{DOMAINS}/acme.example").json()["records"][2]["status"] == status


@pytest.mark.parametrize(
    ("fields", "verified"),
    [
        ({"status": "active", "dkim_status": "SUCCESS"}, True),
        ({"status": "active", "dkim_status": "TEMPORARY_FAILURE"}, True),
        ({"status": "active", "dkim_status": "PENDING"}, False),
        ({"status": "pending", "dkim_status": "SUCCESS", "proved_at": NOW}, True),
        ({"status": "pending", "dkim_status": "SUCCESS"}, False),
        ({"status": "failed", "dkim_status": "SUCCESS", "proved_at": NOW}, False),
    ],
    ids=["active", "warned", "without DKIM", "only the MX is missing", "not proved", "lost"],
)
def test_verified_means_proved_and_dkim_success(
    api: Api, acme: Organization, make_domain: Make, fields: dict[str, Any], verified: bool
) -> None:
    make_domain(acme, "acme.example", **fields)
    assert api.get(f"{DOMAINS}/acme.example").json()["verified"] is verified


def test_a_suspended_domain_is_not_verified(api: Api, domain: Domain) -> None:
    assert api.get(f"{DOMAINS}/acme.example").json()["verified"] is True
    suspend_domain(domain=domain, actor="test", now=NOW)
    assert api.get(f"{DOMAINS}/acme.example").json()["verified"] is False


# --- dns --------------------------------------------------------------------------------------


def test_dns_lists_mx_spf_dmarc_and_dkim_without_a_status(api: Api, domain: Domain) -> None:
    assert api.get(f"{DOMAINS}/acme.example/dns").json() == [
        {"type": "MX", "name": "@", "value": MX, "priority": 10},
        {"type": "TXT", "name": "@", "value": SPF},
        {"type": "TXT", "name": "_dmarc", "value": "v=DMARC1; p=reject;"},
        *(
            {"type": "CNAME", "name": f"{token}._domainkey.acme.example", "value": f"{token}.dkim.amazonses.com"}
            for token in ("a1", "b2", "c3")
        ),
    ]


@pytest.mark.parametrize(
    ("name", "prefix"), [("mail.shop.example", "mail"), ("a.b.shop.co.uk", "a.b"), ("mail.company.co.uk", "mail")]
)
def test_below_the_registrable_domain_names_are_its_prefix(
    api: Api, acme: Organization, make_domain: Make, name: str, prefix: str
) -> None:
    make_domain(acme, name)
    names = [each["name"] for each in api.get(f"{DOMAINS}/{name}/dns").json()]
    assert names[:3] == [prefix, prefix, f"_dmarc.{prefix}"]
    assert names[3] == f"a1._domainkey.{name}"


def test_the_registrable_domain_is_told_by_the_public_suffix_list(
    api: Api, acme: Organization, make_domain: Make
) -> None:
    make_domain(acme, "company.co.uk")
    assert api.get(f"{DOMAINS}/company.co.uk/dns").json()[0]["name"] == "@"


def test_dns_asks_ses_again_for_tokens_that_are_missing(api: Api, registered: dict[str, Any]) -> None:
    DnsRecord.objects.filter(purpose="dkim").delete()
    listed = api.get(f"{DOMAINS}/shop.example/dns").json()
    assert [each["type"] for each in listed] == ["MX", "TXT", "TXT", "CNAME", "CNAME", "CNAME"]


def test_dns_without_tokens_is_400(api: Api, registered: dict[str, Any], installation: SandboxProcess) -> None:
    DnsRecord.objects.filter(purpose="dkim").delete()
    for operation in ("CreateEmailIdentity", "GetEmailIdentity"):
        fault = {"operation": operation, "kind": "error", "code": "InternalFailure", "status": 500, "times": 9}
        installation.control("POST", "/_sandbox/faults", fault)
    answer = api.get(f"{DOMAINS}/shop.example/dns")
    assert said(answer) == (400, "Failed to get DKIM attributes", "dkim_unavailable")


# --- verify -----------------------------------------------------------------------------------


def test_verify_without_dns_is_200_and_says_which_records_failed(api: Api, registered: dict[str, Any]) -> None:
    answer = api.post(f"{DOMAINS}/shop.example/verify", {})
    assert (answer.status_code, answer.json()["verified"]) == (200, False)
    assert {each["status"] for each in answer.json()["records"]} == {"failed"}


def test_verify_needs_no_body(api: Api, registered: dict[str, Any]) -> None:
    assert api.post(f"{DOMAINS}/shop.example/verify").status_code == 200


def test_verify_after_publishing_is_true_and_every_record_is_verified(
    api: Api, registered: dict[str, Any], publish: Callable[..., None]
) -> None:
    publish(Domain.objects.get())
    body = api.post(f"{DOMAINS}/shop.example/verify", {}).json()
    assert body["verified"] is True
    assert {each["status"] for each in body["records"]} == {"verified"}


def test_a_domain_without_its_mx_is_verified_here_and_pending_in_the_core(
    api: Api, registered: dict[str, Any], publish: Callable[..., None]
) -> None:
    publish(Domain.objects.get(), "dkim")
    body = api.post(f"{DOMAINS}/{registered['id']}/verify", {}).json()
    assert body["verified"] is True
    assert [each["status"] for each in body["records"]] == ["failed"] * 3 + ["verified"] * 3
    assert Domain.objects.get().status == "pending"


def test_verify_starts_a_failed_claim_again(api: Api, registered: dict[str, Any], publish: Callable[..., None]) -> None:
    Domain.objects.update(status="failed", reason="expired")
    publish(Domain.objects.get())
    assert api.post(f"{DOMAINS}/shop.example/verify", {}).json()["verified"] is True


def test_verify_of_a_claim_that_can_not_start_again_is_no_error(
    api: Api, registered: dict[str, Any], settings: Any
) -> None:
    settings.MAX_RESTARTS_PER_DAY = 0
    Domain.objects.update(status="failed", reason="expired")
    answer = api.post(f"{DOMAINS}/shop.example/verify", {})
    assert (answer.status_code, answer.json()["verified"]) == (200, False)


def test_verify_of_a_name_that_another_has_proved_is_no_error(
    api: Api, acme: Organization, globex: Organization, make_domain: Make
) -> None:
    make_domain(globex, "shop.example", status="active")
    make_domain(acme, "shop.example", status="failed", reason="claimed_elsewhere")
    answer = api.post(f"{DOMAINS}/shop.example/verify", {})
    assert (answer.status_code, answer.json()["verified"]) == (200, False)


def test_verify_while_ses_is_away_is_502(api: Api, registered: dict[str, Any], installation: SandboxProcess) -> None:
    for operation in ("GetIdentityVerificationAttributes", "GetIdentityDkimAttributes"):
        fault = {"operation": operation, "kind": "error", "code": "InternalFailure", "status": 500, "times": 9}
        installation.control("POST", "/_sandbox/faults", fault)
    answer = api.post(f"{DOMAINS}/shop.example/verify", {})
    assert said(answer) == (502, "Upstream email service unavailable", "upstream_error")


# --- delete -----------------------------------------------------------------------------------


def test_delete_answers_the_domain_as_it_was(api: Api, domain: Domain) -> None:
    before = api.get(f"{DOMAINS}/acme.example").json()
    answer = api.delete(f"{DOMAINS}/acme.example")
    assert answer.status_code == 200
    assert answer.json() | {"updatedAt": before["updatedAt"]} == before
    assert before["verified"] is True
    assert api.get(f"{DOMAINS}/acme.example").json() == NOT_FOUND
    assert api.delete(f"{DOMAINS}/acme.example").json() == NOT_FOUND


def test_delete_deactivates_the_inboxes_which_stay_readable(api: Api, acme: Organization, domain: Domain) -> None:
    inbox = create_inbox(organization=acme, domain=domain, local_part="info", actor="test", now=NOW)
    assert api.delete(f"{DOMAINS}/acme.example").status_code == 200
    inbox.refresh_from_db()
    assert not inbox.is_active
    assert api.get(f"/v1/inboxes/{inbox.public_id}").json()["email"] == "info@acme.example"
    assert [each["id"] for each in api.get("/v1/inboxes").json()] == [inbox.public_id]
    assert api.get(f"/v1/inboxes/{inbox.public_id}/messages").json() == []


def test_an_inbox_lives_again_with_its_domain(api: Api, acme: Organization, domain: Domain, make_domain: Make) -> None:
    made = api.post("/v1/inboxes", {"name": "Info", "email": "info@acme.example"}).json()
    api.delete(f"{DOMAINS}/acme.example")
    again = make_domain(acme, "acme.example", status="active", dkim_status="SUCCESS")
    answer = api.post("/v1/inboxes", {"email": "info@acme.example"})
    assert answer.json() == made | {"domainId": again.public_id}
    assert EmailAccount.objects.get().is_active


def test_delete_is_refused_while_a_use_case_is_on_it(
    api: Api, acme: Organization, domain: Domain, make_domain: Make
) -> None:
    tenant = SesTenant.objects.create(organization=acme, domain=domain, tenant_name="acme", region=domain.region)
    setup = SesSetup.objects.create(organization=acme, domain=domain, tenant=tenant)
    inbox = create_inbox(organization=acme, domain=domain, local_part="orders", actor="test", now=NOW)
    UseCase.objects.create(setup=setup, inbox=inbox, entity_name="Acme", name="Orders", email_type="transactional")
    assert said(api.delete(f"{DOMAINS}/acme.example")) == (400, "Domain is in use", "domain_in_use")
    assert api.delete(f"/v1/inboxes/{inbox.public_id}").status_code == 200
    assert api.delete(f"{DOMAINS}/acme.example").status_code == 200


# --- keys -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("Channel.create", "GET", DOMAINS),
        ("Channel.view", "POST", DOMAINS),
        ("Channel.create", "GET", f"{DOMAINS}/acme.example"),
        ("Channel.create", "GET", f"{DOMAINS}/acme.example/dns"),
        ("Channel.create", "POST", f"{DOMAINS}/acme.example/verify"),
        ("Channel.view", "DELETE", f"{DOMAINS}/acme.example"),
    ],
)
def test_a_key_without_the_permission_is_forbidden(
    key_with: Callable[..., Api], domain: Domain, scope: str, method: str, path: str
) -> None:
    answer = key_with(scopes=[scope]).send(method, path, {"name": "x.example"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_key_of_one_domain_sees_and_claims_that_one_alone(
    key_with: Callable[..., Api], acme: Organization, domain: Domain, make_domain: Make
) -> None:
    make_domain(acme, "other.example")
    limited = key_with(domain_name="acme.example")
    assert [each["name"] for each in limited.get(DOMAINS).json()] == ["acme.example"]
    assert limited.get(f"{DOMAINS}/other.example").json() == NOT_FOUND
    assert said(limited.post(DOMAINS, {"name": "third.example"}))[::2] == (403, "forbidden")


# --- everything below the contract's prefix ------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/nothing/at/all", f"{DOMAINS}/", "/v1/messages"])
def test_an_unknown_path_is_404_in_the_contracts_words(api: Api, path: str) -> None:
    assert said(api.post(path, {})) == (404, "Not found", "not_found")


def test_a_wrong_method_is_405(api: Api) -> None:
    answer = api.send("PATCH", DOMAINS, {})
    assert said(answer) == (405, "Method not allowed", "method_not_allowed")
    assert "POST" in answer["Allow"]


def test_without_a_key_it_is_401(domain: Domain) -> None:
    answer = Api(None).get(DOMAINS)
    assert answer.json() == {
        "error": "Unauthorized",
        "message": "Unauthorized",
        "code": "auth_invalid_token",
        "details": {},
    }
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="Users"'


def test_malformed_json_is_400(api: Api) -> None:
    assert said(api.post(DOMAINS, b"{")) == (400, "Invalid JSON body", "invalid_json")


def test_too_many_requests_are_429(api: Api, settings: Any) -> None:
    settings.API_RATE_LIMIT = "1/h"
    api.get(DOMAINS)
    answer = api.get(DOMAINS)
    assert said(answer) == (429, "Too many requests", "rate_limited")
    assert int(answer["Retry-After"]) >= 1


def test_health_needs_no_key() -> None:
    assert Api(None).get("/health").json() == {"healthy": True, "environment": "sandbox"}
