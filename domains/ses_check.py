"""Look at a domain for a reader who is never refused: what SES says now and, if wished, DNS, or the last values."""

from __future__ import annotations

import logging
from datetime import datetime

from django.utils import timezone

from accounts.errors import UpstreamRefusal
from aws.identities import identity_statuses
from aws.pacing import person
from domains.dns.evaluation import IssuedTokens
from domains.evidence import Look
from domains.facts import current_records
from domains.models import Domain
from domains.upstream import upstream_refusals
from domains.verification import apply_rules_inline, check_domain, record_check

logger = logging.getLogger(__name__)

# Who polls is answered with SES's last words rather than late.
SES_SECONDS = 5.0


def check_or_last_values(*, domain: Domain, with_dns: bool, actor: str, now: datetime) -> Domain:
    """The domain as it is now; where SES can not be asked, with its last words. Restarts nothing."""
    try:
        if with_dns:
            return check_domain(domain=domain, actor=actor, now=now)
        return check_ses(domain=domain, actor=actor, now=now)
    except UpstreamRefusal as refusal:
        logger.warning("SES could not be asked about %s: %s", domain.name, refusal.__cause__)
        domain.refresh_from_db()
        return domain


def check_ses(*, domain: Domain, actor: str, now: datetime) -> Domain:
    """Ask SES alone, record what it says, and return the fresh row; of DNS counts what was seen last.

    A contested claim is not proved here, since its token must be seen at the same look. Raises the upstream refusals,
    having changed nothing.
    """
    with upstream_refusals():
        statuses = identity_statuses(names=[domain.name], region=domain.region, caller=person(SES_SECONDS))
    look = Look(domain, current_records(domain), IssuedTokens())
    fresh = record_check(look=look, seen=None, statuses=statuses, actor=actor, now=timezone.now())
    if fresh.is_proved and not domain.is_proved:
        apply_rules_inline(region=fresh.region)
    return fresh
