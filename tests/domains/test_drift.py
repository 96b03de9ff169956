"""Lost is what three looks over six hours agree on; who is told, of what, and how often."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any

import pytest
import time_machine
from django.db import connection
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts.models import AuditEvent, Notice, Organization, User
from domains import schedule
from domains.changes import resume_domain, suspend_domain
from domains.drift import IdentityCanNotBeMuted, NothingMissing, acknowledge, mute, note_look, unmute
from domains.drift_rules import APART, MISSES, SPAN, WARNED_ONCE_IN, Count, Sight, after_look, health_of, is_newly_lost
from domains.facts import current_records
from domains.models import Domain, DomainEvent, Drift
from domains.schedule import AFTER_A_MISS
from domains.verification import check_domain
from tests.dashboard.rows import make_domain
from tests.domains.drifting import GOOGLE, World
from tests.sandbox_process import SandboxProcess
from webhooks.models import WebhookDelivery

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def counted(*looks: tuple[float, Sight], is_muted: bool = False) -> Count:
    """After looks at so many hours."""
    seen = Count()
    for hours, sight in looks:
        seen = after_look(seen, sight, code="not_published", is_muted=is_muted, now=NOW + hours * HOUR)
    return seen


# --- the rules, pure


def test_three_misses_over_six_hours_are_a_loss() -> None:
    assert not counted((0, Sight.MISSED), (3, Sight.MISSED)).is_lost
    assert counted((0, Sight.MISSED), (3, Sight.MISSED), (6, Sight.MISSED)).drifted_at == NOW + 6 * HOUR


def test_three_misses_within_less_than_six_hours_are_none() -> None:
    assert not counted((0, Sight.MISSED), (3, Sight.MISSED), (5.9, Sight.MISSED)).is_lost


def test_two_misses_are_none_however_far_apart() -> None:
    assert not counted((0, Sight.MISSED), (50, Sight.MISSED)).is_lost


def test_many_clicks_within_minutes_are_one_miss() -> None:
    early = [(number / 60, Sight.MISSED) for number in range(30)]
    assert counted(*early).misses == 1
    assert not counted(*early, (6.5, Sight.MISSED)).is_lost
    assert counted(*early, (5, Sight.MISSED), (6.5, Sight.MISSED)).is_lost


def test_a_look_that_sees_nothing_neither_adds_a_miss_nor_takes_one_away() -> None:
    blind = [(hours, Sight.UNSEEN) for hours in range(1, 6)]
    assert counted((0, Sight.MISSED), *blind) == counted((0, Sight.MISSED))
    assert counted((0, Sight.MISSED), *blind, (6, Sight.MISSED), (9, Sight.MISSED)).is_lost


def test_one_right_look_empties_the_count() -> None:
    looks = [(0, Sight.MISSED), (3, Sight.MISSED), (6, Sight.RIGHT), (9, Sight.MISSED), (12, Sight.MISSED)]
    assert counted(*looks).misses == 2
    assert not counted(*looks).is_lost


def test_what_is_muted_is_counted_and_never_lost() -> None:
    seen = counted(*((hours, Sight.MISSED) for hours in range(0, 99, 3)), is_muted=True)
    assert (seen.misses, seen.is_lost) == (33, False)


def test_what_ses_fails_after_its_warning_is_counted_from_the_failure() -> None:
    warned = [(hours, Sight.WARNED) for hours in range(0, 72, 3)]
    assert counted(*warned).is_warned
    assert not counted(*warned, (72, Sight.MISSED), (75, Sight.MISSED)).is_lost
    assert counted(*warned, (72, Sight.MISSED), (75, Sight.MISSED), (78, Sight.MISSED)).drifted_at is not None


def test_a_warning_that_comes_and_goes_is_new_once_in_72_hours() -> None:
    first = counted((0, Sight.WARNED))
    assert is_newly_lost(Count(), first)
    assert not is_newly_lost(first, counted((0, Sight.WARNED), (3, Sight.WARNED)))
    for hours, is_new in ((6, False), (3 + WARNED_ONCE_IN / HOUR, True)):
        calm = counted((0, Sight.WARNED), (3, Sight.RIGHT))
        again = after_look(calm, Sight.WARNED, code="", is_muted=False, now=NOW + hours * HOUR)
        assert is_newly_lost(calm, again) is is_new


@pytest.mark.parametrize(
    ("purposes", "health"),
    [
        ({}, "healthy"),
        ({"inbound": 1}, "suspect"),
        ({"spf": 9}, "degraded"),
        ({"dmarc": 9, "inbound": 1}, "degraded"),
        ({"inbound": 9}, "broken"),
        ({"identity": 9, "dkim": 9}, "broken"),
    ],
)
def test_the_health_is_that_of_the_gravest_loss(purposes: dict[str, int], health: str) -> None:
    looks = {purpose: [(3 * each, Sight.MISSED) for each in range(misses)] for purpose, misses in purposes.items()}
    assert health_of((purpose, counted(*seen)) for purpose, seen in looks.items()) == health


class CountMachine(RuleBasedStateMachine):
    """Any looks at any times, against an oracle that reads the whole history anew."""

    @initialize()
    def begin(self) -> None:
        self.now, self.count = NOW, Count()
        self.looks: list[tuple[datetime, Sight]] = []

    @rule(minutes=st.integers(0, 900), sight=st.sampled_from([Sight.RIGHT, *[Sight.MISSED] * 4, Sight.UNSEEN]))
    def look(self, minutes: int, sight: Sight) -> None:
        self.now += timedelta(minutes=minutes)
        self.looks.append((self.now, sight))
        self.count = after_look(self.count, sight, code="", is_muted=False, now=self.now)

    @invariant()
    def agrees_with_the_history(self) -> None:
        if not hasattr(self, "looks"):
            return
        spell: list[datetime] = []
        is_lost = False
        for at, sight in self.looks:
            if sight is Sight.RIGHT:
                spell, is_lost = [], False
            elif sight is Sight.MISSED and (not spell or at - spell[-1] >= APART):
                spell.append(at)
                is_lost = is_lost or (len(spell) >= MISSES and spell[-1] - spell[0] >= SPAN)
        assert (self.count.misses, self.count.is_lost) == (len(spell), is_lost)


def test_any_sequence_of_looks_is_counted_as_its_history_says() -> None:
    run_state_machine_as_test(CountMachine, settings=hypothesis_settings(max_examples=60, deadline=None))


# --- the rows and what is told, without DNS


def in_use(organization: Organization, name: str = "shop.example") -> Domain:
    """A verified domain whose records have all been right once."""
    domain = make_domain(organization, name, status="active", verified_at=NOW)
    domain.records.update(verdict="ok", first_ok_at=NOW)
    return domain


def look(domain: Domain, at: datetime, *, ses: str | None = "SUCCESS", **verdicts: str) -> Domain:
    """One look at which the records of the named purposes have these verdicts, all others are right."""
    row = Domain.objects.select_related("organization").get(pk=domain.pk)
    records = current_records(row)
    seen = {record.pk: verdicts.get(record.purpose, "ok") for record in records}
    note_look(domain=row, records=records, verdicts=seen, ses_status=ses, now=at)
    return Domain.objects.get(pk=domain.pk)


def lose(domain: Domain, *purposes: str, at: datetime = NOW) -> Domain:
    for hours in (0, 3, 6):
        domain = look(domain, at + hours * HOUR, **dict.fromkeys(purposes, "missing"))
    return domain


def told(domain: Domain) -> list[tuple[str, str]]:
    events = DomainEvent.objects.filter(
        domain=domain, type__in=["domain.degraded", "domain.recovered", "domain.failed"]
    )
    return [(event.type.removeprefix("domain."), event.reason) for event in events.order_by("at", "pk")]


@pytest.mark.django_db
class TestTelling:
    def test_each_step_is_told_once_and_the_recovery_once(self, acme: Organization) -> None:
        domain = lose(in_use(acme), "spf")
        assert domain.health == "degraded"
        for hours in range(9, 99, 3):
            look(domain, NOW + hours * HOUR, spf="missing")
        assert told(domain) == [("degraded", "spf_lost")]
        assert look(domain, NOW + 99 * HOUR).health == "healthy"
        look(domain, NOW + 102 * HOUR)
        assert told(domain) == [("degraded", "spf_lost"), ("recovered", "")]
        assert Notice.objects.count() == 2

    def test_a_first_miss_is_in_the_history_alone(self, acme: Organization) -> None:
        domain = look(in_use(acme), NOW, inbound="wrong")
        assert domain.health == "suspect"
        assert (told(domain), Notice.objects.count()) == ([], 0)
        assert domain.events.get().after == "suspect"

    def test_three_dkim_records_are_one_loss_also_when_they_go_one_by_one(self, acme: Organization) -> None:
        domain = in_use(acme)
        first = domain.records.filter(purpose="dkim")[0]
        for hours in range(0, 30, 3):
            row = Domain.objects.select_related("organization").get(pk=domain.pk)
            gone = {first.pk} if hours < 9 else set(row.records.filter(purpose="dkim").values_list("pk", flat=True))
            verdicts = {each.pk: "missing" if each.pk in gone else "ok" for each in row.records.all()}
            note_look(
                domain=row, records=current_records(row), verdicts=verdicts, ses_status=None, now=NOW + hours * HOUR
            )
        assert domain.drifts.filter(drifted_at__isnull=False).count() == 3
        assert told(domain) == [("degraded", "dkim_lost")]

    def test_a_graver_loss_is_told_on_top_and_all_is_well_once_both_are_back(self, acme: Organization) -> None:
        domain = lose(in_use(acme), "spf")
        lose(domain, "spf", "inbound", at=NOW + 9 * HOUR)
        assert look(domain, NOW + 20 * HOUR, spf="missing").health == "degraded"
        assert look(domain, NOW + 23 * HOUR).health == "healthy"
        assert told(domain) == [("degraded", "spf_lost"), ("degraded", "mx_lost"), ("recovered", "")]

    def test_two_losses_at_one_look_are_one_notice_that_names_both(self, acme: Organization) -> None:
        lose(in_use(acme), "spf", "inbound")
        notice = Notice.objects.get()
        assert notice.subject == "shop.example: mail does not come here any more"
        assert "MX shop.example" in notice.body
        assert "TXT shop.example" in notice.body

    def test_what_was_never_right_can_not_be_lost(self, acme: Organization) -> None:
        domain = in_use(acme)
        domain.records.filter(purpose="dmarc").update(first_ok_at=None)
        assert lose(domain, "dmarc").health == "healthy"
        assert not Drift.objects.exists()

    def test_the_ownership_record_may_go_while_ses_holds_the_name(self, acme: Organization) -> None:
        assert lose(in_use(acme), "ownership").health == "healthy"

    @pytest.mark.parametrize("status", ["pending", "suspended", "failed"])
    def test_only_a_domain_in_use_is_judged(self, acme: Organization, status: str) -> None:
        domain = in_use(acme)
        Domain.objects.update(status=status)
        assert lose(domain, "inbound", "spf").health == "healthy"
        assert (Drift.objects.count(), Notice.objects.count()) == (0, 0)

    def test_a_suspension_neither_adds_nor_forgets(self, acme: Organization) -> None:
        domain = lose(in_use(acme), "spf")
        suspend_domain(domain=domain, actor="test", now=NOW + 7 * HOUR)
        look(domain, NOW + 8 * HOUR)
        assert told(domain) == [("degraded", "spf_lost")]
        domain.refresh_from_db()
        resume_domain(domain=domain, actor="test", now=NOW + 9 * HOUR)
        look(domain, NOW + 10 * HOUR)
        assert told(domain) == [("degraded", "spf_lost"), ("recovered", "")]

    def test_a_removed_domain_is_not_judged(self, acme: Organization) -> None:
        domain = in_use(acme)
        Domain.objects.update(removed_at=NOW)
        lose(domain, "inbound")
        assert not Drift.objects.exists()

    def test_records_of_former_tokens_are_forgotten(self, acme: Organization) -> None:
        domain = lose(in_use(acme), "dkim")
        domain.records.filter(purpose="dkim").update(name="new._domainkey.shop.example", first_ok_at=None)
        assert look(domain, NOW + 9 * HOUR).health == "healthy"
        assert not Drift.objects.filter(purpose="dkim").exists()

    def test_a_notice_says_what_to_do_and_where(self, acme: Organization) -> None:
        domain = in_use(acme)
        domain.records.filter(purpose="inbound").update(fix="Set the MX record to: 10 our.host", message="It is not.")
        lose(domain, "inbound")
        body = Notice.objects.get().body
        assert f"/app/domains/{domain.public_id}" in body
        assert "Set the MX record to: 10 our.host" in body
        assert "2026-11-20 12:00 UTC" in body

    def test_a_domain_with_a_miss_is_looked_at_every_three_hours(self, acme: Organization) -> None:
        domain = in_use(acme)
        Domain.objects.update(next_check_at=NOW + timedelta(days=1))
        domain = look(domain, NOW, spf="missing")
        assert domain.next_check_at is not None
        assert AFTER_A_MISS <= domain.next_check_at - NOW <= AFTER_A_MISS * 1.05
        Domain.objects.update(next_check_at=NOW + timedelta(days=2))
        acknowledge(drift=Drift.objects.get(), actor="owner", now=NOW)
        domain = look(domain, NOW + 3 * HOUR, spf="missing")
        assert domain.next_check_at == NOW + timedelta(days=2)


@pytest.mark.django_db
class TestIdentity:
    def look(self, domain: Domain, hours: float, ses: str) -> Domain:
        return look(domain, NOW + hours * HOUR, ses=ses)

    def test_the_warning_of_ses_is_told_at_once_and_the_domain_stays_in_use(self, acme: Organization) -> None:
        domain = self.look(in_use(acme), 0, "TEMPORARY_FAILURE")
        assert (domain.status, domain.health) == ("active", "degraded")
        assert told(domain) == [("degraded", "identity_warning")]
        self.look(domain, 3, "TEMPORARY_FAILURE")
        assert self.look(domain, 6, "SUCCESS").health == "healthy"
        assert told(domain) == [("degraded", "identity_warning"), ("recovered", "")]

    def test_a_warning_that_flaps_for_a_day_is_told_once(self, acme: Organization) -> None:
        domain = in_use(acme)
        for hours in range(24):
            self.look(domain, hours, "TEMPORARY_FAILURE" if hours % 2 else "SUCCESS")
        assert told(domain) == [("degraded", "identity_warning"), ("recovered", "")]

    def test_what_ses_has_given_up_fails_after_three_looks_over_six_hours(self, acme: Organization) -> None:
        domain = in_use(acme)
        assert self.look(domain, 0, "FAILED").status == "active"
        assert self.look(domain, 3, "FAILED").status == "active"
        domain = self.look(domain, 6, "FAILED")
        assert (domain.status, domain.reason, domain.health) == ("failed", "identity_lost", "broken")
        assert domain.next_check_at is None
        assert domain.proved_at is not None
        assert told(domain) == [("failed", "identity_lost")]
        assert "Start it again" in Notice.objects.get().body

    def test_an_identity_that_waits_in_ses_is_lost_but_fails_only_when_ses_says_so(self, acme: Organization) -> None:
        domain = in_use(acme)
        for hours in (0, 3, 6, 9):
            domain = self.look(domain, hours, "PENDING")
        assert (domain.status, domain.health) == ("active", "broken")
        domain = self.look(domain, 72, "FAILED")
        assert (domain.status, told(domain)) == ("failed", [("degraded", "identity_lost"), ("failed", "identity_lost")])

    def test_ses_that_can_not_be_asked_says_nothing(self, acme: Organization) -> None:
        domain = in_use(acme)
        for hours in range(0, 99, 3):
            look(domain, NOW + hours * HOUR, ses=None)
        assert told(domain) == []


@pytest.mark.django_db
class TestVerbs:
    def test_what_is_acknowledged_lowers_the_health_and_says_nothing(self, acme: Organization) -> None:
        domain = look(in_use(acme), NOW, spf="missing")
        acknowledge(drift=Drift.objects.get(), actor="owner", now=NOW)
        domain = lose(domain, "spf", at=NOW + HOUR)
        assert domain.health == "degraded"
        assert (told(domain), Notice.objects.count()) == ([], 0)
        assert look(domain, NOW + 9 * HOUR).health == "healthy"
        assert (told(domain), Notice.objects.count()) == ([], 0)

    def test_it_is_forgotten_at_the_recovery_so_that_the_next_loss_is_told(self, acme: Organization) -> None:
        domain = lose(in_use(acme), "spf")
        acknowledge(drift=Drift.objects.get(), actor="owner", now=NOW + 7 * HOUR)
        look(domain, NOW + 9 * HOUR)
        lose(domain, "spf", at=NOW + 12 * HOUR)
        assert told(domain) == [("degraded", "spf_lost"), ("recovered", ""), ("degraded", "spf_lost")]

    def test_what_is_acknowledged_keeps_no_other_from_its_recovery(self, acme: Organization) -> None:
        domain = lose(in_use(acme), "spf")
        acknowledge(drift=Drift.objects.get(), actor="owner", now=NOW + 7 * HOUR)
        lose(domain, "spf", "inbound", at=NOW + 9 * HOUR)
        assert look(domain, NOW + 18 * HOUR, spf="missing").health == "degraded"
        assert told(domain)[-1] == ("recovered", "")
        assert "you know of" in Notice.objects.latest("pk").body

    def test_what_is_right_again_can_not_be_acknowledged(self, acme: Organization) -> None:
        domain = look(in_use(acme), NOW, spf="missing")
        look(domain, NOW + HOUR)
        with pytest.raises(NothingMissing):
            acknowledge(drift=Drift.objects.get(), actor="owner", now=NOW + HOUR)

    def test_what_is_muted_never_lowers_the_health(self, acme: Organization) -> None:
        domain = look(in_use(acme), NOW, inbound="missing")
        mute(drift=Drift.objects.get(), actor="owner", now=NOW)
        assert Domain.objects.get().health == "healthy"
        assert lose(domain, "inbound", at=NOW + HOUR).health == "healthy"
        look(domain, NOW + 10 * HOUR)
        assert (told(domain), Notice.objects.count()) == ([], 0)

    def test_muting_a_loss_ends_it_silently_and_no_recovery_is_told_of_it(self, acme: Organization) -> None:
        domain = lose(in_use(acme), "spf")
        mute(drift=Drift.objects.get(), actor="owner", now=NOW + 7 * HOUR)
        assert Domain.objects.get().health == "healthy"
        look(domain, NOW + 9 * HOUR)
        look(domain, NOW + 12 * HOUR, inbound="missing")
        look(domain, NOW + 15 * HOUR)
        assert told(domain) == [("degraded", "spf_lost")]

    def test_what_is_unmuted_and_still_wrong_is_told_at_the_next_look(self, acme: Organization) -> None:
        domain = look(in_use(acme), NOW, spf="missing")
        mute(drift=Drift.objects.get(), actor="owner", now=NOW)
        lose(domain, "spf", at=NOW + HOUR)
        unmute(drift=Drift.objects.get(), actor="owner", now=NOW + 8 * HOUR)
        assert Domain.objects.get().health == "suspect"
        look(domain, NOW + 9 * HOUR, spf="missing")
        assert told(domain) == [("degraded", "spf_lost")]

    def test_the_identity_can_not_be_muted(self, acme: Organization) -> None:
        look(in_use(acme), NOW, ses="TEMPORARY_FAILURE")
        with pytest.raises(IdentityCanNotBeMuted):
            mute(drift=Drift.objects.get(), actor="owner", now=NOW)

    def test_each_verb_is_in_the_history_and_the_audit_once(self, acme: Organization) -> None:
        domain = look(in_use(acme), NOW, spf="missing")
        row = Drift.objects.get()
        for verb in (acknowledge, acknowledge, mute, mute, unmute, unmute):
            verb(drift=row, actor="owner@acme.example", now=NOW)
        verbs = ["domain.drift_acknowledged", "domain.drift_muted", "domain.drift_unmuted"]
        lines = domain.events.filter(type__startswith="domain.drift").order_by("pk")
        assert list(lines.values_list("type", "actor")) == [(verb, "owner@acme.example") for verb in verbs]
        assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True)) == verbs


class TellingMachine(RuleBasedStateMachine):
    """Any looks, acknowledgements and mutes: bad news and good news answer each other, and the muted is never named."""

    organization: Organization
    numbers = count()

    @initialize()
    def begin(self) -> None:
        self.domain = in_use(self.organization, f"m{next(self.numbers)}.example")
        self.now = NOW

    @rule(
        hours=st.sampled_from([0.1, 3, 3, 7]),
        gone=st.sets(st.sampled_from(["inbound", "spf", "dmarc"])),
        ses=st.sampled_from(["SUCCESS", "SUCCESS", "SUCCESS", "TEMPORARY_FAILURE", None]),
    )
    def look(self, hours: float, gone: set[str], ses: str | None) -> None:
        self.now += hours * HOUR
        before, muted = len(told(self.domain)), set(self.rows(muted=True))
        look(self.domain, self.now, ses=ses, **dict.fromkeys(gone, "missing"))
        for event in list(self.domain.events.filter(type="domain.degraded").order_by("at", "pk"))[before:]:
            assert not muted & {each["purpose"] for each in event.evidence["lost"]}

    @rule(verb=st.sampled_from([acknowledge, mute, unmute]), pick=st.integers(0, 9))
    def say(self, verb: Callable[..., None], pick: int) -> None:
        rows = list(self.domain.drifts.filter(misses__gt=0).exclude(purpose="identity").order_by("pk"))
        if rows:
            verb(drift=rows[pick % len(rows)], actor="owner", now=self.now)

    def rows(self, *, muted: bool) -> list[str]:
        rows = self.domain.drifts.filter(muted_at__isnull=not muted)
        return [row.purpose for row in rows]

    @invariant()
    def good_news_answers_bad_news(self) -> None:
        if not hasattr(self, "domain"):
            return
        story = [word for word, _ in told(self.domain)]
        assert "recovered" not in story[:1]
        assert ("recovered", "recovered") not in pairwise(story)
        assert Notice.objects.filter(subject__startswith=self.domain.name).count() == len(story)

    @invariant()
    def health_is_that_of_the_rows(self) -> None:
        if not hasattr(self, "domain"):
            return
        health = Domain.objects.get(pk=self.domain.pk).health
        assert (health == "healthy") is not self.domain.drifts.filter(misses__gt=0, muted_at__isnull=True).exists()


@pytest.mark.django_db
def test_whatever_happens_the_story_that_is_told_makes_sense(acme: Organization) -> None:
    TellingMachine.organization = acme
    machine = hypothesis_settings(max_examples=10, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(TellingMachine, settings=machine)


# --- through DNS and SES


@pytest.fixture
def world(installation: SandboxProcess, acme: Organization, owner: User, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(schedule, "JITTER", 0)
    world = World(installation, acme)
    world.activate()
    return world


def nothing_told(world: World) -> bool:
    return (world.notices(), world.outbox(), world.mails()) == ([], [], [])


@pytest.mark.django_db
def test_a_day_of_flapping_tells_nobody_anything(world: World) -> None:
    for hour in range(24):
        world.publish(*(("inbound", "spf", "dmarc") if hour % 3 else ()))
        world.live(hour + 0.5)
        world.click()
    assert nothing_told(world)
    assert {event for _, event, _ in world.history()} == {"domain.health_changed"}


@pytest.mark.django_db
@pytest.mark.parametrize("behaviour", ["servfail", "refused"])
def test_days_of_name_servers_that_do_not_answer_tell_nobody_anything(world: World, behaviour: str) -> None:
    world.publish(behaviour=behaviour)
    world.live(24 * 5)
    assert nothing_told(world)
    assert (world.domain.health, world.history()) == ("healthy", [])


@pytest.mark.django_db
def test_silence_in_between_neither_delays_nor_makes_a_loss(world: World) -> None:
    world.publish("spf")
    world.look(1)
    world.publish(behaviour="servfail")
    for hours in (4, 7, 10):
        world.look(hours)
    assert world.drift("spf").misses == 1
    world.publish("spf")
    world.look(13)
    assert nothing_told(world)
    world.look(16)
    assert world.notices() == [(16, "hello.example: the SPF record is gone or wrong")]


@pytest.mark.django_db
def test_clicking_makes_no_loss(world: World) -> None:
    world.publish("inbound", beside=[GOOGLE])
    for minutes in range(0, 60, 5):
        world.look(minutes / 60)
    assert (world.drift("inbound").misses, world.domain.health) == (1, "suspect")
    assert nothing_told(world)


def _at_once(verb: Callable[[], Any], times: int) -> list[Any]:
    gate, ended = threading.Barrier(times), []

    def run() -> None:
        try:
            gate.wait(10)
            ended.append(verb())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return ended


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_tell_once(world: World) -> None:
    world.publish("inbound", "spf")
    world.look(1)
    world.look(4)
    world.at(8)
    domain = world.domain
    with time_machine.travel(world.now, tick=False):
        ended = _at_once(lambda: check_domain(domain=domain, actor="test", now=world.now).health, 4)
    assert ended == ["broken"] * 4
    assert Notice.objects.count() == 1
    assert WebhookDelivery.objects.filter(type="domain.degraded").count() == 1
    assert domain.events.filter(type="domain.degraded").count() == 1
    world.publish()
    world.at(9)
    with time_machine.travel(world.now, tick=False):
        assert _at_once(lambda: check_domain(domain=domain, actor="test", now=world.now).health, 4) == ["healthy"] * 4
    assert Notice.objects.count() == 2
    assert domain.events.filter(type="domain.recovered").count() == 1
