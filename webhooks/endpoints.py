"""A customer's endpoints: make, find, change, give a new secret, delete."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.doorbell import ring
from accounts.encryption import decrypt, encrypt
from accounts.errors import Refusal
from accounts.models import AuditEvent, Organization
from webhooks.events import types_for
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.signing import new_secret
from webhooks.targets import ForbiddenTarget, parse_target

MAX_ENDPOINTS = 50
# How long the old secret goes on signing beside the new one: a day to put the new one in place.
ROTATION = timedelta(hours=24)


class EndpointNotFound(Refusal):
    code = "webhook_not_found"
    default_message = "Webhook does not exist"


class DeliveryNotFound(Refusal):
    code = "delivery_not_found"
    default_message = "Delivery does not exist"


class InvalidUrl(Refusal):
    code = "invalid_webhook_url"
    default_message = "url is not an address that webhooks may be sent to"


class UnknownEventType(Refusal):
    code = "unknown_event_type"
    default_message = "There is no such event."


class EndpointQuotaReached(Refusal):
    code = "webhook_quota_reached"
    default_message = "This organization has as many webhooks as it may have."


class DisabledByStaff(Refusal):
    code = "webhook_disabled_by_staff"
    default_message = "This webhook was switched off by staff; only they can enable it."


@dataclass(frozen=True)
class NewSecret:
    """The endpoint and its new secret, which is shown now and never again."""

    endpoint: WebhookEndpoint
    secret: str


def create_endpoint(
    *,
    organization: Organization,
    url: object,
    actor: str,
    now: datetime,
    events: object = None,
    style: str = WebhookEndpoint.Style.STANDARD,
) -> NewSecret:
    """Make an endpoint; without `events` it gets every type that there is today.

    Raises InvalidUrl, UnknownEventType, EndpointQuotaReached.
    """
    checked = valid_url(url)
    types = list(types_for(style)) if events is None else valid_types(events, style=style)
    secret = new_secret()
    with transaction.atomic():
        # One at a time an organization: the quota is decided under this lock.
        Organization.objects.select_for_update().get(pk=organization.pk)
        if WebhookEndpoint.objects.filter(organization=organization).count() >= MAX_ENDPOINTS:
            raise EndpointQuotaReached
        endpoint = WebhookEndpoint.objects.create(
            organization=organization,
            url=checked,
            events=types,
            style=style,
            secret_encrypted=encrypt(secret),
            created_at=now,
            updated_at=now,
        )
        _audit(endpoint, "webhook.created", actor=actor, now=now)
    return NewSecret(endpoint, secret)


def valid_url(url: object) -> str:
    """The URL as it is kept; raises InvalidUrl. The addresses of a name are looked at when it is called."""
    if not isinstance(url, str):
        raise InvalidUrl("url must be a string", field="url")
    try:
        parse_target(url, allowed=settings.WEBHOOK_ALLOWED_TARGETS)
    except ForbiddenTarget as error:
        raise InvalidUrl(f"url {error}", field="url") from error
    return url


def valid_types(events: object, *, style: str, field: str = "events") -> list[str]:
    """Event types, each once, in the catalogue's order; raises UnknownEventType, which names the `field`."""
    known = types_for(style)
    if not isinstance(events, list) or not events:
        raise UnknownEventType(f"{field} must be a list of at least one event", field=field)
    for event in events:
        if event not in known:
            named = f"{event[:60]!r}, which" if isinstance(event, str) else "something that"
            raise UnknownEventType(f"{field} has {named} is none of {', '.join(known)}", field=field)
    return [type for type in known if type in events]


def visible_endpoints(*, organization: Organization) -> QuerySet[WebhookEndpoint]:
    """The organization's endpoints; what `manage.py listen` borrows for an hour is not one."""
    return WebhookEndpoint.objects.filter(organization=organization, listening_until__isnull=True)


def access_endpoint(*, organization: Organization, public_id: str) -> WebhookEndpoint:
    """The organization's endpoint of this id; anything else is EndpointNotFound."""
    if not public_id.isprintable() or len(public_id) > 32:
        raise EndpointNotFound
    endpoint = visible_endpoints(organization=organization).filter(public_id=public_id).first()
    if endpoint is None:
        raise EndpointNotFound
    return endpoint


def visible_deliveries(*, organization: Organization) -> QuerySet[WebhookDelivery]:
    """What the organization's endpoints were, are and will be told."""
    return WebhookDelivery.objects.filter(
        endpoint__organization=organization, endpoint__listening_until__isnull=True
    ).select_related("endpoint")


def access_delivery(*, organization: Organization, public_id: str) -> WebhookDelivery:
    """The organization's delivery of this id; anything else is DeliveryNotFound."""
    if not public_id.isprintable() or len(public_id) > 32:
        raise DeliveryNotFound
    delivery = visible_deliveries(organization=organization).filter(public_id=public_id).first()
    if delivery is None:
        raise DeliveryNotFound
    return delivery


