"""The lines of a domain's history in words for its owner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from domains.drift_words import REASON_SENTENCES
from domains.models import Domain, DomainEvent
from domains.states import REASON_TEXTS, Health

LINES_SHOWN = 20

WORDS: dict[str, tuple[str | Promise, str]] = {
    "domain.created": (_("Added"), "plus"),
    "domain.proved": (_("Ownership proved"), "shield-check"),
    "domain.verified": (_("Verified"), "circle-check"),
    "domain.failed": (_("Verification ended"), "circle-x"),
    "domain.restarted": (_("Verification started again"), "refresh-cw"),
    "domain.degraded": (_("Something broke"), "unlink"),
    "domain.recovered": (_("Right again"), "circle-check"),
    "domain.contested": (_("The name needs a proof of its own"), "triangle-alert"),
    "domain.challenged": (_("Another organization says that this name is its own"), "triangle-alert"),
    "domain.challenge_ended": (_("The other organization no longer says so"), "shield-check"),
    "domain.drift_acknowledged": (_("Loss acknowledged"), "check"),
    "domain.drift_muted": (_("Record muted"), "circle-minus"),
    "domain.drift_unmuted": (_("Record unmuted"), "power"),
    "domain.mx_remains": (_("Its mail is still sent here"), "mail"),
    "domain.suspended": (_("Switched off"), "circle-pause"),
    "domain.resumed": (_("Switched on again"), "power"),
    "domain.removed": (_("Removed"), "trash-2"),
    "domain.default_changed": (_("Default changed"), "info"),
    "domain.status_changed": (_("Status changed"), "info"),
    "domain.options_changed": (_("Settings changed"), "info"),
    "dns.applied": (_("Records written at the DNS host"), "info"),
    "dns.taken_back": (_("Records taken back from the DNS host"), "unlink"),
    "inbox.created": (_("Inbox created"), "inbox"),
    "inbox.deleted": (_("Inbox deleted"), "inbox"),
    "channel.receiving_active": (_("Receiving started"), "mail"),
    "channel.disconnected": (_("Channel disconnected"), "unlink"),
}
# Where the health went that nobody was told of.
HEALTH_CHANGED = "domain.health_changed"
HEALTH_WORDS: dict[str, tuple[str | Promise, str]] = {
    Health.HEALTHY: (_("All records are right again"), "circle-check"),
    Health.SUSPECT: (_("A record was missed; we look again"), "search"),
    Health.DEGRADED: (_("It works; something is still lost"), "triangle-alert"),
    Health.BROKEN: (_("Mail does not get through"), "unlink"),
}
PASSING = frozenset({Health.HEALTHY.value, Health.SUSPECT.value})


@dataclass(frozen=True)
class Line:
    text: str | Promise
    icon: str
    detail: str
    actor: str
    at: datetime


def timeline(domain: Domain) -> list[Line]:
    """The newest lines of the history, the newest first."""
    return lines_of(_without_flapping(domain.events.order_by("-at", "-id")[: LINES_SHOWN * 5]))[:LINES_SHOWN]


def _without_flapping(events: Iterable[DomainEvent]) -> Iterator[DomainEvent]:
    """Of misses that came and went in a row only the last: a day of them would hide all that was before."""
    is_passing = False
    for event in events:
        was_passing, is_passing = is_passing, event.type == HEALTH_CHANGED and event.after in PASSING
        if not (was_passing and is_passing):
            yield event


def lines_of(events: Iterable[DomainEvent]) -> list[Line]:
    lines = []
    for event in events:
        words = HEALTH_WORDS.get(event.after) if event.type == HEALTH_CHANGED else WORDS.get(event.type)
        text, icon = words or (event.type, "info")
        if event.type.startswith("inbox."):
            detail = event.after or event.before
        else:
            detail = REASON_TEXTS.get(event.reason) or REASON_SENTENCES.get(event.reason, event.reason)
        if detail == str(text):
            detail = ""
        lines.append(Line(text, icon, detail, "" if event.actor == "system" else event.actor, event.at))
    return lines
