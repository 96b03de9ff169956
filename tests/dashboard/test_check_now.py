"""The button "Check now", on the domain's page and on the hand-over page: it looks, or says when it will."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Organization, User
from domains.hand_over import create_link
from domains.models import Domain
from domains.verification import COALESCE
from tests.dashboard.rows import make_domain

pytestmark = pytest.mark.django_db
SOON = "We look again in a moment."


@pytest.fixture
def domain(acme: Organization) -> Domain:
    """Looked at a second ago, in use: its page asks for nothing by itself."""
    looked_at = timezone.now() - timedelta(seconds=1)
    return make_domain(
        acme,
        status="active",
        checked_at=looked_at,
        dns_checked_at=looked_at,
        next_check_at=timezone.now() + timedelta(days=1),
    )


@pytest.fixture
def token(domain: Domain) -> str:
    return create_link(domain=domain, actor="x", now=timezone.now()).token


def page_after_click(client: Client, domain: Domain) -> str:
    return client.post(reverse("dashboard:check_domain", args=[domain.public_id]), follow=True).content.decode()


def test_a_click_right_after_a_look_says_that_the_next_one_comes(client: Client, owner: User, domain: Domain) -> None:
    client.force_login(owner)
    before = client.get(reverse("dashboard:domain", args=[domain.public_id])).content.decode()
    assert SOON not in before
    assert 'hx-trigger="every' not in before
    page = page_after_click(client, domain)
    assert "We looked <time" in page
    assert SOON in page
    assert 'hx-trigger="every 3s"' in page
    assert Domain.objects.get().next_check_at == domain.checked_at + COALESCE  # type: ignore[operator]


def test_the_page_is_quiet_again_when_the_look_has_come(client: Client, owner: User, domain: Domain) -> None:
    client.force_login(owner)
    live = page_after_click(client, domain).partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
    assert client.get(live).status_code == 204
    now = timezone.now()
    Domain.objects.update(dns_checked_at=now, next_check_at=now + timedelta(days=1))
    fragment = client.get(live).content.decode()
    assert "Last look:" in fragment
    assert SOON not in fragment
    assert 'hx-trigger="every' not in fragment


def test_a_look_that_never_comes_is_not_asked_for_for_ever(client: Client, owner: User, domain: Domain) -> None:
    client.force_login(owner)
    Domain.objects.update(next_check_at=timezone.now() - timedelta(minutes=2))
    page = client.get(reverse("dashboard:domain", args=[domain.public_id])).content.decode()
    assert SOON not in page
    assert 'hx-trigger="every' not in page


def test_a_claim_that_failed_just_now_is_to_be_started_in_a_moment(client: Client, owner: User, domain: Domain) -> None:
    client.force_login(owner)
    Domain.objects.update(status="failed", reason="expired", next_check_at=None)
    assert "once more in a moment" in page_after_click(client, domain)


def test_the_hand_over_page_says_so_too_and_ends_at_its_own_address(domain: Domain, token: str) -> None:
    page_address = reverse("dashboard:hand_over", args=[token])
    client = Client()
    answer = client.post(reverse("dashboard:check_hand_over", args=[token]))
    assert answer.status_code == 302
    assert answer["Location"].partition("?")[0] == page_address
    page = client.get(answer["Location"]).content.decode()
    assert SOON in page
    assert 'hx-trigger="every 3s"' in page
    assert not AuditEvent.objects.filter(action="hand_over.opened").exists(), "it was open already"
    assert client.get(page_address).status_code == 200
    assert AuditEvent.objects.filter(action="hand_over.opened").exists()
