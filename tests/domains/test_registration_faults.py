"""Registration when AWS misbehaves or two come at once: the right refusal, and nothing left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from accounts.errors import UpstreamLimitReached, UpstreamRefusal, UpstreamTimedOut
from accounts.models import Organization
from aws.pacing import Caller, person
from channels.removal import remove_domain
from domains import registration
from domains.models import AwsIntent, Domain, DomainEvent, NameLedger
from domains.reconciler import reconcile
from domains.registration import (
    DomainAlreadyRegistered,
    DomainQuotaReached,
    register_domain,
)
from tests.doomed_process import SLOW_SECONDS, DoomedProcess
from tests.sandbox_process import SandboxProcess

LATER = timedelta(minutes=2)
REQUEST = """
from django.utils import timezone
from accounts.models import Organization
from domains.registration import register_domain
register_domain(organization=Organization.objects.get(), name="hello.example", actor="test", now=timezone.now())
"""


@pytest.fixture
def fault(sandbox: SandboxProcess) -> Callable[..., None]:
    def add(operation: str, kind: str, **more: Any) -> None:
        sandbox.control("POST", "/_sandbox/faults", {"operation": operation, "kind": kind, **more})

    return add


def register(organization: Organization, name: str = "hello.example", **options: Any) -> Domain:
    return register_domain(organization=organization, name=name, actor="test", now=timezone.now(), **options)


def identities(sandbox: SandboxProcess) -> list[str]:
    found: list[str] = sandbox.client("ses").list_identities(IdentityType="Domain")["Identities"]
    return found


def assert_nothing_is_left(sandbox: SandboxProcess) -> None:
    """No row at once; no identity in SES and no open wish once the reconciler has come by."""
    assert not Domain.objects.exists()
    assert not NameLedger.objects.exists()
    reconcile(now=timezone.now() + LATER)
    assert identities(sandbox) == []
    assert not AwsIntent.objects.filter(confirmed_at__isnull=True).exists()


FAULTS: dict[str, tuple[dict[str, Any], type[UpstreamRefusal]]] = {
    "the account is full": ({"kind": "error", "code": "LimitExceededException", "status": 400}, UpstreamLimitReached),
    "SES is broken": ({"kind": "error", "code": "InternalFailure", "status": 500, "times": 9}, UpstreamRefusal),
    "access is denied": ({"kind": "error", "code": "AccessDeniedException", "status": 403}, UpstreamRefusal),
    "the answer is lost": ({"kind": "lose_answer"}, UpstreamRefusal),
    "the connection is cut": ({"kind": "cut"}, UpstreamRefusal),
}


@pytest.mark.django_db
@pytest.mark.parametrize("operation", ["CreateEmailIdentity", "VerifyDomainIdentity"])
@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_leaves_nothing_behind(
    sandbox: SandboxProcess, acme: Organization, fault: Callable[..., None], what: str, operation: str
) -> None:
    described, refusal = FAULTS[what]
    fault(operation, **described)
    with pytest.raises(UpstreamRefusal) as caught:
        register(acme)
    assert type(caught.value) is refusal
    sandbox.control("DELETE", "/_sandbox/faults")
    assert_nothing_is_left(sandbox)


@pytest.mark.django_db
def test_throttling_is_waited_out(sandbox: SandboxProcess, acme: Organization, fault: Callable[..., None]) -> None:
    fault("CreateEmailIdentity", "error", code="TooManyRequestsException", status=429, times=3)
    register(acme)
    assert identities(sandbox) == ["hello.example"]


@pytest.mark.django_db
def test_throttling_beyond_patience_is_a_time_out(
    sandbox: SandboxProcess, acme: Organization, fault: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock: nobody here wants to wait for the 25 s that a person would.
    def impatient() -> Caller:
        return person(1.0)

    monkeypatch.setattr(registration, "person", impatient)
    fault("VerifyDomainIdentity", "error", code="Throttling", status=400, times=99)
    with pytest.raises(UpstreamTimedOut):
        register(acme)
    sandbox.control("DELETE", "/_sandbox/faults")
    assert_nothing_is_left(sandbox)


@pytest.mark.django_db
def test_a_call_that_lands_after_its_time_out_is_found_and_undone(
    sandbox: SandboxProcess, acme: Organization, fault: Callable[..., None]
) -> None:
    fault("CreateEmailIdentity", "delay", seconds=7.7)
    with pytest.raises(UpstreamTimedOut):
        register(acme)
    # The reconciler that is rung at once looks too early.
    reconcile(now=timezone.now())
    deadline = time.monotonic() + 5
    while not identities(sandbox):
        assert time.monotonic() < deadline, "the late call never landed"
        time.sleep(0.05)
    assert_nothing_is_left(sandbox)


@pytest.mark.django_db
def test_an_undone_claim_gives_the_default_back(
    sandbox: SandboxProcess, acme: Organization, fault: Callable[..., None]
) -> None:
    first = register(acme, "first.example", is_default=True)
    fault("CreateEmailIdentity", "error", code="LimitExceededException", status=400)
    with pytest.raises(UpstreamLimitReached):
        register(acme, is_default=True)
    first.refresh_from_db()
    assert first.is_default


@pytest.mark.django_db
def test_a_fault_of_one_claim_leaves_the_others_identity(
    sandbox: SandboxProcess, acme: Organization, globex: Organization, fault: Callable[..., None]
) -> None:
    register(acme)
    fault("CreateEmailIdentity", "error", code="InternalFailure", status=500, times=9)
    with pytest.raises(UpstreamRefusal):
        register(globex)
    sandbox.control("DELETE", "/_sandbox/faults")
    reconcile(now=timezone.now() + LATER)
    assert identities(sandbox) == ["hello.example"]
    assert not NameLedger.objects.filter(organization=globex).exists()


@pytest.mark.django_db
def test_an_identity_of_somebody_else_in_the_account_is_never_deleted(
    sandbox: SandboxProcess, acme: Organization
) -> None:
    sandbox.client("sesv2").create_email_identity(EmailIdentity="hello.example")
    domain = register(acme)
    assert (domain.identity_is_ours, domain.is_contested) == (False, True)
    remove_domain(domain=domain, actor="test", now=timezone.now())
    reconcile(now=timezone.now() + LATER)
    assert identities(sandbox) == ["hello.example"]


@pytest.mark.django_db
def test_the_same_name_twice_is_refused_and_changes_nothing(sandbox: SandboxProcess, acme: Organization) -> None:
    domain = register(acme)
    with pytest.raises(DomainAlreadyRegistered):
        register(acme, "HELLO.example.")
    assert [each.pk for each in Domain.objects.all()] == [domain.pk]


@pytest.mark.django_db
def test_a_name_that_another_has_proved_is_refused(
    sandbox: SandboxProcess, acme: Organization, globex: Organization
) -> None:
    domain = register(acme)
    Domain.objects.filter(pk=domain.pk).update(proved_at=timezone.now())
    with pytest.raises(DomainAlreadyRegistered):
        register(globex)


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "most"), [("MAX_DOMAINS", 1), ("MAX_PENDING_DOMAINS", 1)])
def test_the_quota_counts_the_organizations_own_live_claims(
    sandbox: SandboxProcess, acme: Organization, globex: Organization, settings: LazySettings, name: str, most: int
) -> None:
    setattr(settings, name, most)
    register(globex, "other.example")
    first = register(acme)
    with pytest.raises(DomainQuotaReached):
        register(acme, "second.example")
    assert sorted(identities(sandbox)) == ["hello.example", "other.example"]
    remove_domain(domain=first, actor="test", now=timezone.now())
    register(acme, "second.example")


@pytest.mark.django_db
def test_a_shared_identity_goes_with_the_last_claim_on_it(
    sandbox: SandboxProcess, acme: Organization, globex: Organization
) -> None:
    first, second = register(acme), register(globex)
    remove_domain(domain=first, actor="test", now=timezone.now())
    reconcile(now=timezone.now() + LATER)
    assert identities(sandbox) == ["hello.example"]
    remove_domain(domain=second, actor="test", now=timezone.now())
    reconcile(now=timezone.now() + LATER)
    assert identities(sandbox) == []


@pytest.mark.django_db
def test_a_claim_whose_process_died_before_aws_is_finished_by_the_reconciler(
    sandbox: SandboxProcess, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(**_: object) -> None:
        raise Killed

    # The impossible: the process ends between the commit and the first call.
    with monkeypatch.context() as dying:
        dying.setattr(registration.provisioning, "fetch_identity", die)
        with pytest.raises(Killed):
            register(acme)
    domain = Domain.objects.get()
    assert not domain.records.exists()
    reconcile(now=timezone.now() + LATER)
    assert domain.records.filter(purpose="dkim").count() == 3
    assert identities(sandbox) == ["hello.example"]
    domain.refresh_from_db()
    assert domain.next_check_at is not None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("operation", ["CreateEmailIdentity", "VerifyDomainIdentity"])
@pytest.mark.parametrize("kind", ["delay", "lose_answer"])
def test_a_request_killed_in_the_middle_is_finished_by_the_reconciler(
    sandbox: SandboxProcess, acme: Organization, fault: Callable[..., None], operation: str, kind: str
) -> None:
    sandbox.control("DELETE", "/_sandbox/calls")
    fault(operation, kind, seconds=SLOW_SECONDS)
    with DoomedProcess(REQUEST) as request:
        request.die_at(sandbox, operation)
    domain = Domain.objects.get()
    assert (domain.status, domain.records.count()) == ("pending", 0)
    assert reconcile(now=timezone.now()) == 0, "the request may still be at it, for all that anybody knows"
    assert reconcile(now=timezone.now() + LATER) == 1
    assert identities(sandbox) == ["hello.example"]
    assert domain.records.filter(purpose__in=["ownership", "dkim"]).count() == 4
    assert not AwsIntent.objects.filter(confirmed_at__isnull=True).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("parents_tag", "is_contested"), [("another", True), ("postern", False)])
def test_a_name_below_an_identity_that_is_not_ours_is_contested(
    sandbox: SandboxProcess, acme: Organization, parents_tag: str, is_contested: bool
) -> None:
    tags = [{"Key": "postern-installation", "Value": parents_tag}]
    sandbox.client("sesv2").create_email_identity(EmailIdentity="hello.example", Tags=tags)
    domain = register(acme, "mail.hello.example")
    assert (domain.is_contested, domain.identity_is_ours) == (is_contested, True)
    assert domain.records.filter(purpose="claim").exists() is is_contested


@pytest.mark.django_db
def test_a_name_below_ones_own_costs_no_look_at_whose_that_is(sandbox: SandboxProcess, acme: Organization) -> None:
    register(acme)
    sandbox.control("DELETE", "/_sandbox/calls")
    register(acme, "mail.hello.example")
    calls = [call["operation"] for call in sandbox.control("GET", "/_sandbox/calls")["calls"]]
    assert "GetEmailIdentity" not in calls


@pytest.mark.django_db
def test_the_poller_passes_over_a_claim_that_has_no_records_yet(acme: Organization) -> None:
    now = datetime.now(UTC)
    Domain.objects.create(organization=acme, name="half.example", region="us-east-1", claim_started_at=now)
    assert not Domain.objects.due(now + timedelta(days=1)).exists()


def _at_once(*verbs: Callable[[], object]) -> list[object]:
    """What each answered or raised, all started together."""
    gate = threading.Barrier(len(verbs))
    ended: list[object] = [None] * len(verbs)

    def run(index: int) -> None:
        try:
            gate.wait(10)
            ended[index] = verbs[index]()
        except Exception as error:  # noqa: BLE001 - handed to the test
            ended[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(verbs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return ended


@pytest.mark.django_db(transaction=True)
def test_two_organizations_at_once_both_claim_and_both_are_contested(
    sandbox: SandboxProcess, acme: Organization, globex: Organization
) -> None:
    ended = _at_once(lambda: register(acme), lambda: register(globex))
    assert [type(each) for each in ended] == [Domain, Domain]
    claims = list(Domain.objects.order_by("pk"))
    assert [claim.is_contested for claim in claims] == [True, True]
    assert len({claim.claim_token for claim in claims}) == 2
    listed = [claim.records.filter(generation=claim.generation, purpose="claim").count() for claim in claims]
    assert listed == [1, 1]
    assert identities(sandbox) == ["hello.example"]


@pytest.mark.django_db(transaction=True)
def test_one_organization_at_once_claims_once(sandbox: SandboxProcess, acme: Organization) -> None:
    ended = _at_once(*[lambda: register(acme)] * 3)
    assert sorted(type(each).__name__ for each in ended) == [
        "Domain",
        "DomainAlreadyRegistered",
        "DomainAlreadyRegistered",
    ]
    assert Domain.objects.count() == 1
    assert DomainEvent.objects.filter(type="domain.created").count() == 1
