"""The outbox is worked off side by side, within limits, and nothing in it is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.utils import timezone

from accounts.encryption import encrypt
from accounts.models import Organization
from tests.webhooks.conftest import Receiver
from tests.webhooks.test_schedule import DATES_THAT_OVERFLOW
from webhooks import endpoints, outbox
from webhooks.delivery import Answer
from webhooks.endpoints import NewSecret, create_endpoint
from webhooks.events import emit
from webhooks.models import DeliveryAttempt, WebhookDelivery, WebhookEndpoint
from webhooks.outbox import CALLS_AN_ENDPOINT, LEASE, deliver_due, record, send, take_due

pytestmark = pytest.mark.django_db
Subscribe = Callable[..., NewSecret]
Tell = Callable[..., list[WebhookDelivery]]


def work() -> int:
    return deliver_due(now=timezone.now())


def test_what_is_rolled_back_is_never_told(acme: Organization, receiver: Receiver, subscribe: Subscribe) -> None:
    subscribe(receiver)

    def fact_that_fails() -> None:
        with transaction.atomic():
            emit(organization=acme, type="inbox.created", key="1", data=dict, now=timezone.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fact_that_fails()
    assert (work(), receiver.came) == (0, [])


def test_an_endpoint_gets_no_more_calls_at_once_than_its_share(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    subscribe(receiver)
    for number in range(20):
        tell(key=str(number))
    receiver.gate.clear()
    opened = threading.Timer(0.5, receiver.gate.set)
    opened.start()
    assert work() == 20
    assert receiver.most_at_once == CALLS_AN_ENDPOINT


def test_a_dead_endpoint_delays_no_other(
    make_receiver: Callable[[], Receiver], subscribe: Subscribe, tell: Tell
) -> None:
    dead, others = make_receiver(), [make_receiver() for _ in range(20)]
    for each in (dead, *others):
        subscribe(each)
    for number in range(10):
        tell(key=str(number))
    dead.gate.clear()
    # The dead one answers only when all the others have been told of everything.
    waiting = threading.Thread(target=open_when, args=(dead, lambda: sum(len(other.came) for other in others) == 200))
    waiting.start()
    assert work() == 210
    waiting.join()
    assert [len(other.came) for other in others] == [10] * 20
    assert not WebhookDelivery.objects.exclude(status="succeeded").exists()


def open_when(receiver: Receiver, is_done: Callable[[], bool]) -> None:
    """Let the receiver answer once it is done, or not at all: then the attempts time out and the test fails."""
    tick = threading.Event()
    for _ in range(600):
        if is_done():
            receiver.gate.set()
            return
        tick.wait(0.02)


def test_endpoints_that_fail_share_few_calls(
    make_receiver: Callable[[], Receiver], subscribe: Subscribe, tell: Tell
) -> None:
    for _ in range(12):
        subscribe(make_receiver())
    WebhookEndpoint.objects.update(failing_since=timezone.now(), last_failure_at=timezone.now())
    for number in range(3):
        tell(key=str(number))
    taken = take_due(flying=[], now=timezone.now())
    assert len(taken) == outbox.CALLS_TO_FAILING
    assert len({delivery.endpoint_id for delivery in taken}) == outbox.CALLS_TO_FAILING


def test_however_many_fail_they_hide_none_that_works(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    monkeypatch.setattr(endpoints, "MAX_ENDPOINTS", 1000)
    for _ in range(5 * outbox.CALLS):
        subscribe(receiver)
    tell(key="old")
    WebhookEndpoint.objects.update(failing_since=timezone.now(), last_failure_at=timezone.now())
    WebhookDelivery.objects.update(next_attempt_at=timezone.now() - timedelta(hours=1))
    healthy = subscribe(receiver).endpoint
    tell(key="new")
    taken = take_due(flying=[], now=timezone.now())
    assert healthy.pk in {delivery.endpoint_id for delivery in taken}


def test_one_organizations_slow_endpoints_leave_room_for_anothers(
    acme: Organization, globex: Organization, receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    for _ in range(12):
        subscribe(receiver)
    for number in range(10):
        tell(key=str(number))
    WebhookDelivery.objects.update(next_attempt_at=timezone.now() - timedelta(hours=1))
    flying = take_due(flying=[], now=timezone.now())
    flying += take_due(flying=flying, now=timezone.now())
    assert {each.endpoint.organization_id for each in flying} == {acme.pk}
    assert len(flying) == outbox.CALLS_AN_ORGANIZATION
    create_endpoint(organization=globex, url=receiver.url, actor="test", now=timezone.now())
    emit(organization=globex, type="inbox.created", key="theirs", data=dict, now=timezone.now())
    taken = take_due(flying=flying, now=timezone.now())
    assert {each.endpoint.organization_id for each in taken} == {globex.pk}


def test_what_a_dead_worker_held_is_sent_again_with_the_same_id(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    subscribe(receiver)
    tell()
    (held,) = take_due(flying=[], now=timezone.now())
    send(held, timezone.now())
    # Killed here: the call was made, and nothing was written down.
    assert work() == 0
    assert deliver_due(now=timezone.now() + LEASE + timedelta(seconds=1)) == 1
    assert len({came.headers["webhook-id"] for came in receiver.came}) == 1
    assert len(receiver.came) == 2


def test_a_worker_that_was_slow_changes_nothing_of_what_another_did(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    subscribe(receiver)
    (delivery,) = tell()
    (held,) = take_due(flying=[], now=timezone.now())
    deliver_due(now=timezone.now() + LEASE + timedelta(seconds=1))
    receiver.answer(500)
    record(held, send(held, timezone.now()), now=timezone.now())
    delivery.refresh_from_db()
    assert (delivery.status, delivery.tries, delivery.attempts.count()) == ("succeeded", 1, 2)


def test_two_takers_never_hold_the_same_delivery(receiver: Receiver, subscribe: Subscribe, tell: Tell) -> None:
    subscribe(receiver)
    for number in range(3):
        tell(key=str(number))
    now = timezone.now()
    first, second = take_due(flying=[], now=now), take_due(flying=[], now=now)
    assert (len(first), len(second)) == (3, 0)


def test_an_endpoint_deleted_during_its_attempt_takes_its_outbox_along(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    subscribe(receiver)
    tell()
    (held,) = take_due(flying=[], now=timezone.now())
    WebhookEndpoint.objects.all().delete()
    record(held, send(held, timezone.now()), now=timezone.now())
    assert not WebhookDelivery.objects.exists()


def test_a_secret_that_can_not_be_read_costs_its_own_endpoint_only(
    make_receiver: Callable[[], Receiver], subscribe: Subscribe, tell: Tell, settings: LazySettings
) -> None:
    broken, sound = make_receiver(), make_receiver()
    endpoint = subscribe(broken).endpoint
    subscribe(sound)
    lost_key = "6rLwLJ0MJtPBJ8zKkqBbg3sYHd0m7i3mS0nE1y2n8aU="
    settings.ENCRYPTION_KEYS = (lost_key,)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(secret_encrypted=encrypt("whsec_AAAA"))
    settings.ENCRYPTION_KEYS = ()
    tell()
    assert work() == 2
    assert (len(broken.came), len(sound.came)) == (0, 1)
    attempt = endpoint.deliveries.get().attempts.get()
    assert attempt.error == "the signing secret can not be read"


@pytest.mark.parametrize("retry_after", DATES_THAT_OVERFLOW)
def test_an_answer_that_is_hostile_costs_its_own_endpoint_only(
    retry_after: str, make_receiver: Callable[[], Receiver], subscribe: Subscribe, tell: Tell
) -> None:
    hostile, healthy = make_receiver(), make_receiver()
    hostile.answer(503, headers={"Retry-After": retry_after})
    endpoint = subscribe(hostile).endpoint
    subscribe(healthy)
    tell(key="1")
    tell(key="2")
    assert work() == 4
    assert len(healthy.came) == 2
    assert set(endpoint.deliveries.values_list("status", "tries", "leased_until")) == {("failed", 1, None)}
    assert WebhookDelivery.objects.exclude(endpoint=endpoint).filter(status="succeeded").count() == 2


def out_of_order(**_: object) -> None:
    raise RuntimeError("nobody foresaw this")


def test_an_answer_that_can_not_be_recorded_is_a_counted_failure_and_costs_no_other(
    make_receiver: Callable[[], Receiver],
    subscribe: Subscribe,
    tell: Tell,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hostile, healthy = make_receiver(), make_receiver()
    hostile.answer(500)
    endpoint = subscribe(hostile).endpoint
    subscribe(healthy)
    monkeypatch.setattr(outbox, "note_failure", out_of_order)
    tell()
    assert (work(), len(healthy.came)) == (2, 1)
    (fault,) = [logged for logged in caplog.records if logged.name == outbox.__name__]
    assert fault.exc_info is not None
    assert "nobody foresaw this" in caplog.text
    failed = endpoint.deliveries.get()
    assert (failed.status, failed.tries, failed.leased_until) == ("failed", 1, None)
    assert failed.attempts.get().error == "the answer could not be recorded"
    assert WebhookDelivery.objects.exclude(endpoint=endpoint).get().status == "succeeded"


def test_what_can_never_be_recorded_is_given_up_after_its_ten_attempts(
    receiver: Receiver, subscribe: Subscribe, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(receiver)
    (delivery,) = tell()
    monkeypatch.setattr(outbox, "note_success", out_of_order)
    for _ in range(12):
        WebhookDelivery.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now())
        work()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.tries, len(receiver.came)) == ("exhausted", 10, 10)


def test_where_nothing_at_all_can_be_written_of_one_the_others_are_recorded_and_its_lease_runs_out(
    make_receiver: Callable[[], Receiver], subscribe: Subscribe, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile, healthy = make_receiver(), make_receiver()
    endpoint = subscribe(hostile).endpoint
    subscribe(healthy)
    tell()
    list_attempt = outbox.list_attempt

    def list_of_others(delivery: WebhookDelivery, answer: Answer, *, now: datetime) -> DeliveryAttempt:
        if delivery.endpoint_id == endpoint.pk:
            out_of_order()
        return list_attempt(delivery, answer, now=now)

    monkeypatch.setattr(outbox, "list_attempt", list_of_others)
    assert work() == 2
    assert WebhookDelivery.objects.exclude(endpoint=endpoint).get().status == "succeeded"
    held = endpoint.deliveries.get()
    assert (held.status, held.tries, held.leased_until is not None) == ("pending", 0, True)


def test_a_fault_in_recording_changes_nothing_of_what_another_worker_did(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    subscribe(receiver)
    (delivery,) = tell()
    (held,) = take_due(flying=[], now=timezone.now())
    deliver_due(now=timezone.now() + LEASE + timedelta(seconds=1))
    outbox._record_fault(held, now=timezone.now())
    delivery.refresh_from_db()
    assert (delivery.status, delivery.tries, delivery.attempts.count()) == ("succeeded", 1, 1)


def test_a_ring_during_a_run_is_served_by_that_run(receiver: Receiver, subscribe: Subscribe, tell: Tell) -> None:
    subscribe(receiver)
    tell(key="1")
    assert outbox._one_taker_a_process.acquire(blocking=False)
    try:
        assert work() == 0
    finally:
        outbox._one_taker_a_process.release()
    assert work() == 1


def test_a_run_hands_over_after_a_while_and_sees_its_own_calls_home(
    receiver: Receiver, subscribe: Subscribe, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(receiver)
    for number in range(CALLS_AN_ENDPOINT + 2):
        tell(key=str(number))
    monkeypatch.setattr(outbox, "TAKING_SECONDS", 0.3)
    rung: list[str] = []
    monkeypatch.setattr(outbox, "ring", rung.append)
    receiver.gate.clear()
    threading.Timer(0.8, receiver.gate.set).start()
    assert work() == CALLS_AN_ENDPOINT
    assert rung == ["webhooks.tasks.deliver_due"]
    assert WebhookDelivery.objects.filter(status="succeeded").count() == CALLS_AN_ENDPOINT
    assert work() == 2


@pytest.mark.django_db(transaction=True)
def test_takers_at_the_same_moment_keep_within_an_endpoints_share(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    subscribe(receiver)
    for number in range(20):
        tell(key=str(number))
    start = threading.Barrier(6)

    def take(_: int) -> list[int]:
        start.wait(10)
        try:
            return [delivery.pk for delivery in take_due(flying=[], now=timezone.now())]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        taken = [pk for each in pool.map(take, range(6)) for pk in each]
    assert len(taken) == len(set(taken)) == CALLS_AN_ENDPOINT
