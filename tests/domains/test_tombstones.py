"""After a removal: the former owner is told while the MX stays, at most weekly, and never of somebody else's name."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Notice, Organization, User
from channels.removal import remove_domain
from domains.models import Domain, DomainEvent, Tenure, Tombstone
from domains.registration import register_domain
from domains.removal import WATCH_AFTER_REMOVAL
from domains.tombstones import LEASE, look_at_due, take_due
from tests.sandbox_process import SandboxProcess

NAME = "gone.example"
ENDPOINT = "inbound-smtp.us-east-1.amazonaws.com"
DAY = timedelta(days=1)
Zone = Callable[..., None]


@pytest.fixture
def zone(sandbox: SandboxProcess) -> Zone:
    """The MX records of the removed name as (preference, host), and how its server behaves."""

    def put(*entries: tuple[int, str], behaviour: str = "") -> None:
        records = [{"type": "MX", "name": NAME, "value": host, "priority": number} for number, host in entries]
        body = {"records": records, "servers": {"127.0.0.1": {"behaviour": behaviour}}}
        sandbox.control("PUT", f"/_sandbox/zones/{NAME}", body)

    return put


@pytest.fixture
def tombstone(installation: SandboxProcess, acme: Organization, zone: Zone) -> Tombstone:
    zone((10, ENDPOINT))
    domain = register_domain(organization=acme, name=NAME, actor="test", now=timezone.now())
    remove_domain(domain=domain, actor="test", now=timezone.now())
    return Tombstone.objects.select_related("domain").get()


def look(tombstone: Tombstone, days: float) -> list[int]:
    """A look so many days after the removal; the days at which the owners were told so far."""
    now = tombstone.removed_at + days * DAY
    Tombstone.objects.exclude(next_look_at=None).update(next_look_at=now)
    look_at_due(now=now)
    return [(notice.created_at - tombstone.removed_at).days for notice in Notice.objects.order_by("created_at", "pk")]


def is_over() -> bool:
    return Tombstone.objects.get().next_look_at is None


@pytest.mark.django_db
def test_nobody_is_told_before_a_day_has_passed(tombstone: Tombstone) -> None:
    assert look_at_due(now=tombstone.removed_at + timedelta(hours=23)) == 0


@pytest.mark.django_db
def test_the_former_owner_is_told_at_first_and_then_weekly_for_thirty_days(tombstone: Tombstone) -> None:
    for day in range(1, 40):
        told = look(tombstone, day)
    assert told == [1, 8, 15, 22, 29]
    assert is_over()
    assert DomainEvent.objects.filter(domain=tombstone.domain, type="domain.mx_remains").count() == 5


@pytest.mark.django_db
def test_the_looks_are_daily_and_spread(tombstone: Tombstone) -> None:
    now = tombstone.removed_at + DAY
    look_at_due(now=now)
    after = Tombstone.objects.get()
    assert after.next_look_at is not None
    assert DAY * 0.8 <= after.next_look_at - now <= DAY
    assert (after.looked_at, after.mx_last_seen_at, after.told_at, after.leased_until) == (now, now, now, None)


@pytest.mark.django_db
def test_it_stops_when_the_mx_is_gone_and_begins_again_if_it_comes_back(tombstone: Tombstone, zone: Zone) -> None:
    assert look(tombstone, 1) == [1]
    zone((10, "mx.elsewhere.example"))
    assert [look(tombstone, day) for day in (9, 12)][-1] == [1]
    assert Tombstone.objects.get().mx_last_seen_at == tombstone.removed_at + DAY
    zone((10, ENDPOINT))
    assert look(tombstone, 13) == [1, 13]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("entries", "is_told"),
    [
        ([(10, ENDPOINT.upper())], True),
        ([(1, "mx.elsewhere.example"), (50, ENDPOINT)], True),
        ([(10, "inbound-smtp.eu-west-1.amazonaws.com")], False),
        ([(10, f"{ENDPOINT}.gone.example")], False),
        ([], False),
    ],
)
def test_only_our_endpoint_counts_at_any_preference(
    tombstone: Tombstone, zone: Zone, entries: list[tuple[int, str]], is_told: bool
) -> None:
    zone(*entries)
    assert bool(look(tombstone, 1)) is is_told


@pytest.mark.django_db
def test_what_can_not_be_seen_tells_nothing_and_is_looked_at_again(tombstone: Tombstone, zone: Zone) -> None:
    zone((10, ENDPOINT), behaviour="servfail")
    assert look(tombstone, 1) == []
    row = Tombstone.objects.get()
    assert (row.looked_at, row.next_look_at is None) == (None, False)
    zone((10, ENDPOINT))
    assert look(tombstone, 2) == [2]


@pytest.mark.django_db
def test_who_registers_it_again_is_told_no_more(tombstone: Tombstone, acme: Organization) -> None:
    again = register_domain(organization=acme, name=NAME, actor="test", now=timezone.now())
    assert look(tombstone, 1) == []
    assert is_over()
    # Also once that is over: its own removal left a tombstone of its own.
    remove_domain(domain=again, actor="test", now=timezone.now())
    assert look(tombstone, 2) == [2]


@pytest.mark.django_db
def test_when_another_has_proved_the_name_nobody_is_told(tombstone: Tombstone, globex: Organization) -> None:
    domain = register_domain(organization=globex, name=NAME, actor="test", now=timezone.now())
    assert look(tombstone, 1) == [1], "a claim alone takes nothing from anybody"
    Domain.objects.filter(pk=domain.pk).update(proved_at=timezone.now())
    Tenure.objects.create(name=NAME, organization=globex, domain=domain, from_at=timezone.now())
    assert look(tombstone, 9) == [1]
    assert is_over()


@pytest.mark.django_db
def test_the_notice_says_what_to_do_and_names_nobody(
    tombstone: Tombstone, acme: Organization, globex: Organization, owner: User
) -> None:
    register_domain(organization=globex, name=NAME, actor="test", now=timezone.now())
    look(tombstone, 1)
    notice = Notice.objects.get()
    assert (notice.organization, notice.subject) == (acme, f"{NAME}: its mail is still sent here")
    assert f"MX {NAME} -> {ENDPOINT}" in notice.body
    assert f"{tombstone.removed_at + WATCH_AFTER_REMOVAL:%Y-%m-%d}" in notice.body
    assert "Globex" not in notice.body


@pytest.mark.django_db
def test_what_one_worker_has_taken_another_leaves_until_its_lease_ends(tombstone: Tombstone) -> None:
    now = tombstone.removed_at + DAY
    assert len(take_due(now=now)) == 1
    assert look_at_due(now=now) == 0
    assert look_at_due(now=now + LEASE) == 1


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_tell_once(tombstone: Tombstone) -> None:
    gate, ended = threading.Barrier(3), []
    now: Any = tombstone.removed_at + DAY

    def run() -> None:
        try:
            gate.wait(10)
            ended.append(look_at_due(now=now))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (sorted(ended), Notice.objects.count()) == ([0, 0, 1], 1)
