"""Hear an organization's events on the machine that one develops on: an endpoint for as long as somebody listens.

Whoever listens makes the attempts himself, so the address need be within nobody's reach but his.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

from django.utils import timezone

from accounts.encryption import encrypt
from accounts.models import Organization
from webhooks.delivery import Answer
from webhooks.endpoints import InvalidUrl, NewSecret, valid_types
from webhooks.events import types_for
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.outbox import record_only_attempt, send
from webhooks.signing import new_secret
from webhooks.targets import ForbiddenTarget, parse_target

# The URL is typed by whoever runs the command, on whose machine the call is made: he may call what he likes.
ANYWHERE = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
# A listener that was killed is forgotten after so long.
LIVES = timedelta(minutes=1)
LOOK_EVERY_SECONDS = 0.5


@dataclass(frozen=True)
class Forwarded:
    """One event as it was passed on, and how the local address answered."""

    delivery: WebhookDelivery
    answer: Answer


def start_listening(
    *, organization: Organization, url: str, now: datetime, events: object = None, style: str = "standard"
) -> NewSecret:
    """A listener's endpoint, for every type unless some are named. Raises InvalidUrl, UnknownEventType."""
    try:
        parse_target(url, allowed=ANYWHERE)
    except ForbiddenTarget as error:
        raise InvalidUrl(f"url {error}", field="url") from error
    secret = new_secret()
    endpoint = WebhookEndpoint.objects.create(
        organization=organization,
        url=url,
        events=list(types_for(style)) if events is None else valid_types(events, style=style),
        style=style,
        secret_encrypted=encrypt(secret),
        listening_until=now + LIVES,
        created_at=now,
        updated_at=now,
    )
    return NewSecret(endpoint, secret)


def listen(*, endpoint: WebhookEndpoint, told: Callable[[Forwarded], None], stop: Event) -> None:
    """Pass on what comes until `stop` is set, then forget the endpoint."""
    try:
        while not stop.is_set():
            forward_waiting(endpoint=endpoint, told=told, now=timezone.now())
            stop.wait(LOOK_EVERY_SECONDS)
    finally:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).delete()


def forward_waiting(*, endpoint: WebhookEndpoint, told: Callable[[Forwarded], None], now: datetime) -> None:
    """Pass on what waits, the oldest first, each once; and say that somebody is still listening."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(listening_until=now + LIVES)
    waiting = WebhookDelivery.objects.filter(endpoint=endpoint, next_attempt_at__lte=now)
    for delivery in waiting.select_related("endpoint").order_by("created_at", "pk"):
        answer = send(delivery, timezone.now(), ANYWHERE)
        record_only_attempt(delivery, answer, now=timezone.now())
        told(Forwarded(delivery, answer))
