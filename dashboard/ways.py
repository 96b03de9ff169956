"""The way of a mail as lines: each decision of the pipeline with its reason, as it was stored or foretold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

STEP_WORDS: dict[str, str | Promise] = {
    "placed": _("Placed"),
    "address": _("Address"),
    "holder": _("Whose name"),
    "domain": _("Domain"),
    "inbox": _("Inbox"),
    "disposition": _("Decision"),
    "webhooks": _("Webhooks"),
    "released": _("Released"),
}
# What stops a mail or sets it aside; all else is a plain step.
STOPS = frozenset(
    {
        ("address", "unreadable"),
        ("holder", "nobody"),
        ("holder", "not_yours"),
        ("holder", "unproved"),
        ("disposition", "unroutable"),
    }
)
WAITS = frozenset({("domain", "suspended"), ("disposition", "held")})
ARRIVALS = frozenset({("disposition", "delivered"), ("released", "delivered")})


@dataclass(frozen=True)
class Line:
    """`icon` is a symbol of icons.svg, `tone` a class of app.css."""

    word: str | Promise
    detail: str
    icon: str
    tone: str


def way_lines(steps: Iterable[Mapping[str, str]]) -> list[Line]:
    """The steps of a trace, in their order."""
    return [Line(STEP_WORDS.get(each["step"], each["step"]), each["detail"], *_look(each)) for each in steps]


def _look(step: Mapping[str, str]) -> tuple[str, str]:
    which = (step["step"], step["outcome"])
    if which in STOPS:
        return "circle-x", "bad"
    if which in WAITS:
        return "circle-pause", "waiting"
    if which in ARRIVALS:
        return "circle-check", "good"
    return "chevron-right", ""
