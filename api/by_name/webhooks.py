"""Webhooks with this contract's own body and event names; signed as all of ours are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request

from accounts.permissions import WEBHOOK_CREATE, WEBHOOK_DELETE, WEBHOOK_VIEW
from api.authentication import LIMITED_TO_ONE_DOMAIN
from api.by_name.manners import ABSENT, ByNameView, InvalidValue, InvalidValues, both_ids
from api.envelopes import Kind, Problem
from api.schemas import by_name_access as schemas
from api.timestamps import milliseconds
from webhooks.endpoints import (
    EndpointNotFound,
    InvalidUrl,
    UnknownEventType,
    create_endpoint,
    delete_endpoint,
    valid_types,
    valid_url,
)
from webhooks.models import DeliveryAttempt, WebhookEndpoint
from webhooks.trial import send_test

MOST_ATTEMPTS = 10
# What the original writes down for an attempt that nobody answered.
NO_ANSWER = 500


class WebhookList(ByNameView):
    permissions = {"GET": WEBHOOK_VIEW, "POST": WEBHOOK_CREATE}
    operations = {"GET": schemas.LIST_WEBHOOKS, "POST": schemas.CREATE_WEBHOOK}

    def get(self, request: Request) -> HttpResponse:
        rows = self.caller.webhooks().select_related("organization").order_by("-created_at", "-pk")
        return self.answer(200, [webhook_body(endpoint) for endpoint in rows])

    def post(self, request: Request) -> HttpResponse:
        body = self.body
        if self.caller.only_domain:
            raise Problem(Kind.FORBIDDEN, LIMITED_TO_ONE_DOMAIN)
        url, events = self._url_and_events(body)
        made = create_endpoint(
            organization=self.caller.organization,
            url=url,
            events=events,
            style=WebhookEndpoint.Style.BY_NAME,
            actor=self.caller.actor,
            now=self.caller.now,
        )
        return self.answer(201, webhook_body(made.endpoint) | {"secret": made.secret})

    def _url_and_events(self, body: Mapping[str, Any]) -> tuple[object, object]:
        """Both as the verb takes them; raises InvalidValues, which names each that is wrong."""
        url, events = body.get("url"), body.get("events")
        url = url.strip() if isinstance(url, str) else url
        # Without any the verb would take all; here they must be named.
        events = [] if events is None else events
        wrong = []
        for look in (partial(valid_url, url), partial(valid_types, events, style=WebhookEndpoint.Style.BY_NAME)):
            try:
                look()
            except (InvalidUrl, UnknownEventType) as refusal:
                wrong.append(InvalidValue(refusal.field, body.get(refusal.field, ABSENT), refusal.message))
        if wrong:
            raise InvalidValues(wrong)
        return url, events


class WebhookDetail(ByNameView):
    permissions = {"GET": WEBHOOK_VIEW, "DELETE": WEBHOOK_DELETE}
    operations = {"GET": schemas.READ_WEBHOOK, "DELETE": schemas.DELETE_WEBHOOK}

    def get(self, request: Request, webhook_id: str) -> HttpResponse:
        return self.answer(200, webhook_body(self.caller.access_webhook(webhook_id)))

    def delete(self, request: Request, webhook_id: str) -> HttpResponse:
        endpoint = self.caller.access_webhook(webhook_id)
        body = webhook_body(endpoint)
        if not delete_endpoint(endpoint=endpoint, actor=self.caller.actor, now=self.caller.now):
            raise EndpointNotFound
        return self.answer(200, body)


class WebhookTest(ByNameView):
    permissions = {"POST": WEBHOOK_CREATE}
    operations = {"POST": schemas.TEST_WEBHOOK}

    def post(self, request: Request, webhook_id: str) -> HttpResponse:
        endpoint = self.caller.access_webhook(webhook_id)
        _ = self.body
        send_test(endpoint=endpoint, now=self.caller.now)
        # It has been sent; how that ended is among the attempts.
        return self.answer(200, {"success": True})


class WebhookAttempts(ByNameView):
    permissions = {"GET": WEBHOOK_VIEW}
    operations = {"GET": schemas.LIST_ATTEMPTS}

    def get(self, request: Request, webhook_id: str) -> HttpResponse:
        endpoint = self.caller.access_webhook(webhook_id)
        rows = DeliveryAttempt.objects.filter(delivery__endpoint=endpoint).select_related("delivery")
        last = rows.order_by("-at", "-pk")[:MOST_ATTEMPTS]
        return self.answer(200, [attempt_body(attempt, endpoint) for attempt in last])


def webhook_body(endpoint: WebhookEndpoint) -> dict[str, object]:
    return {
        **both_ids(endpoint.public_id),
        "organizationId": endpoint.organization.public_id,
        "url": endpoint.url,
        "events": endpoint.events,
        "createdAt": milliseconds(endpoint.created_at),
        "updatedAt": milliseconds(endpoint.updated_at),
    }


def attempt_body(attempt: DeliveryAttempt, endpoint: WebhookEndpoint) -> dict[str, object]:
    payload: dict[str, Any] = json.loads(attempt.delivery.body)
    named = {name: payload.get(name) for name in ("inboxId", "messageId")}
    return {
        **both_ids(str(attempt.pk)),
        "webhookId": endpoint.public_id,
        "organizationId": endpoint.organization.public_id,
        **{name: id for name, id in named.items() if id},
        "timestamp": milliseconds(attempt.at),
        "payload": payload,
        "status": attempt.status_code or NO_ANSWER,
        "error": attempt.error or None,
        "response": read_response(attempt.response),
        "createdAt": milliseconds(attempt.at),
        "updatedAt": milliseconds(attempt.at),
    }


def read_response(text: str) -> object:
    """The answer as JSON where it is some and was kept whole, else as text."""
    if not text:
        return None
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


def _no_constant(word: str) -> object:
    raise ValueError(word)


urlpatterns = [
    path("v1/webhooks", WebhookList.as_view()),
    path("v1/webhooks/<str:webhook_id>", WebhookDetail.as_view()),
    path("v1/webhooks/<str:webhook_id>/test", WebhookTest.as_view()),
    path("v1/webhooks/<str:webhook_id>/attempts", WebhookAttempts.as_view()),
]
