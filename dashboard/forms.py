"""What people type into the pages; whether a name or an address is right is for the verbs to say."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.errors import Refusal
from accounts.permissions import (
    CREATE,
    DELETE,
    MESSAGE_DELETE,
    MESSAGE_VIEW,
    VIEW,
    WEBHOOK_CREATE,
    WEBHOOK_DELETE,
    WEBHOOK_VIEW,
)
from domains.names import DomainName

KEY_LIFETIMES: list[tuple[str, str | Promise]] = [
    ("", _("Never")),
    ("30", _("In 30 days")),
    ("90", _("In 90 days")),
    ("365", _("In a year")),
]
KEY_SCOPES: list[tuple[str, str | Promise]] = [
    (VIEW, _("See domains and inboxes")),
    (CREATE, _("Add and check domains, create inboxes")),
    (DELETE, _("Remove domains and inboxes")),
    (MESSAGE_VIEW, _("Read messages")),
    (MESSAGE_DELETE, _("Delete messages")),
    (WEBHOOK_VIEW, _("See webhooks")),
    (WEBHOOK_CREATE, _("Set up and replay webhooks")),
    (WEBHOOK_DELETE, _("Delete webhooks")),
]
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def trimmed_name(typed: str) -> str:
    """The host in what people paste: `https://x/path`, `user@x`, `x.`; anything else is left for the verb to judge."""
    text = typed.strip()
    if SCHEME.match(text):
        try:
            text = urlsplit(text).hostname or text
        except ValueError:
            return text
    elif "@" in text:
        text = text.rpartition("@")[2]
    return text.partition("/")[0].strip().rstrip(".")


def refuse(form: forms.Form, refusal: Refusal, field: str) -> None:
    """Put what the verb said beside the field that it is about."""
    form.add_error(field if field in form.fields else None, refusal.message)


class AddDomainForm(forms.Form):
    name = forms.CharField(
        label=_("Domain name"),
        max_length=500,
        widget=forms.TextInput(
            attrs={
                "placeholder": "mail.your-domain.com",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "class": "input",
                "inputmode": "url",
            }
        ),
    )
    is_receiving = forms.BooleanField(label=_("Receive mail at this name"), required=False, initial=True)
    region = forms.ChoiceField(label=_("Region"), widget=forms.Select(attrs={"class": "select"}))

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        region = self.fields["region"]
        assert isinstance(region, forms.ChoiceField)
        region.choices = [(name, name) for name in settings.SES_REGIONS]
        region.initial = settings.SES_REGIONS[0]
        if len(settings.SES_REGIONS) == 1:
            # Nothing to choose, so nothing to ask.
            del self.fields["region"]


class ChallengeForm(forms.Form):
    name = forms.CharField(
        label=_("Domain name"),
        max_length=500,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "class": "input",
                "inputmode": "url",
            }
        ),
    )


class InboxForm(forms.Form):
    local_part = forms.CharField(
        label=_("Address"),
        max_length=200,
        widget=forms.TextInput(
            attrs={
                "placeholder": "support",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "class": "input",
            }
        ),
    )
    name = forms.CharField(
        label=_("Name"), max_length=200, required=False, widget=forms.TextInput(attrs={"class": "input"})
    )


class RemoveDomainForm(forms.Form):
    typed_name = forms.CharField(
        max_length=300,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "class": "input"}
        ),
    )
    with_inboxes = forms.BooleanField(required=False)


class KeyForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("What will use it, such as “billing service”."),
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=KEY_SCOPES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    domain_name = forms.ChoiceField(label=_("Domain"), required=False, widget=forms.Select(attrs={"class": "select"}))
    days = forms.ChoiceField(
        label=_("Expires"), choices=KEY_LIFETIMES, required=False, widget=forms.Select(attrs={"class": "select"})
    )

    def __init__(self, *args: object, domain_names: list[str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        domain = self.fields["domain_name"]
        assert isinstance(domain, forms.ChoiceField)
        domain.choices = [("", _("All domains")), *((name, DomainName(name).unicode) for name in domain_names)]
