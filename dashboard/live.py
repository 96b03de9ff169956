"""The fragments that refresh themselves, and how often: the server says the next interval by rendering it."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.permissions import MESSAGE_VIEW, VIEW
from dashboard.access import MemberRequest, asked, member_page
from dashboard.domains import domain_context, live_row
from dashboard.messages import listing_of
from dashboard.pace import fingerprint, poll_seconds
from domains.facts import current_records
from domains.registration import DomainNotFound, access_domain


@require_safe
@member_page(VIEW)
def domain_fragment(request: MemberRequest, public_id: str) -> HttpResponseBase:
    """The live part of a domain's page: 204 while it shows what is known, so that nothing on it moves."""
    try:
        domain = access_domain(organization=request.organization, public_id=public_id)
    except DomainNotFound:
        return _reload()
    if request.GET.get("status") != domain.status:
        # More than the records changes with the status: buttons, inboxes, the danger zone.
        return _reload()
    seen = fingerprint(domain, current_records(domain), poll_seconds(domain, timezone.now()))
    if request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    context = domain_context(request, domain)
    return render(request, "dashboard/_domain_live.html", context | {"is_fragment": True})


@require_safe
@member_page(VIEW)
def domain_row(request: MemberRequest, public_id: str) -> HttpResponseBase:
    """One row of the list while its domain is in progress."""
    try:
        row = live_row(request, public_id)
    except DomainNotFound:
        return _reload()
    return render(request, "dashboard/_domain_row.html", {"row": row})


@require_safe
@member_page(MESSAGE_VIEW)
def new_messages(request: MemberRequest) -> HttpResponseBase:
    """How many messages came since the list was shown: said above it, so that the list does not jump."""
    listing = listing_of(request)
    count = listing.newer_than(asked(request, "newest")).count()
    if not count:
        return HttpResponse(status=204)
    return render(request, "dashboard/_new_messages.html", {"count": count, "listing": listing})


def _reload() -> HttpResponse:
    response = HttpResponse(status=204)
    response["HX-Refresh"] = "true"
    return response
