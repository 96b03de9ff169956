"""What the domain page says of the DNS as it is: mail, SPF and what it costs, DMARC, a return path of one's own."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Organization, User
from domains.models import Domain
from domains.registration import register_domain
from tests.dashboard.rows import NOW, make_domain
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db

GOOGLE = {"code": "google", "name": "Google Workspace", "hosts": ["aspmx.l.google.com"]}

COSTS = [{"term": "include:_spf.google.com", "lookups": 4}]


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def page_with(client: Client, organization: Organization, **summary: Mapping[str, object]) -> str:
    domain = make_domain(organization, dns_summary=summary)
    return client.get(reverse("dashboard:domain", args=[domain.public_id])).content.decode()


def spf(**part: object) -> dict[str, object]:
    return {"current": None, "proposed": None, "lookups": 0, "void_lookups": 0, "by_term": [], "refusal": "", **part}


def dmarc(**part: object) -> dict[str, object]:
    return {"current": None, "proposed": None, "inherited_from": None, **part}


def test_before_the_first_look_nothing_is_said(signed_in: Client, acme: Organization) -> None:
    assert "What stands in the DNS today" not in page_with(signed_in, acme)


def test_who_gets_the_mail_today_and_what_each_choice_does(signed_in: Client, acme: Organization) -> None:
    page = page_with(signed_in, acme, mail_today=GOOGLE)
    assert "Its mail goes to Google Workspace today (aspmx.l.google.com)." in page
    assert page.count("<dt>") == 3
    assert "Register mail.shop.example instead" in page


def test_the_records_list_the_merged_spf_and_the_card_says_what_changes(signed_in: Client, acme: Organization) -> None:
    merged = "v=spf1 include:_spf.google.com include:amazonses.com ~all"
    current = "v=spf1 include:_spf.google.com ~all"
    page = page_with(
        signed_in,
        acme,
        spf=spf(
            current=current, proposed=merged, lookups=4, by_term=[{"term": "include:_spf.google.com", "lookups": 4}]
        ),
    )
    assert page.count(f'data-copy="{merged}"') == 2
    assert 'data-copy="v=spf1 include:amazonses.com ~all"' not in page
    assert "It takes 4 of 10 look-ups, and 0 of 2 that find nothing." in page
    assert "nothing is taken out" in page


def test_of_several_spf_records_the_card_says_that_one_comes_in_the_place_of_all(
    signed_in: Client, acme: Organization
) -> None:
    current = "v=spf1 include:_spf.google.com ~all\nv=spf1 include:amazonses.com ~all"
    merged = "v=spf1 include:_spf.google.com include:amazonses.com ~all"
    page = page_with(signed_in, acme, spf=spf(current=current, proposed=merged, lookups=4))
    assert "put this one in the place of them all" in page
    assert "nothing is taken out" not in page


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ("several", "There are several SPF records, and then none of them counts"),
        ("syntax", "The SPF record that is there has a mistake"),
        ("too_many_lookups", "would take more look-ups than are allowed"),
    ],
)
def test_why_nothing_is_proposed(signed_in: Client, acme: Organization, refusal: str, words: str) -> None:
    assert words in page_with(signed_in, acme, spf=spf(current="v=spf1 a -all", refusal=refusal))


def test_a_return_path_of_ones_own_is_offered_when_the_budget_is_gone(signed_in: Client, acme: Organization) -> None:
    page = page_with(signed_in, acme, spf=spf(current="v=spf1 a -all", refusal="too_many_lookups", lookups=11))
    assert "There is a way that costs this record nothing" in page
    assert "Use bounce.shop.example" in page


def test_a_strict_policy_warns_of_whoever_else_sends(signed_in: Client, acme: Organization) -> None:
    strict = dmarc(proposed="v=DMARC1; p=reject;")
    assert "mail that Google Workspace sends" in page_with(signed_in, acme, dmarc=strict, mail_today=GOOGLE)


def test_an_inherited_policy_is_named(signed_in: Client, acme: Organization) -> None:
    page = page_with(signed_in, acme, dmarc=dmarc(current="v=DMARC1; p=none", inherited_from="example"))
    assert "It is the policy of example" in page


@pytest.fixture
def registered(sandbox: SandboxProcess, acme: Organization) -> Domain:
    domain = register_domain(organization=acme, name="hello.example", actor="test", now=NOW)
    Domain.objects.filter(pk=domain.pk).update(dns_summary={"spf": spf(current="v=spf1 a -all")})
    return domain


def ask(client: Client, domain: Domain, mail_from: str) -> str:
    address = reverse("dashboard:set_mail_from", args=[domain.public_id])
    answer = client.post(address, {"mail_from": mail_from}, follow=True)
    assert answer.redirect_chain
    return answer.content.decode()


def test_the_return_path_is_taken_up_and_given_up(signed_in: Client, registered: Domain) -> None:
    page = ask(signed_in, registered, "bounce.hello.example")
    assert "Publish the two records of bounce.hello.example" in page
    assert "feedback-smtp.us-east-1.amazonses.com" in page
    assert "feedback-smtp" not in ask(signed_in, registered, "")


def test_a_label_that_is_none_is_refused_in_words(signed_in: Client, registered: Domain) -> None:
    assert "A MAIL FROM subdomain is one word" in ask(signed_in, registered, "a b")


def test_whoever_only_looks_is_not_offered_it(client: Client, registered: Domain, viewer: User) -> None:
    client.force_login(viewer)
    address = reverse("dashboard:set_mail_from", args=[registered.public_id])
    assert client.post(address, {"mail_from": "bounce"}).status_code == 403
    assert "Use bounce" not in client.get(reverse("dashboard:domain", args=[registered.public_id])).content.decode()
