"""Send a test event now, while somebody waits for the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.errors import Refusal
from accounts.ids import public_id
from accounts.models import Organization
from webhooks.endpoints import EndpointNotFound
from webhooks.events import TEST, event_body, written
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.outbox import LEASE, record_only_attempt, send

# Somebody, and a thread of the web server, waits for each: an address that never answers must not hold them all.
AT_ONCE = 2


class TooManyTests(Refusal):
    code = "too_many_webhook_tests"
    default_message = "Tests of this organization's webhooks are under way; wait for their answers."


@dataclass(frozen=True)
class Tried:
    """How the endpoint answered; `error` is in words and empty for 2xx."""

    is_success: bool
    status_code: int | None
    error: str


def send_test(*, endpoint: WebhookEndpoint, now: datetime) -> Tried:
    """One attempt with a `webhook.test` event, listed among the deliveries and never made again.

    It says nothing of the endpoint's health: also a disabled one may be tried. Raises EndpointNotFound, TooManyTests.
    """
    event = event_body(type=TEST, data={"webhookId": endpoint.public_id}, at=now)
    with transaction.atomic():
        # One at a time an organization: how many tests are under way is decided under this lock.
        organization = Organization.objects.select_for_update().get(pk=endpoint.organization_id)
        if not WebhookEndpoint.objects.select_for_update().filter(pk=endpoint.pk).exists():
            raise EndpointNotFound
        flying = WebhookDelivery.objects.filter(endpoint__organization=organization, type=TEST, leased_until__gt=now)
        if flying.count() >= AT_ONCE:
            raise TooManyTests
        delivery = WebhookDelivery.objects.create(
            endpoint=endpoint,
            event_id=public_id("evt"),
            type=TEST,
            body=written(event, style=endpoint.style),
            leased_until=now + LEASE,
            created_at=now,
        )
    answer = send(delivery, now)
    record_only_attempt(delivery, answer, now=timezone.now())
    return Tried(answer.is_success, answer.status_code, answer.error)
