"""Contract `email_domains`: list, register, read, change, verify, delete - bodies as its seed has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Organization
from channels.inboxes import create_inbox
from domains.models import DnsRecord, Domain
from domains.names import SENTENCES
from tests.contracts.conftest import NOW, Api

pytestmark = pytest.mark.django_db(transaction=True)

DOMAINS = "/api/email/domains"
SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
NOT_FOUND = {"error": {"code": "DOMAIN_NOT_FOUND", "message": "Domain does not exist"}}
Make = Callable[..., Domain]


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def domain(acme: Organization, make_domain: Make) -> Domain:
    return make_domain(acme, "acme.example", status="active")


@pytest.fixture
def registered(api: Api, installation: object) -> dict[str, Any]:
    answer = api.post(DOMAINS, {"domain": "shop.example", "isDefault": True})
    assert answer.status_code == 201, answer.content
    return answer.json()


# --- list -------------------------------------------------------------------------------------


def test_an_empty_list_says_its_page(api: Api) -> None:
    assert api.get(DOMAINS).json() == {"domains": [], "total": 0, "limit": 20, "offset": 0}


def test_a_list_has_the_seeds_keys_in_order(api: Api, domain: Domain, acme: Organization) -> None:
    create_inbox(organization=acme, domain=domain, local_part="info", actor="test", now=NOW)
    Domain.objects.update(sent_count=1250, is_default=True)
    body = api.get(DOMAINS).json()
    assert list(body) == ["domains", "total", "limit", "offset"]
    assert list(body["domains"][0].items()) == [
        ("id", domain.public_id),
        ("domain", "acme.example"),
        ("status", "active"),
        ("isDefault", True),
        ("createdAt", "2026-11-21T08:00:00Z"),
        ("updatedAt", "2026-11-21T08:00:00Z"),
        ("verifiedAt", "2026-11-21T08:00:00Z"),
        ("inboxCount", 1),
        ("sentCount", 1250),
    ]


def test_a_list_shows_the_newest_first_and_only_ones_own(
    api: Api, acme: Organization, globex: Organization, make_domain: Make
) -> None:
    make_domain(acme, "old.example", created_at=NOW - timedelta(days=1))
    make_domain(acme, "same-a.example")
    make_domain(acme, "same-b.example")
    make_domain(acme, "gone.example", removed_at=NOW)
    make_domain(globex, "globex.example")
    names = [each["domain"] for each in api.get(DOMAINS).json()["domains"]]
    assert names == ["same-b.example", "same-a.example", "old.example"]


def test_a_page_is_cut_out_of_all(api: Api, acme: Organization, make_domain: Make) -> None:
    for number in range(5):
        make_domain(acme, f"d{number}.example", created_at=NOW + timedelta(seconds=number))
    body = api.get(f"{DOMAINS}?limit=2&offset=1").json()
    assert [each["domain"] for each in body["domains"]] == ["d3.example", "d2.example"]
    assert (body["total"], body["limit"], body["offset"]) == (5, 2, 1)
    assert api.get(f"{DOMAINS}?offset=5").json()["domains"] == []


@pytest.mark.parametrize("status", ["pending", "active", "failed", "suspended"])
def test_a_status_filters_and_total_counts_the_filtered(
    api: Api, acme: Organization, make_domain: Make, status: str
) -> None:
    for each in ("pending", "active", "failed", "suspended"):
        make_domain(acme, f"{each}.example", status=each)
    body = api.get(f"{DOMAINS}?status={status}").json()
    assert [each["domain"] for each in body["domains"]] == [f"{status}.example"]
    assert body["total"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "limit=",
        "limit=1.0",
        "limit=1e1",
        "limit=%D9%A3",
        "limit=+5",
        "limit=%00",
        "limit=99999999999999999999999",
        "offset=-1",
        "offset=x",
        "offset=",
        "offset=9223372036854775808",
        "offset=99999999999999999999999",
        "status=",
        "status=verified",
        "status=ACTIVE",
        "status=%00",
    ],
)
def test_a_bad_parameter_is_a_validation_error_that_names_it(api: Api, query: str) -> None:
    answer = api.get(f"{DOMAINS}?{query}")
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    name = query.partition("=")[0]
    assert name in answer.json()["error"]["message"]
    assert answer.json()["error"]["details"] == {"field": name}


@pytest.mark.parametrize("count", [1, 100])
def test_a_list_costs_three_statements_however_long(
    api: Api, acme: Organization, make_domain: Make, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        make_domain(acme, f"d{number}.example")
    api.get(DOMAINS)
    with django_assert_num_queries(3):
        assert len(api.get(f"{DOMAINS}?limit=100").json()["domains"]) == count


# --- register -----------------------------------------------------------------------------------


def test_register_has_the_seeds_keys_in_order(registered: dict[str, Any]) -> None:
    assert list(registered) == [
        "id",
        "domain",
        "status",
        "isDefault",
        "region",
        "dnsRecords",
        "createdAt",
        "updatedAt",
    ]
    assert re.fullmatch(r"dom_[A-Za-z0-9_-]{21}", registered["id"])
    assert (registered["domain"], registered["status"]) == ("shop.example", "pending")
    assert (registered["isDefault"], registered["region"]) == (True, "us-east-1")
    assert SECONDS.fullmatch(registered["createdAt"])
    assert SECONDS.fullmatch(registered["updatedAt"])


def test_register_lists_the_records_in_their_order(registered: dict[str, Any]) -> None:
    records = registered["dnsRecords"]
    assert [(record["type"], record["purpose"]) for record in records] == [
        ("MX", "inbound"),
        ("TXT", "ownership"),
        ("TXT", "spf"),
        ("CNAME", "dkim"),
        ("CNAME", "dkim"),
        ("CNAME", "dkim"),
        ("TXT", "dmarc"),
    ]
    mx, owner, spf, dkim, _, _, dmarc = records
    assert mx == {
        "type": "MX",
        "name": "shop.example",
        "value": "10 inbound-smtp.us-east-1.amazonaws.com",
        "priority": 10,
        "verified": False,
        "required": True,
        "purpose": "inbound",
        "ttl": 3600,
    }
    assert owner["name"] == "_amazonses.shop.example"
    assert owner["required"] is True
    assert "priority" not in owner
    assert (spf["name"], spf["value"]) == ("shop.example", "v=spf1 include:amazonses.com ~all")
    assert spf["required"] is False
    token = dkim["name"].removesuffix("._domainkey.shop.example")
    assert dkim["value"].startswith(f"{token}.")
    assert (dmarc["name"], dmarc["value"]) == (
        "_dmarc.shop.example",
        "v=DMARC1; p=quarantine; rua=mailto:dmarc@shop.example",
    )


@pytest.mark.usefixtures("sandbox")
def test_a_region_of_ours_is_taken_into_the_records(api: Api) -> None:
    body = api.post(DOMAINS, {"domain": "eu.example", "region": "eu-west-1", "unknown": {"x": 1}}).json()
    assert body["region"] == "eu-west-1"
    assert body["dnsRecords"][0]["value"] == "10 inbound-smtp.eu-west-1.amazonaws.com"


@pytest.mark.usefixtures("registered")
def test_a_new_default_takes_it_from_the_old(api: Api) -> None:
    api.post(DOMAINS, {"domain": "second.example", "isDefault": True})
    flags = {each["domain"]: each["isDefault"] for each in api.get(DOMAINS).json()["domains"]}
    assert flags == {"second.example": True, "shop.example": False}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("https://example.com", "scheme"),
        ("a/b", "path"),
        ("192.0.2.1", "ip_address"),
        ("*.example.com", "wildcard"),
        ("co.uk", "public_suffix"),
        ("a", "single_label"),
        ("exa mple.com", "bad_character"),
        ("a" * 64 + ".com", "label_too_long"),
        ("x..com", "empty_label"),
        ("", "empty"),
        (None, "not_text"),
        (7, "not_text"),
        ([], "not_text"),
    ],
)
def test_a_bad_domain_is_domain_invalid_and_says_why(api: Api, name: object, reason: str) -> None:
    answer = api.post(DOMAINS, {"domain": name})
    assert answer.status_code == 400
    details = {"reason": reason, "message": SENTENCES[reason]}
    assert answer.json() == {
        "error": {"code": "DOMAIN_INVALID", "message": "Invalid domain format", "details": details}
    }


def test_a_name_of_254_characters_is_domain_invalid(api: Api) -> None:
    name = ".".join(["a" * 62] * 3 + ["b" * 61, "com"])
    assert len(name) == 254
    assert code_of(api.post(DOMAINS, {"domain": name})) == (400, "DOMAIN_INVALID")


@pytest.mark.parametrize(
    "field",
    [
        {"isDefault": "true"},
        {"isDefault": None},
        {"isDefault": 1},
        {"region": 5},
        {"region": None},
        {"region": "mars-north-1"},
        {"region": ""},
        {"region": "us-east-1\x00"},
    ],
)
def test_a_bad_field_is_a_validation_error_that_names_it(api: Api, field: dict[str, object]) -> None:
    answer = api.post(DOMAINS, {"domain": "new.example", **field})
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    assert answer.json()["error"]["details"] == {"field": next(iter(field))}
    assert not Domain.objects.exists()


@pytest.mark.usefixtures("domain")
@pytest.mark.parametrize("spelling", ["acme.example", "ACME.example", " acme.example. "])
def test_ones_own_live_name_exists_already(api: Api, spelling: str) -> None:
    answer = api.post(DOMAINS, {"domain": spelling})
    assert answer.status_code == 409
    assert answer.json() == {"error": {"code": "DOMAIN_EXISTS", "message": "Domain already registered"}}


@pytest.mark.usefixtures("domain")
def test_a_name_that_another_has_proved_exists_already(stranger: Api) -> None:
    assert code_of(stranger.post(DOMAINS, {"domain": "acme.example"})) == (409, "DOMAIN_EXISTS")


@pytest.mark.usefixtures("registered")
def test_a_name_that_another_only_claims_may_be_registered(stranger: Api) -> None:
    answer = stranger.post(DOMAINS, {"domain": "shop.example"})
    assert answer.status_code == 201
    assert "_postern.shop.example" in [record["name"] for record in answer.json()["dnsRecords"]]


def test_beyond_the_quota_it_is_quota_exceeded(api: Api, acme: Organization, make_domain: Make, settings: Any) -> None:
    settings.MAX_PENDING_DOMAINS = 1
    make_domain(acme, "one.example")
    assert code_of(api.post(DOMAINS, {"domain": "two.example"})) == (429, "QUOTA_EXCEEDED")


# --- read ---------------------------------------------------------------------------------------


def test_detail_has_the_seeds_keys_in_order(api: Api, domain: Domain, acme: Organization) -> None:
    create_inbox(organization=acme, domain=domain, local_part="info", actor="test", now=NOW)
    Domain.objects.update(sent_count=1250, received_count=3420, dkim_status="SUCCESS")
    DnsRecord.objects.filter(purpose__in=["inbound", "spf"]).update(verdict="ok")
    body = api.get(f"{DOMAINS}/{domain.public_id}").json()
    assert list(body) == [
        "id",
        "domain",
        "status",
        "isDefault",
        "region",
        "dnsRecords",
        "verificationStatus",
        "createdAt",
        "updatedAt",
        "verifiedAt",
        "stats",
    ]
    assert list(body["verificationStatus"].items()) == [("mx", True), ("dkim", True), ("spf", True), ("dmarc", False)]
    assert list(body["stats"].items()) == [("inboxCount", 1), ("sentCount", 1250), ("receivedCount", 3420)]
    assert [record["verified"] for record in body["dnsRecords"]] == [True, False, True, False, False, False, False]
    assert body["verifiedAt"] == "2026-11-21T08:00:00Z"


def test_verified_at_is_null_while_never_verified(api: Api, acme: Organization, make_domain: Make) -> None:
    domain = make_domain(acme, "new.example")
    assert api.get(f"{DOMAINS}/{domain.public_id}").json()["verifiedAt"] is None
    assert api.get(DOMAINS).json()["domains"][0]["verifiedAt"] is None


def test_detail_costs_three_statements(
    api: Api, domain: Domain, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    api.get(DOMAINS)
    with django_assert_num_queries(3):
        api.get(f"{DOMAINS}/{domain.public_id}")


def test_an_id_of_nobody_is_not_found(api: Api) -> None:
    answer = api.get(f"{DOMAINS}/dom_nothing")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


# --- change -------------------------------------------------------------------------------------


def change(api: Api, domain: Domain, body: object) -> Any:
    return api.patch(f"{DOMAINS}/{domain.public_id}", body)


def test_suspend_and_resume(api: Api, domain: Domain) -> None:
    answer = change(api, domain, {"isDefault": True, "status": "suspended", "other": 1})
    body = answer.json()
    assert answer.status_code == 200
    assert list(body) == ["id", "domain", "isDefault", "status", "updatedAt"]
    assert (body["isDefault"], body["status"]) == (True, "suspended")
    assert body["updatedAt"] != "2026-11-21T08:00:00Z"
    assert change(api, domain, {"status": "active"}).json()["status"] == "active"


def test_resume_of_what_was_never_verified_is_pending(api: Api, acme: Organization, make_domain: Make) -> None:
    domain = make_domain(acme, "new.example")
    assert change(api, domain, {"status": "suspended"}).json()["status"] == "suspended"
    assert change(api, domain, {"status": "active"}).json()["status"] == "pending"


@pytest.mark.parametrize("status", ["active", "suspended"])
def test_the_same_status_again_changes_nothing(api: Api, acme: Organization, make_domain: Make, status: str) -> None:
    domain = make_domain(acme, "same.example", status=status)
    answer = change(api, domain, {"status": status, "isDefault": False})
    assert answer.status_code == 200
    assert answer.json()["updatedAt"] == "2026-11-21T08:00:00Z"
    assert not domain.events.exists()


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_active_can_not_be_wished_for(api: Api, acme: Organization, make_domain: Make, status: str) -> None:
    domain = make_domain(acme, "new.example", status=status)
    answer = change(api, domain, {"status": "active", "isDefault": True})
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    domain.refresh_from_db()
    assert (domain.status, domain.is_default) == (status, False)


@pytest.mark.parametrize(
    "body",
    [
        {},
        None,
        {"region": "eu-west-1"},
        {"status": "pending"},
        {"status": "failed"},
        {"status": "ACTIVE"},
        {"status": ""},
        {"status": None},
        {"status": 1},
        {"status": ["suspended"]},
        {"isDefault": None},
        {"isDefault": "yes"},
        {"isDefault": 1},
        {"isDefault": "no", "status": "suspended"},
        {"isDefault": True, "status": "deleted"},
    ],
)
def test_a_bad_change_is_a_validation_error_and_changes_nothing(api: Api, domain: Domain, body: object) -> None:
    assert code_of(change(api, domain, body)) == (400, "VALIDATION_ERROR")
    domain.refresh_from_db()
    assert (domain.status, domain.is_default) == ("active", False)


def test_there_is_one_default_an_organization(
    api: Api, acme: Organization, globex: Organization, domain: Domain, make_domain: Make
) -> None:
    first = make_domain(acme, "first.example", is_default=True)
    foreign = make_domain(globex, "globex.example", is_default=True)
    assert change(api, domain, {"isDefault": True}).json()["isDefault"] is True
    first.refresh_from_db()
    foreign.refresh_from_db()
    assert (first.is_default, foreign.is_default) == (False, True)
    assert change(api, domain, {"isDefault": False}).json()["isDefault"] is False


# --- verify -------------------------------------------------------------------------------------


def test_verify_before_dns_is_422_with_what_is_missing(api: Api, registered: dict[str, Any]) -> None:
    answer = api.post(f"{DOMAINS}/{registered['id']}/verify")
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert list(error) == ["code", "message", "details"]
    assert (error["code"], error["message"]) == ("VERIFICATION_FAILED", "DNS verification failed")
    assert list(error["details"]) == ["domainId", "domain", "status", "verificationStatus", "missingRecords"]
    assert error["details"]["domainId"] == registered["id"]
    assert error["details"]["status"] == "pending"
    assert error["details"]["verificationStatus"] == {"mx": False, "dkim": False, "spf": False, "dmarc": False}
    assert [list(record) for record in error["details"]["missingRecords"]] == [["type", "name", "value"]] * 2
    assert error["details"]["missingRecords"][0]["value"] == "10 inbound-smtp.us-east-1.amazonaws.com"


def test_an_inbox_that_comes_too_early_is_told_what_verify_tells(api: Api, registered: dict[str, Any]) -> None:
    answer = api.post("/api/email/inboxes", {"username": "a", "domainId": registered["id"]})
    verified = api.post(f"{DOMAINS}/{registered['id']}/verify")
    assert (answer.status_code, answer.json()) == (422, verified.json())


def test_dmarc_and_spf_inform_but_do_not_gate(
    api: Api, registered: dict[str, Any], publish: Callable[..., None]
) -> None:
    publish(Domain.objects.get(), "inbound", "ownership")
    answer = api.post(f"{DOMAINS}/{registered['id']}/verify")
    assert (answer.status_code, answer.json()["status"]) == (200, "active")
    assert answer.json()["verificationStatus"] == {"mx": True, "dkim": False, "spf": False, "dmarc": False}


def test_without_the_mx_it_is_not_verified(api: Api, registered: dict[str, Any], publish: Callable[..., None]) -> None:
    publish(Domain.objects.get(), "ownership", "dkim")
    answer = api.post(f"{DOMAINS}/{registered['id']}/verify")
    assert code_of(answer) == (422, "VERIFICATION_FAILED")
    assert [record["type"] for record in answer.json()["error"]["details"]["missingRecords"]] == ["MX"]


def test_from_registration_to_an_inbox(api: Api, registered: dict[str, Any], publish: Callable[..., None]) -> None:
    publish(Domain.objects.get())
    answer = api.post(f"{DOMAINS}/{registered['id']}/verify")
    body = answer.json()
    assert answer.status_code == 200, body
    assert list(body) == ["id", "domain", "status", "verificationStatus", "verifiedAt"]
    assert (body["id"], body["domain"], body["status"]) == (registered["id"], "shop.example", "active")
    assert body["verificationStatus"] == {"mx": True, "dkim": True, "spf": True, "dmarc": True}
    assert SECONDS.fullmatch(body["verifiedAt"])
    again = api.post(f"{DOMAINS}/{registered['id']}/verify", {})
    assert (again.status_code, again.json()["verifiedAt"]) == (200, body["verifiedAt"])
    inbox = api.post("/api/email/inboxes", {"email": "hello@shop.example"})
    assert inbox.status_code == 201
    refused = api.delete(f"{DOMAINS}/{registered['id']}")
    assert code_of(refused) == (409, "DOMAIN_IN_USE")
    api.delete(f"/api/email/inboxes/{inbox.json()['id']}")
    assert api.delete(f"{DOMAINS}/{registered['id']}").status_code == 200


def test_a_check_never_resumes(api: Api, registered: dict[str, Any], publish: Callable[..., None]) -> None:
    publish(Domain.objects.get())
    api.patch(f"{DOMAINS}/{registered['id']}", {"status": "suspended"})
    answer = api.post(f"{DOMAINS}/{registered['id']}/verify")
    assert (answer.status_code, answer.json()["status"]) == (200, "suspended")
    assert answer.json()["verificationStatus"]["mx"] is True


def test_verify_of_a_failed_domain_starts_again(api: Api, registered: dict[str, Any]) -> None:
    Domain.objects.update(status="failed", reason="expired")
    answer = api.post(f"{DOMAINS}/{registered['id']}/verify")
    assert code_of(answer) == (422, "VERIFICATION_FAILED")
    assert answer.json()["error"]["details"]["status"] == "pending"


def test_verify_with_a_broken_body_is_400(api: Api, domain: Domain) -> None:
    assert code_of(api.post(f"{DOMAINS}/{domain.public_id}/verify", b"{")) == (400, "VALIDATION_ERROR")


# --- delete -------------------------------------------------------------------------------------


def test_delete_says_so_once(api: Api, domain: Domain) -> None:
    answer = api.delete(f"{DOMAINS}/{domain.public_id}")
    body = answer.json()
    assert answer.status_code == 200
    assert list(body) == ["success", "message", "deletedAt"]
    assert (body["success"], body["message"]) == (True, "Domain removed successfully")
    assert SECONDS.fullmatch(body["deletedAt"])
    again = api.delete(f"{DOMAINS}/{domain.public_id}")
    assert (again.status_code, again.json()) == (404, NOT_FOUND)


def test_delete_with_inboxes_is_refused(api: Api, domain: Domain, acme: Organization) -> None:
    create_inbox(organization=acme, domain=domain, local_part="info", actor="test", now=NOW)
    answer = api.delete(f"{DOMAINS}/{domain.public_id}")
    assert answer.status_code == 409
    assert answer.json() == {"error": {"code": "DOMAIN_IN_USE", "message": "Cannot delete domain with active inboxes"}}


# --- a key of one domain --------------------------------------------------------------------------


def test_a_key_of_one_domain_sees_and_touches_only_that(
    key_with: Callable[..., Api], acme: Organization, domain: Domain, make_domain: Make
) -> None:
    other = make_domain(acme, "other.example", status="active", is_default=True)
    key = key_with(domain_name="acme.example")
    listed = key.get(DOMAINS).json()
    assert ([each["domain"] for each in listed["domains"]], listed["total"]) == (["acme.example"], 1)
    assert key.get(f"{DOMAINS}/{other.public_id}").json() == NOT_FOUND
    assert key.delete(f"{DOMAINS}/{other.public_id}").json() == NOT_FOUND
    assert code_of(key.post(DOMAINS, {"domain": "third.example"})) == (403, "FORBIDDEN")
    assert code_of(key.patch(f"{DOMAINS}/{domain.public_id}", {"isDefault": True})) == (403, "FORBIDDEN")
    assert key.patch(f"{DOMAINS}/{domain.public_id}", {"status": "suspended"}).status_code == 200
    other.refresh_from_db()
    assert other.is_default is True


# --- its record plan and its history ----------------------------------------------------------------


def test_the_record_plan_has_hosts_relative_to_the_zone(api: Api, acme: Organization, make_domain: Make) -> None:
    domain = make_domain(acme, "mail.acme.example")
    body = api.get(f"{DOMAINS}/{domain.public_id}/records?format=json").json()
    assert body["zone"] == "acme.example"
    assert [record["host"] for record in body["records"]] == [
        "mail",
        "_amazonses.mail",
        "mail",
        "a1._domainkey.mail",
        "b2._domainkey.mail",
        "c3._domainkey.mail",
        "_dmarc.mail",
    ]
    assert code_of(api.get(f"{DOMAINS}/{domain.public_id}/records?format=xml")) == (400, "VALIDATION_ERROR")


def test_the_history_pages_by_cursor(api: Api, domain: Domain) -> None:
    for wish in ("suspended", "active", "suspended"):
        change(api, domain, {"status": wish})
    types: list[str] = []
    cursor = ""
    while cursor is not None:
        page = api.get(f"{DOMAINS}/{domain.public_id}/events?limit=2{cursor}").json()
        types += [event["type"] for event in page["events"]]
        cursor = page["nextCursor"] and f"&cursor={page['nextCursor']}"
    assert types == ["domain.suspended", "domain.resumed", "domain.suspended"]
    assert code_of(api.get(f"{DOMAINS}/{domain.public_id}/events?cursor=x")) == (400, "VALIDATION_ERROR")
