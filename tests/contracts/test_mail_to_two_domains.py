"""A mail to two domains of one organization belongs to both: for filters, pages and keys of one domain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from channels.inboxes import create_inbox
from domains.models import Domain
from domains.registration import register_domain
from domains.verification import check_domain
from inbound.clearing import delete_inbox_and_mail
from inbound.models import InboundMessage
from inbound.reading import visible_messages
from tests.contracts.conftest import Api
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGES = "/api/email/messages"


@pytest.fixture
def both(
    acme: Organization,
    publish: Callable[[Domain], None],
    send_mail: Callable[..., None],
    take_in_mail: Callable[[], int],
) -> dict[str, Domain]:
    """One mail to an inbox of each domain, one mail to each alone."""
    names = ("one.example", "two.example")
    domains = {}
    for name in names:
        publish(register_domain(organization=acme, name=name, actor="test", now=timezone.now()))
        found = check_domain(domain=Domain.objects.get(name=name), actor="test", now=timezone.now())
        assert found.status == "active"
        domains[name] = found
        create_inbox(organization=acme, domain=found, local_part="help", actor="test", now=timezone.now())
    send_mail("help@one.example", "help@two.example", subject="Both")
    send_mail("help@one.example", subject="One")
    send_mail("help@two.example", subject="Two")
    take_in_mail()
    assert InboundMessage.objects.count() == 3
    return domains


def subjects(api: Api, query: str) -> list[str]:
    return sorted(message["subject"] for message in api.get(f"{MESSAGES}?{query}").json()["messages"])


def the_one_to_both() -> InboundMessage:
    return InboundMessage.objects.get(subject="Both")


def test_it_is_found_under_both_by_name_and_by_id(api: Api, both: dict[str, Domain]) -> None:
    for name, word in (("one.example", "One"), ("two.example", "Two")):
        assert subjects(api, f"domain={name}") == ["Both", word]
        assert subjects(api, f"domain={both[name].public_id}") == ["Both", word]


@pytest.mark.parametrize(("name", "other"), [("one.example", "two.example"), ("two.example", "one.example")])
def test_a_key_of_either_sees_it_as_its_own_alone(
    api: Api, key_with: Callable[..., Api], both: dict[str, Domain], name: str, other: str
) -> None:
    key, message = key_with(domain_name=name), the_one_to_both()
    inbox = both[name].email_accounts.get()
    assert subjects(key, "") == sorted(["Both", name[:3].capitalize()])
    (listed,) = key.get(f"{MESSAGES}?q=both").json()["messages"]
    read = key.get(f"{MESSAGES}/{message.public_id}").json()
    for body in (listed, read):
        assert (body["recipients"], body["domain"], body["inboxId"]) == ([f"help@{name}"], name, inbox.public_id)
    # Not even by asking for what came for the other.
    assert subjects(key, f"domain={other}") == []
    assert subjects(key, f"domain={both[other].public_id}") == []
    assert subjects(key, f"inbox={both[other].email_accounts.get().public_id}") == []
    whole, own = (b"".join(each.get(f"{MESSAGES}/{message.public_id}/raw").streaming_content) for each in (api, key))
    assert own == whole


@pytest.mark.parametrize("name", ["one.example", "two.example"])
def test_a_key_of_one_domain_does_not_delete_what_came_for_another_too(
    api: Api, key_with: Callable[..., Api], both: dict[str, Domain], name: str
) -> None:
    key = key_with(domain_name=name)
    answer = key.delete(f"{MESSAGES}/{the_one_to_both().public_id}?purge=true")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    own = InboundMessage.objects.get(subject=name[:3].capitalize())
    assert key.delete(f"{MESSAGES}/{own.public_id}").status_code == 200
    assert api.delete(f"{MESSAGES}/{the_one_to_both().public_id}").status_code == 200


def test_the_pages_filter_finds_it_under_both(client: Client, owner: User, both: dict[str, Domain]) -> None:
    client.force_login(owner)
    for domain in both.values():
        page = client.get(reverse("dashboard:messages"), {"domain": domain.public_id}).content.decode()
        assert ">Both<" in page


def test_the_list_of_domains_says_when_the_last_mail_came_for_each(
    client: Client, owner: User, both: dict[str, Domain]
) -> None:
    InboundMessage.objects.exclude(subject="Both").delete()
    client.force_login(owner)
    rows = client.get(reverse("dashboard:domains")).context["rows"]
    assert [row.domain.last_mail_at for row in rows] == [the_one_to_both().received_at] * 2


def test_an_inbox_that_goes_with_its_mail_leaves_what_came_for_another_domain(
    acme: Organization, both: dict[str, Domain], send_mail: Any, take_in_mail: Callable[[], int]
) -> None:
    """Also where nobody has an inbox there: unknown recipients are kept."""
    send_mail("help@one.example", "anybody@two.example", subject="Catch-all")
    take_in_mail()
    inbox = both["one.example"].email_accounts.get()
    delete_inbox_and_mail(inbox=inbox, actor="test", now=timezone.now())
    left = visible_messages(organization=acme).values_list("subject", flat=True)
    assert set(left) == {"Both", "Two", "Catch-all"}


def test_a_key_of_one_domain_is_not_told_the_subject_of_a_mail_to_the_other(
    key_with: Callable[..., Api],
    both: dict[str, Domain],
    sandbox: SandboxProcess,
    take_in_mail: Callable[[], int],
) -> None:
    def send(to: str, subject: str, headers: str) -> None:
        raw = f"From: s@elsewhere.example\r\n{headers}Subject: {subject}\r\n\r\nHello.\r\n"
        sandbox.control("POST", "/_sandbox/mail", {"from": "s@elsewhere.example", "to": [to], "raw": raw})
        take_in_mail()

    send("help@one.example", "For one alone", "Message-ID: <root@elsewhere.example>\r\n")
    send("help@two.example", "For two", "In-Reply-To: <root@elsewhere.example>\r\n")
    inbox = both["two.example"].email_accounts.get()
    path = f"/v1/inboxes/{inbox.public_id}/threads"
    key = key_with(domain_name="two.example")
    threads = {thread["subject"]: thread for thread in key.get(path).json()}
    assert set(threads) == {"Both", "Two", "For two"}
    assert key.get(f"{path}/{threads['For two']['id']}").json()["subject"] == "For two"
