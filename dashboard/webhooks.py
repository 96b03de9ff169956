"""Webhooks: an organization's endpoints, what each was told, and telling it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import Refusal
from accounts.permissions import WEBHOOK_CREATE, WEBHOOK_DELETE, WEBHOOK_VIEW
from dashboard.access import MemberRequest, asked, forbidden, member_page, render_page
from dashboard.chips import Chip, delivery_chip, endpoint_chip
from dashboard.forms import refuse
from dashboard.webhook_forms import EndpointForm, ReplayForm
from webhooks.endpoints import (
    access_delivery,
    access_endpoint,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    rotate_secret,
    visible_endpoints,
)
from webhooks.events import types_for
from webhooks.models import DeliveryAttempt, WebhookDelivery, WebhookEndpoint
from webhooks.replay import replay_delivery, replay_window
from webhooks.trial import send_test

PAGE_SIZE = 30
OPEN = (WebhookDelivery.Status.PENDING, WebhookDelivery.Status.FAILED)


@dataclass(frozen=True)
class Row:
    """A delivery as the log shows it; `may_replay` once nothing more is under way for it."""

    delivery: WebhookDelivery
    chip: Chip
    attempts: tuple[DeliveryAttempt, ...]
    may_replay: bool


@member_page(WEBHOOK_VIEW)
def endpoint_list(request: MemberRequest) -> HttpResponseBase:
    if request.method != "POST":
        return _show_list(request, EndpointForm())
    if WEBHOOK_CREATE not in request.permissions:
        return forbidden(request)
    form = EndpointForm(request.POST)
    if form.is_valid():
        try:
            made = create_endpoint(
                organization=request.organization,
                url=form.cleaned_data["url"],
                events=form.cleaned_data["events"] or None,
                actor=request.user.email,
                now=timezone.now(),
            )
        except Refusal as refusal:
            refuse(form, refusal, refusal.field)
        else:
            # In the answer to the POST, and kept nowhere that could show it again.
            return _show(request, made.endpoint, secret=made.secret)
    return _show_list(request, form, status=422)


def _show_list(request: MemberRequest, form: EndpointForm, *, status: int = 200) -> HttpResponse:
    endpoints = visible_endpoints(organization=request.organization).order_by("-created_at", "-pk")
    rows = [(endpoint, endpoint_chip(endpoint)) for endpoint in endpoints]
    return render_page(request, "dashboard/webhooks.html", {"rows": rows, "form": form, **_may(request)}, status=status)


def _may(request: MemberRequest) -> dict[str, bool]:
    return {
        "may_set_up": WEBHOOK_CREATE in request.permissions,
        "may_delete_webhooks": WEBHOOK_DELETE in request.permissions,
    }


@require_safe
@member_page(WEBHOOK_VIEW)
def endpoint_page(request: MemberRequest, public_id: str) -> HttpResponseBase:
    return _show(request, access_endpoint(organization=request.organization, public_id=public_id))


@require_safe
@member_page(WEBHOOK_VIEW)
def deliveries(request: MemberRequest, public_id: str) -> HttpResponseBase:
    """The log alone, for the page that waits for the next attempt."""
    endpoint = access_endpoint(organization=request.organization, public_id=public_id)
    return render_page(request, "dashboard/_deliveries.html", _log(request, endpoint))


def _show(
    request: MemberRequest,
    endpoint: WebhookEndpoint,
    *,
    form: EndpointForm | None = None,
    replay_form: ReplayForm | None = None,
    replay_count: int | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    chosen = {"url": endpoint.url, "events": endpoint.events}
    context = {
        **_log(request, endpoint),
        "chip": endpoint_chip(endpoint),
        "form": form or EndpointForm(initial=chosen, style=endpoint.style),
        "replay_form": replay_form or ReplayForm(),
        "replay_count": replay_count,
        "secret": secret,
    }
    return render_page(request, "dashboard/webhook.html", context, status=status)


def _log(request: MemberRequest, endpoint: WebhookEndpoint) -> dict[str, object]:
    wanted = asked(request, "status")
    rows = WebhookDelivery.objects.filter(endpoint=endpoint)
    if wanted in WebhookDelivery.Status.values:
        rows = rows.filter(status=wanted)
    after = asked(request, "after")
    if after.isdecimal() and len(after) < 19:
        rows = rows.filter(pk__lt=int(after))
    in_order = Prefetch("attempts", queryset=DeliveryAttempt.objects.order_by("at", "pk"))
    page = list(rows.order_by("-pk").prefetch_related(in_order)[: PAGE_SIZE + 1])
    shown = [_row(each, endpoint) for each in page[:PAGE_SIZE]]
    return {
        "endpoint": endpoint,
        "log": shown,
        "after": page[PAGE_SIZE - 1].pk if len(page) > PAGE_SIZE else None,
        "wanted": wanted,
        "statuses": WebhookDelivery.Status.choices,
        "is_waiting": endpoint.is_enabled and not after and any(row.delivery.status in OPEN for row in shown),
        **_may(request),
    }


def _row(delivery: WebhookDelivery, endpoint: WebhookEndpoint) -> Row:
    may_replay = endpoint.is_enabled and delivery.status != WebhookDelivery.Status.PENDING
    return Row(delivery, delivery_chip(delivery), tuple(delivery.attempts.all()), may_replay)


@require_POST
@member_page(WEBHOOK_CREATE)
def change(request: MemberRequest, public_id: str) -> HttpResponseBase:
    endpoint = access_endpoint(organization=request.organization, public_id=public_id)
    form = EndpointForm(request.POST, style=endpoint.style)
    if form.is_valid():
        try:
            change_endpoint(
                endpoint=endpoint,
                url=form.cleaned_data["url"],
                events=form.cleaned_data["events"] or list(types_for(endpoint.style)),
                actor=request.user.email,
                now=timezone.now(),
            )
        except Refusal as refusal:
            refuse(form, refusal, refusal.field)
        else:
            messages.success(request, _("Saved."))
            return redirect("dashboard:webhook", public_id=public_id)
    return _show(request, endpoint, form=form, status=422)


@require_POST
@member_page(WEBHOOK_CREATE)
def switch(request: MemberRequest, public_id: str) -> HttpResponseBase:
    """On or off, as the button says."""
    endpoint = access_endpoint(organization=request.organization, public_id=public_id)
    try:
        change_endpoint(
            endpoint=endpoint,
            is_enabled=request.POST.get("switch") == "on",
            actor=request.user.email,
            now=timezone.now(),
        )
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return redirect("dashboard:webhook", public_id=public_id)


@require_POST
@member_page(WEBHOOK_CREATE)
def new_secret(request: MemberRequest, public_id: str) -> HttpResponseBase:
    endpoint = access_endpoint(organization=request.organization, public_id=public_id)
    made = rotate_secret(endpoint=endpoint, actor=request.user.email, now=timezone.now())
    return _show(request, made.endpoint, secret=made.secret)


@require_POST
@member_page(WEBHOOK_CREATE)
def test(request: MemberRequest, public_id: str) -> HttpResponseBase:
    endpoint = access_endpoint(organization=request.organization, public_id=public_id)
    try:
        tried = send_test(endpoint=endpoint, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        if tried.is_success:
            messages.success(request, _("It answered %(code)s: it works.") % {"code": tried.status_code})
        else:
            messages.error(request, _("The test failed: %(error)s.") % {"error": tried.error.rstrip(".")})
    return redirect("dashboard:webhook", public_id=public_id)


@require_POST
@member_page(WEBHOOK_CREATE)
def replay_one(request: MemberRequest, public_id: str) -> HttpResponseBase:
    delivery = access_delivery(organization=request.organization, public_id=public_id)
    try:
        replay_delivery(delivery=delivery, actor=request.user.email, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("It is sent again, with the same webhook-id."))
    return redirect("dashboard:webhook", public_id=delivery.endpoint.public_id)


@require_POST
@member_page(WEBHOOK_CREATE)
def replay_many(request: MemberRequest, public_id: str) -> HttpResponseBase:
    """First say how many that would be, then do it."""
    endpoint = access_endpoint(organization=request.organization, public_id=public_id)
    form = ReplayForm(request.POST)
    if not form.is_valid():
        return _show(request, endpoint, replay_form=form, status=422)
    now = timezone.now()
    is_confirmed = bool(form.cleaned_data["until"])
    until: datetime = form.cleaned_data["until"] or now
    try:
        count = replay_window(
            endpoint=endpoint,
            begins_at=until - timedelta(hours=int(form.cleaned_data["hours"])),
            ends_at=until,
            types=None,
            is_dry_run=not is_confirmed,
            actor=request.user.email,
            now=now,
        )
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return redirect("dashboard:webhook", public_id=public_id)
    if not is_confirmed:
        asked_for = ReplayForm(initial={"hours": form.cleaned_data["hours"], "until": until.isoformat()})
        return _show(request, endpoint, replay_form=asked_for, replay_count=count)
    words = ngettext("%(count)s event is sent again.", "%(count)s events are sent again, a few at a time.", count)
    messages.success(request, words % {"count": count})
    return redirect("dashboard:webhook", public_id=public_id)


@require_POST
@member_page(WEBHOOK_DELETE)
def delete(request: MemberRequest, public_id: str) -> HttpResponseBase:
    endpoint = access_endpoint(organization=request.organization, public_id=public_id)
    delete_endpoint(endpoint=endpoint, actor=request.user.email, now=timezone.now())
    messages.success(request, _("%(url)s is told nothing any more.") % {"url": endpoint.url})
    return redirect("dashboard:webhooks")
