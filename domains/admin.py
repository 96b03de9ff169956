"""Staff pages of the core: claims, their records and their history."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.errors import Refusal
from accounts.staff import LookOnlyAdmin, LookOnlyInline, column, staff_actor
from domains import claims_admin, drift_admin, provisioning_admin, publishing_admin  # noqa: F401 - register their pages
from domains.changes import resume_domain, suspend_domain
from domains.models import DnsRecord, Domain, DomainEvent
from domains.verification import check_now

# A check asks SES and DNS while staff wait; more than this would outlast the web server's patience.
MOST_CHECKED_AT_ONCE = 5

STATUS_COLOURS = {"pending": "warning", "active": "success", "failed": "danger", "suspended": "info"}
HEALTH_COLOURS = {"healthy": "success", "suspect": "warning", "degraded": "warning", "broken": "danger"}
VERDICT_COLOURS = {"ok": "success", "missing": "warning", "wrong": "danger", "conflict": "danger", "unknown": "info"}


class DnsRecordInline(LookOnlyInline):
    model = DnsRecord
    fields = (
        "generation",
        "purpose",
        "type",
        "name",
        "value",
        "is_required",
        "verdict",
        "code",
        "other_findings",
        "checked_at",
    )
    ordering = ("-generation", "position")

    @admin.display(description="also")
    def other_findings(self, record: DnsRecord) -> str:
        return " ".join(f"{code}: {sentence}" for code, sentence in record.other_findings)


class DomainEventInline(LookOnlyInline):
    model = DomainEvent
    fields = ("at", "type", "actor", "before", "after", "reason")
    ordering = ("-at", "-id")


@admin.register(Domain)
class DomainAdmin(LookOnlyAdmin):
    """A claim ends through `channels.removal` alone, which takes SES down with it: so nothing is deleted here."""

    list_display = (
        "name",
        "organization",
        "status_chip",
        "health_chip",
        "reason",
        "region",
        "proved_at",
        "checked_at",
        "next_check_at",
    )
    list_filter = (
        "status",
        "health",
        "reason",
        "region",
        "is_contested",
        "is_receiving",
        ("proved_at", admin.EmptyFieldListFilter),
        ("removed_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("organization",)
    search_fields = ("name", "public_id", "uuid", "organization__name", "organization__public_id")
    date_hierarchy = "created_at"
    inlines = (DnsRecordInline, DomainEventInline)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "organization",
                    "region",
                    "status",
                    "reason",
                    "status_before_suspension",
                    "removed_at",
                )
            },
        ),
        ("Proof", {"fields": ("is_contested", "claim_token", "proved_at", "verified_at", "claim_started_at")}),
        (
            "Amazon SES",
            {"fields": ("verification_status", "dkim_status", "mail_from_status", "identity_is_ours", "generation")},
        ),
        ("Health", {"fields": ("health", "health_changed_at")}),
        (
            "Checks",
            {
                "fields": (
                    "checked_at",
                    "dns_checked_at",
                    "next_check_at",
                    "checks_in_a_row",
                    "leased_until",
                    "zone",
                    "name_servers",
                )
            },
        ),
        (
            "Options and counts",
            {
                "fields": (
                    "is_default",
                    "is_receiving",
                    "is_sending",
                    "is_dmarc_wanted",
                    "dmarc_value",
                    "spf_mode",
                    "spf_value",
                    "mail_from_label",
                    "sent_count",
                    "received_count",
                    "public_id",
                    "uuid",
                    "created_at",
                )
            },
        ),
    )
    actions = ("check_now", "suspend", "resume")

    @column("status", ordering="status", colours=STATUS_COLOURS)
    def status_chip(self, domain: Domain) -> str:
        return domain.status

    @column("health", ordering="health", colours=HEALTH_COLOURS)
    def health_chip(self, domain: Domain) -> str:
        return domain.health

    @admin.action(description="Check now", permissions=["operate"])
    def check_now(self, request: HttpRequest, domains: QuerySet[Domain]) -> None:
        if domains.count() > MOST_CHECKED_AT_ONCE:
            messages.error(request, f"Choose at most {MOST_CHECKED_AT_ONCE} domains: each is asked for while you wait.")
            return
        for domain in domains.filter(removed_at__isnull=True).select_related("organization"):
            try:
                fresh = check_now(domain=domain, actor=staff_actor(request), now=timezone.now())
            except Refusal as refusal:
                messages.error(request, f"{domain.name}: {refusal.message}")
            else:
                messages.success(request, f"{fresh.name}: {fresh.get_status_display()}. {fresh.get_reason_display()}")

    @admin.action(description="Suspend", permissions=["operate"])
    def suspend(self, request: HttpRequest, domains: QuerySet[Domain]) -> None:
        for domain in domains.filter(removed_at__isnull=True):
            suspend_domain(domain=domain, actor=staff_actor(request), now=timezone.now(), by_staff=True)
            messages.success(request, f"{domain.name} is suspended.")

    @admin.action(description="Resume", permissions=["operate"])
    def resume(self, request: HttpRequest, domains: QuerySet[Domain]) -> None:
        for domain in domains.filter(removed_at__isnull=True):
            try:
                fresh = resume_domain(domain=domain, actor=staff_actor(request), now=timezone.now(), by_staff=True)
            except Refusal as refusal:
                messages.error(request, f"{domain.name}: {refusal.message}")
            else:
                messages.success(request, f"{fresh.name}: {fresh.get_status_display()}.")


@admin.register(DomainEvent)
class DomainEventAdmin(LookOnlyAdmin):
    list_display = ("at", "domain", "type", "actor", "before", "after", "reason")
    list_filter = ("type",)
    list_select_related = ("domain",)
    search_fields = ("domain__name", "domain__public_id", "public_id", "actor")
    date_hierarchy = "at"


@admin.register(DnsRecord)
class DnsRecordAdmin(LookOnlyAdmin):
    list_display = ("name", "type", "purpose", "domain", "verdict_chip", "code", "is_required", "checked_at")
    list_filter = ("purpose", "verdict", "code", "is_required")
    list_select_related = ("domain",)
    search_fields = ("name", "value", "domain__name", "domain__public_id")
    date_hierarchy = "checked_at"

    @column("verdict", ordering="verdict", colours=VERDICT_COLOURS)
    def verdict_chip(self, record: DnsRecord) -> str:
        return record.verdict or "not checked"
