"""The poller: who is looked at and when, in how many calls, and that neither two of it nor a dead one loses a look."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from accounts.models import Organization
from domains import evidence, intents, polling, schedule, verification
from domains.models import AwsIntent, Domain, Tenure
from domains.polling import check_due, take_due
from domains.reconciler import reconcile
from domains.registration import register_domain
from domains.schedule import AFTER_A_MISS, BACK_OFF, DAILY, JITTER, next_check_at
from domains.states import Status
from domains.verification import COALESCE, check_now
from tests.doomed_process import SLOW_SECONDS, DoomedProcess
from tests.sandbox_process import SandboxProcess

Publish = Callable[..., None]
POLLER = "from domains.tasks import check_due_domains; check_due_domains()"


def register(organization: Organization, name: str = "hello.example") -> Domain:
    return register_domain(organization=organization, name=name, actor="test", now=timezone.now())


def due(organization: Organization, count: int, *, region: str = "us-east-1", at: datetime | None = None) -> None:
    now = timezone.now()
    Domain.objects.bulk_create(
        Domain(
            organization=organization,
            name=f"n{number}.{region}.example",
            region=region,
            claim_started_at=now,
            next_check_at=at or now,
        )
        for number in range(count)
    )


def asked(sandbox: SandboxProcess) -> list[list[str]]:
    """The names of each call that looks at identities."""
    calls = sandbox.control("GET", "/_sandbox/calls")["calls"]
    return [
        call["parameters"]["Identities"] for call in calls if call["operation"] == "GetIdentityVerificationAttributes"
    ]


def slow(sandbox: SandboxProcess, operation: str) -> None:
    sandbox.control("DELETE", "/_sandbox/calls")
    sandbox.control("POST", "/_sandbox/faults", {"operation": operation, "kind": "delay", "seconds": SLOW_SECONDS})


# --- which, and in how many calls


@pytest.mark.django_db
def test_ses_is_asked_for_a_hundred_names_a_call_and_region(installation: SandboxProcess, acme: Organization) -> None:
    due(acme, 150)
    due(acme, 2, region="eu-west-1")
    installation.control("DELETE", "/_sandbox/calls")
    assert check_due(now=timezone.now()) == 152
    looked_at = asked(installation)
    assert max(len(names) for names in looked_at) <= 100
    assert len(looked_at) <= 3
    assert sorted(name for names in looked_at for name in names) == sorted(
        Domain.objects.values_list("name", flat=True)
    )


@pytest.mark.django_db
def test_the_poller_takes_the_slots_that_people_leave(
    installation: SandboxProcess, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers = []

    def noted(**options: Any) -> dict[str, Any]:
        callers.append(options["caller"].is_person)
        return {}

    domain = register(acme)
    for module in (polling, verification):
        monkeypatch.setattr(module, "identity_statuses", noted)
    check_due(now=timezone.now() + timedelta(seconds=20))
    check_now(domain=domain, actor="test", now=timezone.now() + COALESCE * 2)
    assert callers == [False, True]


@pytest.mark.django_db
def test_only_what_is_due_is_looked_at_and_the_longest_waiting_first(
    installation: SandboxProcess, acme: Organization
) -> None:
    now = timezone.now()
    due(acme, 3)
    for name, minutes in (("n0", -1), ("n1", -5), ("n2", 5)):
        Domain.objects.filter(name__startswith=name).update(next_check_at=now + timedelta(minutes=minutes))
    assert [domain.name[:2] for domain in take_due(now=now, most=1)] == ["n1"]
    assert [domain.name[:2] for domain in take_due(now=now)] == ["n0"]
    assert take_due(now=now) == []


@pytest.mark.django_db
def test_what_is_removed_or_has_failed_is_not_looked_at(
    installation: SandboxProcess, acme: Organization, publish: Publish
) -> None:
    due(acme, 2)
    Domain.objects.filter(name__startswith="n0").update(removed_at=timezone.now())
    Domain.objects.filter(name__startswith="n1").update(next_check_at=None, status="failed", reason="expired")
    assert check_due(now=timezone.now() + timedelta(days=9)) == 0


# --- when


@pytest.mark.parametrize("step", range(1, 12))
def test_a_pending_domain_waits_as_the_table_says_and_a_little_less(step: int) -> None:
    now = timezone.now()
    longest = timedelta(seconds=BACK_OFF[min(step, len(BACK_OFF)) - 1])
    pauses = {(next_check_at(status=Status.PENDING, step=step, now=now) or now) - now for _ in range(50)}
    assert longest * (1 - JITTER) <= min(pauses) <= max(pauses) <= longest
    assert len(pauses) > 1, "there is no jitter"


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.SUSPENDED])
def test_what_needs_no_help_is_looked_at_daily(status: Status) -> None:
    now = timezone.now()
    pauses = [(next_check_at(status=status, step=3, now=now) or now) - now for _ in range(50)]
    assert DAILY * (1 - JITTER) <= min(pauses) <= max(pauses) <= DAILY


def test_what_has_failed_is_not_looked_at_again() -> None:
    assert next_check_at(status=Status.FAILED, step=1, now=timezone.now()) is None


@pytest.mark.django_db
def test_the_looks_at_a_new_claim_become_rarer_and_rarer(
    installation: SandboxProcess, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the jitter the pauses are the table itself.
    monkeypatch.setattr(schedule, "JITTER", 0)
    now, pauses = timezone.now(), []
    with time_machine.travel(now, tick=False):
        domain = register(acme)
    for _ in range(len(BACK_OFF) + 1):
        domain.refresh_from_db()
        assert domain.next_check_at is not None
        pauses.append((domain.next_check_at - now).total_seconds())
        now = domain.next_check_at
        with time_machine.travel(now, tick=False):
            assert check_due(now=now) == 1
    assert pauses == [*BACK_OFF, BACK_OFF[-1]]


def test_after_a_miss_a_look_comes_in_three_hours_or_a_little_more() -> None:
    now = timezone.now()
    pauses = {schedule.after_a_miss(now=now) - now for _ in range(50)}
    # Never less: two such pauses span the six hours that a loss takes.
    assert AFTER_A_MISS <= min(pauses) <= max(pauses) <= AFTER_A_MISS * (1 + JITTER / 4)
    assert len(pauses) > 1, "there is no jitter"


@pytest.mark.django_db
def test_check_now_begins_the_back_off_again(installation: SandboxProcess, acme: Organization) -> None:
    domain = register(acme)
    Domain.objects.update(checks_in_a_row=9)
    fresh = check_now(domain=domain, actor="test", now=timezone.now() + COALESCE)
    assert fresh.next_check_at is not None
    assert fresh.next_check_at - timezone.now() <= timedelta(seconds=BACK_OFF[0])


# --- nothing is lost, nothing is done twice


def _at_once(verb: Callable[[], int], times: int) -> list[int]:
    """What each answered, all started together."""
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
def test_two_pollers_share_the_work(installation: SandboxProcess, acme: Organization) -> None:
    due(acme, 120)
    installation.control("DELETE", "/_sandbox/calls")
    now = timezone.now()
    assert sum(_at_once(lambda: check_due(now=now), 2)) == 120
    looked_at = [name for names in asked(installation) for name in names]
    assert len(looked_at) == len(set(looked_at)) == 120
    assert set(Domain.objects.values_list("checks_in_a_row", "leased_until")) == {(1, None)}


@pytest.mark.django_db(transaction=True)
def test_a_poller_killed_in_the_middle_of_a_check_delays_it_by_its_lease(
    installation: SandboxProcess, acme: Organization, publish: Publish
) -> None:
    domain = register(acme)
    publish(domain)
    Domain.objects.update(next_check_at=timezone.now())
    slow(installation, "GetIdentityVerificationAttributes")
    with DoomedProcess(POLLER) as poller:
        poller.die_at(installation, "GetIdentityVerificationAttributes")
    domain.refresh_from_db()
    assert (domain.status, domain.checked_at) == ("pending", None)
    assert domain.leased_until is not None
    assert check_due(now=timezone.now()) == 0
    assert check_due(now=domain.leased_until) == 1
    domain.refresh_from_db()
    assert (domain.status, domain.leased_until) == ("active", None)
    assert domain.events.filter(type="domain.verified").count() == Tenure.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_poller_killed_at_the_receipt_rules_leaves_them_to_the_reconciler(
    installation: SandboxProcess, acme: Organization, publish: Publish
) -> None:
    domain = register(acme)
    publish(domain)
    reconcile(now=timezone.now())
    Domain.objects.update(next_check_at=timezone.now())
    slow(installation, "DescribeActiveReceiptRuleSet")
    with DoomedProcess(POLLER) as poller:
        poller.die_at(installation, "DescribeActiveReceiptRuleSet")
    domain.refresh_from_db()
    assert domain.status == "active"
    assert reconcile(now=timezone.now()) == 0, "another was at it, for all that anybody knows"
    assert reconcile(now=timezone.now() + intents.LEASE) == 1
    (rule,) = installation.client("ses").describe_active_receipt_rule_set()["Rules"]
    assert rule["Recipients"] == ["hello.example"]


@pytest.mark.django_db
@pytest.mark.parametrize("where", ["seen", "recorded"])
def test_a_fault_of_ours_about_one_domain_blinds_us_for_no_other(
    installation: SandboxProcess, acme: Organization, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    register(acme)
    register(acme, "other.example")
    module, name = (polling, "record_check") if where == "recorded" else (evidence, "see")
    undisturbed = getattr(module, name)

    def broken(*args: Any, **options: Any) -> Any:
        look = options.get("look") or args[0]
        if look.domain.name == "hello.example":
            raise ZeroDivisionError
        return undisturbed(*args, **options)

    monkeypatch.setattr(module, name, broken)
    now = timezone.now() + timedelta(seconds=20)
    assert check_due(now=now) == 2
    good, bad = (Domain.objects.get(name=f"{each}.example") for each in ("other", "hello"))
    assert (good.dns_checked_at is None, bad.dns_checked_at is None) == (False, True)
    assert bad.next_check_at is not None
    assert bad.next_check_at > now + timedelta(minutes=30)


# --- what a look may conclude


@pytest.mark.django_db
def test_a_claim_does_not_expire_while_ses_can_not_be_asked(installation: SandboxProcess, acme: Organization) -> None:
    domain = register(acme)
    Domain.objects.update(claim_started_at=timezone.now() - timedelta(hours=73))
    fault = {"operation": "GetIdentityVerificationAttributes", "kind": "error", "status": 500, "times": 3}
    installation.control("POST", "/_sandbox/faults", fault)
    check_due(now=timezone.now() + timedelta(seconds=20))
    domain.refresh_from_db()
    assert (domain.status, domain.reason) == ("pending", "awaiting_dns")
    installation.control("DELETE", "/_sandbox/faults")
    check_due(now=timezone.now() + timedelta(minutes=2))
    domain.refresh_from_db()
    assert (domain.status, domain.reason) == ("failed", "expired")


@pytest.mark.django_db
def test_tokens_that_ses_has_changed_become_a_new_set_of_records(
    installation: SandboxProcess, acme: Organization
) -> None:
    domain = register(acme)
    old = domain.records.get(purpose="ownership")
    domain.records.filter(pk=old.pk).update(value="what SES waited for before")
    check_due(now=timezone.now() + timedelta(seconds=20))
    assert AwsIntent.objects.filter(kind="identity", confirmed_at__isnull=True).exists()
    reconcile(now=timezone.now())
    domain.refresh_from_db()
    assert domain.generation == 2
    assert domain.records.get(purpose="ownership", generation=2).value == old.value
