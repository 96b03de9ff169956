"""The doorbell: rung after the commit, once for many, and never in the way of whoever rings."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from accounts import doorbell

SECONDS = 10.0


class Broker:
    """Stands in for the one behind Celery: what reached it, and a gate that holds it up."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.arrived, self.gate = threading.Semaphore(0), threading.Event()
        self.is_away = False
        self.gate.set()

    def send_task(self, name: str, **_: object) -> None:
        self.rung.append(name)
        self.arrived.release()
        assert self.gate.wait(SECONDS)
        if self.is_away:
            raise OperationalError("away")

    def wait(self) -> None:
        assert self.arrived.acquire(timeout=SECONDS)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    stand_in = Broker()
    monkeypatch.setattr(current_app, "send_task", stand_in.send_task)
    monkeypatch.setattr(doorbell, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(doorbell, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(doorbell._Bell, "ringer", doorbell._Ringer())
    yield stand_in
    stand_in.is_away = False
    stand_in.gate.set()
    doorbell._Bell.ringer.finish(SECONDS)


@pytest.mark.django_db(transaction=True)
def test_it_rings_after_the_commit_and_not_after_a_rollback(broker: Broker) -> None:
    with transaction.atomic():
        doorbell.ring("one")
        doorbell._Bell.ringer.finish(SECONDS)
        assert broker.rung == []
    broker.wait()
    with transaction.atomic():
        doorbell.ring("two")
        transaction.set_rollback(True)
    doorbell.ring("three")
    doorbell._Bell.ringer.finish(SECONDS)
    assert broker.rung == ["one", "three"]


@pytest.mark.django_db(transaction=True)
def test_what_is_rung_for_while_it_rings_is_rung_once(broker: Broker) -> None:
    broker.gate.clear()
    doorbell.ring("mail")
    broker.wait()
    for _ in range(50):
        doorbell.ring("mail")
        doorbell.ring("events")
    assert broker.rung == ["mail"], "nobody waited for the broker"
    broker.gate.set()
    doorbell._Bell.ringer.finish(SECONDS)
    assert broker.rung == ["mail", "events", "mail"]


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_is_rung_again_by_the_next(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    broker.is_away = True
    doorbell.ring("mail")
    broker.wait()
    doorbell._Bell.ringer.finish(SECONDS)
    assert "could not ring mail" in caplog.text
    broker.is_away = False
    doorbell.ring("mail")
    broker.wait()
    assert broker.rung == ["mail", "mail"]


@pytest.mark.django_db(transaction=True)
def test_a_fault_that_nobody_foresaw_ends_one_ring_and_not_the_bell(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(name: str, **_: object) -> None:
        raise ValueError(name)

    monkeypatch.setattr(current_app, "send_task", fault)
    doorbell.ring("mail")
    doorbell._Bell.ringer.finish(SECONDS)
    assert "could not ring mail" in caplog.text
    monkeypatch.setattr(current_app, "send_task", broker.send_task)
    doorbell.ring("events")
    broker.wait()
    assert broker.rung == ["events"]
