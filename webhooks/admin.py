"""Staff pages of the outbox: endpoints without their secrets, deliveries without what they tell."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.staff import LookOnlyAdmin, LookOnlyInline, column, staff_actor
from webhooks.endpoints import disable_endpoint, enable_endpoint
from webhooks.models import DeliveryAttempt, WebhookDelivery, WebhookEndpoint
from webhooks.replay import EndpointDisabled, replay_delivery


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(LookOnlyAdmin):
    list_display = (
        "url",
        "organization",
        "status_chip",
        "reason",
        "style",
        "last_success_at",
        "failing_since",
        "created_at",
    )
    list_filter = (
        "status",
        "disabled_reason",
        "style",
        ("failing_since", admin.EmptyFieldListFilter),
        ("listening_until", admin.EmptyFieldListFilter),
    )
    list_select_related = ("organization",)
    search_fields = ("url", "public_id", "organization__name", "organization__public_id")
    date_hierarchy = "created_at"
    exclude = ("secret_encrypted", "previous_secret_encrypted")
    actions = ("enable", "disable")

    @column("status", ordering="status", colours={"enabled": "success", "disabled": "danger"})
    def status_chip(self, endpoint: WebhookEndpoint) -> str:
        return endpoint.status

    @column("disabled because", ordering="disabled_reason")
    def reason(self, endpoint: WebhookEndpoint) -> str:
        return endpoint.get_disabled_reason_display()

    @admin.action(description="Enable", permissions=["operate"])
    def enable(self, request: HttpRequest, endpoints: QuerySet[WebhookEndpoint]) -> None:
        now, actor = timezone.now(), staff_actor(request)
        count = sum(enable_endpoint(endpoint=each, actor=actor, now=now, by_staff=True) for each in endpoints)
        messages.success(request, f"{count} webhooks enabled.")

    @admin.action(description="Disable", permissions=["operate"])
    def disable(self, request: HttpRequest, endpoints: QuerySet[WebhookEndpoint]) -> None:
        now, actor, reason = timezone.now(), staff_actor(request), WebhookEndpoint.Reason.BY_STAFF
        count = sum(disable_endpoint(endpoint=each, reason=reason, actor=actor, now=now) for each in endpoints)
        messages.success(request, f"{count} webhooks disabled.")


class AttemptInline(LookOnlyInline):
    model = DeliveryAttempt
    fields = ("at", "status_code", "error", "duration_ms", "response")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(LookOnlyAdmin):
    """What staff need to see why something did not arrive; what was told is the customer's own business."""

    list_display = ("created_at", "type", "event_id", "endpoint", "status_chip", "tries", "next_attempt_at", "ended_at")
    list_filter = ("status", "type")
    list_select_related = ("endpoint",)
    search_fields = (
        "public_id",
        "event_id",
        "endpoint__url",
        "endpoint__public_id",
        "endpoint__organization__name",
        "endpoint__organization__public_id",
    )
    date_hierarchy = "created_at"
    exclude = ("body",)
    inlines = (AttemptInline,)
    actions = ("replay",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        rows: QuerySet[WebhookDelivery] = super().get_queryset(request)
        return rows.defer("body")

    @column(
        "status",
        ordering="status",
        colours={"pending": "info", "succeeded": "success", "failed": "warning", "exhausted": "danger"},
    )
    def status_chip(self, delivery: WebhookDelivery) -> str:
        return delivery.status

    @admin.action(description="Replay", permissions=["operate"])
    def replay(self, request: HttpRequest, deliveries: QuerySet[WebhookDelivery]) -> None:
        now, actor = timezone.now(), staff_actor(request)
        count, refused = 0, 0
        for delivery in deliveries.select_related("endpoint"):
            try:
                replay_delivery(delivery=delivery, actor=actor, now=now)
                count += 1
            except EndpointDisabled:
                refused += 1
        messages.success(request, f"{count} deliveries are sent again.")
        if refused:
            messages.warning(request, f"{refused} are of disabled webhooks: enable those first.")


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(LookOnlyAdmin):
    list_display = ("at", "delivery", "status_code", "error", "duration_ms")
    list_filter = ("status_code",)
    list_select_related = ("delivery",)
    search_fields = ("delivery__public_id", "delivery__event_id", "delivery__endpoint__url", "error")
    date_hierarchy = "at"
