"""The settings of an organization's mail: how long it is kept, and what becomes of mail to unknown addresses."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.errors import Refusal
from accounts.permissions import ORGANIZATION_MANAGE
from dashboard.access import MemberRequest, member_page, render_page
from dashboard.forms import refuse
from inbound.models.mail import LONGEST_RETENTION_DAYS, SHORTEST_RETENTION_DAYS
from inbound.policy import Removal, mail_policy_of, removal_after, set_mail_policy
from inbound.retention import UNDELIVERED_DAYS


class MailPolicyForm(forms.Form):
    retention_days = forms.IntegerField(
        label=gettext_lazy("Keep mail for"),
        required=False,
        min_value=SHORTEST_RETENTION_DAYS,
        max_value=LONGEST_RETENTION_DAYS,
        widget=forms.NumberInput(attrs={"class": "input", "inputmode": "numeric"}),
    )
    keeps_unknown_recipients = forms.BooleanField(
        label=gettext_lazy("Keep mail to addresses that have no inbox"), required=False
    )
    # How many messages the person was told would go; another number is asked about anew.
    agreed = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        days = self.fields["retention_days"]
        bounds = {
            "shortest": SHORTEST_RETENTION_DAYS,
            "longest": number_format(LONGEST_RETENTION_DAYS, force_grouping=True),
            "default": settings.MAIL_RETENTION_DAYS,
        }
        days.help_text = (
            _("From %(shortest)s to %(longest)s. Empty: %(default)s days, the rule of this installation.") % bounds
        )
        wrong = _("Choose a whole number from %(shortest)s to %(longest)s.") % bounds
        days.error_messages["invalid"] = wrong
        for limit in days.validators:
            if isinstance(limit, MinValueValidator | MaxValueValidator):
                limit.message = wrong


@require_http_methods(["GET", "HEAD", "POST"])
@member_page(ORGANIZATION_MANAGE)
def mail_settings(request: MemberRequest) -> HttpResponseBase:
    now = timezone.now()
    if request.method != "POST":
        policy = mail_policy_of(request.organization)
        chosen = {
            "retention_days": policy.retention_days,
            "keeps_unknown_recipients": policy.keeps_unknown_recipients,
        }
        return _show(request, MailPolicyForm(initial=chosen), now=now)
    form = MailPolicyForm(request.POST)
    if not form.is_valid():
        return _show(request, form, now=now, status=422)
    removal = _unagreed(request, form, now)
    if removal is not None:
        return _show(request, form, now=now, asks_about=removal)
    try:
        set_mail_policy(
            organization=request.organization,
            retention_days=form.cleaned_data["retention_days"],
            keeps_unknown_recipients=form.cleaned_data["keeps_unknown_recipients"],
            actor=request.user.email,
            now=now,
        )
    except Refusal as refusal:
        refuse(form, refusal, "retention_days")
        return _show(request, form, now=now, status=422)
    messages.success(request, _("The settings are saved."))
    return redirect("dashboard:mail_settings")


def _unagreed(request: MemberRequest, form: MailPolicyForm, now: datetime) -> Removal | None:
    """What a shorter retention would remove and the person has not been told; None if there is nothing to ask."""
    current = mail_policy_of(request.organization).retention_days
    today = removal_after(organization=request.organization, retention_days=current, now=now)
    then = removal_after(organization=request.organization, retention_days=form.cleaned_data["retention_days"], now=now)
    if then.days >= today.days or then.count <= max(today.count, form.cleaned_data["agreed"] or 0):
        return None
    return then


def _show(
    request: MemberRequest,
    form: MailPolicyForm,
    *,
    now: datetime,
    asks_about: Removal | None = None,
    status: int = 200,
) -> HttpResponse:
    current = mail_policy_of(request.organization).retention_days
    return render_page(
        request,
        "dashboard/mail_settings.html",
        {
            "form": form,
            "removal": removal_after(organization=request.organization, retention_days=current, now=now),
            "asks_about": asks_about,
            "undelivered_days": UNDELIVERED_DAYS,
        },
        status=status,
    )
