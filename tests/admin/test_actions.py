"""What staff can do from the lists: each action is one verb, with staff as the actor."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from model_bakery import baker

from accounts.api_keys import issue_api_key
from accounts.models import ApiKey, AuditEvent, Organization
from domains.models import Domain, DomainEvent
from inbound.models import SnsNotification
from tests.dashboard.rows import NOW, make_domain, make_inbox

pytestmark = pytest.mark.django_db
DOMAINS = "admin:domains_domain_changelist"


def run(staff: Client, page: str, action: str, *rows: object, **more: str) -> str:
    chosen = [row.pk for row in rows]  # type: ignore[attr-defined]
    answer = staff.post(reverse(page), {"action": action, "_selected_action": chosen, **more}, follow=True)
    return answer.content.decode()


def test_suspending_is_by_staff_and_in_the_history(staff: Client, acme: Organization) -> None:
    run(staff, DOMAINS, "suspend", make_domain(acme, status="active"))
    assert Domain.objects.get().reason == "suspended_by_staff"
    assert DomainEvent.objects.get().actor == "staff staff@postern.example"


def test_resuming_lands_on_the_last_state(staff: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    run(staff, DOMAINS, "suspend", domain)
    run(staff, DOMAINS, "resume", domain)
    assert Domain.objects.get().status == "active"


def test_resuming_what_is_not_suspended_says_so(staff: Client, acme: Organization) -> None:
    assert "The domain is not suspended." in run(staff, DOMAINS, "resume", make_domain(acme))


def test_a_check_of_many_at_once_is_declined(staff: Client, acme: Organization) -> None:
    domains = [make_domain(acme, f"shop{number}.example") for number in range(6)]
    assert "Choose at most 5 domains" in run(staff, DOMAINS, "check_now", *domains)


def test_removal_asks_first(staff: Client, acme: Organization) -> None:
    domain = make_domain(acme)
    assert "can not be undone" in run(staff, DOMAINS, "remove_domains", domain)
    assert Domain.objects.live().exists()
    run(staff, DOMAINS, "remove_domains", domain, confirmed="yes")
    assert not Domain.objects.live().exists()


def test_removal_refuses_a_domain_in_use(staff: Client, acme: Organization) -> None:
    domain = make_domain(acme, status="active")
    make_inbox(domain)
    assert "active inboxes" in run(staff, DOMAINS, "remove_domains", domain, confirmed="yes")
    assert Domain.objects.live().exists()


def test_a_parked_notification_runs_again_with_all_its_attempts(staff: Client) -> None:
    parked = baker.make(SnsNotification, state="parked", attempts=9)
    done = baker.make(SnsNotification, state="done", attempts=1)
    run(staff, "admin:inbound_snsnotification_changelist", "run_again", parked, done)
    parked.refresh_from_db()
    done.refresh_from_db()
    assert (parked.state, parked.attempts) == ("waiting", 0)
    assert done.state == "done"
    assert AuditEvent.objects.get().action == "notification.run_again"


def test_staff_revoke_a_key(staff: Client, acme: Organization) -> None:
    issued = issue_api_key(organization=acme, name="billing", now=NOW)
    run(staff, "admin:accounts_apikey_changelist", "revoke", issued.api_key)
    assert not ApiKey.objects.get().is_live(NOW)
