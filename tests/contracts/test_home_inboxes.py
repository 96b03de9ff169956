"""The home API's inboxes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Organization
from channels.inboxes import create_inbox
from channels.models import EmailAccount
from domains.models import Domain
from tests.contracts.conftest import NOW, Api

pytestmark = pytest.mark.django_db

INBOXES = "/api/email/inboxes"
NOT_FOUND = {"error": {"code": "INBOX_NOT_FOUND", "message": "Inbox does not exist"}}


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def domain(acme: Organization, make_domain: Callable[..., Domain]) -> Domain:
    return make_domain(acme, "acme.example", status="active")


@pytest.fixture
def inbox(acme: Organization, domain: Domain) -> EmailAccount:
    return create_inbox(organization=acme, domain=domain, local_part="info", name="Info", actor="test", now=NOW)


def test_by_address(api: Api, domain: Domain) -> None:
    answer = api.post(INBOXES, {"email": "Hello@ACME.example", "name": "Greetings"})
    body = answer.json()
    assert answer.status_code == 201
    assert list(body) == ["id", "email", "domainId", "name", "status", "createdAt"]
    assert re.fullmatch(r"inb_[A-Za-z0-9_-]{21}", body["id"])
    assert (body["email"], body["domainId"]) == ("hello@acme.example", domain.public_id)
    assert (body["name"], body["status"]) == ("Greetings", "active")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["createdAt"])


def test_by_user_name_and_domain_id(api: Api, domain: Domain) -> None:
    answer = api.post(INBOXES, {"username": "sales", "domainId": domain.public_id})
    assert (answer.status_code, answer.json()["email"], answer.json()["name"]) == (201, "sales@acme.example", "")


@pytest.mark.usefixtures("domain")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"username": "x"}, "email"),
        ({"email": None}, "email"),
        ({"email": 5}, "email"),
        ({"email": "no-at-sign"}, "email"),
        ({"email": "@acme.example"}, "email"),
        ({"email": "a b@acme.example"}, "email"),
        ({"email": "a\x00@acme.example"}, "email"),
        ({"email": "x" * 65 + "@acme.example"}, "email"),
        ({"email": "a@acme.example", "name": 5}, "name"),
        ({"email": "a@acme.example", "name": "x" * 201}, "name"),
        ({"email": "a@acme.example", "name": "x\x00"}, "name"),
        ({"username": "x", "domainId": 5}, "domainId"),
    ],
)
def test_a_bad_field_is_named(api: Api, body: object, field: str) -> None:
    answer = api.post(INBOXES, body)
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    assert answer.json()["error"]["details"] == {"field": field}
    assert not EmailAccount.objects.exists()


def test_a_bad_user_name_is_named(api: Api, domain: Domain) -> None:
    for username in (None, 5, "", "a b", ".a", "a@b"):
        answer = api.post(INBOXES, {"username": username, "domainId": domain.public_id})
        assert code_of(answer) == (400, "VALIDATION_ERROR")
        assert answer.json()["error"]["details"] == {"field": "username"}


@pytest.mark.parametrize("status", ["pending", "failed", "suspended"])
def test_a_domain_that_is_not_active_takes_none(
    api: Api, acme: Organization, make_domain: Callable[..., Domain], status: str
) -> None:
    domain = make_domain(acme, "new.example", status=status)
    answer = api.post(INBOXES, {"email": "a@new.example"})
    assert code_of(answer) == (422, "VERIFICATION_FAILED")
    details = answer.json()["error"]["details"]
    assert (details["domainId"], details["domain"], details["status"]) == (domain.public_id, "new.example", status)
    assert details.keys() == {"domainId", "domain", "status", "verificationStatus", "missingRecords"}


@pytest.mark.usefixtures("inbox")
@pytest.mark.parametrize("email", ["info@acme.example", "INFO@Acme.Example"])
def test_an_address_is_taken_once(api: Api, email: str) -> None:
    assert code_of(api.post(INBOXES, {"email": email})) == (409, "INBOX_EXISTS")


def test_a_removed_address_is_free_again(api: Api, inbox: EmailAccount) -> None:
    api.delete(f"{INBOXES}/{inbox.public_id}")
    assert api.post(INBOXES, {"email": "info@acme.example"}).status_code == 201


@pytest.mark.usefixtures("domain")
def test_another_organizations_domain_is_not_found(stranger: Api, domain: Domain) -> None:
    expected = (404, "DOMAIN_NOT_FOUND")
    assert code_of(stranger.post(INBOXES, {"email": "a@acme.example"})) == expected
    assert code_of(stranger.post(INBOXES, {"username": "a", "domainId": domain.public_id})) == expected
    assert code_of(stranger.post(INBOXES, {"email": "a@nobody.example"})) == expected


def test_one_and_its_removal(api: Api, inbox: EmailAccount) -> None:
    path = f"{INBOXES}/{inbox.public_id}"
    assert api.get(path).json()["email"] == "info@acme.example"
    answer = api.delete(path)
    assert answer.status_code == 200
    assert list(answer.json()) == ["success", "message", "deletedAt"]
    assert api.get(path).json() == NOT_FOUND
    assert api.delete(path).json() == NOT_FOUND


def test_another_organizations_inbox_is_not_found(stranger: Api, inbox: EmailAccount) -> None:
    answer = stranger.delete(f"{INBOXES}/{inbox.public_id}")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert EmailAccount.objects.live().exists()


def test_a_list_pages_newest_first(api: Api, acme: Organization, domain: Domain) -> None:
    for number in range(3):
        create_inbox(
            organization=acme,
            domain=domain,
            local_part=f"i{number}",
            actor="test",
            now=NOW + timedelta(seconds=number),
        )
    body = api.get(f"{INBOXES}?limit=2").json()
    assert list(body) == ["inboxes", "total", "limit", "offset"]
    assert [each["email"] for each in body["inboxes"]] == ["i2@acme.example", "i1@acme.example"]
    assert (body["total"], body["limit"], body["offset"]) == (3, 2, 0)
    assert code_of(api.get(f"{INBOXES}?limit=0")) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("count", [1, 100])
def test_a_list_costs_three_statements_however_long(
    api: Api, acme: Organization, domain: Domain, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    EmailAccount.objects.bulk_create(
        EmailAccount(organization=acme, domain=domain, email=f"i{n}@acme.example", local_part=f"i{n}")
        for n in range(count)
    )
    api.get(INBOXES)
    with django_assert_num_queries(3):
        assert len(api.get(f"{INBOXES}?limit=100").json()["inboxes"]) == count


def test_a_key_of_one_domain_sees_only_its_inboxes(
    key_with: Callable[..., Api], inbox: EmailAccount, acme: Organization, make_domain: Callable[..., Domain]
) -> None:
    make_domain(acme, "other.example", status="active")
    key = key_with(domain_name="other.example")
    assert key.get(INBOXES).json()["total"] == 0
    assert key.get(f"{INBOXES}/{inbox.public_id}").json() == NOT_FOUND
    assert code_of(key.post(INBOXES, {"email": "a@acme.example"})) == (404, "DOMAIN_NOT_FOUND")
    assert key.post(INBOXES, {"email": "a@other.example"}).status_code == 201
