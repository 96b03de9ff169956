"""Tags of the pages: icons, chips, form fields, times."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext

from dashboard.chips import Chip
from domains.names import DomainName
from inbound.one_line import one_line

register = template.Library()

MINUTE = 60


@register.simple_tag
def icon(name: str) -> SafeString:
    """A symbol of icons.svg; only ever beside a word, so that it is hidden from screen readers."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("icons.svg"),
        name,
    )


@register.filter
def spoken(name: str) -> str:
    """A domain name as people write it, not in A-labels."""
    return DomainName(name).unicode


@register.filter(name="one_line")
def on_one_line(text: str, most: int | None = None) -> str:
    return one_line(text, most)


@register.inclusion_tag("dashboard/_chip.html")
def chip(chip: Chip) -> dict[str, object]:
    return {"chip": chip}


@register.inclusion_tag("dashboard/_field.html")
def field(field: BoundField, prefix: str = "", suffix: str = "") -> dict[str, object]:
    """A labelled control with its help and the refusal beside it."""
    return {"field": field, "prefix": prefix, "suffix": suffix}


@register.inclusion_tag("dashboard/_copy.html")
def copy(value: str, id: str, label: str) -> dict[str, object]:
    """A value that can be selected, and a button that copies it; `id` is stable over refreshes to keep the focus."""
    return {"value": value, "id": id, "label": label}


@register.simple_tag
def when(moment: datetime | None, never: str = "", is_plan: bool = False) -> SafeString | str:
    """A time as people say it, the exact one in its title; app.js keeps it current. A plan is never in the past."""
    if moment is None:
        return never
    now = timezone.now()
    is_due = is_plan and moment <= now
    return format_html(
        '<time datetime="{}" title="{}" data-when="{}">{}</time>',
        moment.isoformat(),
        f"{date_format(timezone.localtime(moment), 'Y-m-d H:i:s')} UTC",
        "plan" if is_plan else "fact",
        gettext("any moment") if is_due else said(moment, now),
    )


def said(moment: datetime, now: datetime) -> str:
    seconds = int((now - moment).total_seconds())
    if seconds >= MINUTE:
        return gettext("%(time)s ago") % {"time": timesince(moment, now, depth=1)}
    if seconds >= 0:
        return gettext("just now")
    if seconds > -MINUTE:
        return ngettext("in %(count)s second", "in %(count)s seconds", -seconds) % {"count": -seconds}
    return gettext("in %(time)s") % {"time": timesince(now, moment, depth=1)}
