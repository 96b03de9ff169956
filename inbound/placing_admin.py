"""Staff's action on nobody's mail: ask for the address that it shall go to, then place it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.admin import ModelAdmin

from accounts.errors import Refusal
from accounts.staff import staff_actor
from inbound import placing
from inbound.models import InboundMessage


@admin.action(description="Place (nobody's mail)", permissions=["operate"])
def place_mail(page: ModelAdmin, request: HttpRequest, chosen: QuerySet[InboundMessage]) -> HttpResponse | None:
    """One mail at a time: each has an address of its own to go to."""
    mails = list(chosen[:2])
    if len(mails) != 1:
        messages.error(request, "Choose one mail: each is placed at an address of its own.")
        return None
    (message,) = mails
    if message.organization_id is not None:
        messages.error(request, placing.NotForStaff.default_message)
        return None
    address, problem = request.POST.get("address", "").replace("\x00", "").strip(), ""
    is_kept = request.POST.get("is_kept") == "yes"
    if request.POST.get("confirmed") == "yes":
        try:
            placed = placing.place_mail(
                message=message,
                address=address,
                actor=staff_actor(request),
                now=timezone.now(),
                is_kept=is_kept,
            )
        except Refusal as refusal:
            problem = refusal.message
        else:
            if placed.disposition == InboundMessage.Disposition.HELD:
                held = "its domain is suspended, so it is held until that is resumed, for 30 days at most."
                messages.warning(request, f"Placed at {address} for {placed.organization}: {held}")
            else:
                messages.success(request, f"Placed at {address}: {placed.organization} has it now.")
            return None
    context = {
        **admin.site.each_context(request),
        "title": "Place nobody's mail",
        "mail": message,
        "address": address,
        "is_kept": is_kept,
        "problem": problem,
        "opts": page.opts,
        "action_name": "place_mail",
        "checkbox_name": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/place_mail.html", context)
