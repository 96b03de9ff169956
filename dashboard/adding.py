"""The page on which a domain is added."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import Refusal, UpstreamRefusal
from accounts.permissions import CREATE
from dashboard.access import MemberRequest, member_page, render_page
from dashboard.challenges import challengeable_name
from dashboard.forms import AddDomainForm, refuse, trimmed_name
from domains.models import Domain
from domains.registration import DomainAlreadyRegistered, register_domain, validated_name, visible_domains


@member_page(CREATE)
def add_domain(request: MemberRequest) -> HttpResponseBase:
    if request.method != "POST":
        return render_page(request, "dashboard/add_domain.html", {"form": AddDomainForm()})
    form, challengeable = AddDomainForm(request.POST), ""
    own: Domain | None = None
    if form.is_valid():
        typed = form.cleaned_data["name"]
        taken = trimmed_name(typed)
        try:
            domain = register_domain(
                organization=request.organization,
                name=taken,
                actor=request.user.email,
                now=timezone.now(),
                region=form.cleaned_data.get("region"),
                is_receiving=form.cleaned_data["is_receiving"],
            )
        except Refusal as refusal:
            own = _own_domain(request, taken, refusal)
            if own is None:
                refuse(form, refusal, "" if isinstance(refusal, UpstreamRefusal) else _field_of(refusal))
                challengeable = challengeable_name(request, taken, refusal)
            else:
                form.add_error("name", _("This name is already registered: it is yours."))
        else:
            if taken != typed.strip():
                messages.info(request, _("From “%(typed)s” we took %(taken)s.") % {"typed": typed, "taken": taken})
            return redirect("dashboard:domain", public_id=domain.public_id)
    context = {"form": form, "challengeable": challengeable, "own": own}
    return render_page(request, "dashboard/add_domain.html", context, status=422)


def _own_domain(request: MemberRequest, name: str, refusal: Refusal) -> Domain | None:
    """The domain that stands in the way, where it is the organization's own: of another's no word is said here."""
    if not isinstance(refusal, DomainAlreadyRegistered):
        return None
    return visible_domains(organization=request.organization).filter(name=validated_name(name).ascii).first()


def _field_of(refusal: Refusal) -> str:
    return "region" if refusal.field == "region" else "name"