def change_endpoint(
    *,
    endpoint: WebhookEndpoint,
    actor: str,
    now: datetime,
    url: object = None,
    events: object = None,
    is_enabled: bool | None = None,
) -> WebhookEndpoint:
    """Change what is not None, all of it or nothing.

    Raises InvalidUrl, UnknownEventType, EndpointNotFound, DisabledByStaff.
    """
    changes: dict[str, object] = {}
    if url is not None:
        changes["url"] = valid_url(url)
    if events is not None:
        changes["events"] = valid_types(events, style=endpoint.style)
    with transaction.atomic():
        if changes:
            row = WebhookEndpoint.objects.filter(pk=endpoint.pk)
            if "url" in changes:
                # What failed at the old address says nothing of the new one.
                row.exclude(url=changes["url"]).update(failing_since=None, last_failure_at=None)
            if not row.update(**changes, updated_at=now):
                raise EndpointNotFound
            _audit(endpoint, "webhook.changed", actor=actor, now=now)
        if is_enabled is True:
            enable_endpoint(endpoint=endpoint, actor=actor, now=now)
        elif is_enabled is False:
            disable_endpoint(endpoint=endpoint, reason=WebhookEndpoint.Reason.BY_OWNER, actor=actor, now=now)
    return _fresh(endpoint)


def enable_endpoint(*, endpoint: WebhookEndpoint, actor: str, now: datetime, by_staff: bool = False) -> bool:
    """Send again, what has been waiting first; False if it was enabled already. Raises DisabledByStaff."""
    with transaction.atomic():
        disabled = WebhookEndpoint.objects.filter(pk=endpoint.pk, status=WebhookEndpoint.Status.DISABLED)
        if not by_staff and disabled.filter(disabled_reason=WebhookEndpoint.Reason.BY_STAFF).exists():
            raise DisabledByStaff
        changed = disabled.update(
            status=WebhookEndpoint.Status.ENABLED,
            disabled_reason="",
            disabled_at=None,
            failing_since=None,
            last_failure_at=None,
            updated_at=now,
        )
        if changed:
            _audit(endpoint, "webhook.enabled", actor=actor, now=now)
            ring("webhooks.tasks.deliver_due")
    return bool(changed)


def disable_endpoint(*, endpoint: WebhookEndpoint, reason: str, actor: str, now: datetime) -> bool:
    """Stop sending: it is told of nothing new, and what waits for it waits on. False if it was disabled already."""
    with transaction.atomic():
        changed = WebhookEndpoint.objects.filter(pk=endpoint.pk, status=WebhookEndpoint.Status.ENABLED).update(
            status=WebhookEndpoint.Status.DISABLED, disabled_reason=reason, disabled_at=now, updated_at=now
        )
        if changed:
            _audit(endpoint, "webhook.disabled", actor=actor, now=now, reason=reason)
    return bool(changed)


def rotate_secret(*, endpoint: WebhookEndpoint, actor: str, now: datetime) -> NewSecret:
    """Give a new secret; the one before signs as well for another day. Raises EndpointNotFound.

    Within that day only the newest is replaced: a second click, or a retry after a lost answer, must not end the one
    that receivers have in place.
    """
    secret = new_secret()
    with transaction.atomic():
        row = WebhookEndpoint.objects.select_for_update().filter(pk=endpoint.pk).first()
        if row is None:
            raise EndpointNotFound
        kept = {}
        if not _has_previous(row, now=now):
            kept = {"previous_secret_encrypted": row.secret_encrypted, "previous_secret_until": now + ROTATION}
        WebhookEndpoint.objects.filter(pk=row.pk).update(secret_encrypted=encrypt(secret), updated_at=now, **kept)
        _audit(row, "webhook.secret_rotated", actor=actor, now=now)
    return NewSecret(_fresh(endpoint), secret)


def signing_keys(endpoint: WebhookEndpoint, *, now: datetime) -> tuple[str, ...]:
    """The secrets that sign now, the newest first: two while one is being replaced.

    Raises cryptography's InvalidToken where the newest can not be decrypted.
    """
    keys = [decrypt(endpoint.secret_encrypted)]
    if _has_previous(endpoint, now=now):
        # Whoever has a new secret because an encryption key was lost need not wait for the end of the old one.
        with contextlib.suppress(InvalidToken):
            keys.append(decrypt(endpoint.previous_secret_encrypted))
    return tuple(keys)


def _has_previous(endpoint: WebhookEndpoint, *, now: datetime) -> bool:
    return endpoint.previous_secret_until is not None and endpoint.previous_secret_until > now


def delete_endpoint(*, endpoint: WebhookEndpoint, actor: str, now: datetime) -> bool:
    """Remove the endpoint with its secrets and all that waits for it; False if it was gone."""
    with transaction.atomic():
        deleted = WebhookEndpoint.objects.filter(pk=endpoint.pk).delete()[1].get("webhooks.WebhookEndpoint", 0)
        if deleted:
            _audit(endpoint, "webhook.deleted", actor=actor, now=now)
    return bool(deleted)


def _fresh(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    row = WebhookEndpoint.objects.select_related("organization").filter(pk=endpoint.pk).first()
    if row is None:
        raise EndpointNotFound
    return row


def _audit(endpoint: WebhookEndpoint, action: str, *, actor: str, now: datetime, **details: str) -> None:
    AuditEvent.objects.create(
        organization_id=endpoint.organization_id,
        at=now,
        actor=actor[:200],
        action=action,
        subject=endpoint.public_id,
        details=details,
    )
