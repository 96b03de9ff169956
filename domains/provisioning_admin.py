"""Staff pages of what is wanted in AWS, and of the installation's own parts there."""

from __future__ import annotations

from django.contrib import admin

from accounts.staff import LookOnlyAdmin, column
from domains.models import AwsIntent, Installation, SesTenant


@admin.register(AwsIntent)
class AwsIntentAdmin(LookOnlyAdmin):
    list_display = ("kind", "name", "region", "desired", "state", "attempts", "next_attempt_at", "last_error_line")
    list_filter = ("kind", "desired", "region", ("confirmed_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "reason", "last_error")
    date_hierarchy = "created_at"

    @column("state", colours={"confirmed": "success", "waiting": "warning", "failing": "danger"})
    def state(self, intent: AwsIntent) -> str:
        if intent.confirmed_at:
            return "confirmed"
        return "failing" if intent.last_error else "waiting"

    @column("last error")
    def last_error_line(self, intent: AwsIntent) -> str:
        return intent.last_error[:80]


@admin.register(SesTenant)
class SesTenantAdmin(LookOnlyAdmin):
    list_display = ("tenant_name", "organization", "domain", "region", "state", "is_associated", "created_at")
    list_filter = (
        "region",
        "is_associated",
        ("made_at", admin.EmptyFieldListFilter),
        ("leaving_at", admin.EmptyFieldListFilter),
        ("removed_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("organization", "domain")
    search_fields = ("tenant_name", "domain__name", "domain__public_id", "organization__name")
    date_hierarchy = "created_at"

    @column("state", colours={"made": "success", "not made": "warning", "leaving": "warning", "gone": "danger"})
    def state(self, tenant: SesTenant) -> str:
        if tenant.removed_at:
            return "gone"
        if tenant.leaving_at:
            return "leaving"
        return "made" if tenant.made_at else "not made"


@admin.register(Installation)
class InstallationAdmin(LookOnlyAdmin):
    list_display = ("region", "account_id", "bucket", "rule_set_name", "set_up_at", "confirmed_at")
    list_filter = (("confirmed_at", admin.EmptyFieldListFilter),)
    search_fields = ("region", "account_id", "bucket", "topic_arn")
