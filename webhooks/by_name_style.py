"""The body of endpoints of the other style: which inbox, which message, and the thing itself in that style (pure).

The things have `_id` and `id`, times in milliseconds, addresses as plain text, and leave out what there is not. A test
is told as a received message with nothing in it, since this style has no event of its own for that.
"""

from __future__ import annotations

from collections.abc import Mapping

TEST = "webhook.test"


def by_name_body(event: Mapping[str, object]) -> dict[str, object]:
    """`{"event", "inboxId", "messageId", "payload"}` of an event `{"type", "timestamp", "data"}`."""
    type_ = str(event["type"])
    if type_ == TEST:
        return {"event": "message.received", "inboxId": None, "messageId": None, "payload": {"test": "test"}}
    data = event["data"]
    told = dict(data) if isinstance(data, Mapping) else {}
    kind, _, what = type_.partition(".")
    is_about_inbox = kind == "inbox"
    return {
        "event": type_,
        "inboxId": told.get("id" if is_about_inbox else "inboxId"),
        "messageId": None if is_about_inbox else told.get("id"),
        "payload": _present(_inbox(told) if is_about_inbox else _message(told, status=what)),
    }


def _inbox(told: Mapping[str, object]) -> dict[str, object]:
    at = _milliseconds(told.get("createdAt"))
    return {
        "_id": told.get("id"),
        "id": told.get("id"),
        "domainId": told.get("domainId"),
        "name": told.get("name") or None,
        "email": told.get("email"),
        "createdAt": at,
        "updatedAt": at,
    }


def _message(told: Mapping[str, object], *, status: str) -> dict[str, object]:
    """`status` is the second word of the event: received, delivered, bounced, complained."""
    sender = told.get("from")
    at = _milliseconds(told.get("receivedAt"))
    # What else is told of it, such as the recipients that bounced and the address of the whole message, stays.
    rest = {name: value for name, value in told.items() if name not in ("id", "from", "recipients", "receivedAt")}
    return rest | {
        "_id": told.get("id"),
        "id": told.get("id"),
        "toInboxId": told.get("inboxId") if status == "received" else None,
        "from": sender.get("email") if isinstance(sender, Mapping) else sender,
        "to": told.get("recipients"),
        "status": status,
        "createdAt": at,
        "updatedAt": at,
    }


def _milliseconds(text: object) -> str | None:
    """`2024-01-10T08:00:00Z` as `2024-01-10T08:00:00.000Z`."""
    return text.removesuffix("Z") + ".000Z" if isinstance(text, str) and "." not in text else None


def _present(thing: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in thing.items() if value is not None}
