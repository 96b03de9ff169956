"""The home API's webhooks: endpoints, secrets, tests, deliveries and replays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.models import Organization
from tests.contracts.conftest import Api
from tests.webhooks.conftest import Receiver, make_receiver, receiver
from webhooks.events import CATALOGUE, emit
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.outbox import deliver_due

__all__ = ["make_receiver", "receiver"]  # fixtures
pytestmark = pytest.mark.django_db

WEBHOOKS = "/api/email/webhooks"
URL = "https://hooks.example.com/postern"
ENDPOINT_KEYS = ["id", "url", "events", "status", "disabledReason", "createdAt", "lastSuccessAt"]
UNKNOWN = "whk_" + "x" * 21


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def make(api: Api) -> Callable[..., dict[str, Any]]:
    def one(**fields: Any) -> dict[str, Any]:
        answer = api.post(WEBHOOKS, {"url": URL, **fields})
        assert answer.status_code == 201, answer.content
        made: dict[str, Any] = answer.json()
        return made

    return one


@pytest.fixture
def delivered(acme: Organization, make: Callable[..., dict[str, Any]], receiver: Receiver) -> dict[str, Any]:
    """An endpoint that was told of one inbox and answered 200."""
    receiver.answer(200, body=b"thanks")
    made = make(url=receiver.url)
    emit(organization=acme, type="inbox.created", key="1", data=lambda: {"id": "inb_1"}, now=timezone.now())
    deliver_due(now=timezone.now())
    return made


Make = Callable[..., dict[str, Any]]


def test_an_endpoint_is_made_with_its_secret(api: Api) -> None:
    answer = api.post(WEBHOOKS, {"url": URL, "events": ["message.received"]})
    made = answer.json()
    assert (answer.status_code, list(made)) == (201, [*ENDPOINT_KEYS, "secret"])
    assert made["id"].startswith("whk_")
    assert made["secret"].startswith("whsec_")
    assert (made["url"], made["events"], made["status"]) == (URL, ["message.received"], "enabled")
    assert (made["disabledReason"], made["lastSuccessAt"]) == (None, None)
    assert datetime.strptime(made["createdAt"], "%Y-%m-%dT%H:%M:%SZ")


def test_the_secret_is_in_no_other_answer(api: Api, make: Make) -> None:
    made = make()
    for answer in (api.get(WEBHOOKS), api.get(f"{WEBHOOKS}/{made['id']}")):
        assert b"whsec_" not in answer.content
    assert list(api.get(f"{WEBHOOKS}/{made['id']}").json()) == ENDPOINT_KEYS


def test_without_events_all_are_wanted(make: Make) -> None:
    assert make()["events"] == list(CATALOGUE)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": None}, "url"),
        ({"url": 7}, "url"),
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"url": "https://user:pw@example.com/"}, "url"),
        ({"url": URL, "events": []}, "events"),
        ({"url": URL, "events": None}, "events"),
        ({"url": URL, "events": ["no.such"]}, "events"),
        ({"url": URL, "events": "message.received"}, "events"),
    ],
)
def test_a_bad_body_names_its_field(body: dict[str, Any], field: str, api: Api) -> None:
    answer = api.post(WEBHOOKS, body)
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    assert answer.json()["error"]["details"] == {"field": field}
    assert field in answer.json()["error"]["message"]


def test_the_list_is_newest_first_and_pages_by_cursor(api: Api, make: Make) -> None:
    made = [make()["id"] for _ in range(3)]
    first = api.get(f"{WEBHOOKS}?limit=2").json()
    second = api.get(f"{WEBHOOKS}?limit=2&cursor={first['nextCursor']}").json()
    assert [each["id"] for each in first["webhooks"] + second["webhooks"]] == made[::-1]
    assert second["nextCursor"] is None


def test_a_change_is_answered_with_the_endpoint(api: Api, make: Make) -> None:
    path = f"{WEBHOOKS}/{make()['id']}"
    answer = api.patch(path, {"url": "https://other.example.com/", "events": ["inbox.created"], "status": "disabled"})
    body = answer.json()
    assert (answer.status_code, body["url"], body["events"]) == (200, "https://other.example.com/", ["inbox.created"])
    assert (body["status"], body["disabledReason"]) == ("disabled", "by_owner")
    again = api.patch(path, {"status": "enabled"}).json()
    assert (again["status"], again["disabledReason"]) == ("enabled", None)


@pytest.mark.parametrize(
    "body", [{}, {"name": "x"}, {"status": "gone"}, {"status": None}, {"status": []}, {"url": None}, {"events": None}]
)
def test_a_change_that_says_nothing_that_can_be_done_is_refused(body: dict[str, Any], api: Api, make: Make) -> None:
    assert code_of(api.patch(f"{WEBHOOKS}/{make()['id']}", body)) == (400, "VALIDATION_ERROR")


def test_what_staff_have_switched_off_only_staff_may_switch_on(api: Api, make: Make) -> None:
    path = f"{WEBHOOKS}/{make()['id']}"
    WebhookEndpoint.objects.update(status="disabled", disabled_reason="by_staff")
    assert code_of(api.patch(path, {"status": "enabled"})) == (403, "FORBIDDEN")
    assert api.get(path).json()["status"] == "disabled"


def test_a_new_secret_is_answered_once_and_is_another(api: Api, make: Make) -> None:
    made = make()
    answer = api.post(f"{WEBHOOKS}/{made['id']}/rotate-secret")
    assert (answer.status_code, list(answer.json())) == (200, [*ENDPOINT_KEYS, "secret"])
    assert answer.json()["secret"] not in ("", made["secret"])


def test_a_deleted_endpoint_is_gone(api: Api, make: Make) -> None:
    path = f"{WEBHOOKS}/{make()['id']}"
    answer = api.delete(path)
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert code_of(api.delete(path)) == (404, "WEBHOOK_NOT_FOUND")


def test_a_test_event_is_sent_at_once_and_signed(api: Api, make: Make, receiver: Receiver) -> None:
    made = make(url=receiver.url)
    answer = api.post(f"{WEBHOOKS}/{made['id']}/test")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "statusCode": 204, "error": None})
    (came,) = receiver.came
    assert Webhook(made["secret"]).verify(came.body, came.headers)["type"] == "webhook.test"


def test_a_test_that_fails_says_why(api: Api, make: Make, receiver: Receiver) -> None:
    made = make(url=receiver.url)
    receiver.answer(503)
    failed = api.post(f"{WEBHOOKS}/{made['id']}/test")
    assert (failed.status_code, failed.json()) == (
        200,
        {"success": False, "statusCode": 503, "error": "answered 503"},
    )
    api.patch(f"{WEBHOOKS}/{made['id']}", {"url": "http://127.0.0.1:1/"})
    unreachable = api.post(f"{WEBHOOKS}/{made['id']}/test").json()
    assert unreachable == {"success": False, "statusCode": None, "error": "the connection was refused"}


def test_a_delivery_lists_every_attempt(api: Api, delivered: dict[str, Any], receiver: Receiver) -> None:
    answer = api.get(f"{WEBHOOKS}/{delivered['id']}/deliveries")
    (delivery,) = answer.json()["deliveries"]
    (attempt,) = delivery["attempts"]
    assert list(delivery) == ["id", "eventId", "type", "status", "nextAttemptAt", "attempts"]
    assert delivery["id"].startswith("dlv_")
    assert delivery["eventId"] == receiver.came[0].headers["webhook-id"]
    assert (delivery["type"], delivery["status"], delivery["nextAttemptAt"]) == ("inbox.created", "succeeded", None)
    assert list(attempt) == ["at", "statusCode", "error", "durationMs", "response"]
    assert (attempt["statusCode"], attempt["error"], attempt["response"]) == (200, None, "thanks")
    assert api.get(f"{WEBHOOKS}/{delivered['id']}").json()["lastSuccessAt"] is not None


def test_deliveries_are_filtered_by_status_and_paged(api: Api, acme: Organization, delivered: dict[str, Any]) -> None:
    for key in ("2", "3"):
        emit(organization=acme, type="inbox.created", key=key, data=dict, now=timezone.now())
    path = f"{WEBHOOKS}/{delivered['id']}/deliveries"
    first = api.get(f"{path}?status=pending&limit=1").json()
    second = api.get(f"{path}?status=pending&limit=1&cursor={first['nextCursor']}").json()
    assert len({page["deliveries"][0]["id"] for page in (first, second)}) == 2
    assert second["nextCursor"] is None
    assert code_of(api.get(f"{path}?status=lost")) == (400, "VALIDATION_ERROR")
    assert code_of(api.get(f"{path}?cursor=forged")) == (400, "VALIDATION_ERROR")


def test_nothing_is_due_while_the_endpoint_is_disabled(api: Api, acme: Organization, delivered: dict[str, Any]) -> None:
    emit(organization=acme, type="inbox.created", key="2", data=dict, now=timezone.now())
    api.patch(f"{WEBHOOKS}/{delivered['id']}", {"status": "disabled"})
    (waiting,) = api.get(f"{WEBHOOKS}/{delivered['id']}/deliveries?status=pending").json()["deliveries"]
    assert waiting["nextAttemptAt"] is None


def test_a_replay_of_one_is_accepted_and_made_with_the_same_id(
    api: Api, delivered: dict[str, Any], receiver: Receiver
) -> None:
    delivery = WebhookDelivery.objects.get()
    answer = api.post(f"/api/email/deliveries/{delivery.public_id}/replay")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    deliver_due(now=timezone.now())
    assert len({came.headers["webhook-id"] for came in receiver.came}) == 1
    assert len(receiver.came) == 2


def test_a_replay_for_a_disabled_endpoint_is_a_conflict(api: Api, delivered: dict[str, Any]) -> None:
    api.patch(f"{WEBHOOKS}/{delivered['id']}", {"status": "disabled"})
    delivery = WebhookDelivery.objects.get()
    assert code_of(api.post(f"/api/email/deliveries/{delivery.public_id}/replay")) == (409, "WEBHOOK_DISABLED")


def test_a_window_is_counted_and_then_queued(api: Api, delivered: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    window = {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=1)).isoformat()}
    path = f"{WEBHOOKS}/{delivered['id']}/replay"
    dry = api.post(path, {**window, "dryRun": True})
    assert (dry.status_code, dry.json()) == (200, {"count": 1})
    assert WebhookDelivery.objects.get().status == "succeeded"
    assert api.post(path, window).json() == {"count": 1}
    assert WebhookDelivery.objects.get().status == "pending"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"from": None}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-21T08:00:00"}, "from"),
        ({"from": 5}, "from"),
        ({"to": "2026-99-99T00:00:00Z"}, "to"),
        ({"to": "2026-01-01T00:00:00Z"}, "to"),
        ({"types": ["no.such"]}, "types"),
        ({"dryRun": "yes"}, "dryRun"),
    ],
)
def test_a_bad_window_names_its_field(change: dict[str, Any], field: str, api: Api, make: Make) -> None:
    body = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "dryRun": True, **change}
    answer = api.post(f"{WEBHOOKS}/{make()['id']}/replay", body)
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    assert answer.json()["error"]["details"] == {"field": field}


ROUTES = [
    ("GET", "/api/email/webhooks/{webhook}"),
    ("PATCH", "/api/email/webhooks/{webhook}"),
    ("DELETE", "/api/email/webhooks/{webhook}"),
    ("POST", "/api/email/webhooks/{webhook}/rotate-secret"),
    ("POST", "/api/email/webhooks/{webhook}/test"),
    ("GET", "/api/email/webhooks/{webhook}/deliveries"),
    ("POST", "/api/email/webhooks/{webhook}/replay"),
    ("POST", "/api/email/deliveries/{delivery}/replay"),
]


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_anothers_webhook_is_answered_as_one_that_does_not_exist(
    method: str, route: str, delivered: dict[str, Any], stranger: Api, receiver: Receiver
) -> None:
    own = {"webhook": delivered["id"], "delivery": WebhookDelivery.objects.get().public_id}
    random = {"webhook": UNKNOWN, "delivery": "dlv_" + "x" * 21}
    body = {} if method in ("POST", "PATCH") else None
    foreign, unknown = (stranger.send(method, route.format(**ids), body) for ids in (own, random))
    assert foreign.status_code == 404
    assert foreign.content == unknown.content
    assert len(receiver.came) == 1


@pytest.mark.parametrize(("method", "route"), [*ROUTES, ("POST", WEBHOOKS), ("GET", WEBHOOKS)])
def test_each_route_takes_its_permission(
    method: str, route: str, delivered: dict[str, Any], key_with: Callable[..., Api]
) -> None:
    path = route.format(webhook=delivered["id"], delivery=WebhookDelivery.objects.get().public_id)
    wanted = {"GET": "Webhook.view", "DELETE": "Webhook.delete"}.get(method, "Webhook.create")
    others = sorted({"Webhook.view", "Webhook.create", "Webhook.delete", "Channel.view"} - {wanted})
    body = {} if method in ("POST", "PATCH") else None
    assert code_of(key_with(scopes=others).send(method, path, body)) == (403, "FORBIDDEN")
    assert key_with(scopes=[wanted]).send(method, path, body).status_code != 403


def test_a_key_of_one_domain_sees_no_webhooks_which_hear_of_all(
    delivered: dict[str, Any], key_with: Callable[..., Api]
) -> None:
    limited = key_with(domain_name="acme.example")
    assert limited.get(WEBHOOKS).json() == {"webhooks": [], "nextCursor": None}
    assert code_of(limited.get(f"{WEBHOOKS}/{delivered['id']}")) == (404, "WEBHOOK_NOT_FOUND")
    assert code_of(limited.post(WEBHOOKS, {"url": URL})) == (403, "FORBIDDEN")
    delivery = WebhookDelivery.objects.get()
    assert code_of(limited.post(f"/api/email/deliveries/{delivery.public_id}/replay")) == (404, "DELIVERY_NOT_FOUND")
