"""A click on "Check now" within 5 s of a look: the look comes right after, and there is one in 5 s."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Organization
from domains.models import Domain
from domains.polling import check_due, take_due
from domains.registration import register_domain
from domains.schedule import LEASE
from domains.verification import COALESCE, check_domain, check_now
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db


@pytest.fixture
def domain(installation: SandboxProcess, acme: Organization) -> Domain:
    """Looked at just now, and next in an hour."""
    made = register_domain(organization=acme, name="hello.example", actor="test", now=timezone.now())
    checked = check_domain(domain=made, actor="test", now=timezone.now())
    Domain.objects.update(next_check_at=timezone.now() + timedelta(hours=1), checks_in_a_row=7)
    return checked


def click(domain: Domain, **options: bool) -> Domain:
    return check_now(domain=domain, actor="test", now=timezone.now(), **options)


def test_the_look_comes_right_after_the_five_seconds(domain: Domain) -> None:
    seen = click(domain)
    assert seen.checked_at == domain.checked_at
    assert seen.checked_at is not None
    assert seen.next_check_at == seen.checked_at + COALESCE
    assert check_due(now=seen.next_check_at) == 1
    fresh = Domain.objects.get()
    assert fresh.dns_checked_at is not None
    assert seen.dns_checked_at is not None
    assert fresh.dns_checked_at > seen.dns_checked_at
    assert fresh.checks_in_a_row == 1, "who clicks is at work on the DNS: the next looks come soon"


def test_a_hundred_clicks_do_not_put_the_look_off_nor_make_a_second(domain: Domain) -> None:
    planned = {click(domain).next_check_at for _ in range(100)}
    assert len(planned) == 1
    assert Domain.objects.get().dns_checked_at == domain.dns_checked_at


def test_a_look_that_comes_sooner_stays(domain: Domain) -> None:
    sooner = timezone.now() + timedelta(seconds=1)
    Domain.objects.update(next_check_at=sooner)
    assert click(domain).next_check_at == sooner


def test_a_failed_claim_is_not_looked_at_by_itself(domain: Domain) -> None:
    Domain.objects.update(status="failed", next_check_at=None)
    assert click(domain, may_restart=False).next_check_at is None


def test_a_click_while_the_poller_looks_makes_no_second_look(domain: Domain) -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        now = timezone.now()
        assert take_due(now=now) == [domain]
        Domain.objects.update(next_check_at=now + timedelta(hours=1))
        seen = click(domain)
        assert (seen.dns_checked_at, seen.next_check_at) == (domain.dns_checked_at, now + COALESCE)
        assert seen.leased_until == now + LEASE


def test_a_click_looks_where_a_poller_took_the_domain_and_died(domain: Domain, publish: Callable[..., None]) -> None:
    take_due(now=timezone.now() + timedelta(hours=1) - LEASE, due_by=timezone.now() + timedelta(hours=2))
    Domain.objects.update(leased_until=timezone.now() + LEASE - COALESCE, checked_at=None, dns_checked_at=None)
    assert click(domain).dns_checked_at is not None
