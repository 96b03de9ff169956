"""What a check may and may not do: raise a claim on evidence, lower nothing on silence, restart only when told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.utils import timezone

from accounts.errors import UpstreamRefusal
from accounts.models import Organization
from channels.removal import remove_domain
from domains import polling, verification
from domains.changes import resume_domain, suspend_domain
from domains.models import Domain, Tenure
from domains.polling import check_due, take_due
from domains.reconciler import reconcile
from domains.registration import (
    DomainAlreadyRegistered,
    DomainNotFound,
    RestartsExhausted,
    register_domain,
    restart_claim,
)
from domains.schedule import LEASE
from domains.verification import COALESCE, check_domain, check_now
from tests.sandbox_process import SandboxProcess

Publish = Callable[..., None]
Register = Callable[..., Domain]

SES_READS = ("GetIdentityVerificationAttributes", "GetIdentityDkimAttributes")


@pytest.fixture
def register(installation: SandboxProcess, acme: Organization) -> Register:
    def make(name: str = "hello.example", organization: Organization = acme, **options: Any) -> Domain:
        return register_domain(organization=organization, name=name, actor="test", now=timezone.now(), **options)

    return make


@pytest.fixture
def active(register: Register, publish: Publish) -> Domain:
    domain = register()
    publish(domain)
    domain = check(domain)
    assert domain.status == "active"
    return domain


def check(domain: Domain, **options: Any) -> Domain:
    return check_domain(domain=Domain.objects.get(pk=domain.pk), actor="test", now=timezone.now(), **options)


def break_ses(sandbox: SandboxProcess) -> None:
    for operation in SES_READS:
        fault = {"operation": operation, "kind": "error", "status": 500, "times": 99}
        sandbox.control("POST", "/_sandbox/faults", fault)


def ses_reads(sandbox: SandboxProcess) -> list[str]:
    calls = sandbox.control("GET", "/_sandbox/calls")["calls"]
    return [call["operation"] for call in calls if call["operation"] in SES_READS]


def words(domain: Domain) -> tuple[str, str]:
    domain.refresh_from_db()
    return domain.status, domain.reason


def fail(domain: Domain, reason: str = "expired") -> None:
    Domain.objects.filter(pk=domain.pk).update(
        status="failed", reason=reason, next_check_at=None, claim_started_at=timezone.now() - timedelta(days=4)
    )
    domain.refresh_from_db()


# --- evidence


@pytest.mark.django_db
def test_a_silent_dns_lowers_no_active_domain_and_no_verdict(
    installation: SandboxProcess, active: Domain, settings: LazySettings
) -> None:
    before = list(active.records.order_by("position").values_list("verdict", flat=True))
    installation.control(
        "PUT", "/_sandbox/zones/hello.example", {"servers": {"127.0.0.1": {"behaviour": "servfail"}}, "records": []}
    )
    check(active)
    assert words(active) == ("active", "")
    assert list(active.records.order_by("position").values_list("verdict", flat=True)) == before
    assert "" not in active.records.values_list("message", flat=True)


@pytest.mark.django_db
def test_records_that_are_gone_are_said_and_lower_no_active_domain(
    installation: SandboxProcess, active: Domain
) -> None:
    installation.control("PUT", "/_sandbox/zones/hello.example", {"records": []})
    check(active)
    assert words(active) == ("active", "")
    assert set(active.records.values_list("verdict", flat=True)) == {"missing"}


@pytest.mark.django_db
def test_ses_down_keeps_what_dns_showed_refuses_and_changes_no_status(
    installation: SandboxProcess, register: Register, publish: Publish
) -> None:
    domain = register()
    publish(domain)
    break_ses(installation)
    with pytest.raises(UpstreamRefusal):
        check(domain)
    assert words(domain) == ("pending", "awaiting_dns")
    assert all(record.is_ok for record in domain.records.all())
    assert (domain.checked_at, domain.verification_status) == (None, "PENDING")
    assert domain.dns_checked_at is not None


@pytest.mark.django_db
def test_a_missing_mx_is_waited_for_with_the_name_proved(register: Register, publish: Publish) -> None:
    domain = register()
    publish(domain, "ownership", "dkim", "spf", "dmarc")
    check(domain)
    assert words(domain) == ("pending", "awaiting_mx")
    assert domain.is_proved
    publish(domain, "inbound")
    check(domain)
    assert words(domain) == ("active", "")


@pytest.mark.django_db
def test_a_domain_that_only_sends_needs_no_mx(register: Register, publish: Publish) -> None:
    domain = register(is_receiving=False)
    publish(domain)
    check(domain)
    assert words(domain) == ("active", "")


@pytest.mark.django_db
def test_a_suspended_domain_stays_so_whatever_a_check_finds(active: Domain) -> None:
    suspend_domain(domain=active, actor="test", now=timezone.now())
    check(active, may_restart=True)
    assert words(active) == ("suspended", "suspended_by_owner")
    resume_domain(domain=active, actor="test", now=timezone.now())
    assert words(active) == ("active", "")


@pytest.mark.django_db
def test_an_identity_that_somebody_deleted_is_made_again(
    installation: SandboxProcess, register: Register, publish: Publish
) -> None:
    domain = register()
    ses = installation.client("sesv2")
    ses.delete_email_identity(EmailIdentity="hello.example")
    check(domain)
    assert words(domain) == ("pending", "awaiting_dns")
    reconcile(now=timezone.now())
    assert ses.get_email_identity(EmailIdentity="hello.example")


@pytest.mark.django_db
def test_a_check_killed_after_the_proof_is_finished_by_the_next(
    register: Register, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    domain = register()
    publish(domain)
    with monkeypatch.context() as dying:
        dying.setattr(verification, "_move", die)
        with pytest.raises(Killed):
            check(domain)
    check(domain)
    assert words(domain) == ("active", "")
    assert Tenure.objects.count() == 1


# --- the 72 hours, and restarts


@pytest.mark.django_db
def test_a_claim_expires_after_72_hours_of_its_own_clock(register: Register) -> None:
    domain = register()
    with time_machine.travel(timezone.now() + timedelta(hours=71)):
        check(domain)
        assert words(domain) == ("pending", "awaiting_dns")
    with time_machine.travel(timezone.now() + timedelta(hours=73)):
        check(domain)
    assert words(domain) == ("failed", "expired")
    assert domain.next_check_at is None


@pytest.mark.django_db
def test_a_claim_fails_when_ses_gives_up(installation: SandboxProcess, register: Register) -> None:
    domain = register()
    installation.control("POST", "/_sandbox/clock", {"advance_seconds": 73 * 3600})
    check(domain)
    assert words(domain) == ("failed", "ses_failed")


@pytest.mark.django_db
def test_a_proved_name_waits_for_its_mx_without_end(register: Register, publish: Publish) -> None:
    domain = register()
    publish(domain, "ownership")
    check(domain)
    with time_machine.travel(timezone.now() + timedelta(days=30)):
        check(domain)
    assert words(domain) == ("pending", "awaiting_mx")


@pytest.mark.django_db
def test_a_failed_claim_is_neither_proved_nor_restarted_by_a_mere_look(register: Register, publish: Publish) -> None:
    domain = register()
    fail(domain)
    publish(domain)
    check(domain)
    assert check_due(now=timezone.now() + timedelta(days=9)) == 0
    assert words(domain) == ("failed", "expired")
    assert not domain.is_proved


@pytest.mark.django_db
@pytest.mark.parametrize("verb", ["verify", "check now"])
def test_a_failed_claim_restarts_when_it_is_told_to(register: Register, publish: Publish, verb: str) -> None:
    domain = register()
    fail(domain)
    publish(domain)
    if verb == "verify":
        check(domain, may_restart=True)
    else:
        check_now(domain=domain, actor="test", now=timezone.now())
    assert words(domain) == ("active", "")
    assert timezone.now() - domain.claim_started_at < timedelta(minutes=5)


@pytest.mark.django_db
def test_an_identity_that_ses_gave_up_gets_a_new_start(
    installation: SandboxProcess, register: Register, publish: Publish
) -> None:
    domain = register()
    installation.control("POST", "/_sandbox/clock", {"advance_seconds": 73 * 3600})
    check(domain)
    check(domain, may_restart=True)
    assert words(domain)[0] == "pending"
    publish(domain)
    check(domain)
    assert words(domain) == ("active", "")


@pytest.mark.django_db
def test_a_restart_asks_ses_to_start_again_although_it_still_looks(
    installation: SandboxProcess, register: Register
) -> None:
    domain = register()
    installation.control("DELETE", "/_sandbox/calls")
    restart_claim(domain=domain, actor="test", now=timezone.now())
    called = {call["operation"] for call in installation.control("GET", "/_sandbox/calls")["calls"]}
    assert called >= {"VerifyDomainIdentity", "VerifyDomainDkim"}


@pytest.mark.django_db
def test_a_restart_winds_up_dkim_where_that_alone_has_failed(
    installation: SandboxProcess, register: Register, publish: Publish
) -> None:
    domain = register()
    publish(domain, "ownership")
    installation.control("POST", "/_sandbox/clock", {"advance_seconds": 73 * 3600})
    check(domain)
    assert (domain.status, Domain.objects.get().dkim_status) == ("pending", "FAILED")
    restart_claim(domain=Domain.objects.get(), actor="test", now=timezone.now())
    assert Domain.objects.get().dkim_status == "PENDING"


@pytest.mark.django_db
def test_a_claim_that_is_gone_can_not_be_restarted(register: Register) -> None:
    domain = register()
    remove_domain(domain=domain, actor="test", now=timezone.now())
    with pytest.raises(DomainNotFound):
        restart_claim(domain=domain, actor="test", now=timezone.now())


@pytest.mark.django_db
def test_restarts_are_counted_by_the_day(register: Register, settings: LazySettings) -> None:
    settings.MAX_RESTARTS_PER_DAY = 2
    domain = register()
    for _ in range(2):
        fail(domain)
        check(domain, may_restart=True)
    fail(domain)
    with pytest.raises(RestartsExhausted):
        check(domain, may_restart=True)
    assert words(domain) == ("failed", "expired")
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        check(domain, may_restart=True)
        assert words(domain)[0] == "pending"


# --- whose name it is


@pytest.mark.django_db
def test_of_two_claims_the_own_token_decides_and_the_other_ends(
    register: Register, publish: Publish, acme: Organization, globex: Organization
) -> None:
    ours, theirs = register(), register(organization=globex)
    publish(ours, "ownership", "dkim", "inbound")
    check(ours)
    assert words(ours) == ("pending", "awaiting_claim")
    publish(theirs, "claim")
    check(ours)
    assert words(ours) == ("pending", "awaiting_claim")
    check(theirs)
    assert words(theirs) == ("active", "")
    assert words(ours) == ("failed", "claimed_elsewhere")
    assert [tenure.organization for tenure in Tenure.objects.all()] == [globex]
    with pytest.raises(DomainAlreadyRegistered):
        check(ours, may_restart=True)
    assert words(ours) == ("failed", "claimed_elsewhere")


@pytest.mark.django_db
def test_a_claim_below_anothers_name_needs_its_own_token(
    register: Register, publish: Publish, globex: Organization, active: Domain
) -> None:
    below = register("mail.hello.example", organization=globex)
    publish(below, "ownership", "dkim", "inbound")
    check(below)
    assert words(below) == ("pending", "awaiting_claim")


# --- the poller


@pytest.mark.django_db
def test_the_poller_looks_at_100_domains_in_two_calls_of_ses(installation: SandboxProcess, acme: Organization) -> None:
    now = timezone.now()
    Domain.objects.bulk_create(
        Domain(
            organization=acme,
            name=f"n{number}.example",
            region="us-east-1",
            claim_started_at=now,
            next_check_at=now,
        )
        for number in range(100)
    )
    installation.control("DELETE", "/_sandbox/calls")
    assert check_due(now=now) == 100
    assert ses_reads(installation) == list(SES_READS)
    assert not Domain.objects.filter(next_check_at__lte=timezone.now()).exists()


@pytest.mark.django_db
def test_the_poller_makes_a_published_domain_active(register: Register, publish: Publish) -> None:
    domain = register()
    publish(domain)
    assert check_due(now=timezone.now()) == 0
    assert check_due(now=timezone.now() + timedelta(seconds=20)) == 1
    assert words(domain) == ("active", "")


@pytest.mark.django_db
def test_what_a_dead_poller_had_leased_comes_back(register: Register, publish: Publish) -> None:
    domain = register()
    publish(domain)
    due = timezone.now() + timedelta(seconds=20)
    assert [each.pk for each in take_due(now=due)] == [domain.pk]
    assert check_due(now=due + LEASE - timedelta(seconds=1)) == 0
    assert check_due(now=due + LEASE) == 1
    assert words(domain) == ("active", "")


@pytest.mark.django_db
def test_the_poller_goes_on_when_ses_is_down_and_lowers_nothing(
    installation: SandboxProcess, register: Register, active: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = register("second.example")
    Domain.objects.update(next_check_at=timezone.now())
    break_ses(installation)
    assert check_due(now=timezone.now()) == 2
    assert words(active) == ("active", "")
    assert words(waiting) == ("pending", "awaiting_dns")
    assert waiting.dns_checked_at is not None


# --- check now


@pytest.mark.django_db
def test_clicks_within_five_seconds_are_one_check(installation: SandboxProcess, register: Register) -> None:
    domain = register()
    installation.control("DELETE", "/_sandbox/calls")
    stale = Domain.objects.get(pk=domain.pk)
    for _ in range(3):
        check_now(domain=stale, actor="test", now=timezone.now())
        stale = Domain.objects.get(pk=domain.pk)
    assert len(ses_reads(installation)) == 2
    check_now(domain=stale, actor="test", now=timezone.now() + COALESCE)
    assert len(ses_reads(installation)) == 4


@pytest.mark.django_db
def test_a_click_on_an_old_page_is_coalesced_too(installation: SandboxProcess, register: Register) -> None:
    shown = register()
    shown_elsewhere = Domain.objects.get(pk=shown.pk)
    installation.control("DELETE", "/_sandbox/calls")
    for page in (shown, shown_elsewhere):
        fresh = check_now(domain=page, actor="test", now=timezone.now())
        assert fresh.checked_at is not None
    assert len(ses_reads(installation)) == 2


@pytest.mark.django_db
def test_a_click_while_another_click_looks_waits_for_nothing(
    installation: SandboxProcess, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = register()
    looks: list[Domain] = []

    def click_again(**options: Any) -> Domain:
        looks.append(options["domain"])
        check_now(domain=Domain.objects.get(pk=domain.pk), actor="other", now=timezone.now())
        return check_domain(**options)

    monkeypatch.setattr(verification, "check_domain", click_again)
    check_now(domain=domain, actor="test", now=timezone.now())
    assert len(looks) == 1


@pytest.mark.django_db
def test_check_now_shows_the_last_values_while_ses_is_down(installation: SandboxProcess, active: Domain) -> None:
    break_ses(installation)
    fresh = check_now(domain=active, actor="test", now=timezone.now() + COALESCE)
    assert (fresh.status, fresh.verification_status) == ("active", "SUCCESS")
    assert polling.take_due(now=timezone.now()) == []
