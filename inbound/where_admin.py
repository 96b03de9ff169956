"""Staff's page "Where would it go?", for the names of every organization."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from accounts.errors import Refusal
from inbound.mime import ParsedMessage
from inbound.simulating import Forecast, forecast, read_pasted


def steps_list(steps: Iterable[Mapping[str, str]]) -> SafeString:
    """A trace as lines of words."""
    return format_html_join(
        "", "<p><strong>{}: {}</strong><br>{}</p>", ((each["step"], each["outcome"], each["detail"]) for each in steps)
    )


def where_page(page: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Ask for an envelope recipient and, if wanted, a raw mail; answer with the steps. Writes nothing."""
    address = request.POST.get("address", "").replace("\x00", "").strip()
    raw, problem = request.POST.get("raw", ""), ""
    found: Forecast | None = None
    parsed: ParsedMessage | None = None
    if request.method == "POST" and address:
        try:
            found = forecast(address=address, now=timezone.now())
            parsed = read_pasted(raw) if raw.strip() else None
        except Refusal as refusal:
            problem = refusal.message
    context = {
        **admin.site.each_context(request),
        "title": "Where would it go?",
        "address": address,
        "raw": raw,
        "found": found,
        "parsed": parsed,
        "problem": problem,
        "steps": steps_list([step.as_dict() for step in found.steps]) if found else "",
        "opts": page.opts,
    }
    return TemplateResponse(request, "admin/where_would_it_go.html", context)
