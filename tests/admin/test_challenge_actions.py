"""What DNS does not decide staff do: from the list of challenges, after a question, audited."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Organization
from domains.challenges import open_challenge
from domains.models import Challenge, Domain
from tests.admin.test_actions import run
from tests.dashboard.rows import make_domain

pytestmark = pytest.mark.django_db
PAGE = "admin:domains_challenge_changelist"


@pytest.fixture
def challenge(acme: Organization, globex: Organization) -> Challenge:
    make_domain(globex, "sold.example", status="active")
    return open_challenge(organization=acme, name="sold.example", actor="test", now=timezone.now())


def test_the_list_says_who_holds_the_name(staff: Client, challenge: Challenge) -> None:
    assert "Globex" in staff.get(reverse(PAGE)).content.decode()


def test_moving_asks_first_and_is_audited(staff: Client, challenge: Challenge, acme: Organization) -> None:
    question = run(staff, PAGE, "move", challenge)
    assert "These names move at once" in question
    assert Challenge.objects.get().status == "open"
    run(staff, PAGE, "move", challenge, confirmed="yes")
    assert Challenge.objects.get().decided_by == "staff staff@postern.example"
    assert Domain.objects.proved().get().organization == acme
    lines = AuditEvent.objects.filter(actor="staff staff@postern.example").values_list("organization__name", "action")
    assert set(lines) == {("Globex", "name.lost"), ("Acme", "name.won")}


def test_refusing_asks_first_and_leaves_the_name(staff: Client, challenge: Challenge, globex: Organization) -> None:
    assert "stay where they are" in run(staff, PAGE, "refuse", challenge)
    run(staff, PAGE, "refuse", challenge, confirmed="yes")
    assert Challenge.objects.get().status == "lost"
    assert Domain.objects.proved().get().organization == globex


def test_what_has_ended_is_not_decided_again(staff: Client, challenge: Challenge) -> None:
    Challenge.objects.update(status="withdrawn")
    assert "None of these is open any more" in run(staff, PAGE, "move", challenge)
    run(staff, PAGE, "move", challenge, confirmed="yes")
    assert Challenge.objects.get().status == "withdrawn"
