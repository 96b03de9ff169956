"""DNS hosts: the page where an organization lets us write its records at Route 53 or Cloudflare."""

from __future__ import annotations

import json
from collections.abc import Mapping

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import Refusal
from accounts.permissions import ORGANIZATION_MANAGE
from dashboard.access import MemberRequest, member_page, render_page
from dashboard.forms import refuse
from domains.host_credentials import (
    PERMISSION_POLICY,
    Connected,
    access_host,
    connect_role,
    connect_token,
    connected_hosts,
    disconnect_host,
    find_opening,
    opening_for_role,
    trust_policy,
    try_host,
)

NAMED_ZONES = 3
PLAIN_TEXT = {"class": "input", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class LabelledForm(forms.Form):
    label = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("To tell it from others, such as “main account”."),
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
    )


class TokenForm(LabelledForm):
    prefix = "cloudflare"
    token = forms.CharField(
        label=gettext_lazy("API token"),
        max_length=300,
        help_text=gettext_lazy("Tried at once, kept encrypted, and never shown again."),
        # What was typed is not given back, also not beside an error.
        widget=forms.PasswordInput(attrs={**PLAIN_TEXT, "autocomplete": "new-password"}),
    )
    field_order = ("token", "label")


class RoleForm(LabelledForm):
    prefix = "route53"
    role_arn = forms.CharField(
        label=gettext_lazy("ARN of the role"),
        max_length=300,
        widget=forms.TextInput(attrs={**PLAIN_TEXT, "placeholder": "arn:aws:iam::123456789012:role/postern-dns"}),
    )
    field_order = ("role_arn", "label")


@require_safe
@member_page(ORGANIZATION_MANAGE)
def host_list(request: MemberRequest) -> HttpResponseBase:
    return _show(request)


@require_POST
@member_page(ORGANIZATION_MANAGE)
def begin_role(request: MemberRequest) -> HttpResponseBase:
    """Give out the ExternalId that the customer's role is to demand."""
    opening_for_role(organization=request.organization, now=timezone.now())
    return redirect("dashboard:dns_hosts")


@require_POST
@member_page(ORGANIZATION_MANAGE)
def add_role(request: MemberRequest) -> HttpResponseBase:
    # The page shows the form, and what is wrong with it, below the ExternalId.
    opening_for_role(organization=request.organization, now=timezone.now())
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            connected = connect_role(
                organization=request.organization, **form.cleaned_data, actor=request.user.email, now=timezone.now()
            )
        except Refusal as refusal:
            refuse(form, refusal, refusal.field)
        else:
            return _tell(request, connected)
    return _show(request, {"role_form": form}, status=422)


@require_POST
@member_page(ORGANIZATION_MANAGE)
def add_token(request: MemberRequest) -> HttpResponseBase:
    form = TokenForm(request.POST)
    if form.is_valid():
        try:
            connected = connect_token(
                organization=request.organization, **form.cleaned_data, actor=request.user.email, now=timezone.now()
            )
        except Refusal as refusal:
            refuse(form, refusal, refusal.field)
        else:
            return _tell(request, connected)
    return _show(request, {"token_form": form}, status=422)


@require_POST
@member_page(ORGANIZATION_MANAGE)
def try_again(request: MemberRequest, public_id: str) -> HttpResponseBase:
    credential = access_host(organization=request.organization, public_id=public_id)
    try:
        return _tell(request, try_host(credential=credential, now=timezone.now()))
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return redirect("dashboard:dns_hosts")


@require_POST
@member_page(ORGANIZATION_MANAGE)
def remove(request: MemberRequest, public_id: str) -> HttpResponseBase:
    credential = access_host(organization=request.organization, public_id=public_id)
    disconnect_host(credential=credential, actor=request.user.email, now=timezone.now())
    messages.success(request, _("We no longer write there. The records that we wrote stay as they are."))
    return redirect("dashboard:dns_hosts")


def _tell(request: MemberRequest, connected: Connected) -> HttpResponse:
    messages.success(
        request,
        _("%(host)s lets us in. %(zones)s")
        % {"host": connected.credential.get_host_display(), "zones": zones_in_words(connected.zones)},
    )
    return redirect("dashboard:dns_hosts")


def zones_in_words(zones: tuple[str, ...]) -> str:
    """How many zones there are, and the names of the first."""
    if not zones:
        return _("There is no public zone yet.")
    named = ", ".join(zones[:NAMED_ZONES]) + (", …" if len(zones) > NAMED_ZONES else "")
    counted = ngettext("It has %(count)s zone: %(names)s.", "It has %(count)s zones: %(names)s.", len(zones))
    return (counted % {"count": len(zones), "names": named}).replace("….", "…")


def _show(request: MemberRequest, extra: Mapping[str, object] | None = None, *, status: int = 200) -> HttpResponse:
    opening = find_opening(organization=request.organization)
    context: dict[str, object] = {
        "hosts": connected_hosts(organization=request.organization),
        "opening": opening,
        "trust_policy": json.dumps(trust_policy(credential=opening), indent=2) if opening else "",
        "permission_policy": json.dumps(PERMISSION_POLICY, indent=2),
        "role_form": RoleForm(),
        "token_form": TokenForm(),
    }
    return render_page(request, "dashboard/dns_hosts.html", context | dict(extra or {}), status=status)
