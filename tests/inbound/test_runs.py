"""Mail piles up: a run ends after a while, few go side by side, and who lost the lease writes nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from inbound import ingestion, leasing, tasks
from inbound.ingestion import ingest_due
from inbound.leasing import LEASE, end, keep_hold, put_off, take_due
from inbound.models import SnsNotification

pytestmark = pytest.mark.django_db(transaction=True)


def queue(count: int) -> None:
    for number in range(count):
        SnsNotification.objects.create(
            sns_message_id=f"mail {number}", topic_arn="arn", message="{}", sent_at=timezone.now()
        )


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    heard: list[str] = []
    monkeypatch.setattr(ingestion, "ring", heard.append)
    return heard


def test_a_run_hands_over_after_a_while_and_gives_back_what_it_has_not_begun(
    monkeypatch: pytest.MonkeyPatch, rings: list[str]
) -> None:
    def slow(notification: SnsNotification, *, now: datetime) -> None:
        time.sleep(0.2)

    monkeypatch.setattr(ingestion, "ingest", slow)
    monkeypatch.setattr(ingestion, "RUN_SECONDS", 0.5)
    queue(leasing.BATCH + 5)
    done = ingest_due(now=timezone.now())
    assert 1 <= done <= 4
    assert rings == ["inbound.tasks.ingest_due"]
    waiting = SnsNotification.objects.filter(state="waiting")
    assert waiting.count() == leasing.BATCH + 5 - done
    assert set(waiting.values_list("leased_until", "leased_by", "attempts", "deaths")) == {(None, "", 0, 0)}
    monkeypatch.setattr(ingestion, "RUN_SECONDS", 20)
    assert ingest_due(now=timezone.now()) == leasing.BATCH + 5 - done
    assert rings == ["inbound.tasks.ingest_due"], "a run that came to the end rings nobody"


def test_no_more_runs_a_process_than_its_share_and_a_ring_meanwhile_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, gate, begun = 0, 0, threading.Event(), threading.Barrier(ingestion.RUNS_A_PROCESS + 1)
    lock = threading.Lock()

    def ingest(notification: SnsNotification, *, now: datetime) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            is_first = not gate.is_set()
        if is_first:
            begun.wait(20)
            gate.wait(20)
        with lock:
            running -= 1

    def run() -> None:
        try:
            ingest_due(now=timezone.now())
        finally:
            connection.close()

    monkeypatch.setattr(ingestion, "ingest", ingest)
    monkeypatch.setattr(leasing, "BATCH", 1)
    monkeypatch.setattr(leasing.take_due, "__kwdefaults__", {"most": 1})
    queue(ingestion.RUNS_A_PROCESS)
    threads = [threading.Thread(target=run) for _ in range(ingestion.RUNS_A_PROCESS)]
    for thread in threads:
        thread.start()
    begun.wait(20)
    queue_late = SnsNotification.objects.create(
        sns_message_id="late", topic_arn="arn", message="{}", sent_at=timezone.now()
    )
    tasks.ingest_due()
    queue_late.refresh_from_db()
    assert queue_late.state == "waiting", "every place is taken"
    gate.set()
    for thread in threads:
        thread.join(20)
    assert most == ingestion.RUNS_A_PROCESS
    assert set(SnsNotification.objects.values_list("state", flat=True)) == {"done"}


WORDS: dict[str, Callable[[SnsNotification], None]] = {
    "done": lambda slow: end(slow, "done", error="", now=timezone.now()),
    "ignored": lambda slow: end(slow, "ignored", error="no use", now=timezone.now()),
    "parked": lambda slow: end(slow, "parked", error="hopeless", now=timezone.now()),
    "put off": lambda slow: put_off(slow, error="not yet", now=timezone.now()),
}


@pytest.mark.parametrize("word", WORDS)
def test_who_lost_the_lease_to_another_changes_nothing(word: str) -> None:
    queue(1)
    now = timezone.now()
    (slow,) = take_due(now=now)
    (newer,) = take_due(now=now + LEASE + timedelta(seconds=1))
    before = SnsNotification.objects.values().get()
    WORDS[word](slow)
    assert SnsNotification.objects.values().get() == before
    WORDS[word](newer)
    assert SnsNotification.objects.values().get() != before


def test_a_heart_that_goes_on_beating_does_not_prolong_anothers_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leasing, "LEASE", timedelta(seconds=0.4))
    queue(1)
    batch = take_due(now=timezone.now())
    (newer,) = take_due(now=timezone.now() + timedelta(seconds=1))
    until = timezone.now() + timedelta(hours=1)
    SnsNotification.objects.filter(pk=newer.pk).update(leased_until=until)
    with keep_hold(batch):
        time.sleep(0.3)
    assert SnsNotification.objects.get().leased_until == until
