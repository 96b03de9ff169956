"""A read that looks first: one check of SES and DNS that ends in time, or the values of the last one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from functools import partial
from typing import TypeVar

from django.db import connections
from django.utils import timezone

from accounts.errors import Refusal
from aws.errors import AwsError
from aws.identities import IdentityStatus, identity_statuses
from aws.pacing import person
from domains.evidence import look_for, see
from domains.facts import current_records
from domains.models import Domain
from domains.registration import restart_claim
from domains.states import Status
from domains.verification import record_check

logger = logging.getLogger(__name__)

# The answer is there after 5 s: this much for asking, the rest for writing down what was said.
SECONDS = 4.5
DNS_SECONDS = 4.0
# A silent SES keeps a thread longer than the reader waits. So many may hang; then readers get the last values at once.
_pool = ThreadPoolExecutor(max_workers=32, thread_name_prefix="live-read")

T = TypeVar("T")


def look_live(*, domain: Domain, actor: str, now: datetime, may_restart: bool = False) -> Domain:
    """Ask SES and DNS now, record what they say, and return the fresh row, within 5 s.

    Where either can not be asked in time nothing is recorded, and the row is as it was: a read does not fail for that.
    `may_restart` is for an explicit verify: a failed claim starts again, behind the reader's back if it takes long.
    Raises DomainNotFound when the claim was undone meanwhile.
    """
    deadline = time.monotonic() + SECONDS
    if may_restart and domain.status == Status.FAILED:
        restart = _submit(partial(_restart, domain=domain, actor=actor, now=now))
        wait([restart], timeout=deadline - time.monotonic())
        domain.refresh_from_db()
    look = look_for(domain=domain, records=current_records(domain))
    dns = _submit(partial(see, look, deadline_seconds=min(DNS_SECONDS, deadline - time.monotonic())))
    ses = _submit(partial(_ask, name=domain.name, region=domain.region))
    wait([dns], timeout=deadline - time.monotonic())
    wait([ses], timeout=deadline - time.monotonic())
    # What nobody has begun in time nobody need begin.
    seen = None if dns.cancel() or not dns.done() else dns.result()
    statuses = None if ses.cancel() or not ses.done() else ses.result()
    can_see = seen is not None and any(judged.verdict != "unknown" for judged in seen.judgements.values())
    if statuses is None or not can_see:
        logger.warning("%s could not be looked at in time: SES %s, DNS %s", domain, statuses is not None, can_see)
        return domain
    return record_check(look=look, seen=seen, statuses=statuses, actor=actor, now=timezone.now())


def _ask(*, name: str, region: str) -> dict[str, IdentityStatus] | None:
    """What SES says; None where it can not be asked."""
    try:
        return identity_statuses(names=[name], region=region, caller=person(SECONDS))
    except AwsError as error:
        logger.warning("SES in %s could not be asked about %s: %s", region, name, error)
        return None


def _restart(*, domain: Domain, actor: str, now: datetime) -> None:
    try:
        restart_claim(domain=domain, actor=actor, now=now)
    except Refusal as refusal:
        logger.info("%s was not started again: %s", domain, refusal.message)


def _submit(work: Callable[[], T]) -> Future[T]:
    def run() -> T:
        try:
            return work()
        finally:
            # The thread's own; nobody else would ever close it.
            connections.close_all()

    return _pool.submit(run)
