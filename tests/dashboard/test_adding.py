"""The page on which a domain is added: a name that is there already."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Organization, User
from tests.dashboard.rows import make_domain

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def refusal_of(client: Client, typed: str) -> str:
    answer = client.post(reverse("dashboard:add_domain"), {"name": typed, "region": "us-east-1"})
    assert answer.status_code == 422
    return answer.content.decode()


@pytest.mark.parametrize("typed", ["bücher.example", "https://XN--bcher-kva.example/"])
def test_a_name_of_ones_own_leads_to_its_page(signed_in: Client, acme: Organization, typed: str) -> None:
    domain = make_domain(acme, "xn--bcher-kva.example")
    page = refusal_of(signed_in, typed)
    assert "This name is already registered: it is yours." in page
    assert f'<a href="{reverse("dashboard:domain", args=[domain.public_id])}">Open bücher.example</a>' in page


def test_of_anothers_name_no_more_is_said_than_before(signed_in: Client, globex: Organization) -> None:
    domain = make_domain(globex, "sold.example", status="active")
    page = refusal_of(signed_in, "sold.example")
    assert "Domain already registered" in page
    assert "yours." not in page
    assert domain.public_id not in page
