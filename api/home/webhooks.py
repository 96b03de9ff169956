"""The home API's webhooks: endpoints, their secrets, what was delivered to them, and sending it again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.urls import path
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request

from accounts.permissions import WEBHOOK_CREATE, WEBHOOK_DELETE, WEBHOOK_VIEW
from api.authentication import LIMITED_TO_ONE_DOMAIN
from api.envelopes import Kind, Problem
from api.home.manners import HomeView, boolean, invalid, one_of
from api.idempotency import once
from api.pagination import Position, limit_of, read_cursor, write_cursor
from api.schemas import home_webhooks as schemas
from api.timestamps import seconds, seconds_or_none
from webhooks.endpoints import NewSecret, change_endpoint, create_endpoint, delete_endpoint, rotate_secret
from webhooks.models import DeliveryAttempt, WebhookDelivery, WebhookEndpoint
from webhooks.replay import replay_delivery, replay_window
from webhooks.trial import send_test

STATUSES = tuple(status.value for status in WebhookEndpoint.Status)
DELIVERY_STATUSES = tuple(status.value for status in WebhookDelivery.Status)


class WebhookList(HomeView):
    permissions = {"GET": WEBHOOK_VIEW, "POST": WEBHOOK_CREATE}
    operations = {"GET": schemas.LIST_WEBHOOKS, "POST": schemas.CREATE_WEBHOOK}

    def get(self, request: Request) -> HttpResponse:
        limit = limit_of(self.query)
        list_name = f"webhooks:{self.caller.organization.pk}"
        after = read_cursor(self.query.get("cursor"), list_name=list_name)
        rows = self.caller.webhooks()
        if after is not None:
            rows = rows.filter(created_at__lte=after.at).exclude(created_at=after.at, pk__gte=after.pk)
        page = list(rows.order_by("-created_at", "-pk")[: limit + 1])
        has_more, page = len(page) > limit, page[:limit]
        cursor = write_cursor(Position(page[-1].created_at, page[-1].pk), list_name=list_name) if has_more else None
        return self.answer(200, {"webhooks": [endpoint_body(endpoint) for endpoint in page], "nextCursor": cursor})

    @once
    def post(self, request: Request) -> HttpResponse:
        body = self.body
        if self.caller.only_domain:
            raise Problem(Kind.FORBIDDEN, LIMITED_TO_ONE_DOMAIN)
        made = create_endpoint(
            organization=self.caller.organization,
            url=body.get("url"),
            events=given(body, "events"),
            actor=self.caller.actor,
            now=self.caller.now,
        )
        return self.answer(201, secret_body(made))


class WebhookDetail(HomeView):
    permissions = {"GET": WEBHOOK_VIEW, "PATCH": WEBHOOK_CREATE, "DELETE": WEBHOOK_DELETE}
    operations = {"GET": schemas.READ_WEBHOOK, "PATCH": schemas.CHANGE_WEBHOOK, "DELETE": schemas.DELETE_WEBHOOK}

    def get(self, request: Request, webhook_id: str) -> HttpResponse:
        return self.answer(200, endpoint_body(self.caller.access_webhook(webhook_id)))

    def patch(self, request: Request, webhook_id: str) -> HttpResponse:
        endpoint = self.caller.access_webhook(webhook_id)
        body = self.body
        if not {"url", "events", "status"} & body.keys():
            raise Problem(Kind.INVALID_FIELD, "one of url, events, status must be given")
        status = one_of(given(body, "status"), "status", STATUSES) if "status" in body else None
        endpoint = change_endpoint(
            endpoint=endpoint,
            url=given(body, "url"),
            events=given(body, "events"),
            is_enabled=None if status is None else status == WebhookEndpoint.Status.ENABLED,
            actor=self.caller.actor,
            now=self.caller.now,
        )
        return self.answer(200, endpoint_body(endpoint))

    def delete(self, request: Request, webhook_id: str) -> HttpResponse:
        endpoint = self.caller.access_webhook(webhook_id)
        delete_endpoint(endpoint=endpoint, actor=self.caller.actor, now=self.caller.now)
        return self.answer(
            200,
            {"success": True, "message": "Webhook removed successfully", "deletedAt": seconds(self.caller.now)},
        )


class WebhookSecret(HomeView):
    permissions = {"POST": WEBHOOK_CREATE}
    operations = {"POST": schemas.ROTATE_SECRET}

    @once
    def post(self, request: Request, webhook_id: str) -> HttpResponse:
        endpoint = self.caller.access_webhook(webhook_id)
        _ = self.body
        return self.answer(
            200, secret_body(rotate_secret(endpoint=endpoint, actor=self.caller.actor, now=self.caller.now))
        )


class WebhookTest(HomeView):
    permissions = {"POST": WEBHOOK_CREATE}
    operations = {"POST": schemas.TEST_WEBHOOK}

    def post(self, request: Request, webhook_id: str) -> HttpResponse:
        endpoint = self.caller.access_webhook(webhook_id)
        _ = self.body
        tried = send_test(endpoint=endpoint, now=self.caller.now)
        return self.answer(
            200, {"success": tried.is_success, "statusCode": tried.status_code, "error": tried.error or None}
        )


class WebhookDeliveries(HomeView):
    permissions = {"GET": WEBHOOK_VIEW}
    operations = {"GET": schemas.LIST_DELIVERIES}

    def get(self, request: Request, webhook_id: str) -> HttpResponse:
        endpoint = self.caller.access_webhook(webhook_id)
        limit = limit_of(self.query)
        list_name = f"deliveries:{endpoint.pk}"
        after = read_cursor(self.query.get("cursor"), list_name=list_name)
        rows = with_attempts(WebhookDelivery.objects.filter(endpoint=endpoint))
        if "status" in self.query:
            rows = rows.filter(status=one_of(self.query["status"], "status", DELIVERY_STATUSES))
        if after is not None:
            rows = rows.filter(created_at__lte=after.at).exclude(created_at=after.at, pk__gte=after.pk)
        page = list(rows.order_by("-created_at", "-pk")[: limit + 1])
        has_more, page = len(page) > limit, page[:limit]
        cursor = write_cursor(Position(page[-1].created_at, page[-1].pk), list_name=list_name) if has_more else None
        return self.answer(200, {"deliveries": [delivery_body(each) for each in page], "nextCursor": cursor})


class WebhookReplay(HomeView):
    permissions = {"POST": WEBHOOK_CREATE}
    operations = {"POST": schemas.REPLAY_WINDOW}

    def post(self, request: Request, webhook_id: str) -> HttpResponse:
        endpoint = self.caller.access_webhook(webhook_id)
        body = self.body
        count = replay_window(
            endpoint=endpoint,
            begins_at=moment(body, "from"),
            ends_at=moment(body, "to"),
            types=given(body, "types"),
            is_dry_run=boolean(body, "dryRun", default=False),
            actor=self.caller.actor,
            now=self.caller.now,
        )
        return self.answer(200, {"count": count})


class DeliveryReplay(HomeView):
    permissions = {"POST": WEBHOOK_CREATE}
    operations = {"POST": schemas.REPLAY_DELIVERY}

    def post(self, request: Request, delivery_id: str) -> HttpResponse:
        delivery = self.caller.access_delivery(delivery_id)
        _ = self.body
        return self.answer(
            202,
            delivery_body(replay_delivery(delivery=delivery, actor=self.caller.actor, now=self.caller.now)),
        )


def given(body: Mapping[str, Any], field: str) -> Any:
    """The field as the verb takes it, None when it is absent; raises Problem for an explicit null."""
    if field in body and body[field] is None:
        raise invalid(field, "must not be null")
    return body.get(field)


def moment(body: Mapping[str, Any], field: str) -> datetime:
    """A time with its offset; raises Problem."""
    text = body.get(field)
    try:
        parsed = parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise invalid(field, "must be a time such as 2026-01-31T12:00:00Z")
    return parsed


def with_attempts(rows: QuerySet[WebhookDelivery]) -> QuerySet[WebhookDelivery]:
    in_order = DeliveryAttempt.objects.order_by("at", "pk")
    return rows.select_related("endpoint").prefetch_related(Prefetch("attempts", queryset=in_order))


def endpoint_body(endpoint: WebhookEndpoint) -> dict[str, object]:
    return {
        "id": endpoint.public_id,
        "url": endpoint.url,
        "events": endpoint.events,
        "status": endpoint.status,
        "disabledReason": endpoint.disabled_reason or None,
        "createdAt": seconds(endpoint.created_at),
        "lastSuccessAt": seconds_or_none(endpoint.last_success_at),
    }


def secret_body(made: NewSecret) -> dict[str, object]:
    return endpoint_body(made.endpoint) | {"secret": made.secret}


def delivery_body(delivery: WebhookDelivery) -> dict[str, object]:
    return {
        "id": delivery.public_id,
        "eventId": delivery.event_id,
        "type": delivery.type,
        "status": delivery.status,
        # Nothing is attempted while the endpoint is disabled.
        "nextAttemptAt": seconds_or_none(delivery.next_attempt_at) if delivery.endpoint.is_enabled else None,
        "attempts": [attempt_body(attempt) for attempt in delivery.attempts.all()],
    }


def attempt_body(attempt: DeliveryAttempt) -> dict[str, object]:
    return {
        "at": seconds(attempt.at),
        "statusCode": attempt.status_code,
        "error": attempt.error or None,
        "durationMs": attempt.duration_ms,
        "response": attempt.response,
    }


urlpatterns = [
    path("api/email/webhooks", WebhookList.as_view()),
    path("api/email/webhooks/<str:webhook_id>", WebhookDetail.as_view()),
    path("api/email/webhooks/<str:webhook_id>/rotate-secret", WebhookSecret.as_view()),
    path("api/email/webhooks/<str:webhook_id>/test", WebhookTest.as_view()),
    path("api/email/webhooks/<str:webhook_id>/deliveries", WebhookDeliveries.as_view()),
    path("api/email/webhooks/<str:webhook_id>/replay", WebhookReplay.as_view()),
    path("api/email/deliveries/<str:delivery_id>/replay", DeliveryReplay.as_view()),
]
