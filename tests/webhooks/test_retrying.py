"""An endpoint that does not listen is told again, by a clock that is moved, until it does or the attempts are over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from accounts.models import Notice, Organization, User
from accounts.notices import mail_due
from tests.webhooks.conftest import Receiver
from webhooks.endpoints import NewSecret, change_endpoint, enable_endpoint
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.outbox import deliver_due, record, send, take_due

pytestmark = pytest.mark.django_db
Subscribe = Callable[..., NewSecret]
Tell = Callable[..., list[WebhookDelivery]]
START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def work() -> int:
    return deliver_due(now=timezone.now())


def run_until(end: datetime) -> None:
    """Move the clock from one due attempt to the next until `end`, working each off."""
    while True:
        due = WebhookDelivery.objects.filter(
            next_attempt_at__isnull=False, endpoint__status=WebhookEndpoint.Status.ENABLED
        ).order_by("next_attempt_at")
        following = due.first()
        if following is None or following.next_attempt_at is None or following.next_attempt_at > end:
            return
        with time_machine.travel(max(following.next_attempt_at, START)):
            work()


def test_eighty_hours_of_failure_are_ten_attempts_with_one_id_and_one_body(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    receiver.answer(500)
    with time_machine.travel(START):
        subscribe(receiver)
        (delivery,) = tell()
    run_until(START + timedelta(hours=90))
    delivery.refresh_from_db()
    attempts = list(delivery.attempts.order_by("at"))
    assert (delivery.status, delivery.next_attempt_at, len(attempts)) == ("exhausted", None, 10)
    assert timedelta(hours=67) < attempts[-1].at - START < timedelta(hours=84)
    assert {(came.headers["webhook-id"], came.body) for came in receiver.came} == {(delivery.event_id, delivery.body)}
    assert len({came.headers["webhook-signature"] for came in receiver.came}) == 10


def test_once_it_listens_it_is_told_and_left_alone(receiver: Receiver, subscribe: Subscribe, tell: Tell) -> None:
    receiver.answer(500, 500, 500, 500, 500, 200)
    with time_machine.travel(START):
        subscribe(receiver)
        (delivery,) = tell()
    run_until(START + timedelta(hours=90))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.tries, len(receiver.came)) == ("succeeded", 6, 6)
    assert delivery.endpoint.failing_since is None


def test_between_attempts_it_is_listed_as_failed_with_the_time_of_the_next(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    receiver.answer(503)
    subscribe(receiver)
    (delivery,) = tell()
    work()
    delivery.refresh_from_db()
    assert delivery.status == "failed"
    assert delivery.next_attempt_at is not None
    assert work() == 0


def test_retry_after_is_honoured(receiver: Receiver, subscribe: Subscribe, tell: Tell) -> None:
    receiver.answer(429, headers={"Retry-After": "7200"})
    subscribe(receiver)
    (delivery,) = tell()
    work()
    delivery.refresh_from_db()
    assert delivery.next_attempt_at is not None
    assert delivery.next_attempt_at - timezone.now() > timedelta(minutes=119)


def test_410_is_tried_once_and_switches_the_endpoint_off_with_a_notice(
    receiver: Receiver, subscribe: Subscribe, tell: Tell, acme: Organization
) -> None:
    receiver.answer(410)
    endpoint = subscribe(receiver).endpoint
    (delivery,) = tell()
    work()
    delivery.refresh_from_db()
    endpoint.refresh_from_db()
    assert (delivery.status, delivery.next_attempt_at) == ("exhausted", None)
    assert (endpoint.status, endpoint.disabled_reason) == ("disabled", "gone")
    assert Notice.objects.get(organization=acme).kind == "webhook.disabled"


def five_days_of_failure(receiver: Receiver, subscribe: Subscribe, tell: Tell) -> WebhookEndpoint:
    """An event a day, none of which is accepted."""
    receiver.answer(500)
    with time_machine.travel(START):
        endpoint = subscribe(receiver).endpoint
    for day in range(6):
        now = START + timedelta(days=day)
        with time_machine.travel(now):
            tell(key=str(day), now=now)
        run_until(now + timedelta(days=1))
    endpoint.refresh_from_db()
    return endpoint


def test_five_days_of_nothing_but_failures_switch_the_endpoint_off(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    endpoint = five_days_of_failure(receiver, subscribe, tell)
    assert (endpoint.status, endpoint.disabled_reason) == ("disabled", "failing")
    assert endpoint.disabled_at is not None
    assert timedelta(days=5) <= endpoint.disabled_at - START < timedelta(days=6)


def test_the_owners_are_mailed_once_that_a_webhook_was_switched_off(
    receiver: Receiver, subscribe: Subscribe, tell: Tell, owner: User, member: User
) -> None:
    five_days_of_failure(receiver, subscribe, tell)
    now = START + timedelta(days=6)
    assert (mail_due(now=now), mail_due(now=now)) == (1, 0)
    assert [message.to for message in mail.outbox] == [[owner.email]]
    assert receiver.url in mail.outbox[0].body


def test_a_success_in_between_starts_the_five_days_anew(receiver: Receiver, subscribe: Subscribe, tell: Tell) -> None:
    receiver.answer(500, 500, 500, 200, 500)
    with time_machine.travel(START):
        endpoint = subscribe(receiver).endpoint
    for day in (0, 4, 8):
        now = START + timedelta(days=day)
        with time_machine.travel(now):
            tell(key=str(day), now=now)
        run_until(now + timedelta(hours=1))
    endpoint.refresh_from_db()
    assert (endpoint.status, endpoint.failing_since is not None) == ("enabled", True)


def four_days_of_failure(receiver: Receiver, subscribe: Subscribe, tell: Tell) -> WebhookEndpoint:
    receiver.answer(500)
    with time_machine.travel(START):
        endpoint = subscribe(receiver).endpoint
    for day in range(5):
        now = START + timedelta(days=day)
        with time_machine.travel(now):
            tell(key=str(day), now=now)
            work()
    return endpoint


def test_a_new_url_has_five_days_of_its_own(
    receiver: Receiver, make_receiver: Callable[[], Receiver], subscribe: Subscribe, tell: Tell
) -> None:
    endpoint, other, now = four_days_of_failure(receiver, subscribe, tell), make_receiver(), START + timedelta(days=6)
    other.answer(500)
    with time_machine.travel(now):
        changed = change_endpoint(endpoint=endpoint, url=other.url, actor="tests", now=now)
        assert (changed.failing_since, changed.last_failure_at) == (None, None)
        work()
    endpoint.refresh_from_db()
    assert len(other.came) > 0
    assert (endpoint.status, endpoint.failing_since is not None) == ("enabled", True)


def test_a_change_to_the_same_url_forgives_nothing(receiver: Receiver, subscribe: Subscribe, tell: Tell) -> None:
    endpoint, now = four_days_of_failure(receiver, subscribe, tell), START + timedelta(days=4, hours=1)
    changed = change_endpoint(endpoint=endpoint, url=receiver.url, events=["inbox.created"], actor="tests", now=now)
    assert changed.failing_since is not None
    assert changed.failing_since < START + timedelta(hours=1)


@pytest.mark.parametrize("status", [410, 500])
def test_what_the_old_url_answers_late_says_nothing_of_the_new_one(
    status: int, receiver: Receiver, make_receiver: Callable[[], Receiver], subscribe: Subscribe, tell: Tell
) -> None:
    receiver.answer(status)
    endpoint = subscribe(receiver).endpoint
    tell()
    (held,) = take_due(flying=[], now=timezone.now())
    answer = send(held, timezone.now())
    change_endpoint(endpoint=endpoint, url=make_receiver().url, actor="tests", now=timezone.now())
    record(held, answer, now=timezone.now())
    endpoint.refresh_from_db()
    assert (endpoint.status, endpoint.failing_since, held.attempts.count()) == ("enabled", None, 1)


def test_an_old_failure_with_nothing_since_is_no_reason_to_switch_off(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    receiver.answer(500)
    with time_machine.travel(START):
        endpoint = subscribe(receiver).endpoint
        tell(key="old", now=START)
        work()
        WebhookDelivery.objects.all().delete()
    later = START + timedelta(days=60)
    with time_machine.travel(later):
        tell(key="new", now=later)
        work()
    endpoint.refresh_from_db()
    assert endpoint.status == "enabled"
    assert endpoint.failing_since is not None
    assert endpoint.failing_since >= later


def test_what_waited_for_a_disabled_endpoint_is_sent_once_it_is_enabled(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    receiver.answer(410, 200)
    endpoint = subscribe(receiver).endpoint
    tell(key="first")
    work()
    held = WebhookDelivery.objects.create(
        endpoint=endpoint, event_id="evt_held", type="inbox.created", body="{}", next_attempt_at=timezone.now()
    )
    assert work() == 0
    endpoint.refresh_from_db()
    enable_endpoint(endpoint=endpoint, actor="tests", now=timezone.now())
    assert work() == 1
    held.refresh_from_db()
    assert held.status == "succeeded"
