"""What was sent before is sent again: one delivery, a window, a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import AuditEvent
from tests.webhooks.conftest import Receiver
from webhooks.endpoints import NewSecret, disable_endpoint
from webhooks.events import TEST
from webhooks.models import WebhookDelivery
from webhooks.outbox import deliver_due, take_due
from webhooks.replay import PAUSE_BETWEEN, EndpointDisabled, InvalidWindow, replay_delivery, replay_window
from webhooks.tidying import KEPT, tidy
from webhooks.trial import AT_ONCE, TooManyTests, send_test

pytestmark = pytest.mark.django_db
Subscribe = Callable[..., NewSecret]
Tell = Callable[..., list[WebhookDelivery]]
START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def work() -> int:
    return deliver_due(now=timezone.now())


def test_a_replay_has_the_same_id_and_body_and_is_one_more_attempt(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    subscribe(receiver)
    (delivery,) = tell()
    work()
    replay_delivery(delivery=delivery, actor="tests", now=timezone.now())
    work()
    first, second = receiver.came
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts.count()) == ("succeeded", 2)


def test_a_replayed_delivery_has_all_its_attempts_before_it_again(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    receiver.answer(500)
    subscribe(receiver)
    (delivery,) = tell()
    WebhookDelivery.objects.update(status="exhausted", tries=10, next_attempt_at=None, ended_at=timezone.now())
    replay_delivery(delivery=delivery, actor="tests", now=timezone.now())
    work()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.tries) == ("failed", 1)


def test_what_is_being_attempted_is_left_to_that_attempt(receiver: Receiver, subscribe: Subscribe, tell: Tell) -> None:
    subscribe(receiver)
    tell()
    (held,) = take_due(flying=[], now=timezone.now())
    replay_delivery(delivery=held, actor="tests", now=timezone.now())
    held.refresh_from_db()
    assert (held.leased_until is not None, work()) == (True, 0)


def test_a_disabled_endpoint_is_replayed_nothing(receiver: Receiver, subscribe: Subscribe, tell: Tell) -> None:
    endpoint = subscribe(receiver).endpoint
    (delivery,) = tell()
    work()
    disable_endpoint(endpoint=endpoint, reason="by_owner", actor="tests", now=timezone.now())
    with pytest.raises(EndpointDisabled):
        replay_delivery(delivery=delivery, actor="tests", now=timezone.now())
    delivery.refresh_from_db()
    assert delivery.status == "succeeded"


def five_events_an_hour_apart(tell: Tell) -> None:
    for number in range(5):
        with time_machine.travel(START + timedelta(hours=number)):
            tell(key=str(number), now=START + timedelta(hours=number))
            work()


def test_a_window_is_replayed_from_its_beginning_to_before_its_end_in_order_and_paced(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    endpoint = subscribe(receiver).endpoint
    five_events_an_hour_apart(tell)
    now = START + timedelta(days=1)
    begins_at, ends_at = START + timedelta(hours=1), START + timedelta(hours=4)
    count = replay_window(endpoint=endpoint, begins_at=begins_at, ends_at=ends_at, actor="tests", now=now)
    queued = WebhookDelivery.objects.filter(status="pending").order_by("next_attempt_at")
    assert count == 3
    assert [json.loads(delivery.body)["data"]["id"] for delivery in queued] == ["1", "2", "3"]
    assert [delivery.next_attempt_at for delivery in queued] == [now + number * PAUSE_BETWEEN for number in range(3)]


def test_a_dry_run_counts_and_queues_nothing(receiver: Receiver, subscribe: Subscribe, tell: Tell) -> None:
    endpoint = subscribe(receiver).endpoint
    five_events_an_hour_apart(tell)
    count = replay_window(
        endpoint=endpoint,
        begins_at=START,
        ends_at=START + timedelta(days=1),
        is_dry_run=True,
        actor="tests",
        now=timezone.now(),
    )
    assert (count, WebhookDelivery.objects.filter(status="pending").count()) == (5, 0)


def test_what_is_being_attempted_is_not_queued_and_not_counted(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    endpoint = subscribe(receiver).endpoint
    five_events_an_hour_apart(tell)
    now = START + timedelta(days=1)
    flying = WebhookDelivery.objects.order_by("created_at")[1]
    WebhookDelivery.objects.filter(pk=flying.pk).update(leased_until=now + timedelta(seconds=30))
    window = {"begins_at": START, "ends_at": now}
    counts = [
        replay_window(endpoint=endpoint, is_dry_run=is_dry_run, actor="tests", now=now, **window)
        for is_dry_run in (True, False)
    ]
    queued = WebhookDelivery.objects.filter(status="pending").order_by("next_attempt_at")
    assert (counts, queued.count()) == ([4, 4], 4)
    assert AuditEvent.objects.get(action="webhook.window_replayed").details == {"count": "4"}
    # Nobody waits for the place of what was left out.
    assert [delivery.next_attempt_at for delivery in queued] == [now + number * PAUSE_BETWEEN for number in range(4)]


def test_what_has_not_been_tried_yet_is_not_put_off(receiver: Receiver, subscribe: Subscribe, tell: Tell) -> None:
    endpoint = subscribe(receiver).endpoint
    five_events_an_hour_apart(tell)
    now = START + timedelta(days=1)
    told_at = now - timedelta(seconds=1)
    tell(key="waiting", now=told_at)
    count = replay_window(endpoint=endpoint, begins_at=START, ends_at=now, actor="tests", now=now)
    waiting = WebhookDelivery.objects.order_by("created_at").last()
    assert waiting is not None
    assert (count, waiting.status, waiting.next_attempt_at) == (6, "pending", told_at)


def test_a_window_that_is_replayed_twice_keeps_the_pace_of_the_first_time(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    endpoint = subscribe(receiver).endpoint
    five_events_an_hour_apart(tell)
    now = START + timedelta(days=1)
    for pressed_at in (now, now + timedelta(milliseconds=50)):
        replay_window(endpoint=endpoint, begins_at=START, ends_at=now, actor="tests", now=pressed_at)
    queued = WebhookDelivery.objects.order_by("next_attempt_at")
    assert [delivery.next_attempt_at for delivery in queued] == [now + number * PAUSE_BETWEEN for number in range(5)]


def test_a_window_may_be_narrowed_to_some_types(receiver: Receiver, subscribe: Subscribe, tell: Tell) -> None:
    endpoint = subscribe(receiver).endpoint
    tell("inbox.created")
    tell("inbox.deleted")
    window = {"begins_at": timezone.now() - timedelta(hours=1), "ends_at": timezone.now() + timedelta(hours=1)}
    count = replay_window(
        endpoint=endpoint, types=["inbox.deleted"], is_dry_run=True, actor="tests", now=timezone.now(), **window
    )
    assert count == 1


def test_a_window_that_ends_before_it_begins_is_refused(receiver: Receiver, subscribe: Subscribe) -> None:
    with pytest.raises(InvalidWindow):
        replay_window(
            endpoint=subscribe(receiver).endpoint, begins_at=START, ends_at=START, actor="tests", now=timezone.now()
        )


def test_a_test_is_sent_once_listed_and_says_how_it_went(receiver: Receiver, subscribe: Subscribe) -> None:
    receiver.answer(418, 200)
    endpoint = subscribe(receiver).endpoint
    failed, accepted = (send_test(endpoint=endpoint, now=timezone.now()) for _ in range(2))
    assert (failed.is_success, failed.status_code, failed.error) == (False, 418, "answered 418")
    assert (accepted.is_success, accepted.status_code, accepted.error) == (True, 200, "")
    assert {json.loads(came.body)["type"] for came in receiver.came} == {"webhook.test"}
    assert list(endpoint.deliveries.order_by("pk").values_list("status", flat=True)) == ["exhausted", "succeeded"]
    assert work() == 0


def test_a_test_says_nothing_of_the_endpoints_health(receiver: Receiver, subscribe: Subscribe) -> None:
    receiver.answer(410)
    endpoint = subscribe(receiver).endpoint
    send_test(endpoint=endpoint, now=timezone.now())
    endpoint.refresh_from_db()
    assert (endpoint.status, endpoint.failing_since) == ("enabled", None)


def test_two_tests_of_an_organization_are_waited_for_at_once_and_no_third(
    receiver: Receiver, subscribe: Subscribe
) -> None:
    endpoints = [subscribe(receiver).endpoint for _ in range(3)]
    now = timezone.now()
    for endpoint in endpoints[:AT_ONCE]:
        WebhookDelivery.objects.create(
            endpoint=endpoint, event_id="evt_test", type=TEST, body="{}", leased_until=now + timedelta(seconds=1)
        )
    with pytest.raises(TooManyTests):
        send_test(endpoint=endpoints[2], now=now)
    assert send_test(endpoint=endpoints[2], now=now + timedelta(seconds=1)).is_success


def test_what_ended_a_month_ago_is_forgotten_and_what_waits_is_not(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    subscribe(receiver)
    five_events_an_hour_apart(tell)
    tell(key="waiting", now=START)
    assert tidy(now=START + KEPT + timedelta(hours=2, minutes=1)) == 3
    assert sorted(WebhookDelivery.objects.values_list("status", flat=True)) == ["pending", "succeeded", "succeeded"]


def test_what_waits_for_an_endpoint_that_nobody_enables_is_given_up_after_a_month_and_listed(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    endpoint = subscribe(receiver).endpoint
    (delivery,) = tell(now=START)
    disable_endpoint(endpoint=endpoint, reason="failing", actor="tests", now=START)
    tidy(now=START + KEPT + timedelta(seconds=1))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.next_attempt_at) == ("exhausted", None)
