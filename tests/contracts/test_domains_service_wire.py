"""Contract `domains_service` on the wire: what a request may look like, who may call, and how pages and words read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from accounts.models import Organization
from api.domains_service import METHODS as METHOD_VIEWS
from api.envelopes import Kind, Problem
from api.protobuf_json import camel, read_message
from domains.models import Domain
from tests.contracts import strict_protobuf
from tests.contracts.conftest import NOW, Api
from tests.contracts.service_client import NAME, Service
from tests.contracts.test_requests import JSON_VALUES, attempt

pytestmark = pytest.mark.django_db

Make = Callable[..., Domain]
UNKNOWN_ID = "dom_AAAAAAAAAAAAAAAAAAAAA"
METHODS = [
    "AddDomain",
    "GetDomain",
    "ListDomains",
    "UpdateDomain",
    "RemoveDomain",
    "CheckDNSProvider",
    "ApplyDomainRecords",
    "DeleteDomainRecord",
    "SendTestEmail",
]
WITH_ID = [method for method in METHODS if method not in ("AddDomain", "ListDomains")]
# What a method needs beside the id.
REST: dict[str, dict[str, Any]] = {
    "DeleteDomainRecord": {"record_name": NAME, "record_type": "MX"},
    "SendTestEmail": {"test_type": "BOUNCE"},
}


@pytest.fixture
def service(api: Api) -> Service:
    return Service(api)


# --- the wire: requests


def test_keys_may_be_snake_or_camel_and_enums_full_short_or_numbers(service: Service, installation: object) -> None:
    first = service.add("one.example", dmarc_policy="DMARC_POLICY_TYPE_QUARANTINE", spf_mode="OFF")
    second = service.add("two.example", dmarcPolicy="QUARANTINE", spfMode=1)
    third = service.add("three.example", dmarcPolicy=2.0, spfMode="SPF_MODE_OFF")
    for each in (first, second, third):
        assert (each["dmarc_policy"], each["spf_mode"]) == ("DMARC_POLICY_TYPE_QUARANTINE", "SPF_MODE_OFF")


def test_null_and_unspecified_are_the_same_as_not_given(service: Service, installation: object) -> None:
    domain = service.add(
        dmarc_policy="DMARC_POLICY_TYPE_UNSPECIFIED", spf_mode=0, send_enabled=None, dmarc_report_email=None
    )
    assert (domain["dmarc_policy"], domain["spf_mode"]) == ("DMARC_POLICY_TYPE_NONE", "SPF_MODE_CREATE_IF_MISSING")
    assert domain["send_enabled"] is True


@pytest.mark.parametrize(
    ("method", "body", "field"),
    [
        ("AddDomain", {}, "domain"),
        ("AddDomain", {"domain": None}, "domain"),
        ("AddDomain", {"domain": 5}, "domain"),
        ("AddDomain", {"domain": ""}, "domain"),
        ("AddDomain", {"domain": "https://acme.example"}, "domain"),
        ("AddDomain", {"domain": "acme"}, "domain"),
        ("AddDomain", {"domain": "co.uk"}, "domain"),
        ("AddDomain", {"domain": "a" * 64 + ".example"}, "domain"),
        ("AddDomain", {"domain": NAME, "region": "us-east-1"}, "region"),
        ("AddDomain", {"domain": NAME, "Domain": NAME}, "Domain"),
        ("AddDomain", {"domain": NAME, "send_enabled": "true"}, "send_enabled"),
        ("AddDomain", {"domain": NAME, "receiveEnabled": 1}, "receive_enabled"),
        ("AddDomain", {"domain": NAME, "spf_mode": "FORCE"}, "spf_mode"),
        ("AddDomain", {"domain": NAME, "spf_mode": 5}, "spf_mode"),
        ("AddDomain", {"domain": NAME, "spf_mode": -1}, "spf_mode"),
        ("AddDomain", {"domain": NAME, "spf_mode": True}, "spf_mode"),
        ("AddDomain", {"domain": NAME, "spf_mode": "FORCE_VALUE"}, "spf_value"),
        ("AddDomain", {"domain": NAME, "spf_mode": "FORCE_VALUE", "spf_value": "include:x.example"}, "spf_value"),
        ("AddDomain", {"domain": NAME, "spf_value": "v=spf1 ip4:nonsense"}, "spf_value"),
        ("AddDomain", {"domain": NAME, "dmarc_policy": "quarantine"}, "dmarc_policy"),
        ("AddDomain", {"domain": NAME, "dmarc_report_email": "nobody"}, "dmarc_report_email"),
        ("AddDomain", {"domain": NAME, "dmarc_report_email": ""}, "dmarc_report_email"),
        ("AddDomain", {"domain": NAME, "spf_mode": 1, "spfMode": 1}, "spf_mode"),
        ("GetDomain", {}, "id"),
        ("GetDomain", {"id": "dom_x"}, "id"),
        ("GetDomain", {"id": UNKNOWN_ID + "\n"}, "id"),
        ("GetDomain", {"id": UNKNOWN_ID, "include_dns_validation": "yes"}, "include_dns_validation"),
        ("GetDomain", {"id": UNKNOWN_ID, "includeValidation": True, "includeDnsValidation": True}, "include_dns_"),
        ("ListDomains", {"page_size": 0}, "page_size"),
        ("ListDomains", {"page_size": 101}, "page_size"),
        ("ListDomains", {"pageSize": "many"}, "page_size"),
        ("ListDomains", {"page_size": 1.5}, "page_size"),
        ("ListDomains", {"page_size": 2**31}, "page_size"),
        ("ListDomains", {"page_token": "forged"}, "page_token"),
        ("ListDomains", {"page_token": 1}, "page_token"),
        ("DeleteDomainRecord", {"id": UNKNOWN_ID, "record_type": "TXT"}, "record_name"),
        ("DeleteDomainRecord", {"id": UNKNOWN_ID, "record_name": "", "record_type": "TXT"}, "record_name"),
        ("DeleteDomainRecord", {"id": UNKNOWN_ID, "record_name": "a\x00b", "record_type": "TXT"}, "record_name"),
        ("DeleteDomainRecord", {"id": UNKNOWN_ID, "record_name": NAME, "record_type": "A"}, "record_type"),
        ("SendTestEmail", {"id": UNKNOWN_ID}, "test_type"),
        ("SendTestEmail", {"id": UNKNOWN_ID, "test_type": 0}, "test_type"),
        ("SendTestEmail", {"id": UNKNOWN_ID, "test_type": "NORMAL"}, "to_email"),
        ("SendTestEmail", {"test_type": "BOUNCE"}, "from_email"),
        ("SendTestEmail", {"from_email": "a@b", "test_type": "BOUNCE"}, "from_email"),
        ("SendTestEmail", {"id": "acme", "test_type": "BOUNCE"}, "id"),
        ("SendTestEmail", {"id": UNKNOWN_ID, "test_type": 2, "message_class": 4}, "message_class"),
    ],
)
def test_what_the_proto_does_not_allow_is_an_invalid_argument_that_names_the_field(
    service: Service, method: str, body: dict[str, Any], field: str
) -> None:
    assert service.refused(method, **body) == (400, "invalid_argument")
    assert service.message(method, **body).startswith(field)
    assert not Domain.objects.exists()


@given(
    st.sampled_from([method.fields for method in METHOD_VIEWS]).flatmap(
        lambda fields: st.tuples(
            st.just(fields), st.dictionaries(st.sampled_from(sorted(fields)) | st.text(), JSON_VALUES)
        )
    )
)
def test_whatever_the_message_it_is_read_or_refused(drawn: tuple[Any, dict[str, Any]]) -> None:
    fields, body = drawn
    read = attempt(lambda: read_message(body, fields))
    assert read.kind is Kind.INVALID_FIELD if isinstance(read, Problem) else set(read) <= set(fields)


@pytest.mark.parametrize("body", [b"[]", b"{", b"null", b'{"id": 1, "id": 1}', b'"x"', b"\xff"])
def test_a_body_that_is_no_object_is_an_invalid_argument(service: Service, body: bytes) -> None:
    answer = service.raw("GetDomain", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")


def test_a_body_less_call_is_an_empty_message(service: Service) -> None:
    assert service.raw("ListDomains").json() == {"domains": [], "next_page_token": ""}


# --- the wire: answers


def test_the_answers_keys_may_be_set_to_camel(service: Service, settings: LazySettings, installation: object) -> None:
    added = service.add(receive_enabled=True)
    settings.C4_JSON_CASE = "camel"
    body = service.raw("GetDomain", {"id": added["id"], "includeDnsValidation": True}).json()
    strict_protobuf.read("GetDomain", body, name_of=camel)
    assert body["domain"]["dnsValidation"]["mxRecord"]["recordType"] == "DNS_RECORD_TYPE_MX"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "PATCH"])
def test_only_post_calls_a_method(api: Api, method: str, verb: str) -> None:
    answer = api.send(verb, f"/domains/{method}")
    assert (answer.status_code, answer.json()["code"]) == (405, "unimplemented")
    assert "POST" in answer["Allow"]


@pytest.mark.parametrize(
    "path", ["/domains", "/domains/", "/domains/Nothing", "/domains/addDomain", "/domains/GetDomain/"]
)
def test_an_unknown_method_is_not_found_in_the_contracts_words(api: Api, path: str) -> None:
    answer = api.post(path, {})
    assert answer.json() == {"code": "not_found", "message": "There is no such method."}
    assert answer.status_code == 404


@pytest.mark.parametrize("method", METHODS)
def test_without_a_key_it_is_unauthenticated(method: str) -> None:
    assert Service(Api(None)).refused(method) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "method", ["AddDomain", "UpdateDomain", "RemoveDomain", "ApplyDomainRecords", "DeleteDomainRecord", "SendTestEmail"]
)
def test_what_changes_something_needs_the_permission(key_with: Callable[..., Api], method: str) -> None:
    assert Service(key_with(role="viewer")).refused(method) == (403, "permission_denied")


@pytest.mark.parametrize("method", WITH_ID)
def test_a_domain_of_another_organization_is_not_found(
    service: Service, method: str, globex: Organization, acme: Organization, make_domain: Make
) -> None:
    foreign = make_domain(globex, "globex.example", status="active").public_id
    gone = make_domain(acme, "gone.example", removed_at=NOW).public_id
    answers = {service.raw(method, {"id": id, **REST.get(method, {})}).content for id in (foreign, gone, UNKNOWN_ID)}
    assert answers == {b'{"code":"not_found","message":"Domain does not exist"}'}


def test_a_key_of_one_domain_sees_no_other(key_with: Callable[..., Api], acme: Organization, make_domain: Make) -> None:
    own, other = make_domain(acme, "own.example"), make_domain(acme, "other.example", status="active")
    service = Service(key_with(domain_name="own.example"))
    assert [each["id"] for each in service("ListDomains")["domains"]] == [own.public_id]
    assert service.refused("GetDomain", id=other.public_id) == (404, "not_found")
    assert service.refused("AddDomain", domain="new.example") == (403, "permission_denied")
    sending = {"from_email": "test@other.example", "test_type": "BOUNCE"}
    assert service.refused("SendTestEmail", **sending) == (400, "failed_precondition")


# --- what is told


@pytest.mark.parametrize(
    ("fields", "verification", "dkim"),
    [
        ({"verification_status": "PENDING"}, "PENDING", "PENDING"),
        ({"verification_status": "SUCCESS", "dkim_status": "SUCCESS"}, "PENDING", "PENDING"),
        ({"verification_status": "TEMPORARY_FAILURE"}, "PENDING", "PENDING"),
        ({"verification_status": "FAILED", "dkim_status": "FAILED"}, "FAILED", "FAILED"),
        ({"status": "failed", "reason": "expired"}, "FAILED", "FAILED"),
        ({"proved_at": NOW, "verification_status": "SUCCESS", "dkim_status": "PENDING"}, "SUCCESS", "PENDING"),
        ({"proved_at": NOW, "verification_status": "TEMPORARY_FAILURE"}, "SUCCESS", "PENDING"),
        ({"proved_at": NOW, "verification_status": "FAILED", "dkim_status": "SUCCESS"}, "FAILED", "SUCCESS"),
        ({"status": "suspended", "proved_at": NOW, "verification_status": "SUCCESS"}, "SUCCESS", "PENDING"),
    ],
)
def test_a_status_is_what_ses_says_of_a_proved_name(
    service: Service, acme: Organization, make_domain: Make, fields: dict[str, Any], verification: str, dkim: str
) -> None:
    make_domain(acme, NAME, **fields)
    (domain,) = service("ListDomains")["domains"]
    assert domain["verification_status"] == f"VERIFICATION_STATUS_{verification}"
    assert domain["dkim_status"] == f"VERIFICATION_STATUS_{dkim}"


# --- ListDomains


def test_pages_follow_one_another_oldest_first(service: Service, acme: Organization, make_domain: Make) -> None:
    for number in range(5):
        # Two of the same moment.
        make_domain(acme, f"d{number}.example", created_at=NOW + timedelta(seconds=number // 2))
    names, token = [], ""
    while True:
        page = service("ListDomains", page_size=2, page_token=token)
        names.append([each["name"] for each in page["domains"]])
        token = page["next_page_token"]
        if not token:
            break
    assert names == [["d0.example", "d1.example"], ["d2.example", "d3.example"], ["d4.example"]]


def test_a_page_that_is_just_full_is_the_last(service: Service, acme: Organization, make_domain: Make) -> None:
    for number in range(2):
        make_domain(acme, f"d{number}.example")
    assert service("ListDomains", page_size="2")["next_page_token"] == ""


def test_a_token_is_good_for_its_organization_alone(
    service: Service, stranger: Api, acme: Organization, make_domain: Make
) -> None:
    for number in range(2):
        make_domain(acme, f"d{number}.example")
    token = service("ListDomains", page_size=1)["next_page_token"]
    assert Service(stranger).refused("ListDomains", page_token=token) == (400, "invalid_argument")


def test_fifty_make_a_page_and_cost_as_much_as_one(
    service: Service, acme: Organization, make_domain: Make, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(51):
        make_domain(acme, f"d{number}.example", created_at=NOW + timedelta(seconds=number))
    service("ListDomains")
    with django_assert_num_queries(3):
        assert len(service("ListDomains")["domains"]) == 50


def test_a_body_of_another_type_is_refused_for_its_type(api: Api) -> None:
    answer = api.post("/domains/GetDomain", b"id=1", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 415
    assert answer.json() == {"code": "invalid_argument", "message": "The body must be application/json."}
