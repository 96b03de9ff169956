"""Which domains are due for a look, and the look: SES in batches of 100, DNS concurrently."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import Error as DatabaseFailure
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from aws.errors import AwsError
from aws.identities import IdentityStatus, identity_statuses
from aws.pacing import background
from domains.evidence import Look, Seen, look_for, see_all
from domains.facts import current_records
from domains.models import Domain
from domains.schedule import LEASE
from domains.verification import apply_rules_inline, record_check

logger = logging.getLogger(__name__)

BATCH = 100
AFTER_A_FAULT = timedelta(hours=1)


def take_due(*, now: datetime, due_by: datetime | None = None, most: int = BATCH) -> list[Domain]:
    """Lease up to `most` domains that are due (by `due_by`, else now), the longest waiting first.

    A dead poller's come back when its lease ends.
    """
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    due = Domain.objects.due(due_by or now).filter(free)
    with transaction.atomic():
        # What another poller is taking at this moment is passed over, not waited for.
        taken = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:most])
        Domain.objects.filter(pk__in=taken).update(leased_until=now + LEASE)
    return list(
        Domain.objects.filter(pk__in=taken).select_related("organization").prefetch_related("records").order_by("pk")
    )


def check_due(*, now: datetime) -> int:
    """Look at every domain that is due, batch by batch; how many were looked at.

    What comes due meanwhile is the next run's. The leases are counted from when each batch is taken: with many
    domains one that was counted from the beginning would end before its look.
    """
    looked_at, began = 0, time.monotonic()
    while batch := take_due(now=now + timedelta(seconds=time.monotonic() - began), due_by=now):
        check_batch(batch)
        looked_at += len(batch)
    return looked_at


def check_batch(domains: Sequence[Domain]) -> None:
    """One look at up to 100 leased domains; where SES can not be asked, DNS is recorded and nothing is lowered."""
    looks = [look_for(domain=domain, records=current_records(domain)) for domain in domains]
    seen = see_all(looks)
    statuses = _statuses(domains)
    newly_proved: set[str] = set()
    for look, sight in zip(looks, seen, strict=True):
        if sight is None or not (fresh := _record_or_log(look, sight, statuses.get(look.domain.region))):
            _put_off(look.domain, now=timezone.now())
        elif fresh.is_proved and not look.domain.is_proved:
            newly_proved.add(fresh.region)
    for region in sorted(newly_proved):
        apply_rules_inline(region=region, caller=background())


def _record_or_log(look: Look, seen: Seen, statuses: dict[str, IdentityStatus] | None) -> Domain | None:
    try:
        return record_check(look=look, seen=seen, statuses=statuses, now=timezone.now())
    except DatabaseFailure:
        raise
    except Exception:
        logger.exception("the look at %s could not be recorded", look.domain.name)
        return None


def _put_off(domain: Domain, *, now: datetime) -> None:
    """A fault of ours will be there in a minute as well: one bad domain is not looked at before every other."""
    Domain.objects.filter(pk=domain.pk).update(next_check_at=now + AFTER_A_FAULT, leased_until=None)


def _statuses(domains: Sequence[Domain]) -> dict[str, dict[str, IdentityStatus]]:
    """SES's answers by region and name; a region that could not be asked is absent."""
    names: dict[str, set[str]] = defaultdict(set)
    for domain in domains:
        names[domain.region].add(domain.name)
    answers: dict[str, dict[str, IdentityStatus]] = {}
    for region, wanted in names.items():
        try:
            answers[region] = identity_statuses(names=sorted(wanted), region=region, caller=background())
        except AwsError as error:
            logger.warning("SES in %s could not be asked about %d names: %s", region, len(wanted), error)
    return answers
