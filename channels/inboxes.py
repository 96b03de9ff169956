"""Inboxes: the addresses of a domain that mail is sorted into."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.errors import Refusal
from accounts.models import Organization
from channels.addresses import InvalidAddress, parse_inbox_address, valid_local_part
from channels.models import Channel, EmailAccount
from channels.models import EmailAccountQuerySet as Inboxes
from channels.telling import tell
from domains.facts import is_dkim_verified
from domains.history import record_event
from domains.models import Domain
from domains.models.domain import DomainQuerySet
from domains.states import Status

# Of a made-up address: as many characters of the name as one can read, and as much chance as nobody can guess.
LONGEST_SLUG = 40
CHANCE_CHARACTERS = 10
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"

__all__ = [
    "DomainNotActive",
    "InboxExists",
    "InboxNotFound",
    "InvalidAddress",
    "access_inbox",
    "create_inbox",
    "deactivate_inboxes",
    "delete_inbox",
    "home_of_new_inboxes",
    "is_active",
    "made_up_local_part",
    "parse_inbox_address",
    "visible_inboxes",
]


class DomainNotActive(Refusal):
    code = "domain_not_active"
    default_message = "The domain is not verified."


class InboxExists(Refusal):
    code = "inbox_exists"
    default_message = "There is an inbox of this address already."


class InboxNotFound(Refusal):
    code = "inbox_not_found"
    default_message = "Inbox does not exist"


def is_active(domain: Domain) -> bool:
    return domain.status == Status.ACTIVE


def create_inbox(
    *,
    organization: Organization,
    domain: Domain,
    local_part: object,
    actor: str,
    now: datetime,
    name: str = "",
    channel: Channel | None = None,
    is_ready: Callable[[Domain], bool] = is_active,
) -> EmailAccount:
    """Make an inbox on a domain that `is_ready`; raises InvalidAddress, DomainNotActive, InboxExists.

    An inbox of this address that ended with an earlier claim on the name is that inbox again, mail and id kept.
    """
    local = valid_local_part(local_part)
    try:
        with transaction.atomic():
            # The lock keeps a removal from passing between the look and the insert.
            live = Domain.objects.live().select_for_update().filter(pk=domain.pk, organization=organization).first()
            if live is None or not is_ready(live):
                raise DomainNotActive
            inbox = _reactivate(domain=live, local_part=local, name=name, channel=channel)
            if inbox is None:
                inbox = EmailAccount.objects.create(
                    organization=organization,
                    domain=live,
                    channel=channel,
                    email=f"{local}@{live.name}",
                    local_part=local,
                    name=name,
                    created_at=now,
                )
            event = record_event(live, "inbox.created", now=now, actor=actor, after=inbox.email[:60])
            tell(inbox, "inbox.created", key=event.public_id, now=now)
    except IntegrityError as error:
        raise InboxExists from error
    return inbox


def _reactivate(*, domain: Domain, local_part: str, name: str, channel: Channel | None) -> EmailAccount | None:
    """The inbox that stopped when an earlier claim of the organization on this name was removed, in use again."""
    stopped = EmailAccount.objects.live().filter(
        organization=domain.organization_id, email=f"{local_part}@{domain.name}", is_active=False
    )
    inbox = stopped.first()
    if inbox is None or not stopped.update(domain=domain, channel=channel, name=name or inbox.name, is_active=True):
        return None
    inbox.refresh_from_db()
    return inbox


def deactivate_inboxes(*, domain: Domain) -> int:
    """The inboxes of a domain that goes: they stop receiving and stay readable; how many."""
    return EmailAccount.objects.live().filter(domain=domain).update(is_active=False, channel=None)


def home_of_new_inboxes(*, domains: DomainQuerySet) -> Domain:
    """Where an inbox is made that nobody gave an address: the default domain, else the oldest verified one.

    Raises DomainNotActive where none of `domains` is verified.
    """
    for domain in domains.filter(proved_at__isnull=False).order_by("-is_default", "created_at", "pk"):
        if is_dkim_verified(domain):
            return domain
    raise DomainNotActive


def made_up_local_part(name: str) -> str:
    """`sales-team-x7k2m9q4pz` for "Sales Team": readable where it can be, and free."""
    chance = "".join(secrets.choice(ALPHABET) for _ in range(CHANCE_CHARACTERS))
    slug = re.sub("[^a-z0-9]+", "-", name.lower())[:LONGEST_SLUG].strip("-")
    return f"{slug}-{chance}" if slug else chance


def visible_inboxes(*, organization: Organization) -> Inboxes:
    """The organization's inboxes, those included that stopped when their domain was removed."""
    return EmailAccount.objects.live().filter(organization=organization).select_related("domain")


def access_inbox(*, organization: Organization, public_id: str) -> EmailAccount:
    """The organization's live inbox of this id; anything else is InboxNotFound."""
    if not public_id.isprintable() or len(public_id) > 32:
        raise InboxNotFound
    inbox = visible_inboxes(organization=organization).filter(public_id=public_id).first()
    if inbox is None:
        raise InboxNotFound
    return inbox


def delete_inbox(*, inbox: EmailAccount, actor: str, now: datetime) -> bool:
    """End an inbox; its messages stay. False if it had already ended."""
    with transaction.atomic():
        changed = EmailAccount.objects.live().filter(pk=inbox.pk).update(removed_at=now, is_active=False)
        if changed:
            event = record_event(inbox.domain, "inbox.deleted", now=now, actor=actor, before=inbox.email[:60])
            inbox.refresh_from_db(fields=["removed_at", "is_active"])
            tell(inbox, "inbox.deleted", key=event.public_id, now=now)
    return bool(changed)
