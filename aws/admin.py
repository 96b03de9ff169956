"""Staff may look at the pacer, nobody edits it."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from aws.models import CallBudget


@admin.register(CallBudget)
class CallBudgetAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("region", "next_slot_at", "updated_at")
    list_filter = ("updated_at",)
    search_fields = ("region",)
    readonly_fields = ("region", "next_slot_at", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: CallBudget | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CallBudget | None = None) -> bool:
        return False
