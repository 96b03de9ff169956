"""Staff pages of what the API remembers: that a key was used, never what was answered."""

from __future__ import annotations

from django.contrib import admin

from accounts.staff import LookOnlyAdmin
from api.models import IdempotencyKey


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(LookOnlyAdmin):
    list_display = ("key", "api_key", "route", "status", "leased_until", "created_at")
    list_filter = ("status", ("leased_until", admin.EmptyFieldListFilter))
    list_select_related = ("api_key",)
    search_fields = ("key", "api_key__name", "api_key__prefix", "api_key__organization__name")
    date_hierarchy = "created_at"
    exclude = ("answer_encrypted", "body_hash")
