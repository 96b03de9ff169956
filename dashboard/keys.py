"""API keys: the list, a new one whose secret is shown once, and revoking one."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.api_keys import issue_api_key, revoke_api_key
from accounts.errors import Refusal
from accounts.models import ApiKey
from accounts.permissions import ORGANIZATION_MANAGE, VIEW
from dashboard.access import MemberRequest, forbidden, member_page, render_page
from dashboard.forms import KEY_SCOPES, KeyForm, refuse
from domains.registration import visible_domains

WORDS_OF_SCOPES = dict(KEY_SCOPES)


@member_page(VIEW)
def key_list(request: MemberRequest) -> HttpResponseBase:
    if request.method == "POST":
        return _create(request)
    return _show(request, _form(request))


@require_POST
@member_page(ORGANIZATION_MANAGE)
def revoke(request: MemberRequest, key_id: int) -> HttpResponseBase:
    api_key = ApiKey.objects.select_related("organization").filter(organization=request.organization, pk=key_id).first()
    if api_key is None:
        raise Http404
    if revoke_api_key(api_key=api_key, now=timezone.now(), actor=request.user.email):
        messages.success(request, _("The key “%(name)s” has ended.") % {"name": api_key.name})
    return redirect("dashboard:keys")


def _create(request: MemberRequest) -> HttpResponse:
    if ORGANIZATION_MANAGE not in request.permissions:
        return forbidden(request)
    form = _form(request, request.POST)
    if not form.is_valid():
        return _show(request, form, status=422)
    now = timezone.now()
    days = form.cleaned_data["days"]
    try:
        issued = issue_api_key(
            organization=request.organization,
            name=form.cleaned_data["name"],
            now=now,
            scopes=form.cleaned_data["scopes"],
            domain_name=form.cleaned_data["domain_name"],
            expires_at=now + timedelta(days=int(days)) if days else None,
            created_by=request.user,
        )
    except Refusal as refusal:
        refuse(form, refusal, refusal.field)
        return _show(request, form, status=422)
    # Shown in the answer to the POST and kept nowhere: a redirect would have to store the secret to show it.
    return _show(request, _form(request), issued=issued)


def _form(request: MemberRequest, typed: object = None) -> KeyForm:
    names = visible_domains(organization=request.organization).order_by("name").values_list("name", flat=True)
    return KeyForm(typed, domain_names=list(names))


def _show(request: MemberRequest, form: KeyForm, *, issued: object = None, status: int = 200) -> HttpResponse:
    now = timezone.now()
    keys = [
        (key, key.is_live(now), [WORDS_OF_SCOPES.get(scope, scope) for scope in key.scopes])
        for key in request.organization.api_keys.order_by("-created_at", "-id")
    ]
    return render_page(request, "dashboard/keys.html", {"keys": keys, "form": form, "issued": issued}, status=status)
