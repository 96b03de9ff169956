"""One pacer a region, shared through the database: people first, nobody past their patience."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from aws.errors import AwsTimedOut
from aws.models import CallBudget
from aws.pacing import background, person, take_slot

REGION = "eu-west-1"


def budget(*, ahead_seconds: float) -> CallBudget:
    now = timezone.now()
    return CallBudget.objects.create(region=REGION, next_slot_at=now + timedelta(seconds=ahead_seconds), updated_at=now)


@pytest.mark.django_db
def test_a_high_rate_costs_no_query(settings: Settings, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    settings.SES_CALLS_PER_SECOND = 1000.0
    with django_assert_num_queries(0):
        take_slot(region=REGION, caller=background())


@pytest.mark.django_db
def test_a_taken_slot_moves_the_regions_clock_by_one_interval(settings: Settings) -> None:
    settings.SES_CALLS_PER_SECOND = 0.5
    before = timezone.now()
    take_slot(region=REGION, caller=background())
    interval = timedelta(seconds=2)
    assert before + interval <= CallBudget.objects.get(region=REGION).next_slot_at <= timezone.now() + interval


@pytest.mark.django_db
def test_regions_do_not_share_a_clock(settings: Settings) -> None:
    settings.SES_CALLS_PER_SECOND = 0.01
    budget(ahead_seconds=100)
    take_slot(region="us-east-1", caller=background(60))
    assert CallBudget.objects.count() == 2


@pytest.mark.django_db
def test_a_person_reserves_behind_the_slots_already_given_and_waits_for_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SES_CALLS_PER_SECOND = 0.1
    row, waited = budget(ahead_seconds=100), list[float]()
    monkeypatch.setattr("aws.pacing.time.sleep", waited.append)
    take_slot(region=REGION, caller=person(120))
    assert CallBudget.objects.get(region=REGION).next_slot_at == row.next_slot_at + timedelta(seconds=10)
    (seconds,) = waited
    assert 0 < seconds <= 100


@pytest.mark.django_db
def test_the_background_reserves_nothing_ahead(settings: Settings) -> None:
    settings.SES_CALLS_PER_SECOND = 1.0
    row = budget(ahead_seconds=30)
    with pytest.raises(AwsTimedOut):
        take_slot(region=REGION, caller=background(0.05))
    assert CallBudget.objects.get(region=REGION).next_slot_at == row.next_slot_at


@pytest.mark.django_db
def test_a_person_without_the_patience_reserves_nothing(settings: Settings) -> None:
    settings.SES_CALLS_PER_SECOND = 1.0
    row = budget(ahead_seconds=30)
    with pytest.raises(AwsTimedOut):
        take_slot(region=REGION, caller=person(5))
    assert CallBudget.objects.get(region=REGION).next_slot_at == row.next_slot_at


@pytest.mark.django_db
def test_patience_that_is_over_takes_no_slot(settings: Settings) -> None:
    settings.SES_CALLS_PER_SECOND = 1.0
    with pytest.raises(AwsTimedOut):
        take_slot(region=REGION, caller=background(0))
    assert CallBudget.objects.get(region=REGION).next_slot_at < timezone.now()


@pytest.mark.django_db
def test_a_clock_that_was_set_back_does_not_stop_the_region(settings: Settings) -> None:
    settings.SES_CALLS_PER_SECOND = 1.0
    budget(ahead_seconds=7200)
    take_slot(region=REGION, caller=background(60))
    assert CallBudget.objects.get(region=REGION).next_slot_at < timezone.now() + timedelta(seconds=5)


@pytest.mark.django_db(transaction=True)
def test_a_person_who_comes_while_the_background_waits_goes_first(settings: Settings) -> None:
    settings.SES_CALLS_PER_SECOND = 2.0
    budget(ahead_seconds=1)
    served, is_waiting = list[str](), threading.Event()

    def wait_in_the_background() -> None:
        try:
            is_waiting.set()
            take_slot(region=REGION, caller=background(20))
            served.append("background")
        finally:
            connection.close()

    thread = threading.Thread(target=wait_in_the_background)
    thread.start()
    assert is_waiting.wait(5)
    take_slot(region=REGION, caller=person(20))
    served.append("person")
    thread.join(20)
    assert served == ["person", "background"]


@pytest.mark.django_db(transaction=True)
def test_callers_at_once_get_one_slot_each(settings: Settings) -> None:
    settings.SES_CALLS_PER_SECOND = 20.0
    start = timezone.now()

    def take(number: int) -> None:
        try:
            take_slot(region=REGION, caller=person() if number % 2 else background())
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(take, range(12)))
    # Twelve slots of 50 ms were given: none twice.
    assert CallBudget.objects.get(region=REGION).next_slot_at >= start + timedelta(seconds=12 / 20)
