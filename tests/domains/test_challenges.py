"""A name that was sold, and one that was not: challenges over DNS, with the time moved by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from accounts import notices
from accounts.models import AuditEvent, Notice, Organization, User
from channels.removal import remove_domain
from domains.challenge_looks import LEASE, look_at_due_challenges, look_now, take_due
from domains.challenges import (
    MOST_OPEN,
    ChallengeEnded,
    ChallengeExists,
    ChallengeNotFound,
    NothingToChallenge,
    TooManyChallenges,
    access_challenge,
    challenge_record,
    challenges_of,
    decides_at,
    open_challenge,
    staff_decides,
    withdraw,
)
from domains.facts import current_records
from domains.models import Challenge, Domain, DomainEvent, NameLedger, Tenure
from domains.names import InvalidDomainName
from domains.ownership import holder_at
from domains.reconciler import reconcile
from domains.registration import DomainAlreadyRegistered, register_domain
from domains.verification import check_domain
from tests.sandbox_process import SandboxProcess
from webhooks.models import WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.django_db
NAME = "sold.example"
HOUR = timedelta(hours=1)
Record = dict[str, Any]


class Stage:
    """acme holds the name; its DNS, and a clock that runs in hours from the moment that the stage is set."""

    def __init__(self, sandbox: SandboxProcess, holder: Domain) -> None:
        self.sandbox, self.holder = sandbox, holder
        self.start = timezone.now()

    def at(self, hours: float) -> datetime:
        # A look takes a moment itself: an hour a little long, so that three of them are never short of a pause.
        return self.start + hours * (HOUR + timedelta(seconds=10))

    def dns(self, *records: Record, **servers: Any) -> None:
        """The whole zone anew; `servers` by address with underscores."""
        body: dict[str, object] = {"records": list(records)}
        if servers:
            body["servers"] = {address.strip("_").replace("_", "."): what for address, what in servers.items()}
        self.sandbox.control("PUT", f"/_sandbox/zones/{NAME}", body)

    def of_holder(self, *purposes: str) -> list[Record]:
        return [
            {"type": record.type, "name": record.name, "value": record.value, "priority": record.priority}
            for record in current_records(Domain.objects.get(pk=self.holder.pk))
            if not purposes or record.purpose in purposes
        ]

    def look(self, hours: float) -> int:
        """What the worker does at that hour: it mails what waits, too."""
        looked = look_at_due_challenges(now=self.at(hours))
        notices.mail_due(now=self.at(hours))
        return looked

    def run(self, first: float, last: float) -> None:
        hours = first
        while hours <= last:
            self.look(hours)
            hours += 3


def token_of(challenge: Challenge) -> Record:
    record = challenge_record(challenge)
    return {"type": record.type, "name": record.name, "value": record.value}


def register(organization: Organization, name: str = NAME) -> Domain:
    return register_domain(organization=organization, name=name, actor="test", now=timezone.now())


@pytest.fixture
def stage(
    installation: SandboxProcess, acme: Organization, owner: User, outsider: User, publish: Callable[..., None]
) -> Stage:
    domain = register(acme)
    publish(domain)
    domain = check_domain(domain=domain, actor="test", now=timezone.now())
    assert domain.status == "active"
    return Stage(installation, domain)


@pytest.fixture
def challenge(stage: Stage, globex: Organization) -> Challenge:
    return open_challenge(organization=globex, name=NAME, actor="globex", now=stage.start)


def holder_of_the_name() -> Organization:
    return Domain.objects.proved().get(name=NAME).organization


# --- opening


def test_the_record_is_a_fresh_token_and_the_holder_hears_nothing(challenge: Challenge, stage: Stage) -> None:
    record = challenge_record(challenge)
    assert (record.type, record.name) == ("TXT", f"_postern.{NAME}")
    assert record.value == f"postern-verify={challenge.token}"
    assert len(challenge.token) == 40
    stage.look(1)
    assert not Notice.objects.exists()
    assert not challenges_of(domain=stage.holder).exists()


@pytest.mark.parametrize("name", ["free.example", "below.sold.example"])
def test_a_name_that_nobody_else_proved_is_registered_instead(stage: Stage, globex: Organization, name: str) -> None:
    with pytest.raises(NothingToChallenge, match="register it"):
        open_challenge(organization=globex, name=name, actor="test", now=stage.start)


def test_a_name_that_another_only_claims_is_not_challenged(
    stage: Stage, acme: Organization, globex: Organization
) -> None:
    register(acme, "typed.example")
    with pytest.raises(NothingToChallenge):
        open_challenge(organization=globex, name="typed.example", actor="test", now=stage.start)


def test_nobody_challenges_itself(stage: Stage, acme: Organization) -> None:
    with pytest.raises(NothingToChallenge, match="yours"):
        open_challenge(organization=acme, name=NAME, actor="test", now=stage.start)


def test_one_name_is_challenged_once_at_a_time(challenge: Challenge, stage: Stage, globex: Organization) -> None:
    with pytest.raises(ChallengeExists):
        open_challenge(organization=globex, name="SOLD.example.", actor="test", now=stage.start)
    withdraw(challenge=challenge, actor="test", now=stage.start)
    again = open_challenge(organization=globex, name=NAME, actor="test", now=stage.start)
    assert again.token != challenge.token


def test_challenges_are_not_endless(challenge: Challenge, stage: Stage, globex: Organization) -> None:
    for number in range(MOST_OPEN - 1):
        Challenge.objects.create(name=f"n{number}.example", organization=globex, token="x")
    Challenge.objects.filter(pk=challenge.pk).update(name="another.example")
    with pytest.raises(TooManyChallenges):
        open_challenge(organization=globex, name=NAME, actor="test", now=stage.start)


def test_what_is_no_name_is_refused(stage: Stage, globex: Organization) -> None:
    with pytest.raises(InvalidDomainName):
        open_challenge(organization=globex, name="not a name", actor="test", now=stage.start)


def test_a_challenge_is_its_organizations_alone(challenge: Challenge, acme: Organization) -> None:
    for organization, id in ((acme, challenge.public_id), (challenge.organization, "chl_\x00"), (acme, "")):
        with pytest.raises(ChallengeNotFound):
            access_challenge(organization=organization, public_id=id)


# --- sold: the name moves


def test_a_sold_name_moves_after_72_hours_and_two_notices(
    challenge: Challenge, stage: Stage, acme: Organization, globex: Organization
) -> None:
    stage.dns(token_of(challenge))
    stage.run(1, 72)
    assert holder_of_the_name() == acme
    assert [notice.mailed_at is not None for notice in Notice.objects.all()] == [True, True]
    stage.run(76, 76)
    assert holder_of_the_name() == globex
    challenge.refresh_from_db()
    assert (challenge.status, challenge.decided_by) == ("won", "system")
    stage.holder.refresh_from_db()
    assert (stage.holder.status, stage.holder.reason) == ("failed", "claimed_elsewhere")
    assert (stage.holder.proved_at, stage.holder.removed_at) == (None, None)


def test_the_tenure_moves_in_one_moment_and_old_mail_stays(
    challenge: Challenge, stage: Stage, acme: Organization, globex: Organization
) -> None:
    stage.dns(token_of(challenge))
    stage.run(1, 76)
    old, new = Tenure.objects.order_by("from_at")
    assert (old.organization, new.organization) == (acme, globex)
    assert old.to_at == new.from_at
    assert holder_at(name=NAME, at=new.from_at - timedelta(minutes=1)) == old
    assert holder_at(name=NAME, at=new.from_at) == new
    assert NameLedger.objects.filter(name=NAME, organization=globex).exists()


def test_the_new_holder_publishes_and_is_verified(
    challenge: Challenge, stage: Stage, globex: Organization, publish: Callable[..., None]
) -> None:
    stage.dns(token_of(challenge))
    stage.run(1, 76)
    reconcile(now=stage.at(77))
    claim = Domain.objects.get(organization=globex)
    assert (claim.status, claim.reason) == ("pending", "awaiting_mx")
    publish(claim)
    claim = check_domain(domain=claim, actor="test", now=timezone.now())
    assert (claim.status, claim.reason, claim.verification_status) == ("active", "", "SUCCESS")
    (rule,) = stage.sandbox.client("ses").describe_active_receipt_rule_set()["Rules"]
    assert rule["Recipients"] == [NAME]


def test_a_claim_that_the_challenger_has_already_takes_the_name(
    installation: SandboxProcess, acme: Organization, globex: Organization, owner: User, publish: Callable[..., None]
) -> None:
    ours, theirs = register(acme), register(globex)
    publish(ours)
    ours.refresh_from_db()
    check_domain(domain=ours, actor="test", now=timezone.now())
    theirs.refresh_from_db()
    assert (theirs.status, theirs.reason) == ("failed", "claimed_elsewhere")
    stage = Stage(installation, ours)
    challenge = open_challenge(organization=globex, name=NAME, actor="test", now=stage.start)
    stage.dns(token_of(challenge))
    stage.run(1, 76)
    theirs.refresh_from_db()
    assert (theirs.status, theirs.is_proved, theirs.claim_token) == ("pending", True, challenge.token)
    assert Domain.objects.live().filter(organization=globex).count() == 1


def test_both_sides_histories_webhooks_and_owners_are_told(
    challenge: Challenge, stage: Stage, acme: Organization, globex: Organization
) -> None:
    for organization in (acme, globex):
        WebhookEndpoint.objects.create(
            organization=organization, url="https://hooks.example/in", events=["domain.failed"], secret_encrypted="-"
        )
    stage.dns(token_of(challenge))
    stage.run(1, 76)
    stage.look(73.1)
    assert list(DomainEvent.objects.filter(domain=stage.holder).order_by("pk").values_list("type", flat=True))[-2:] == [
        "domain.challenged",
        "domain.failed",
    ]
    assert [delivery.endpoint.organization for delivery in WebhookDelivery.objects.all()] == [acme]
    won = DomainEvent.objects.filter(domain__organization=globex).order_by("pk").values_list("type", flat=True)
    assert "domain.proved" in won
    assert set(AuditEvent.objects.values_list("organization__name", "action")) >= {
        ("Acme", "name.lost"),
        ("Globex", "name.won"),
    }
    subjects = {(message.to[0], message.subject) for message in mail.outbox}
    assert ("owner@acme.example", f"Acme: {NAME} has moved to another organization") in subjects
    assert ("outsider@globex.example", f"Globex: {NAME} is yours") in subjects


def test_no_side_learns_who_the_other_is(challenge: Challenge, stage: Stage) -> None:
    stage.dns(token_of(challenge))
    stage.run(1, 76)
    for message in mail.outbox:
        other = "globex" if message.to == ["owner@acme.example"] else "acme"
        assert other not in (message.subject + message.body).lower().replace(
            "acme:", "" if other == "globex" else "acme:"
        )
    told = DomainEvent.objects.filter(domain=stage.holder).values_list("actor", "reason", "evidence")
    assert "globex" not in repr(list(told)).lower()
    assert challenge.public_id not in repr(list(AuditEvent.objects.filter(organization__name="Acme").values()))


def test_the_notices_name_the_record_that_keeps_the_name_and_the_page(challenge: Challenge, stage: Stage) -> None:
    stage.dns(token_of(challenge))
    stage.run(1, 40)
    first, second = Notice.objects.order_by("created_at")
    for notice in (first, second):
        assert f"_amazonses.{NAME}" in notice.body
        assert stage.of_holder("ownership")[0]["value"] in notice.body
        assert f"/app/domains/{stage.holder.public_id}" in notice.body
    assert "last notice" in second.subject
    assert second.created_at - first.created_at >= 36 * HOUR


# --- not sold: the holder keeps it


@pytest.mark.parametrize("purpose", ["ownership", "dkim"])
def test_any_record_that_proved_an_uncontested_claim_keeps_the_name(
    challenge: Challenge, stage: Stage, acme: Organization, purpose: str
) -> None:
    stage.dns(token_of(challenge), *stage.of_holder(purpose))
    stage.run(1, 100)
    assert holder_of_the_name() == acme
    assert not Notice.objects.exists()
    assert list(challenges_of(domain=stage.holder)) == [challenge]


@pytest.mark.parametrize("purpose", ["inbound", "spf", "dmarc"])
def test_a_record_that_proves_nothing_keeps_nothing(
    challenge: Challenge, stage: Stage, globex: Organization, purpose: str
) -> None:
    stage.dns(token_of(challenge), *stage.of_holder(purpose))
    stage.run(1, 76)
    assert holder_of_the_name() == globex


def test_a_record_that_comes_back_resets_the_72_hours(challenge: Challenge, stage: Stage, acme: Organization) -> None:
    stage.dns(token_of(challenge))
    stage.run(1, 72)
    stage.dns(token_of(challenge), *stage.of_holder("ownership"))
    stage.run(76, 76)
    challenge.refresh_from_db()
    assert (challenge.incumbent_absent_since, decides_at(challenge)) == (None, None)
    stage.dns(token_of(challenge))
    stage.run(76, 145)
    assert holder_of_the_name() == acme
    assert Notice.objects.filter(kind="domain.challenged").count() == 4


def test_a_contested_holder_keeps_the_name_by_its_own_record(
    installation: SandboxProcess, acme: Organization, globex: Organization, owner: User, publish: Callable[..., None]
) -> None:
    ours = register(acme)
    register(globex)
    publish(ours)
    ours.refresh_from_db()
    ours = check_domain(domain=ours, actor="test", now=timezone.now())
    stage = Stage(installation, ours)
    challenge = open_challenge(organization=globex, name=NAME, actor="test", now=stage.start)
    own = {"type": "TXT", "name": f"_postern.{NAME}", "value": f"postern-verify={ours.claim_token}"}
    stage.dns(token_of(challenge), own)
    stage.run(1, 100)
    assert holder_of_the_name() == acme
    # SES's tokens are the same for both: they keep it for nobody who had to prove it by a record of its own.
    stage.dns(token_of(challenge), *stage.of_holder("ownership", "dkim"))
    stage.run(103, 180)
    assert holder_of_the_name() == globex


@pytest.mark.parametrize("behaviour", ["servfail", "refused", "drop", "lame"])
def test_silence_is_neither_absent_nor_seen(
    challenge: Challenge, stage: Stage, acme: Organization, behaviour: str
) -> None:
    stage.dns(token_of(challenge), _127_0_0_1={"behaviour": behaviour})
    for hours in (1, 80):
        stage.look(hours)
    challenge.refresh_from_db()
    assert (challenge.token_seen_at, challenge.incumbent_absent_since) == (None, None)
    assert holder_of_the_name() == acme


def test_the_record_has_to_stand_on_every_server(challenge: Challenge, stage: Stage) -> None:
    stage.dns(token_of(challenge), _127_0_0_1={}, _127_0_0_31={"records": []})
    stage.look(1)
    challenge.refresh_from_db()
    assert challenge.token_seen_at is None


def test_one_server_that_still_has_the_holders_record_keeps_the_name(challenge: Challenge, stage: Stage) -> None:
    lagging = {"records": [token_of(challenge), *stage.of_holder("ownership")]}
    stage.dns(token_of(challenge), _127_0_0_1={}, _127_0_0_31=lagging)
    stage.look(1)
    challenge.refresh_from_db()
    assert challenge.token_seen_at is not None
    assert challenge.incumbent_absent_since is None


def test_a_server_that_does_not_answer_stops_the_time(challenge: Challenge, stage: Stage, acme: Organization) -> None:
    stage.dns(token_of(challenge))
    stage.run(1, 10)
    stage.dns(token_of(challenge), _127_0_0_1={}, _127_0_0_31={"behaviour": "refused"})
    stage.run(13, 100)
    assert holder_of_the_name() == acme
    assert Notice.objects.count() == 1


def test_notices_that_no_mail_server_took_move_nothing(
    challenge: Challenge, stage: Stage, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("refused")

    with monkeypatch.context() as broken:
        broken.setattr(notices, "send_mail", refuse)
        stage.dns(token_of(challenge))
        stage.run(1, 79)
    assert Notice.objects.filter(mailed_at=None).count() == 2
    assert holder_of_the_name() == acme


# --- other ends


def test_a_record_that_never_comes_ends_the_challenge(challenge: Challenge, stage: Stage, acme: Organization) -> None:
    stage.look(29 * 24)
    challenge.refresh_from_db()
    assert challenge.status == "open"
    stage.look(31 * 24)
    challenge.refresh_from_db()
    assert (challenge.status, challenge.decision) == ("lost", "The record was not seen within 30 days.")
    assert holder_of_the_name() == acme


def test_a_challenge_that_is_taken_back_is_looked_at_no_more(challenge: Challenge, stage: Stage) -> None:
    withdraw(challenge=challenge, actor="globex", now=stage.start)
    stage.dns(token_of(challenge))
    assert stage.look(1) == 0
    with pytest.raises(ChallengeEnded):
        withdraw(challenge=challenge, actor="globex", now=stage.start)


def test_a_holder_who_gives_the_name_up_ends_it(challenge: Challenge, stage: Stage, globex: Organization) -> None:
    remove_domain(domain=stage.holder, actor="test", now=timezone.now())
    stage.look(1)
    challenge.refresh_from_db()
    assert challenge.status == "withdrawn"
    assert "register it" in challenge.decision
    assert register(globex).is_contested


def test_staff_move_a_name_at_once(challenge: Challenge, globex: Organization, stage: Stage) -> None:
    moved = staff_decides(challenge=challenge, moves=True, actor="staff anna", now=timezone.now())
    assert (moved.status, moved.decided_by, moved.decision) == ("won", "staff anna", "Decided by staff.")
    assert holder_of_the_name() == globex


def test_staff_refuse(challenge: Challenge, acme: Organization, stage: Stage) -> None:
    refused = staff_decides(challenge=challenge, moves=False, actor="staff anna", now=timezone.now())
    assert refused.status == "lost"
    assert holder_of_the_name() == acme
    with pytest.raises(ChallengeEnded):
        staff_decides(challenge=challenge, moves=True, actor="staff anna", now=timezone.now())
    assert holder_of_the_name() == acme


def test_who_lost_the_name_can_not_restart_but_challenge(
    challenge: Challenge, stage: Stage, acme: Organization
) -> None:
    staff_decides(challenge=challenge, moves=True, actor="staff anna", now=timezone.now())
    stage.holder.refresh_from_db()
    with pytest.raises(DomainAlreadyRegistered):
        check_domain(domain=stage.holder, actor="test", now=timezone.now(), may_restart=True)
    back = open_challenge(organization=acme, name=NAME, actor="test", now=timezone.now())
    assert back.token != stage.holder.claim_token


def test_the_time_of_one_holder_is_not_held_against_the_next(
    challenge: Challenge, stage: Stage, db: None, owner: User
) -> None:
    initech = Organization.objects.create(name="Initech")
    other = open_challenge(organization=initech, name=NAME, actor="test", now=stage.start)
    stage.dns(token_of(challenge), token_of(other))
    stage.run(1, 46)
    staff_decides(challenge=challenge, moves=True, actor="staff anna", now=stage.at(47))
    stage.dns(token_of(other))
    stage.run(49, 100)
    other.refresh_from_db()
    assert other.status == "open"
    assert other.incumbent_absent_since is not None
    assert other.incumbent_absent_since >= stage.at(47)


# --- the worker


def test_what_a_dead_worker_had_leased_comes_back(challenge: Challenge, stage: Stage) -> None:
    assert take_due(now=stage.at(1)) == [challenge]
    assert look_at_due_challenges(now=stage.at(1) + LEASE - timedelta(seconds=1)) == 0
    assert look_at_due_challenges(now=stage.at(1) + LEASE) == 1


def test_clicks_within_five_seconds_are_one_look(challenge: Challenge, stage: Stage) -> None:
    stage.dns()
    look_now(challenge=challenge, now=stage.at(1))
    stage.dns(token_of(challenge))
    assert look_now(challenge=challenge, now=stage.at(1) + timedelta(seconds=4)).token_seen_at is None
    assert look_now(challenge=challenge, now=stage.at(1) + timedelta(seconds=6)).token_seen_at is not None


@pytest.mark.django_db(transaction=True)
def test_two_staff_who_move_and_refuse_at_once_decide_once(challenge: Challenge, stage: Stage) -> None:
    gate, ended = threading.Barrier(8), list[object]()

    def decide(moves: bool) -> None:
        try:
            gate.wait(30)
            ended.append(staff_decides(challenge=challenge, moves=moves, actor="staff", now=timezone.now()).status)
        except ChallengeEnded:
            ended.append("late")
        finally:
            connection.close()

    threads = [threading.Thread(target=decide, args=(number % 2 == 0,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ended.count("late") == 7
    assert Domain.objects.proved().filter(name=NAME).count() == 1
    assert Tenure.objects.filter(name=NAME, to_at=None).count() == 1
