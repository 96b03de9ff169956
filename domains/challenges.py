"""Challenges: an organization says that a name which another has proved is now its own (core section 4)."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from accounts.doorbell import ring
from accounts.errors import Refusal
from accounts.models import AuditEvent, Organization
from domains.challenge_notices import tell_of_the_end
from domains.challenge_rules import Standing
from domains.history import record_event
from domains.models import Challenge, Domain, IssuedToken
from domains.records import CLAIM_LABEL, PlannedRecord, Purpose, claim_value
from domains.registration import validated_name
from domains.transfers import transfer

MOST_OPEN = 10
FIRST_LOOK = timedelta(seconds=15)
OPEN = Challenge.Status.OPEN


class NothingToChallenge(Refusal):
    code = "nothing_to_challenge"
    default_message = "No other organization has proved this name: register it as any other."


class ChallengeExists(Refusal):
    code = "challenge_exists"
    default_message = "Your organization challenges this name already."


class TooManyChallenges(Refusal):
    code = "too_many_challenges"
    default_message = f"An organization can challenge {MOST_OPEN} names at a time."


class ChallengeNotFound(Refusal):
    code = "challenge_not_found"
    default_message = "Challenge does not exist"


class ChallengeEnded(Refusal):
    code = "challenge_ended"
    default_message = "This challenge has ended."


def open_challenge(*, organization: Organization, name: object, actor: str, now: datetime) -> Challenge:
    """Hand out the record that shows the name to be this organization's; nobody is told before it stands in DNS.

    Raises InvalidDomainName, NothingToChallenge, ChallengeExists, TooManyChallenges.
    """
    asked = validated_name(name).ascii
    with transaction.atomic():
        # One at a time an organization: what is there already and the limit are decided under this lock.
        Organization.objects.select_for_update().get(pk=organization.pk)
        incumbent = find_incumbent(name=asked)
        if incumbent is None:
            raise NothingToChallenge
        if incumbent.organization_id == organization.pk:
            raise NothingToChallenge("This name is yours already.")
        mine = visible_challenges(organization=organization).filter(status=OPEN)
        if mine.filter(name=asked).exists():
            raise ChallengeExists
        if mine.count() >= MOST_OPEN:
            raise TooManyChallenges
        challenge = Challenge.objects.create(
            name=asked,
            organization=organization,
            token=secrets.token_hex(20),
            created_at=now,
            next_look_at=now + FIRST_LOOK,
        )
        IssuedToken.objects.create(
            name=asked,
            organization=organization,
            region=incumbent.region,
            kind=IssuedToken.Kind.CLAIM,
            token=challenge.token,
            issued_at=now,
        )
        _audit(challenge, organization, "challenge.opened", actor=actor, now=now)
    return challenge


def find_incumbent(*, name: str) -> Domain | None:
    """The live claim that has proved the name, whoever's it is."""
    return Domain.objects.proved().select_related("organization").filter(name=name).first()


def visible_challenges(*, organization: Organization) -> QuerySet[Challenge]:
    return Challenge.objects.filter(organization=organization)


def access_challenge(*, organization: Organization, public_id: str) -> Challenge:
    """The organization's challenge of this id; anything else is ChallengeNotFound."""
    wanted = public_id if public_id.isprintable() and len(public_id) <= 32 else ""
    challenge = visible_challenges(organization=organization).filter(public_id=wanted).first()
    if challenge is None:
        raise ChallengeNotFound
    return challenge


def challenges_of(*, domain: Domain) -> QuerySet[Challenge]:
    """The open challenges that the holder has to know of: what is merely typed alarms nobody until it is in DNS."""
    seen = Challenge.objects.filter(name=domain.name, status=OPEN, token_seen_at__isnull=False)
    return (seen if domain.is_proved else seen.none()).exclude(organization=domain.organization_id)


def challenge_record(challenge: Challenge) -> PlannedRecord:
    """What the challenger publishes."""
    name = f"{CLAIM_LABEL}.{challenge.name}"
    return PlannedRecord(Purpose.CLAIM, "TXT", name, claim_value(challenge.token), None, True)


