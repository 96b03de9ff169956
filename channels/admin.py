"""Staff pages of channels and inboxes, and the removal of a domain, which belongs above the domains."""

from __future__ import annotations

from typing import cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.admin import ModelAdmin

from accounts.errors import Refusal
from accounts.staff import LookOnlyAdmin, column, staff_actor
from channels.models import Channel, EmailAccount, SesSetup, UseCase
from channels.removal import remove_domain
from domains.models import Domain


@admin.register(Channel)
class ChannelAdmin(LookOnlyAdmin):
    list_display = ("name", "organization", "domain", "is_connected", "receiving_active_at", "created_at")
    list_filter = ("is_connected", ("receiving_active_at", admin.EmptyFieldListFilter))
    list_select_related = ("organization", "domain")
    search_fields = ("name", "domain__public_id", "organization__name", "organization__public_id")
    date_hierarchy = "created_at"


@admin.register(EmailAccount)
class EmailAccountAdmin(LookOnlyAdmin):
    list_display = ("email", "organization", "state", "can_receive", "can_send", "created_at")
    list_filter = ("is_active", "can_receive", "can_send", ("removed_at", admin.EmptyFieldListFilter))
    list_select_related = ("organization",)
    search_fields = ("email", "public_id", "organization__name", "organization__public_id")
    date_hierarchy = "created_at"

    @column("state", colours={"active": "success", "inactive": "warning", "deleted": "danger"})
    def state(self, inbox: EmailAccount) -> str:
        if inbox.removed_at:
            return "deleted"
        return "active" if inbox.is_active else "inactive"


@admin.register(SesSetup)
class SesSetupAdmin(LookOnlyAdmin):
    list_display = ("tenant", "domain", "organization", "state", "created_at")
    list_filter = (("deletion_began_at", admin.EmptyFieldListFilter), ("removed_at", admin.EmptyFieldListFilter))
    list_select_related = ("tenant", "domain", "organization")
    search_fields = ("tenant__tenant_name", "domain__name", "domain__uuid", "organization__name")
    date_hierarchy = "created_at"

    @column("state", colours={"set up": "success", "being deleted": "warning", "deleted": "danger"})
    def state(self, setup: SesSetup) -> str:
        if setup.removed_at:
            return "deleted"
        return "being deleted" if setup.deletion_began_at else "set up"


@admin.register(UseCase)
class UseCaseAdmin(LookOnlyAdmin):
    list_display = ("entity_name", "name", "inbox", "setup", "email_type", "created_at")
    list_filter = ("email_type", ("inbox__removed_at", admin.EmptyFieldListFilter))
    list_select_related = ("inbox", "setup__tenant")
    search_fields = ("entity_name", "name", "uuid", "inbox__email", "inbox__organization__name")
    date_hierarchy = "created_at"


@admin.action(description="Remove (after a question)", permissions=["operate"])
def remove_domains(page: ModelAdmin, request: HttpRequest, domains: QuerySet[Domain]) -> HttpResponse | None:
    """End the chosen claims once staff have confirmed on a page of its own; domains with inboxes are refused."""
    chosen = domains.filter(removed_at__isnull=True).select_related("organization")
    if request.POST.get("confirmed") != "yes":
        context = {
            **admin.site.each_context(request),
            "title": "Remove domains",
            "domains": chosen,
            "opts": page.opts,
            "action_name": "remove_domains",
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/remove_domains.html", context)
    for domain in chosen:
        try:
            remove_domain(domain=domain, actor=staff_actor(request), now=timezone.now())
        except Refusal as refusal:
            messages.error(request, f"{domain.name}: {refusal.message}")
        else:
            messages.success(request, f"{domain.name} is removed.")
    return None


_domain_page = cast("ModelAdmin", admin.site.get_model_admin(Domain))
_domain_page.actions = (*(_domain_page.actions or ()), remove_domains)
