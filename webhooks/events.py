"""The catalogue of what customers' systems are told, and `emit`, which writes the outbox in the fact's transaction."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime

from django.db.models import Q

from accounts.doorbell import ring
from accounts.models import Organization
from accounts.timestamps import seconds
from webhooks.by_name_style import by_name_body
from webhooks.models import WebhookDelivery, WebhookEndpoint

# What can be subscribed to: core section 8, each with what it means to the customer.
CATALOGUE: dict[str, str] = {
    "domain.created": "A domain was added.",
    "domain.verified": "A domain is verified and in use.",
    "domain.failed": "The search for a domain's ownership ended, or SES lost its identity.",
    "domain.degraded": "Something of a domain in use is lost: a record, or its identity at SES.",
    "domain.recovered": "What was lost of a domain is right again.",
    "domain.suspended": "A domain was switched off; its mail is held.",
    "domain.removed": "A domain was removed.",
    "message.received": "A mail came in; once for every inbox that it reached.",
    "inbox.created": "An inbox was made.",
    "inbox.deleted": "An inbox was deleted.",
    "message.delivered": "A mail that you sent reached its recipient's server.",
    "message.bounced": "A mail that you sent came back.",
    "message.complained": "A recipient reported a mail that you sent as spam.",
}
# An endpoint of the other style knows inboxes and messages only, and some words that nothing says yet.
BY_NAME_CATALOGUE: tuple[str, ...] = (
    *(type for type in CATALOGUE if not type.startswith("domain.")),
    "inbox.updated",
    "message.sent",
    "message.rejected",
)
TEST = "webhook.test"


def types_for(style: str) -> tuple[str, ...]:
    """The event types that an endpoint of this style may subscribe to."""
    return BY_NAME_CATALOGUE if style == WebhookEndpoint.Style.BY_NAME else tuple(CATALOGUE)


def emit(
    *,
    organization: Organization,
    type: str,
    key: str,
    data: Callable[[], Mapping[str, object]],
    now: datetime,
) -> int:
    """Write one outbox row for each enabled endpoint that wants this event; how many endpoints that is.

    Call it inside the transaction of the fact. `key` names the fact among those of this type and organization: the
    same fact gets the same event id, and no endpoint is told of it twice. `data` is asked only when anybody listens.
    """
    wanted = subscribers(organization=organization, type=type, now=now)
    if not wanted:
        return 0
    event_id = event_id_for(organization=organization, type=type, key=key)
    event = event_body(type=type, data=data(), at=now)
    WebhookDelivery.objects.bulk_create(
        [
            WebhookDelivery(
                endpoint=endpoint,
                event_id=event_id,
                type=type,
                body=written(event, style=endpoint.style),
                next_attempt_at=now,
                created_at=now,
            )
            for endpoint in wanted
        ],
        ignore_conflicts=True,
    )
    ring("webhooks.tasks.deliver_due")
    return len(wanted)


def subscribers(*, organization: Organization, type: str, now: datetime) -> list[WebhookEndpoint]:
    """The enabled endpoints that want events of this type, listeners included."""
    enabled = WebhookEndpoint.objects.filter(
        Q(listening_until__isnull=True) | Q(listening_until__gt=now),
        organization=organization,
        status=WebhookEndpoint.Status.ENABLED,
    )
    return [endpoint for endpoint in enabled if type in endpoint.events]


def event_id_for(*, organization: Organization, type: str, key: str) -> str:
    """`evt_` + 126 bits of a digest: the same fact has the same id, also where it is told again after a fault."""
    digest = hashlib.sha256(f"{organization.public_id}\n{type}\n{key}".encode()).digest()
    return f"evt_{base64.urlsafe_b64encode(digest).decode()[:21]}"


def event_body(*, type: str, data: Mapping[str, object], at: datetime) -> dict[str, object]:
    return {"type": type, "timestamp": seconds(at), "data": dict(data)}


def written(event: Mapping[str, object], *, style: str) -> str:
    """The exact text that is signed and sent, in the endpoint's own style."""
    body = by_name_body(event) if style == WebhookEndpoint.Style.BY_NAME else event
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
