"""How far a record or a domain is, as one word with a colour and an icon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from domains.facts import missing_required
from domains.models import DnsRecord, Domain
from domains.states import Health, Status
from webhooks.models import WebhookDelivery, WebhookEndpoint

# Diagnoses that say no more than "not there yet": nobody has made a mistake.
PATIENCE = frozenset({"", "not_published", "not_propagated", "ses_not_confirmed"})
LOOKED_AND_BAD = frozenset({"missing", "wrong", "conflict"})


@dataclass(frozen=True)
class Chip:
    """`tone` is a class of app.css, `icon` a symbol of icons.svg; neither says anything that `word` does not."""

    word: str | Promise
    tone: str
    icon: str


NOT_CHECKED = Chip(_("Not checked"), "idle", "circle-dashed")
WAITING = Chip(_("Waiting"), "waiting", "clock")
VERIFIED = Chip(_("Verified"), "good", "circle-check")
NEEDS_FIXING = Chip(_("Needs fixing"), "bad", "triangle-alert")
LOST = Chip(_("Lost"), "lost", "unlink")
# Of records that are recommended only: mail works without them, so that neither is red.
NOT_SET = Chip(_("Not set"), "idle", "circle-minus")
WORTH_FIXING = Chip(_("Needs fixing"), "waiting", "triangle-alert")
NOT_NEEDED = Chip(_("Not needed"), "idle", "circle-minus")
SUSPENDED = Chip(_("Suspended"), "idle", "circle-pause")
# A record that was right before the last looks, and one that nobody wants to hear of.
MISSED = Chip(_("Missed"), "waiting", "search")
MUTED = Chip(_("Muted"), "idle", "circle-minus")

# How a domain in use fares, beside its status: the status says what it has become, this what it is now.
HEALTH_CHIPS = {
    Health.SUSPECT: Chip(_("Suspect"), "waiting", "search"),
    Health.DEGRADED: Chip(_("Degraded"), "lost", "triangle-alert"),
    Health.BROKEN: Chip(_("Broken"), "bad", "unlink"),
}
HEALTH_WORDS = {
    Health.SUSPECT: _("A record was missed. We look again."),
    Health.DEGRADED: _("It still works, but something is lost."),
    Health.BROKEN: _("Mail does not get through."),
}

ENDPOINT_CHIPS = {
    WebhookEndpoint.Status.ENABLED: Chip(_("On"), "good", "circle-check"),
    WebhookEndpoint.Status.DISABLED: Chip(_("Off"), "idle", "circle-pause"),
}
FAILING = Chip(_("Failing"), "bad", "triangle-alert")
DELIVERY_CHIPS = {
    WebhookDelivery.Status.PENDING: Chip(_("Waiting"), "waiting", "clock"),
    WebhookDelivery.Status.SUCCEEDED: Chip(_("Delivered"), "good", "circle-check"),
    WebhookDelivery.Status.FAILED: Chip(_("Tried again later"), "waiting", "refresh-cw"),
    WebhookDelivery.Status.EXHAUSTED: Chip(_("Given up"), "bad", "circle-x"),
}


def endpoint_chip(endpoint: WebhookEndpoint) -> Chip:
    """On, off, or on and answering nothing but errors."""
    if endpoint.is_enabled and endpoint.failing_since is not None:
        return FAILING
    return ENDPOINT_CHIPS[WebhookEndpoint.Status(endpoint.status)]


def delivery_chip(delivery: WebhookDelivery) -> Chip:
    return DELIVERY_CHIPS[WebhookDelivery.Status(delivery.status)]


def record_chip(record: DnsRecord) -> Chip:
    """Not looked yet, looked and not there, looked and wrong, and was there once are four different things."""
    if not record.verdict:
        return NOT_CHECKED
    if record.is_ok:
        return VERIFIED
    if record.verdict not in LOOKED_AND_BAD:
        return WAITING
    if record.first_ok_at is not None:
        return LOST
    is_only_absent = record.verdict == "missing" and record.code in PATIENCE
    if not record.is_required:
        return NOT_SET if is_only_absent else WORTH_FIXING
    return WAITING if is_only_absent else NEEDS_FIXING


def domain_chip(domain: Domain, records: Sequence[DnsRecord]) -> Chip:
    """The domain's own state, coloured by the worst required record while it waits."""
    if domain.status == Status.SUSPENDED:
        return SUSPENDED
    if domain.status == Status.FAILED:
        return NEEDS_FIXING
    required = {record_chip(record) for record in missing_required(domain, records)}
    if domain.status == Status.ACTIVE:
        # What was right once and is not now is said by the health, which asks more than one look.
        return NEEDS_FIXING if NEEDS_FIXING in required else VERIFIED
    if domain.dns_checked_at is None and domain.checked_at is None:
        return NOT_CHECKED
    return NEEDS_FIXING if NEEDS_FIXING in required or LOST in required else WAITING


def health_chip(domain: Domain) -> Chip | None:
    """None where all is well, or where the status says it all."""
    return HEALTH_CHIPS.get(Health(domain.health)) if domain.status == Status.ACTIVE else None
