"""What staff see and do of domains that were right once."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Organization
from domains.models import Domain, Drift
from tests.admin.test_actions import run
from tests.dashboard.test_drift import missed

pytestmark = pytest.mark.django_db
DRIFTS = "admin:domains_drift_changelist"


def test_staff_mute_and_unmute(staff: Client, acme: Organization) -> None:
    missed(acme, "spf", looks=3)
    assert "is muted" in run(staff, DRIFTS, "mute", Drift.objects.get())
    assert Domain.objects.get().health == "healthy"
    assert Drift.objects.get().muted_by == "staff staff@postern.example"
    run(staff, DRIFTS, "unmute", Drift.objects.get())
    assert Domain.objects.get().health == "suspect"
    actions = ["domain.drift_muted", "domain.drift_unmuted"]
    assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True)) == actions


def test_the_identity_is_not_muted_and_staff_are_told_why(staff: Client, acme: Organization) -> None:
    missed(acme, "identity")
    assert "can not be muted" in run(staff, DRIFTS, "mute", Drift.objects.get())
    assert Drift.objects.get().muted_at is None


def test_domains_are_found_by_their_health(staff: Client, acme: Organization) -> None:
    missed(acme, "inbound", looks=3)
    missed(acme, name="well.example")
    page = staff.get(reverse("admin:domains_domain_changelist"), {"health__exact": "broken"}).content.decode()
    assert "shop.example" in page
    assert "well.example" not in page


def test_the_list_says_how_each_fares(staff: Client, acme: Organization) -> None:
    missed(acme, "spf", looks=3)
    missed(acme, "spf", name="new.example")
    page = staff.get(reverse(DRIFTS)).content.decode()
    assert "lost" in page
    assert "missed" in page
