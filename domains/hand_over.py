"""Hand a domain's DNS records to the colleague who owns its DNS: a link without account that expires or is ended."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from accounts.errors import Refusal
from accounts.models import AuditEvent
from domains.models import Domain, HandOverLink
from domains.verification import check_now

LIFETIME = timedelta(days=14)
MOST_LINKS = 10
TOKEN_BYTES = 32
LONGEST_TOKEN = 100


class HandOverLinkNotFound(Refusal):
    """Never made, ended, too old, or its domain is gone: which of these is nobody's business."""

    code = "hand_over_link_not_found"
    default_message = "This link does not exist or has ended."


class TooManyHandOverLinks(Refusal):
    code = "too_many_hand_over_links"
    default_message = f"This domain has {MOST_LINKS} open links. End one of them first."


@dataclass(frozen=True)
class IssuedLink:
    """The row and the token; the token exists nowhere else afterwards."""

    link: HandOverLink
    token: str


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def create_link(*, domain: Domain, actor: str, now: datetime, lifetime: timedelta = LIFETIME) -> IssuedLink:
    """Make a link to the domain's records; raises TooManyHandOverLinks."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with transaction.atomic():
        # One at a time a domain: the limit is decided under this lock.
        Domain.objects.select_for_update().get(pk=domain.pk)
        if open_links(domain=domain, now=now).count() >= MOST_LINKS:
            raise TooManyHandOverLinks
        link = HandOverLink.objects.create(
            domain=domain,
            token_hash=hash_token(token),
            created_by=actor[:200],
            created_at=now,
            expires_at=now + lifetime,
        )
        _audit(link, "hand_over.created", actor=actor, now=now)
    return IssuedLink(link, token)


def open_links(*, domain: Domain, now: datetime) -> QuerySet[HandOverLink]:
    """The domain's links that still open, the newest first."""
    return domain.hand_over_links.filter(revoked_at__isnull=True, expires_at__gt=now).order_by("-created_at", "-pk")


def revoke_link(*, domain: Domain, public_id: str, actor: str, now: datetime) -> None:
    """End a link at once; one that has ended stays so. Raises HandOverLinkNotFound for one that is not the domain's."""
    link = domain.hand_over_links.filter(public_id=public_id if public_id.isprintable() else "").first()
    if link is None:
        raise HandOverLinkNotFound
    with transaction.atomic():
        if HandOverLink.objects.filter(pk=link.pk, revoked_at__isnull=True).update(revoked_at=now):
            _audit(link, "hand_over.revoked", actor=actor, now=now)


def access_link(*, token: str, now: datetime) -> HandOverLink:
    """The open link of this token, with its domain; raises HandOverLinkNotFound."""
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise HandOverLinkNotFound
    link = (
        HandOverLink.objects.select_related("domain__organization")
        .filter(
            token_hash=hash_token(token),
            revoked_at__isnull=True,
            expires_at__gt=now,
            domain__removed_at__isnull=True,
        )
        .first()
    )
    if link is None:
        raise HandOverLinkNotFound
    return link


def note_opened(*, link: HandOverLink, address: str, now: datetime) -> None:
    """Remember that somebody at this network address opened the page."""
    with transaction.atomic():
        HandOverLink.objects.filter(pk=link.pk).update(opened_at=now, opened_count=F("opened_count") + 1)
        _audit(link, "hand_over.opened", actor=f"whoever has the link, at {address}", now=now)


def check_from_link(*, link: HandOverLink, now: datetime) -> Domain:
    """Look at the domain now, at most once in 5 s however many ask; who has only a link restarts no failed claim."""
    return check_now(domain=link.domain, actor=f"link {link.public_id}", now=now, may_restart=False)


def _audit(link: HandOverLink, action: str, *, actor: str, now: datetime) -> None:
    AuditEvent.objects.create(
        organization=link.domain.organization,
        at=now,
        actor=actor[:200],
        action=action,
        subject=link.domain.name,
        details={"link": link.public_id},
    )
