"""The reconciler: AWS becomes what the database says, whoever died or failed, and what is not ours stays untouched."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Organization
from channels.removal import remove_domain
from domains import intents, ownership, receipt_rules, reconciler
from domains.intents import LONGEST_PAUSE
from domains.models import AwsIntent, Domain
from domains.reconciler import NOT_OURS, SETTLED_AFTER, reconcile, sweep
from domains.registration import register_domain
from domains.verification import check_domain
from tests.doomed_process import SLOW_SECONDS, DoomedProcess
from tests.sandbox_process import SandboxProcess

Publish = Callable[..., None]
REGION = "us-east-1"
LATER = timedelta(minutes=2)
RECONCILER = "from domains.tasks import reconcile_due; reconcile_due()"


def register(organization: Organization, name: str = "hello.example", **options: Any) -> Domain:
    return register_domain(organization=organization, name=name, actor="test", now=timezone.now(), **options)


def remove(domain: Domain) -> None:
    remove_domain(domain=domain, actor="test", now=timezone.now())


def settle() -> None:
    Domain.objects.update(created_at=timezone.now() - SETTLED_AFTER - timedelta(minutes=1))


def sweep_and_reconcile() -> None:
    sweep(now=timezone.now())
    reconcile(now=timezone.now() + LATER)


def identities(sandbox: SandboxProcess, region: str = REGION) -> list[str]:
    found: list[str] = sandbox.client("ses", region).list_identities(IdentityType="Domain")["Identities"]
    return sorted(found)


def rules(sandbox: SandboxProcess) -> dict[str, list[str]]:
    active = sandbox.client("ses").describe_active_receipt_rule_set()["Rules"]
    return {rule["Name"]: rule["Recipients"] for rule in active}


def calls_of(sandbox: SandboxProcess, operation: str) -> int:
    return sum(call["operation"] == operation for call in sandbox.control("GET", "/_sandbox/calls")["calls"])


def open_wishes() -> list[str]:
    return list(AwsIntent.objects.filter(confirmed_at__isnull=True).values_list("name", flat=True))


@pytest.fixture
def fault(sandbox: SandboxProcess) -> Callable[..., None]:
    def add(operation: str, kind: str, **more: Any) -> None:
        sandbox.control("POST", "/_sandbox/faults", {"operation": operation, "kind": kind, **more})

    return add


@pytest.fixture
def active(installation: SandboxProcess, acme: Organization, publish: Publish) -> Domain:
    domain = register(acme)
    publish(domain)
    return check_domain(domain=domain, actor="test", now=timezone.now())


# --- the sweep: what no wish tells of


@pytest.mark.django_db
def test_an_identity_of_ours_that_nobody_needs_is_deleted(sandbox: SandboxProcess, acme: Organization) -> None:
    register(acme)
    Domain.objects.update(removed_at=timezone.now())
    sweep_and_reconcile()
    assert identities(sandbox) == []
    assert open_wishes() == []


@pytest.mark.django_db
def test_an_identity_that_came_late_after_its_absence_was_seen_is_deleted(
    sandbox: SandboxProcess, acme: Organization
) -> None:
    domain = register(acme)
    remove(domain)
    reconcile(now=timezone.now() + LATER)
    tag = {"Key": "postern-installation", "Value": "postern"}
    sandbox.client("sesv2").create_email_identity(EmailIdentity="hello.example", Tags=[tag])
    sweep_and_reconcile()
    assert identities(sandbox) == []


@pytest.mark.django_db
@pytest.mark.parametrize("tags", [[], [{"Key": "postern-installation", "Value": "another"}]])
def test_an_identity_that_is_not_ours_by_tag_is_looked_at_once_and_stays(
    sandbox: SandboxProcess, tags: list[dict[str, str]]
) -> None:
    sandbox.client("sesv2").create_email_identity(EmailIdentity="theirs.example", Tags=tags)
    sweep_and_reconcile()
    assert AwsIntent.objects.get().reason == NOT_OURS
    sandbox.control("DELETE", "/_sandbox/calls")
    sweep_and_reconcile()
    assert identities(sandbox) == ["theirs.example"]
    assert calls_of(sandbox, "GetEmailIdentity") == 0


@pytest.mark.django_db
def test_an_identity_that_somebody_deleted_is_made_again(sandbox: SandboxProcess, acme: Organization) -> None:
    register(acme)
    settle()
    sandbox.client("sesv2").delete_email_identity(EmailIdentity="hello.example")
    sweep_and_reconcile()
    assert identities(sandbox) == ["hello.example"]


@pytest.mark.django_db
def test_a_claim_that_is_still_being_made_or_has_failed_is_left_alone(
    sandbox: SandboxProcess, acme: Organization
) -> None:
    register(acme, "young.example")
    register(acme, "failed.example")
    Domain.objects.filter(name="failed.example").update(
        status="failed", reason="expired", created_at=timezone.now() - timedelta(days=4)
    )
    for name in ("young.example", "failed.example"):
        sandbox.client("sesv2").delete_email_identity(EmailIdentity=name)
    sweep_and_reconcile()
    assert identities(sandbox) == []


@pytest.mark.django_db
def test_rules_changed_by_hand_are_put_right_and_foreign_ones_left(
    installation: SandboxProcess, active: Domain
) -> None:
    ses = installation.client("ses")
    (ours,) = ses.describe_active_receipt_rule_set()["Rules"]
    ses.delete_receipt_rule(RuleSetName="postern-postern-rules", RuleName=ours["Name"])
    actions, foreign = ours["Actions"], ("theirs", "postern-another-001")
    for name, recipients in (("postern-postern-007", "gone.example"), *((each, "theirs.example") for each in foreign)):
        rule = {"Name": name, "Recipients": [recipients], "Actions": actions, "Enabled": True}
        ses.create_receipt_rule(RuleSetName="postern-postern-rules", Rule=rule)
    sweep_and_reconcile()
    assert rules(installation) == {ours["Name"]: ["hello.example"]} | {each: ["theirs.example"] for each in foreign}


@pytest.mark.django_db
def test_a_region_that_can_not_be_asked_keeps_no_other_from_being_swept(
    sandbox: SandboxProcess, acme: Organization, fault: Callable[..., None]
) -> None:
    register(acme, region="eu-west-1")
    Domain.objects.update(removed_at=timezone.now())
    fault("ListEmailIdentities", "error", code="AccessDeniedException", status=403)
    sweep_and_reconcile()
    assert identities(sandbox, "eu-west-1") == []


# --- wishes that can not be confirmed


@pytest.mark.django_db
def test_what_aws_refuses_stays_a_wish_and_is_tried_ever_more_rarely(
    sandbox: SandboxProcess, acme: Organization, fault: Callable[..., None]
) -> None:
    remove(register(acme))
    fault("DeleteEmailIdentity", "error", code="AccessDeniedException", status=403, times=20)
    pauses: list[timedelta] = []
    for _ in range(12):
        wish = AwsIntent.objects.get(kind="identity")
        assert wish.next_attempt_at is not None
        now = max(wish.next_attempt_at, timezone.now())
        assert reconcile(now=now) == 0
        wish.refresh_from_db()
        pauses.append(wish.next_attempt_at - now)
    assert pauses[1] > pauses[0]
    assert max(pauses) <= LONGEST_PAUSE + timedelta(seconds=10)
    assert (wish.leased_until, "AccessDenied" in wish.last_error) == (None, True)
    sandbox.control("DELETE", "/_sandbox/faults")
    assert reconcile(now=wish.next_attempt_at) == 1
    assert identities(sandbox) == []


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["a refusal of AWS", "a fault of ours"])
def test_one_wish_that_fails_keeps_no_other_waiting(
    sandbox: SandboxProcess,
    acme: Organization,
    fault: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    remove(register(acme, "first.example"))
    remove(register(acme, "second.example"))
    if kind == "a refusal of AWS":
        fault("DeleteEmailIdentity", "error", code="AccessDeniedException", status=403)
    else:
        undisturbed = reconciler.delete_identity

        def broken(*, name: str, **options: Any) -> None:
            if name == "first.example":
                raise ZeroDivisionError
            undisturbed(name=name, **options)

        monkeypatch.setattr(reconciler, "delete_identity", broken)
    assert reconcile(now=timezone.now()) == 1
    assert identities(sandbox) == ["first.example"]
    assert open_wishes() == ["first.example"]


@pytest.mark.django_db
def test_an_answer_that_is_lost_is_asked_for_again(
    sandbox: SandboxProcess, acme: Organization, fault: Callable[..., None]
) -> None:
    remove(register(acme))
    fault("DeleteEmailIdentity", "lose_answer")
    reconcile(now=timezone.now())
    reconcile(now=timezone.now() + LATER)
    assert open_wishes() == []


@pytest.mark.django_db
def test_a_wish_that_changed_while_the_old_one_was_carried_out_is_looked_at_again(
    sandbox: SandboxProcess, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = register(acme)
    remove(domain)
    undisturbed = reconciler.delete_identity

    def claimed_meanwhile(**options: Any) -> None:
        register(acme)
        undisturbed(**options)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(reconciler, "delete_identity", claimed_meanwhile)
        assert reconcile(now=timezone.now()) == 0
    assert identities(sandbox) == []
    assert reconcile(now=timezone.now()) == 1
    assert identities(sandbox) == ["hello.example"]


@pytest.mark.django_db
def test_a_wish_for_later_is_not_carried_out_before(sandbox: SandboxProcess) -> None:
    now = timezone.now()
    wish = intents.wish(
        kind=AwsIntent.Kind.IDENTITY, region=REGION, name="x.example", desired=AwsIntent.Desired.ABSENT, now=now
    )
    AwsIntent.objects.update(next_attempt_at=now + LATER)
    assert not intents.take_lease(wish, now=now, only_if_due=True)
    assert reconcile(now=now) == 0
    assert reconcile(now=now + LATER) == 1


# --- who died, and who comes at the same time


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["delay", "lose_answer"])
def test_a_reconciler_killed_in_the_middle_is_followed_by_another(
    sandbox: SandboxProcess, acme: Organization, fault: Callable[..., None], kind: str
) -> None:
    remove(register(acme))
    sandbox.control("DELETE", "/_sandbox/calls")
    fault("DeleteEmailIdentity", kind, seconds=SLOW_SECONDS)
    with DoomedProcess(RECONCILER) as doomed:
        doomed.die_at(sandbox, "DeleteEmailIdentity")
    assert reconcile(now=timezone.now()) == 0
    assert reconcile(now=timezone.now() + intents.LEASE) == 1
    assert identities(sandbox) == []
    assert open_wishes() == []


@pytest.mark.django_db
def test_a_wish_that_another_has_carried_out_is_not_carried_out_again(
    sandbox: SandboxProcess, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(register(acme))
    stale = AwsIntent.objects.get(kind="identity")
    reconcile(now=timezone.now())
    assert not intents.take_lease(stale, now=timezone.now())


@pytest.mark.django_db
def test_a_claim_that_the_reconciler_finishes_makes_its_rivals_prove_the_name(
    sandbox: SandboxProcess, acme: Organization, globex: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = register(acme)

    class Killed(BaseException):
        pass

    def die(**_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr("domains.registration.provisioning.fetch_identity", die)
        with pytest.raises(Killed):
            register(globex)
    first.refresh_from_db()
    assert not first.is_contested
    reconcile(now=timezone.now() + LATER)
    first.refresh_from_db()
    assert first.is_contested
    assert first.records.filter(generation=first.generation, purpose="claim").count() == 1
    assert first.events.filter(type="domain.contested").count() == 1
    reconciler.contest_rivals(domain=Domain.objects.get(organization=globex), now=timezone.now())
    assert first.events.filter(type="domain.contested").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_last_claims_removed_at_once_take_the_identity_with_them(
    sandbox: SandboxProcess, acme: Organization, globex: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims, both_ended = [register(acme), register(globex)], threading.Barrier(2)
    undisturbed = ownership.end_tenure

    def wait_for_the_other(**options: Any) -> None:
        # Neither has committed yet; where the database lets only one write at a time, that one goes on alone.
        with contextlib.suppress(threading.BrokenBarrierError):
            both_ended.wait(1)
        undisturbed(**options)

    def run(domain: Domain) -> None:
        try:
            remove(domain)
        finally:
            connection.close()

    monkeypatch.setattr(ownership, "end_tenure", wait_for_the_other)
    threads = [threading.Thread(target=run, args=(claim,)) for claim in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not Domain.objects.live().exists()
    reconcile(now=timezone.now())
    assert identities(sandbox) == []


@pytest.mark.django_db
def test_rules_are_left_as_they_are_where_receiving_is_not_set_up(sandbox: SandboxProcess) -> None:
    receipt_rules.wish_rules(region=REGION, now=timezone.now())
    assert reconcile(now=timezone.now()) == 0
    assert open_wishes() == ["*"]
    assert calls_of(sandbox, "CreateReceiptRule") == 0
