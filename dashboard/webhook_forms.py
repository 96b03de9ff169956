"""What people type about webhooks; whether a URL or a time is right is for the verbs to say."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from webhooks.events import types_for
from webhooks.models import WebhookEndpoint

WINDOWS: list[tuple[str, str | Promise]] = [
    ("1", _("the last hour")),
    ("6", _("the last 6 hours")),
    ("24", _("the last day")),
    ("72", _("the last 3 days")),
    ("168", _("the last 7 days")),
]


class EndpointForm(forms.Form):
    """Where to, and what of; nothing ticked means everything."""

    url = forms.CharField(
        label=_("Address"),
        max_length=2000,
        widget=forms.URLInput(
            attrs={
                "placeholder": "https://your-app.com/webhooks",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "class": "input",
            }
        ),
    )
    events = forms.MultipleChoiceField(label=_("Events"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, style: str = WebhookEndpoint.Style.STANDARD, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        events = self.fields["events"]
        assert isinstance(events, forms.MultipleChoiceField)
        events.choices = [(name, name) for name in types_for(style)]


class ReplayForm(forms.Form):
    """The window to send again; `until` is set once its count was shown, so that what is sent is what was counted."""

    hours = forms.ChoiceField(label=_("Events of"), choices=WINDOWS, widget=forms.Select(attrs={"class": "select"}))
    until = forms.DateTimeField(required=False, widget=forms.HiddenInput)
