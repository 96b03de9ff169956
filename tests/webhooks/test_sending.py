"""An event reaches its endpoints: what is sent, how it is signed, and what is listed of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import svix.webhooks
import time_machine
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from tests.webhooks.conftest import Receiver
from webhooks.endpoints import NewSecret, rotate_secret
from webhooks.models import WebhookDelivery
from webhooks.outbox import deliver_due

pytestmark = pytest.mark.django_db
Subscribe = Callable[..., NewSecret]
Tell = Callable[..., list[WebhookDelivery]]


def work() -> int:
    return deliver_due(now=timezone.now())


def test_the_event_is_posted_as_type_timestamp_and_data(receiver: Receiver, subscribe: Subscribe, tell: Tell) -> None:
    subscribe(receiver)
    with time_machine.travel("2026-11-21T08:00:00.9Z", tick=False):
        tell(name="Größe 😀")
    work()
    (came,) = receiver.came
    assert json.loads(came.body) == {
        "type": "inbox.created",
        "timestamp": "2026-11-21T08:00:00Z",
        "data": {"id": "1", "name": "Größe 😀"},
    }
    assert (came.path, came.headers["content-type"]) == ("/hook", "application/json")


@pytest.mark.parametrize("client", [Webhook, svix.webhooks.Webhook], ids=["standardwebhooks", "svix"])
def test_the_public_clients_verify_what_came(
    client: type[Webhook] | type[svix.webhooks.Webhook], receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    made = subscribe(receiver)
    fresh = rotate_secret(endpoint=made.endpoint, actor="tests", now=timezone.now()).secret
    tell(name="Größe")
    work()
    (came,) = receiver.came
    for secret in (made.secret, fresh):
        client(secret).verify(came.body, came.headers)
        for body, headers in (
            (came.body + " ", came.headers),
            (came.body, came.headers | {"webhook-id": "msg_other"}),
            (came.body, came.headers | {"webhook-timestamp": "1700000000"}),
        ):
            with pytest.raises(WebhookVerificationError):
                client(secret).verify(body, headers)


def test_the_attempt_is_listed_with_the_first_kilobyte_of_the_answer(
    receiver: Receiver, subscribe: Subscribe, tell: Tell
) -> None:
    subscribe(receiver)
    receiver.answer(200, body=b"x\x00\xff" + b"y" * 5000)
    (delivery,) = tell()
    work()
    delivery.refresh_from_db()
    (attempt,) = delivery.attempts.all()
    assert (delivery.status, delivery.next_attempt_at, attempt.status_code, attempt.error) == (
        "succeeded",
        None,
        200,
        "",
    )
    assert attempt.response == "x\ufffd\ufffd" + "y" * 1021
