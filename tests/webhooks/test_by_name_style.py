"""The other style's body: pure, from the events as they are told."""

from __future__ import annotations

from typing import Any

from webhooks.by_name_style import by_name_body

RECEIVED = {
    "id": "msg_1",
    "from": {"name": "Sam", "email": "sam@elsewhere.example"},
    "recipients": ["info@acme.example"],
    "subject": "Hello",
    "receivedAt": "2026-11-21T08:00:00Z",
    "inboxId": "inb_1",
    "threadId": None,
    "url": "https://mail.example.com/api/email/messages/msg_1",
}


def told(type: str, data: Any) -> dict[str, object]:
    return by_name_body({"type": type, "timestamp": "2026-11-21T08:00:01Z", "data": data})


def test_a_received_message_is_named_with_its_inbox() -> None:
    body = told("message.received", RECEIVED)
    assert {**body, "payload": None} == {
        "event": "message.received",
        "inboxId": "inb_1",
        "messageId": "msg_1",
        "payload": None,
    }


def test_a_message_has_both_ids_plain_addresses_and_milliseconds() -> None:
    assert told("message.received", RECEIVED)["payload"] == {
        "_id": "msg_1",
        "id": "msg_1",
        "inboxId": "inb_1",
        "toInboxId": "inb_1",
        "from": "sam@elsewhere.example",
        "to": ["info@acme.example"],
        "subject": "Hello",
        "status": "received",
        "url": RECEIVED["url"],
        "createdAt": "2026-11-21T08:00:00.000Z",
        "updatedAt": "2026-11-21T08:00:00.000Z",
    }


def test_the_status_is_the_events_second_word() -> None:
    payload = told("message.bounced", {"id": "msg_2", "reason": "550"})["payload"]
    assert payload == {"_id": "msg_2", "id": "msg_2", "reason": "550", "status": "bounced"}


def test_an_inbox_without_a_name_has_none() -> None:
    data = {"id": "inb_1", "email": "a@b.example", "domainId": "dom_1", "name": "", "createdAt": "2026-11-21T08:00:00Z"}
    body = told("inbox.created", data)
    assert (body["inboxId"], body["messageId"]) == ("inb_1", None)
    assert "name" not in body["payload"]  # type: ignore[operator]


def test_a_test_is_a_received_message_with_nothing_in_it() -> None:
    assert told("webhook.test", {"webhookId": "whk_1"}) == {
        "event": "message.received",
        "inboxId": None,
        "messageId": None,
        "payload": {"test": "test"},
    }
