"""The page "Where would it go?": the way of a mail that nobody has sent, by the pipeline's own decisions."""

from __future__ import annotations

from django import forms
from django.http import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.errors import Refusal
from accounts.permissions import MESSAGE_VIEW
from dashboard.access import MemberRequest, asked, member_page, render_page
from dashboard.chips import Chip
from dashboard.forms import refuse
from dashboard.ways import way_lines
from inbound.mime import ParsedMessage
from inbound.simulating import LONGEST_ADDRESS, Forecast, forecast, read_pasted

VERDICTS = {
    "delivered": Chip(_("It would be delivered"), "good", "circle-check"),
    "held": Chip(_("It would be held"), "waiting", "circle-pause"),
    "unroutable": Chip(_("It would be set aside"), "bad", "circle-x"),
    "": Chip(_("It would not come to you"), "idle", "circle-minus"),
}


class WayForm(forms.Form):
    address = forms.CharField(
        label=_("Recipient of the envelope"),
        max_length=LONGEST_ADDRESS,
        help_text=_("The address that the sender's server names as the recipient (RCPT TO)."),
        widget=forms.TextInput(
            attrs={
                "placeholder": "sales+spring@your-domain.com",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "inputmode": "email",
                "class": "input",
            }
        ),
    )
    raw = forms.CharField(
        label=_("Raw mail"),
        required=False,
        strip=False,
        help_text=_("Headers and body, to see how it is read. Its To header is never used to find the recipient."),
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "class": "textarea", "wrap": "off"}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page(MESSAGE_VIEW)
def where_page(request: MemberRequest) -> HttpResponseBase:
    """A raw mail is posted, since it does not fit into an address; an address alone may be linked to. No write."""
    given = request.POST if request.method == "POST" else request.GET
    form = WayForm(given if "address" in given else None, initial={"address": asked(request, "address")})
    found: Forecast | None = None
    parsed: ParsedMessage | None = None
    if form.is_bound and form.is_valid():
        raw = form.cleaned_data["raw"]
        try:
            parsed = read_pasted(raw) if raw.strip() else None
            found = forecast(
                address=form.cleaned_data["address"], now=timezone.now(), organization=request.organization
            )
        except Refusal as refusal:
            refuse(form, refusal, refusal.field or "address")
    return render_page(
        request,
        "dashboard/simulator.html",
        {
            "form": form,
            "found": found,
            "verdict": VERDICTS[found.disposition] if found else None,
            "way": way_lines(step.as_dict() for step in found.steps) if found else [],
            "parsed": parsed,
            "is_addressed_otherwise": bool(parsed and found) and _is_addressed_otherwise(parsed, found),
        },
        status=422 if form.errors else 200,
    )


def _is_addressed_otherwise(parsed: ParsedMessage | None, found: Forecast | None) -> bool:
    """The To header does not name the recipient of the envelope, as with blind copies and lists."""
    named = {each.email.lower() for each in (*parsed.to, *parsed.cc)} if parsed else set()
    return found is not None and found.address.lower() not in named
