"""Test mails of a domain: send one, and see what becomes of it."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib import messages as flashes
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import Refusal
from accounts.permissions import CREATE, VIEW
from channels.addresses import Mailbox, parse_mailbox
from dashboard.access import MemberRequest, member_page, render_page
from dashboard.chips import Chip
from domains.models import Domain
from domains.registration import access_domain
from inbound.models import SentMessage
from inbound.sending import SIMULATOR, TrialMail, send_test_mail

LISTED = 20
POLL_SECONDS = 3
# Feedback comes within seconds as a rule; a page that was left open does not ask for ever.
NEWS_EXPECTED = timedelta(minutes=5)
Status = SentMessage.Status
CHIPS: dict[str, Chip] = {
    Status.SENDING: Chip(_("Not known"), "waiting", "circle-dashed"),
    Status.SENT: Chip(_("Sent"), "waiting", "clock"),
    Status.REFUSED: Chip(_("Refused"), "bad", "circle-x"),
    Status.DELIVERED: Chip(_("Delivered"), "good", "circle-check"),
    Status.BOUNCED: Chip(_("Bounced"), "bad", "triangle-alert"),
    Status.COMPLAINED: Chip(_("Complained about"), "bad", "triangle-alert"),
}
KINDS: list[tuple[str, str | Promise]] = [
    ("me", _("To me")),
    ("success", _("To the simulator: it is delivered")),
    ("bounce", _("To the simulator: it bounces")),
    ("complaint", _("To the simulator: the recipient complains")),
    ("ooto", _("To the simulator: an out-of-office reply")),
]


class MailForm(forms.Form):
    # To strangers nobody sends from this page: it is no way to write to people who did not ask.
    kind = forms.ChoiceField(label=_("What to try"), choices=KINDS, widget=forms.Select(attrs={"class": "select"}))


@require_safe
@member_page(VIEW)
def mails_page(request: MemberRequest, public_id: str) -> HttpResponseBase:
    domain = access_domain(organization=request.organization, public_id=public_id)
    return render_page(request, "dashboard/test_mails.html", {"form": MailForm(), **_sent(domain)})


@require_safe
@member_page(VIEW)
def sent_fragment(request: MemberRequest, public_id: str) -> HttpResponseBase:
    """The list alone, while the fate of a mail is still to come."""
    domain = access_domain(organization=request.organization, public_id=public_id)
    return render(request, "dashboard/_sent_mails.html", _sent(domain))


@require_POST
@member_page(CREATE)
def send(request: MemberRequest, public_id: str) -> HttpResponseBase:
    domain = access_domain(organization=request.organization, public_id=public_id)
    form = MailForm(request.POST)
    if not form.is_valid():
        return _shown_again(request, domain, form)
    chosen = form.cleaned_data["kind"]
    simulated = {"success": Mailbox("success", SIMULATOR), "me": parse_mailbox(request.user.email)}
    try:
        sent = send_test_mail(
            organization=request.organization,
            domain=domain,
            sender=None,
            recipient=simulated.get(chosen),
            kind=TrialMail(chosen) if chosen not in simulated else TrialMail.NORMAL,
            message_class="transactional",
            actor=request.user.email,
            now=timezone.now(),
        )
    except Refusal as refusal:
        form.add_error(None, refusal.message)
        return _shown_again(request, domain, form)
    flashes.success(request, sent.note)
    return redirect("dashboard:test_mails", public_id=public_id)


def _shown_again(request: MemberRequest, domain: Domain, form: MailForm) -> HttpResponse:
    return render_page(request, "dashboard/test_mails.html", {"form": form, **_sent(domain)}, status=422)


def _sent(domain: Domain) -> dict[str, object]:
    newest = list(SentMessage.objects.filter(domain=domain).order_by("-created_at", "-pk")[:LISTED])
    recent = timezone.now() - NEWS_EXPECTED
    is_waiting = any(mail.status in (Status.SENDING, Status.SENT) and mail.created_at > recent for mail in newest)
    return {
        "domain": domain,
        "sent": [(mail, CHIPS[mail.status]) for mail in newest],
        "poll_seconds": POLL_SECONDS if is_waiting else None,
    }
