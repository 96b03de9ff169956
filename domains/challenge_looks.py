"""Look at the challenges that are due: their records and the incumbents' proofs, and what follows from that."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import transaction
from django.db.models import Q

from domains.challenge_notices import are_both_mailed, incumbent_records, warn_incumbent
from domains.challenge_rules import (
    UNSEEN_LIFETIME,
    Sight,
    Standing,
    after_look,
    is_notice_due,
    is_over,
    next_look_at,
    with_notice,
)
from domains.challenges import (
    OPEN,
    ChallengeEnded,
    NothingToChallenge,
    challenge_record,
    end_challenge,
    find_incumbent,
    move_name,
    standing_of,
)
from domains.dns.answers import Observation
from domains.dns.evaluation import Expected, Verdict, server_verdict
from domains.dns.resolver import observe
from domains.evidence import resolver_endpoints
from domains.history import SYSTEM, record_event
from domains.models import Challenge, Domain
from domains.records import PlannedRecord

logger = logging.getLogger(__name__)

BATCH = 50
IN_FLIGHT = 10
LEASE = timedelta(minutes=3)
COALESCE = timedelta(seconds=5)
AFTER_A_FAULT = timedelta(hours=1)
DEADLINE_SECONDS = 5.0


@dataclass(frozen=True)
class _Look:
    """What to look for, read from the database beforehand: the look itself runs in a thread."""

    challenge: Challenge
    incumbent: Domain | None
    token: Expected
    proof: tuple[Expected, ...]


def look_at_due_challenges(*, now: datetime) -> int:
    """Look at every open challenge that is due, batch by batch; how many were looked at."""
    looked_at, began = 0, time.monotonic()
    while batch := take_due(now=now + timedelta(seconds=time.monotonic() - began), due_by=now):
        looks = [_look_for(challenge) for challenge in batch]
        with ThreadPoolExecutor(max_workers=IN_FLIGHT, thread_name_prefix="dns") as pool:
            sights = list(pool.map(_see, looks))
        for look, sight in zip(looks, sights, strict=True):
            _record_or_put_off(look, sight, now=now + timedelta(seconds=time.monotonic() - began))
        looked_at += len(batch)
    return looked_at


def take_due(*, now: datetime, due_by: datetime | None = None, most: int = BATCH) -> list[Challenge]:
    """Lease up to `most` challenges that are due, the longest waiting first.

    Those returned still say in `leased_until` when their last look ended.
    """
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    due = Challenge.objects.filter(free, status=OPEN, next_look_at__lte=due_by or now).order_by("next_look_at")
    with transaction.atomic():
        taken = list(due.select_for_update(skip_locked=True, of=("self",)).select_related("organization")[:most])
        Challenge.objects.filter(pk__in=[each.pk for each in taken]).update(leased_until=now + LEASE)
    return taken


def look_now(*, challenge: Challenge, now: datetime) -> Challenge:
    """What a button does: one look in 5 s however many click; the challenge as it is afterwards."""
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now - COALESCE)
    if Challenge.objects.filter(free, pk=challenge.pk, status=OPEN).update(leased_until=now + COALESCE):
        look = _look_for(challenge)
        record_look(look=look, sight=_see(look), now=now)
    challenge.refresh_from_db()
    return challenge


def _look_for(challenge: Challenge) -> _Look:
    incumbent = find_incumbent(name=challenge.name)
    proof = incumbent_records(incumbent) if incumbent is not None else []
    return _Look(
        challenge, incumbent, _expected(challenge_record(challenge)), tuple(_expected(record) for record in proof)
    )


def _expected(record: PlannedRecord) -> Expected:
    return Expected(record.purpose, record.type, record.name, record.value, record.priority)


def _see(look: _Look) -> Sight:
    observation = observe(
        sorted({(each.name, each.type) for each in (look.token, *look.proof)}),
        resolvers=resolver_endpoints(),
        authoritative_port=settings.DNS_AUTHORITATIVE_PORT,
        deadline_seconds=DEADLINE_SECONDS,
    )
    return sight_of(look.token, look.proof, observation)


def sight_of(token: Expected, proof: Sequence[Expected], observation: Observation) -> Sight:
    """A name is taken from somebody here, so all of its servers have to answer, and caches are not asked.

    The token stands where every authoritative server has it; the incumbent's proof where any server has any of it.
    """
    of_token = _verdicts(token, observation)
    is_token_there = None if Verdict.UNKNOWN in of_token else of_token == {Verdict.OK}
    if of_token & {Verdict.MISSING, Verdict.WRONG}:
        is_token_there = False
    of_proof = set[Verdict]().union(*(_verdicts(each, observation) for each in proof)) or {Verdict.UNKNOWN}
    is_incumbent_there = None if Verdict.UNKNOWN in of_proof else False
    return Sight(is_token_there, True if Verdict.OK in of_proof else is_incumbent_there)


def _verdicts(expected: Expected, observation: Observation) -> set[Verdict]:
    lookup = observation.get(expected.name, expected.type)
    if lookup is None or not lookup.is_authoritative or not lookup.answers:
        return {Verdict.UNKNOWN}
    return {server_verdict(expected, answer, observation) for answer in lookup.answers}


def _record_or_put_off(look: _Look, sight: Sight, *, now: datetime) -> None:
    try:
        record_look(look=look, sight=sight, now=now)
    except DatabaseFailure:
        raise
    except Exception:
        # One bad row must not be looked at for ever before every other.
        logger.exception("the look at %s could not be recorded", look.challenge)
        Challenge.objects.filter(pk=look.challenge.pk).update(next_look_at=now + AFTER_A_FAULT, leased_until=now)


def record_look(*, look: _Look, sight: Sight, now: datetime) -> None:
    """Write what one look changed: the standing, a notice that is due, and the end if it has come."""
    challenge = look.challenge
    try:
        with transaction.atomic():
            row = Challenge.objects.select_for_update(of=("self",)).select_related("organization").get(pk=challenge.pk)
            incumbent = find_incumbent(name=row.name)
            if row.status != OPEN or (look.incumbent and incumbent and look.incumbent.pk != incumbent.pk):
                # Decided meanwhile, or the name is another's: the next look begins with the new holder.
                Challenge.objects.filter(pk=row.pk).update(leased_until=now)
            elif incumbent is None or incumbent.organization_id == row.organization_id:
                _end_without_incumbent(row, is_own=incumbent is not None, now=now)
            else:
                _record(row, incumbent, sight, last_look_at=challenge.leased_until, now=now)
    except (ChallengeEnded, NothingToChallenge):
        logger.info("%s was decided, or its name given up, while it was looked at", challenge)


def _end_without_incumbent(row: Challenge, *, is_own: bool, now: datetime) -> None:
    status = Challenge.Status.WON if is_own else Challenge.Status.WITHDRAWN
    decision = "The name has been proved." if is_own else "Its holder gave the name up: register it as any other."
    end_challenge(challenge=row, status=status, decision=decision, actor=SYSTEM, now=now)


def _record(row: Challenge, incumbent: Domain, sight: Sight, *, last_look_at: datetime | None, now: datetime) -> None:
    before = standing_of(row)
    if incumbent.proved_at and row.incumbent_absent_since and incumbent.proved_at > row.incumbent_absent_since:
        # The time and the notices were another holder's.
        before = Standing(token_seen_at=before.token_seen_at)
    after = after_look(before, sight, now=now, last_look_at=last_look_at)
    if is_notice_due(after, now=now) and not sight.is_blind:
        after = with_notice(after, now=now)
        warn_incumbent(
            challenge=row, incumbent=incumbent, number=after.notices_sent, ends_at=after.ends_at or now, now=now
        )
    if before.token_seen_at is None and after.token_seen_at is not None:
        record_event(incumbent, "domain.challenged", now=now, reason="its record stands in the DNS of the name")
    Challenge.objects.filter(pk=row.pk).update(
        token_seen_at=after.token_seen_at,
        incumbent_absent_since=after.absent_since,
        notices_sent=after.notices_sent,
        last_notice_at=after.last_notice_at,
        next_look_at=next_look_at(after, sight, created_at=row.created_at, now=now),
        # The lease ends with the look: until the next one this says when that was.
        leased_until=now,
    )
    row.refresh_from_db()
    if is_over(after, now=now) and not sight.is_blind and are_both_mailed(challenge=row, incumbent=incumbent):
        decision = "The record stood while the former holder's proof was absent for 72 hours, after two notices."
        move_name(challenge=row, decision=decision, actor=SYSTEM, now=now)
    elif after.token_seen_at is None and now - row.created_at >= UNSEEN_LIFETIME:
        decision = "The record was not seen within 30 days."
        end_challenge(challenge=row, status=Challenge.Status.LOST, decision=decision, actor=SYSTEM, now=now)
