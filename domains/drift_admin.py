"""The staff page of what was right once and is not now."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.errors import Refusal
from accounts.staff import LookOnlyAdmin, column, staff_actor
from domains import drift
from domains.drift_telling import count_of
from domains.models import Drift

STATE_COLOURS = {
    "lost": "danger",
    "warned": "warning",
    "missed": "warning",
    "known": "info",
    "muted": "info",
    "right": "success",
}


@admin.register(Drift)
class DriftAdmin(LookOnlyAdmin):
    list_display = ("domain", "purpose", "type", "name", "state", "misses", "missed_since", "drifted_at")
    list_filter = (
        "purpose",
        "code",
        ("drifted_at", admin.EmptyFieldListFilter),
        ("acknowledged_at", admin.EmptyFieldListFilter),
        ("muted_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("domain",)
    search_fields = ("public_id", "name", "code", "domain__name", "domain__public_id")
    date_hierarchy = "missed_since"
    actions = ("mute", "unmute")

    @column("state", colours=STATE_COLOURS)
    def state(self, row: Drift) -> str:
        if row.muted_at:
            return "muted"
        if not row.misses:
            return "right"
        if row.acknowledged_at:
            return "known"
        if row.drifted_at:
            return "lost"
        return "warned" if count_of(row).is_warned else "missed"

    @admin.action(description="Mute: no notices about it", permissions=["operate"])
    def mute(self, request: HttpRequest, rows: QuerySet[Drift]) -> None:
        for row in rows.select_related("domain__organization"):
            try:
                drift.mute(drift=row, actor=staff_actor(request), now=timezone.now())
            except Refusal as refusal:
                messages.error(request, f"{row.domain}: {refusal.message}")
            else:
                messages.success(request, f"{row.domain}: {row} is muted.")

    @admin.action(description="Unmute", permissions=["operate"])
    def unmute(self, request: HttpRequest, rows: QuerySet[Drift]) -> None:
        for row in rows.select_related("domain__organization"):
            drift.unmute(drift=row, actor=staff_actor(request), now=timezone.now())
            messages.success(request, f"{row.domain}: {row} is watched again.")
