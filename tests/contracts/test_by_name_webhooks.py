"""Contract `domains_by_name`: webhooks - its own bodies and event names, tests and the last attempts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization
from domains.models import Domain
from tests.contracts.conftest import Api
from tests.webhooks.conftest import Receiver, make_receiver, receiver  # noqa: F401  (fixtures)
from webhooks.models import WebhookEndpoint
from webhooks.outbox import deliver_due

pytestmark = pytest.mark.django_db(transaction=True)

WEBHOOKS = "/v1/webhooks"
URL = "https://hooks.acme.example/in"


def said(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def make(api: Api, url: str = URL, *events: str) -> dict[str, Any]:
    answer = api.post(WEBHOOKS, {"url": url, "events": list(events) or ["message.received"]})
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_a_made_webhook_is_the_whole_object_with_its_secret(api: Api, acme: Organization) -> None:
    body = make(api, f"  {URL} ", "message.received", "inbox.created")
    row = WebhookEndpoint.objects.get()
    assert body["_id"] == body["id"] == row.public_id
    assert (body["organizationId"], body["url"]) == (acme.public_id, URL)
    assert set(body["events"]) == {"message.received", "inbox.created"}
    assert body["secret"].startswith("whsec_")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["createdAt"])
    assert row.style == "by_name"


def test_the_secret_is_shown_once(api: Api) -> None:
    body = make(api)
    assert api.get(f"{WEBHOOKS}/{body['id']}").json() == {
        name: value for name, value in body.items() if name != "secret"
    }


@pytest.mark.parametrize(
    "event",
    [
        "inbox.created",
        "inbox.deleted",
        "inbox.updated",
        "message.sent",
        "message.received",
        "message.delivered",
        "message.bounced",
        "message.complained",
        "message.rejected",
    ],
)
def test_every_event_of_the_contract_can_be_subscribed_to(api: Api, event: str) -> None:
    assert make(api, URL, event)["events"] == [event]


@pytest.mark.parametrize(
    ("field", "value"),
    [("url", value) for value in ("nothing", "", None, 5, "ftp://a.example/", "http://10.0.0.1/")]
    + [("events", value) for value in ([], None, "message.received", ["domain.created"], [5])],
)
def test_a_bad_field_is_named_with_its_value(api: Api, field: str, value: object) -> None:
    answer = api.post(WEBHOOKS, {"url": URL, "events": ["message.received"], field: value})
    assert answer.status_code == 400
    assert (answer.json()["errors"][0]["path"], answer.json()["errors"][0]["value"]) == (field, value)
    assert not WebhookEndpoint.objects.exists()


def test_two_bad_fields_are_both_named(api: Api) -> None:
    answer = api.post(WEBHOOKS, {"url": "http://10.0.0.1/x", "events": ["bogus"]})
    assert (answer.status_code, [each["path"] for each in answer.json()["errors"]]) == (400, ["url", "events"])
    assert answer.json()["message"] == answer.json()["errors"][0]["msg"]


@pytest.mark.parametrize("field", ["url", "events"])
def test_a_missing_field_is_named(api: Api, field: str) -> None:
    whole = {"url": URL, "events": ["message.received"]}
    answer = api.post(WEBHOOKS, {name: value for name, value in whole.items() if name != field})
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, field)
    assert "value" not in answer.json()["errors"][0]


def test_a_list_is_a_bare_array_the_newest_first(api: Api, stranger: Api) -> None:
    first, second = make(api), make(api)
    assert [each["_id"] for each in api.get(WEBHOOKS).json()] == [second["id"], first["id"]]
    assert stranger.get(WEBHOOKS).json() == []


def test_delete_answers_the_webhook_and_removes_it(api: Api) -> None:
    body = make(api)
    answer = api.delete(f"{WEBHOOKS}/{body['id']}")
    assert (answer.status_code, answer.json()["_id"]) == (200, body["_id"])
    assert said(api.get(f"{WEBHOOKS}/{body['id']}")) == (404, "webhook_not_found")


@pytest.mark.parametrize("tail", ["", "/test", "/attempts"])
@pytest.mark.parametrize("id", ["whk_AAAAAAAAAAAAAAAAAAAAA", "bad", "%00"])
def test_what_is_not_ones_own_is_not_found(api: Api, id: str, tail: str) -> None:
    answer = api.post(f"{WEBHOOKS}/{id}/test", {}) if tail == "/test" else api.get(f"{WEBHOOKS}/{id}{tail}")
    assert said(answer) == (404, "webhook_not_found")


def test_a_test_is_sent_now_and_listed(api: Api, receiver: Receiver) -> None:  # noqa: F811
    receiver.answer(200, body=b'{"received": true}')
    body = make(api, receiver.url)
    answer = api.post(f"{WEBHOOKS}/{body['id']}/test", {})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    sent = {"event": "message.received", "inboxId": None, "messageId": None, "payload": {"test": "test"}}
    assert json.loads(receiver.came[0].body) == sent
    (attempt,) = api.get(f"{WEBHOOKS}/{body['id']}/attempts").json()
    assert attempt["_id"] == attempt["id"]
    assert (attempt["webhookId"], attempt["organizationId"]) == (body["id"], body["organizationId"])
    assert (attempt["status"], attempt["error"], attempt["response"]) == (200, None, {"received": True})
    assert attempt["payload"] == sent


def test_a_refused_test_is_listed_as_it_was_answered(api: Api, receiver: Receiver) -> None:  # noqa: F811
    receiver.answer(503, body=b"busy")
    body = make(api, receiver.url)
    assert api.post(f"{WEBHOOKS}/{body['id']}/test", {}).json() == {"success": True}
    (attempt,) = api.get(f"{WEBHOOKS}/{body['id']}/attempts").json()
    assert (attempt["status"], attempt["response"]) == (503, "busy")
    assert attempt["error"]


def test_the_last_ten_attempts_are_listed_the_newest_first(api: Api, receiver: Receiver) -> None:  # noqa: F811
    receiver.answer(*range(200, 212))
    body = make(api, receiver.url)
    for _ in range(12):
        api.post(f"{WEBHOOKS}/{body['id']}/test", {})
    listed = api.get(f"{WEBHOOKS}/{body['id']}/attempts").json()
    assert [each["status"] for each in listed] == list(range(211, 201, -1))


def test_a_new_inbox_is_told_in_the_contracts_body(
    api: Api,
    acme: Organization,
    make_domain: Callable[..., Domain],
    receiver: Receiver,  # noqa: F811
) -> None:
    make_domain(acme, "acme.example", status="active", dkim_status="SUCCESS")
    body = make(api, receiver.url, "inbox.created")
    inbox = api.post("/v1/inboxes", {"email": "info@acme.example"}).json()
    deliver_due(now=timezone.now())
    told = json.loads(receiver.came[0].body)
    assert (told["event"], told["inboxId"], told["messageId"]) == ("inbox.created", inbox["_id"], None)
    assert (told["payload"]["_id"], told["payload"]["email"]) == (inbox["_id"], "info@acme.example")
    (attempt,) = api.get(f"{WEBHOOKS}/{body['id']}/attempts").json()
    assert attempt["inboxId"] == inbox["_id"]
    assert "messageId" not in attempt


@pytest.mark.parametrize(
    ("scope", "method", "tail"),
    [
        ("Webhook.create", "GET", ""),
        ("Webhook.view", "POST", ""),
        ("Webhook.view", "DELETE", "/whk_x"),
        ("Webhook.view", "POST", "/whk_x/test"),
        ("Webhook.create", "GET", "/whk_x/attempts"),
    ],
)
def test_a_key_without_the_permission_is_forbidden(
    key_with: Callable[..., Api], scope: str, method: str, tail: str
) -> None:
    assert said(key_with(scopes=[scope]).send(method, WEBHOOKS + tail, {})) == (403, "forbidden")


def test_a_key_of_one_domain_has_nothing_to_do_with_webhooks(key_with: Callable[..., Api], api: Api) -> None:
    body = make(api)
    limited = key_with(domain_name="acme.example")
    assert limited.get(WEBHOOKS).json() == []
    assert said(limited.get(f"{WEBHOOKS}/{body['id']}")) == (404, "webhook_not_found")
    assert said(limited.post(WEBHOOKS, {"url": URL, "events": ["message.received"]})) == (403, "forbidden")
