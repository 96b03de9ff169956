"""Inboxes of a domain: made and ended on the domain's page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.errors import Refusal
from accounts.permissions import CREATE, DELETE
from channels.inboxes import access_inbox, create_inbox, delete_inbox
from dashboard.access import MemberRequest, member_page
from dashboard.domains import show_domain
from dashboard.forms import InboxForm, refuse
from domains.registration import access_domain


@require_POST
@member_page(CREATE)
def create(request: MemberRequest, public_id: str) -> HttpResponseBase:
    domain = access_domain(organization=request.organization, public_id=public_id)
    form = InboxForm(request.POST)
    if form.is_valid():
        # Who types the whole address means its first part, as long as the rest is this domain.
        local_part = form.cleaned_data["local_part"].strip().removesuffix(f"@{domain.name}")
        try:
            inbox = create_inbox(
                organization=request.organization,
                domain=domain,
                local_part=local_part,
                name=form.cleaned_data["name"],
                actor=request.user.email,
                now=timezone.now(),
            )
        except Refusal as refusal:
            refuse(form, refusal, "local_part")
        else:
            messages.success(request, _("%(email)s receives mail from now on.") % {"email": inbox.email})
            return redirect("dashboard:domain", public_id=public_id)
    return show_domain(request, domain, {"inbox_form": form}, status=422)


@require_POST
@member_page(DELETE)
def delete(request: MemberRequest, public_id: str) -> HttpResponseBase:
    inbox = access_inbox(organization=request.organization, public_id=public_id)
    delete_inbox(inbox=inbox, actor=request.user.email, now=timezone.now())
    messages.success(request, _("%(email)s is gone. Its messages stay.") % {"email": inbox.email})
    return redirect("dashboard:domain", public_id=inbox.domain.public_id)
