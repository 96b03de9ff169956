"""A mail that kills its worker each time is parked with a plain reason, and takes nothing else with it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization
from domains.registration import register_domain
from domains.verification import check_domain
from inbound import ingestion, leasing, queues
from inbound.ingestion import ingest_due
from inbound.leasing import LEASE, MAX_DEATHS, take_due
from inbound.models import InboundMessage, SnsNotification
from inbound.parked import run_again
from tests.doomed_process import SLOW_SECONDS, DoomedProcess
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

MAIL = {"from": "sam@elsewhere.example", "to": ["sales@hello.example"], "raw": "Subject: Poison\r\n\r\nHello.\r\n"}
WORKER = """
from datetime import timedelta
from django.utils import timezone
from inbound.ingestion import ingest_due
ingest_due(now=timezone.now() + timedelta(minutes={minutes}))
"""


class Killed(BaseException):
    """The process is gone: nothing after this line runs, and nobody catches it."""


def queue(*names: str) -> None:
    for name in names:
        SnsNotification.objects.create(
            sns_message_id=name, topic_arn="arn", message="{}", sent_at=timezone.now(), next_attempt_at=timezone.now()
        )


def states() -> dict[str, tuple[str, int]]:
    rows = SnsNotification.objects.values_list("sns_message_id", "state", "deaths")
    return {name: (state, deaths) for name, state, deaths in rows}


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Make the mails of these names kill their worker; gives the names in the order in which they were begun."""
    begun: list[str] = []

    def kill_at(*names: str) -> list[str]:
        def ingest(notification: SnsNotification, *, now: datetime) -> None:
            begun.append(notification.sns_message_id)
            if notification.sns_message_id in names:
                raise Killed

        monkeypatch.setattr(ingestion, "ingest", ingest)
        return begun

    return kill_at


def work(at: datetime) -> None:
    with contextlib.suppress(Killed):
        ingest_due(now=at)


def test_a_mail_that_kills_three_real_workers_is_parked_and_can_be_run_again(
    installation: SandboxProcess, acme: Organization, publish: Callable[..., None]
) -> None:
    domain = register_domain(organization=acme, name="hello.example", actor="test", now=timezone.now())
    publish(domain)
    check_domain(domain=domain, actor="test", now=timezone.now())
    installation.control("POST", "/_sandbox/mail", MAIL)
    queues.drain(now=timezone.now())
    for number in range(MAX_DEATHS):
        installation.control("DELETE", "/_sandbox/calls")
        slow = {"operation": "GetObject", "kind": "delay", "seconds": SLOW_SECONDS}
        installation.control("POST", "/_sandbox/faults", slow)
        with DoomedProcess(WORKER.format(minutes=6 * number)) as worker:
            worker.die_at(installation, "GetObject")
        assert SnsNotification.objects.get().deaths == number
    assert ingest_due(now=timezone.now() + timedelta(minutes=6 * MAX_DEATHS)) == 0
    parked = SnsNotification.objects.get()
    assert (parked.state, parked.deaths, parked.leased_until) == ("parked", MAX_DEATHS, None)
    assert "The worker died 3 times" in parked.last_error

    assert run_again(notification=parked, actor="staff", now=timezone.now())
    assert SnsNotification.objects.get().deaths == 0
    assert ingest_due(now=timezone.now()) == 1
    assert InboundMessage.objects.get().subject == "Poison"


def test_what_shared_a_batch_with_it_is_done_and_dies_with_it_once_at_most(
    deadly: Callable[..., list[str]],
) -> None:
    queue("a", "b", "poison", "c", "d")
    deadly("poison")
    now = timezone.now()
    for step in range(12):
        work(now + step * (LEASE + timedelta(seconds=1)))
    found = states()
    assert found.pop("poison") == ("parked", MAX_DEATHS)
    assert {state for state, _ in found.values()} == {"done"}
    assert max(deaths for _, deaths in found.values()) == 1


def test_two_that_kill_are_both_parked_and_the_rest_is_done(deadly: Callable[..., list[str]]) -> None:
    queue("a", "poison", "b", "venom", "c")
    begun = deadly("poison", "venom")
    now = timezone.now()
    for step in range(25):
        work(now + step * (LEASE + timedelta(seconds=1)))
    assert {name: state for name, (state, _) in states().items()} == {
        **dict.fromkeys("abc", "done"),
        "poison": "parked",
        "venom": "parked",
    }
    # What was in the batch of the other has one death from it.
    assert {begun.count("poison"), begun.count("venom")} <= {MAX_DEATHS - 1, MAX_DEATHS}


def test_fresh_mail_goes_on_while_a_suspect_is_tried(deadly: Callable[..., list[str]]) -> None:
    for name in ("poison", "other suspect"):
        queue(name)
        assert len(take_due(now=timezone.now())) == 1
    later = timezone.now() + LEASE + timedelta(seconds=1)
    queue("fresh")
    assert [each.sns_message_id for each in take_due(now=later)] == ["poison"], "a suspect is tried alone"
    assert [each.sns_message_id for each in take_due(now=later)] == ["fresh"], "and no other beside it"
    assert take_due(now=later) == []


def test_of_many_workers_at_many_suspects_one_tries_one() -> None:
    queue(*(f"mail {number}" for number in range(6)))
    now = timezone.now()
    assert len(take_due(now=now)) == 6
    gate, taken = threading.Barrier(4), list[int]()

    def work_at_once() -> None:
        try:
            gate.wait(10)
            taken.append(len(take_due(now=now + LEASE + timedelta(seconds=1))))
        finally:
            connection.close()

    threads = [threading.Thread(target=work_at_once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(taken) == [0, 0, 0, 1]


@pytest.mark.parametrize(("longest", "is_taken"), [(leasing.LONGEST_HOLD, False), (timedelta(0), True)])
def test_slow_is_not_dead_unless_it_hangs(monkeypatch: pytest.MonkeyPatch, longest: timedelta, is_taken: bool) -> None:
    monkeypatch.setattr(leasing, "LEASE", timedelta(seconds=2))
    monkeypatch.setattr(leasing, "LONGEST_HOLD", longest)
    taken: list[SnsNotification] = []

    def slow(notification: SnsNotification, *, now: datetime) -> None:
        """Outlasts two leases, while another worker looks for something to do."""
        deadline = time.monotonic() + 4.5
        while time.monotonic() < deadline and not taken:
            taken.extend(take_due(now=timezone.now()))
            time.sleep(0.1)

    monkeypatch.setattr(ingestion, "ingest", slow)
    queue("slow")
    ingest_due(now=timezone.now())
    assert bool(taken) == is_taken


def test_a_word_from_the_worker_is_no_death(monkeypatch: pytest.MonkeyPatch) -> None:
    def postpone(notification: SnsNotification, *, now: datetime) -> None:
        raise ingestion.Postponed("not yet")

    monkeypatch.setattr(ingestion, "ingest", postpone)
    queue("early")
    now = timezone.now()
    for hour in range(8):
        ingest_due(now=now + timedelta(hours=hour))
    assert states() == {"early": ("waiting", 0)}


def test_staff_see_how_often_the_worker_died_and_why_it_is_parked(client: Client, admin_user: object) -> None:
    queue("poison")
    now = timezone.now()
    for step in range(MAX_DEATHS + 1):
        take_due(now=now + step * (LEASE + timedelta(seconds=1)))
    client.force_login(admin_user)  # type: ignore[arg-type]
    page = client.get(reverse("admin:inbound_snsnotification_changelist")).content.decode()
    assert "The worker died 3 times while it worked on this mail" in page
    assert "Deaths" in page
