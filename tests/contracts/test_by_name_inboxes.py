"""Contract `domains_by_name`: inboxes, made at an address or at one that is made up, deleted with their mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent, Organization
from channels.inboxes import create_inbox
from channels.models import EmailAccount
from domains.models import Domain
from inbound.models import DeletedMessage, InboundMessage, Recipient
from tests.contracts.conftest import NOW, Api

pytestmark = pytest.mark.django_db(transaction=True)

INBOXES = "/v1/inboxes"
Make = Callable[..., Domain]


def said(answer: Any) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["error"], answer.json()["code"]


@pytest.fixture
def domain(acme: Organization, make_domain: Make) -> Domain:
    return make_domain(acme, "acme.example", status="active", dkim_status="SUCCESS")


@pytest.fixture
def inbox(acme: Organization, domain: Domain) -> EmailAccount:
    return create_inbox(organization=acme, domain=domain, local_part="info", name="Info", actor="test", now=NOW)


@pytest.fixture
def keep_mail(acme: Organization, domain: Domain) -> Callable[..., InboundMessage]:
    """A stored mail for these inboxes, as the pipeline leaves it."""

    def keep(*inboxes: EmailAccount, **fields: Any) -> InboundMessage:
        number = InboundMessage.objects.count()
        defaults: dict[str, Any] = {"ses_message_id": f"ses-{number}", "received_at": NOW, "inbox": inboxes[0]}
        message = InboundMessage.objects.create(organization=acme, domain=domain, **(defaults | fields))
        for each in inboxes:
            Recipient.objects.create(message=message, address=each.email, inbox=each)
        return message

    return keep


def test_an_inbox_at_an_address_is_the_whole_object(api: Api, acme: Organization, domain: Domain) -> None:
    answer = api.post(INBOXES, {"name": "Customer Success", "email": "CS-Bot@ACME.example"})
    made = EmailAccount.objects.get()
    body = answer.json()
    assert answer.status_code == 201
    assert list(body.items())[:6] == [
        ("_id", made.public_id),
        ("id", made.public_id),
        ("organizationId", acme.public_id),
        ("domainId", domain.public_id),
        ("name", "Customer Success"),
        ("email", "cs-bot@acme.example"),
    ]
    assert list(body)[6:] == ["createdAt", "updatedAt"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["createdAt"])


def test_without_an_address_one_is_made_up_of_the_name(api: Api, domain: Domain) -> None:
    body = api.post(INBOXES, {"name": "Zoë's Sales Team!"}).json()
    assert re.fullmatch(r"zo-s-sales-team-[a-z0-9]{10}@acme\.example", body["email"])


@pytest.mark.parametrize("body", [{}, None])
def test_a_name_that_was_not_given_is_absent(api: Api, domain: Domain, body: object) -> None:
    made = api.post(INBOXES, body).json()
    assert "name" not in made
    assert "name" not in api.get(f"{INBOXES}/{made['_id']}").json()
    assert re.fullmatch(r"[a-z0-9]{10}@acme\.example", made["email"])


def test_a_made_up_address_is_at_the_default_domain(
    api: Api, acme: Organization, domain: Domain, make_domain: Make
) -> None:
    make_domain(acme, "main.example", status="active", dkim_status="SUCCESS", is_default=True)
    assert api.post(INBOXES, {}).json()["email"].endswith("@main.example")


def test_a_made_up_address_is_at_a_verified_domain(
    api: Api, acme: Organization, domain: Domain, make_domain: Make
) -> None:
    make_domain(acme, "main.example", is_default=True)
    assert api.post(INBOXES, {}).json()["email"].endswith("@acme.example")


def test_without_a_verified_domain_there_is_no_inbox(api: Api, acme: Organization, make_domain: Make) -> None:
    make_domain(acme, "acme.example")
    assert said(api.post(INBOXES, {"name": "Info"})) == (404, "Invalid domain name", "domain_not_verified")


@pytest.mark.parametrize("email", ["a@nobody.example", "a@globex.example", "a@pending.example", "a@co.uk", "a@x.local"])
def test_an_address_at_no_verified_domain_of_ones_own_is_404(
    api: Api, acme: Organization, globex: Organization, make_domain: Make, email: str
) -> None:
    make_domain(globex, "globex.example", status="active", dkim_status="SUCCESS")
    make_domain(acme, "pending.example")
    assert said(api.post(INBOXES, {"email": email})) == (404, "Invalid domain name", "domain_not_verified")
    assert not EmailAccount.objects.exists()


def test_a_domain_that_only_lacks_its_mx_takes_inboxes(api: Api, acme: Organization, make_domain: Make) -> None:
    make_domain(acme, "sends.example", status="pending", proved_at=NOW, dkim_status="SUCCESS")
    assert api.post(INBOXES, {"email": "a@sends.example"}).status_code == 201


@pytest.mark.parametrize("email", ["bad", "", "@acme.example", "a b@acme.example", "a@b", "a@-x.example", 5, None, []])
def test_a_bad_address_is_told_as_express_validator_tells_it(api: Api, domain: Domain, email: object) -> None:
    answer = api.post(INBOXES, {"email": email})
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"type": "field", "value": email, "msg": "Invalid value", "path": "email", "location": "body"}
    ]


@pytest.mark.parametrize("name", ["", "   ", 5, None, ["x"], "a\x00b", "x" * 101])
def test_a_bad_name_is_told_as_express_validator_tells_it(api: Api, domain: Domain, name: object) -> None:
    answer = api.post(INBOXES, {"name": name})
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "name")
    assert answer.json()["errors"][0]["value"] == name


def test_an_address_is_taken_once(api: Api, inbox: EmailAccount) -> None:
    answer = api.post(INBOXES, {"email": "INFO@acme.example"})
    assert said(answer) == (400, "Inbox with this email already exists", "inbox_exists")


def test_a_list_is_a_bare_array_of_all_inboxes_whoever_made_them(
    api: Api, acme: Organization, domain: Domain, inbox: EmailAccount, stranger: Api
) -> None:
    newer = api.post(INBOXES, {"email": "newer@acme.example"}).json()
    assert [each["id"] for each in api.get(INBOXES).json()] == [newer["id"], inbox.public_id]
    assert stranger.get(INBOXES).json() == []


def test_a_list_that_is_cut_names_the_next_page(api: Api, acme: Organization, domain: Domain) -> None:
    for number in range(3):
        create_inbox(organization=acme, domain=domain, local_part=f"n{number}", actor="test", now=NOW)
    first = api.get(f"{INBOXES}?limit=2")
    assert [each["email"] for each in first.json()] == ["n2@acme.example", "n1@acme.example"]
    following = re.fullmatch(r'<(/v1/inboxes\?[^>]+)>; rel="next"', first["Link"])
    assert following is not None
    second = api.get(following.group(1))
    assert [each["email"] for each in second.json()] == ["n0@acme.example"]
    assert not second.has_header("Link")


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "cursor=x", "limit=99999"])
def test_a_bad_page_parameter_is_400(api: Api, query: str) -> None:
    answer = api.get(f"{INBOXES}?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["location"]) == (400, "query")


def test_a_list_takes_no_query_an_inbox(
    api: Api, acme: Organization, domain: Domain, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        create_inbox(organization=acme, domain=domain, local_part=f"n{number}", actor="test", now=NOW)
    with django_assert_max_num_queries(5):
        assert len(api.get(INBOXES).json()) == 5


@pytest.mark.parametrize("id", ["inb_AAAAAAAAAAAAAAAAAAAAA", "bad", "%00", "1", "send"])
def test_what_is_not_ones_own_is_not_found(api: Api, id: str) -> None:
    for answer in (api.get(f"{INBOXES}/{id}"), api.delete(f"{INBOXES}/{id}"), api.get(f"{INBOXES}/{id}/messages")):
        assert said(answer) == (404, "Inbox not found", "inbox_not_found")


def test_delete_answers_the_inbox_and_ends_it(api: Api, inbox: EmailAccount) -> None:
    before = api.get(f"{INBOXES}/{inbox.public_id}").json()
    answer = api.delete(f"{INBOXES}/{inbox.public_id}")
    assert (answer.status_code, answer.json()) == (200, before)
    assert api.get(INBOXES).json() == []
    assert said(api.delete(f"{INBOXES}/{inbox.public_id}")) == (404, "Inbox not found", "inbox_not_found")


def test_a_deleted_address_is_free_and_empty(
    api: Api, inbox: EmailAccount, keep_mail: Callable[..., InboundMessage]
) -> None:
    keep_mail(inbox)
    api.delete(f"{INBOXES}/{inbox.public_id}")
    made = api.post(INBOXES, {"email": inbox.email}).json()
    assert made["id"] != inbox.public_id
    assert api.get(f"{INBOXES}/{made['id']}/messages").json() == []


def test_delete_removes_the_messages_and_remembers_that_it_did(
    api: Api, inbox: EmailAccount, keep_mail: Callable[..., InboundMessage]
) -> None:
    keep_mail(inbox)
    keep_mail(inbox, disposition=InboundMessage.Disposition.HELD)
    api.delete(f"{INBOXES}/{inbox.public_id}")
    assert api.get("/api/email/messages").json()["messages"] == []
    assert not InboundMessage.objects.filter(deleted_at__isnull=True).exists()
    assert set(DeletedMessage.objects.values_list("ses_message_id", flat=True)) == {"ses-0", "ses-1"}
    assert AuditEvent.objects.get(action="inbox.emptied").details == {"messages": 2}


def test_a_mail_that_another_inbox_has_as_well_stays_there(
    api: Api, acme: Organization, domain: Domain, inbox: EmailAccount, keep_mail: Callable[..., InboundMessage]
) -> None:
    other = create_inbox(organization=acme, domain=domain, local_part="other", actor="test", now=NOW)
    message = keep_mail(inbox, other)
    api.delete(f"{INBOXES}/{inbox.public_id}")
    assert [each["id"] for each in api.get(f"{INBOXES}/{other.public_id}/messages").json()] == [message.public_id]


@pytest.mark.parametrize(
    ("scope", "method", "tail"),
    [("Channel.create", "GET", ""), ("Channel.view", "POST", ""), ("Channel.view", "DELETE", "/{id}")],
)
def test_a_key_without_the_permission_is_forbidden(
    key_with: Callable[..., Api], inbox: EmailAccount, scope: str, method: str, tail: str
) -> None:
    answer = key_with(scopes=[scope]).send(method, INBOXES + tail.format(id=inbox.public_id), {})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_key_of_one_domain_makes_and_sees_inboxes_there_alone(
    key_with: Callable[..., Api], acme: Organization, inbox: EmailAccount, make_domain: Make
) -> None:
    make_domain(acme, "other.example", status="active", dkim_status="SUCCESS", is_default=True)
    limited = key_with(domain_name="other.example")
    assert limited.get(INBOXES).json() == []
    assert limited.get(f"{INBOXES}/{inbox.public_id}").status_code == 404
    assert said(limited.post(INBOXES, {"email": "b@acme.example"}))[0] == 404
    assert limited.post(INBOXES, {}).json()["email"].endswith("@other.example")
