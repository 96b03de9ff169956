"""A notice to the owners of an organization: a row in the caller's transaction, e-mailed by a task."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.core.mail import send_mail
from django.db.models import Q

from accounts.doorbell import ring
from accounts.models import Membership, Notice, Organization
from accounts.permissions import Role

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
# A mail server that refuses for so long will not take this one; the notice stays on the dashboard.
GIVE_UP_AFTER = timedelta(days=3)


def tell_owners(
    *, organization: Organization, kind: str, subject: str, body: str, key: str, now: datetime
) -> Notice | None:
    """Write a notice inside the caller's transaction; None where the same thing, by `key`, was said before."""
    notice, is_new = Notice.objects.get_or_create(
        key=key[:200],
        defaults={
            "organization": organization,
            "kind": kind,
            "subject": subject[:200],
            "body": body,
            "created_at": now,
        },
    )
    if not is_new:
        return None
    ring("accounts.tasks.mail_notices")
    return notice


def mail_due(*, now: datetime) -> int:
    """E-mail what has not been e-mailed, the oldest first; how many. One that fails is tried again later."""
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    waiting = Notice.objects.filter(free, mailed_at__isnull=True, created_at__gt=now - GIVE_UP_AFTER)
    mailed = 0
    for notice in waiting.select_related("organization").order_by("created_at", "pk"):
        if Notice.objects.filter(free, pk=notice.pk, mailed_at__isnull=True).update(leased_until=now + LEASE):
            mailed += _mail(notice, now=now)
    return mailed


def _mail(notice: Notice, *, now: datetime) -> bool:
    # A header holds no line break.
    subject = " ".join(f"{notice.organization.name}: {notice.subject}".split())
    owners = Membership.objects.filter(organization=notice.organization_id, role=Role.OWNER, user__is_active=True)
    try:
        # One mail to all, so that a server which fails half-way leaves nobody with two.
        if addresses := list(owners.order_by("pk").values_list("user__email", flat=True)):
            send_mail(subject, notice.body, None, addresses)
    except OSError as error:
        # The lease is the pause until the next try.
        logger.warning("notice %s could not be mailed: %s", notice.pk, error)
        return False
    return bool(Notice.objects.filter(pk=notice.pk).update(mailed_at=now, leased_until=None))
