"""Staff pages of whose name it is and was: tokens, the ledger, tenures, challenges and tombstones."""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.errors import Refusal
from accounts.staff import LookOnlyAdmin, column, staff_actor
from domains.challenges import find_incumbent, staff_decides
from domains.models import Challenge, IssuedToken, NameLedger, Tenure, Tombstone


@admin.register(IssuedToken)
class IssuedTokenAdmin(LookOnlyAdmin):
    list_display = ("name", "kind", "organization", "region", "generation", "issued_at")
    list_filter = ("kind", "region")
    list_select_related = ("organization",)
    search_fields = ("name", "token", "organization__name")
    date_hierarchy = "issued_at"


@admin.register(NameLedger)
class NameLedgerAdmin(LookOnlyAdmin):
    list_display = ("name", "organization", "first_claimed_at", "last_claimed_at")
    list_filter = ("last_claimed_at",)
    list_select_related = ("organization",)
    search_fields = ("name", "organization__name", "organization__public_id")
    date_hierarchy = "first_claimed_at"


@admin.register(Tenure)
class TenureAdmin(LookOnlyAdmin):
    list_display = ("name", "organization", "from_at", "to_at")
    list_filter = (("to_at", admin.EmptyFieldListFilter),)
    list_select_related = ("organization",)
    search_fields = ("name", "organization__name", "organization__public_id")
    date_hierarchy = "from_at"


@admin.register(Challenge)
class ChallengeAdmin(LookOnlyAdmin):
    list_display = (
        "name",
        "organization",
        "holder",
        "status_chip",
        "token_seen_at",
        "incumbent_absent_since",
        "notices_sent",
        "created_at",
    )
    list_filter = ("status", ("token_seen_at", admin.EmptyFieldListFilter))
    list_select_related = ("organization",)
    search_fields = ("name", "public_id", "organization__name")
    date_hierarchy = "created_at"
    actions = ("move", "refuse")

    @column(
        "status",
        ordering="status",
        colours={"open": "warning", "won": "success", "lost": "danger", "withdrawn": "info"},
    )
    def status_chip(self, challenge: Challenge) -> str:
        return challenge.status

    @column("held by")
    def holder(self, challenge: Challenge) -> str:
        incumbent = find_incumbent(name=challenge.name)
        return incumbent.organization.name if incumbent else "nobody"

    @admin.action(description="Move the name to the challenger (after a question)", permissions=["operate"])
    def move(self, request: HttpRequest, challenges: QuerySet[Challenge]) -> HttpResponse | None:
        return self._decide(request, challenges, moves=True)

    @admin.action(description="Refuse the challenge (after a question)", permissions=["operate"])
    def refuse(self, request: HttpRequest, challenges: QuerySet[Challenge]) -> HttpResponse | None:
        return self._decide(request, challenges, moves=False)

    def _decide(self, request: HttpRequest, challenges: QuerySet[Challenge], *, moves: bool) -> HttpResponse | None:
        """Decide once staff have confirmed on a page that says who loses and who gains what."""
        chosen = challenges.filter(status=Challenge.Status.OPEN).select_related("organization")
        if request.POST.get("confirmed") != "yes":
            context = {
                **self.admin_site.each_context(request),
                "title": "Move names" if moves else "Refuse challenges",
                "challenges": [(challenge, self.holder(challenge)) for challenge in chosen],
                "moves": moves,
                "opts": self.opts,
                "action_name": "move" if moves else "refuse",
                "checkbox_name": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "admin/decide_challenges.html", context)
        for challenge in chosen:
            try:
                staff_decides(challenge=challenge, moves=moves, actor=staff_actor(request), now=timezone.now())
            except Refusal as refusal:
                messages.error(request, f"{challenge.name}: {refusal.message}")
            else:
                done = f"belongs to {challenge.organization} now" if moves else "stays where it is"
                messages.success(request, f"{challenge.name} {done}.")
        return None


@admin.register(Tombstone)
class TombstoneAdmin(LookOnlyAdmin):
    list_display = (
        "name",
        "organization",
        "removed_at",
        "watched_until",
        "looked_at",
        "next_look_at",
        "mx_last_seen_at",
        "told_at",
    )
    list_filter = ("region", ("mx_last_seen_at", admin.EmptyFieldListFilter))
    list_select_related = ("organization",)
    search_fields = ("name", "organization__name", "organization__public_id")
    date_hierarchy = "removed_at"