def standing_of(challenge: Challenge) -> Standing:
    return Standing(
        token_seen_at=challenge.token_seen_at,
        absent_since=challenge.incumbent_absent_since,
        notices_sent=challenge.notices_sent,
        last_notice_at=challenge.last_notice_at,
    )


def decides_at(challenge: Challenge) -> datetime | None:
    """When the name moves if all stays as it is; None while the time does not run, and once it is decided."""
    return standing_of(challenge).ends_at if challenge.status == OPEN else None


def withdraw(*, challenge: Challenge, actor: str, now: datetime) -> Challenge:
    """Take the challenge back; raises ChallengeEnded."""
    return end_challenge(
        challenge=challenge,
        status=Challenge.Status.WITHDRAWN,
        decision="Taken back by the organization that made it.",
        actor=actor,
        now=now,
    )


def staff_decides(*, challenge: Challenge, moves: bool, actor: str, now: datetime) -> Challenge:
    """What DNS does not decide: move the name at once, or refuse. Raises ChallengeEnded, NothingToChallenge."""
    if moves:
        return move_name(challenge=challenge, decision="Decided by staff.", actor=actor, now=now)
    return end_challenge(
        challenge=challenge, status=Challenge.Status.LOST, decision="Refused by staff.", actor=actor, now=now
    )


def move_name(*, challenge: Challenge, decision: str, actor: str, now: datetime) -> Challenge:
    """Give the challenger the name, in one transaction; mail that came before stays where it is.

    Raises ChallengeEnded, and NothingToChallenge where nobody else holds the name any more.
    """
    with transaction.atomic():
        _decide(challenge, status=Challenge.Status.WON, decision=decision, actor=actor, now=now)
        moved = transfer(name=challenge.name, to=challenge.organization, token=challenge.token, actor=actor, now=now)
        if moved is None:
            raise NothingToChallenge("No other organization holds this name any more.")
        _audit(challenge, moved.former.organization, "name.lost", actor=actor, now=now)
        _audit(challenge, challenge.organization, "name.won", actor=actor, now=now)
        tell_of_the_end(challenge=challenge, former=moved.former, winner=moved.winner, now=now)
        ring("domains.tasks.reconcile_due")
    challenge.refresh_from_db()
    return challenge


def end_challenge(
    *, challenge: Challenge, status: Challenge.Status, decision: str, actor: str, now: datetime
) -> Challenge:
    """End it with the name where it is; raises ChallengeEnded."""
    with transaction.atomic():
        _decide(challenge, status=status, decision=decision, actor=actor, now=now)
        _audit(challenge, challenge.organization, f"challenge.{status.value}", actor=actor, now=now)
        incumbent = find_incumbent(name=challenge.name)
        was_known = challenge.token_seen_at is not None
        if was_known and incumbent is not None and incumbent.organization_id != challenge.organization_id:
            record_event(incumbent, "domain.challenge_ended", now=now, reason="the name stays yours")
        if status == Challenge.Status.LOST:
            tell_of_the_end(challenge=challenge, former=None, winner=None, now=now)
    challenge.refresh_from_db()
    return challenge


def _decide(challenge: Challenge, *, status: Challenge.Status, decision: str, actor: str, now: datetime) -> None:
    changed = Challenge.objects.filter(pk=challenge.pk, status=OPEN).update(
        status=status,
        decided_at=now,
        decided_by=actor[:200],
        decision=decision,
        next_look_at=None,
    )
    if not changed:
        raise ChallengeEnded
    challenge.refresh_from_db()


def _audit(challenge: Challenge, organization: Organization, action: str, *, actor: str, now: datetime) -> None:
    AuditEvent.objects.create(
        organization=organization,
        at=now,
        actor=actor[:200],
        action=action,
        subject=challenge.name,
        details={"challenge": challenge.public_id} if organization.pk == challenge.organization_id else {},
    )
