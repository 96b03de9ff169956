"""Tenants against SES's moods: in order, undone when it fails, associated at the proof, gone with the claim."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.errors import UpstreamRefusal, UpstreamTimedOut
from accounts.models import Organization
from aws.pacing import person
from channels.removal import remove_domain
from domains import registration
from domains.installation import set_up_region
from domains.models import AwsIntent, Domain, NameLedger, SesTenant
from domains.reconciler import reconcile, sweep
from domains.registration import DomainAlreadyRegistered, register_domain
from domains.tenants import TenantNameTaken, WantedTenant
from domains.verification import check_domain
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db

NAME, TENANT = "hello.example", "acme-prod"
LATER = timedelta(minutes=3)
IDENTITY_ARN = f"arn:aws:ses:us-east-1:123456789012:identity/{NAME}"
SET_ARN = "arn:aws:ses:us-east-1:123456789012:configuration-set/postern-postern-sending"
Fault = Callable[..., None]
Publish = Callable[..., None]


@pytest.fixture
def fault(sandbox: SandboxProcess) -> Fault:
    def add(operation: str, kind: str = "error", **more: Any) -> None:
        sandbox.control("POST", "/_sandbox/faults", {"operation": operation, "kind": kind, **more})

    return add


def register(organization: Organization, tenant_name: str = TENANT, name: str = NAME) -> Domain:
    return register_domain(
        organization=organization,
        name=name,
        tenant=WantedTenant(name=tenant_name, bind=lambda tenant: None),
        actor="test",
        now=timezone.now(),
    )


def resources(sandbox: SandboxProcess) -> dict[str, list[str]]:
    """What is associated with each tenant that SES has."""
    tenants = sandbox.control("GET", "/_sandbox/state")["tenants"]
    return {key.partition(" ")[2]: sorted(each["resources"]) for key, each in tenants.items()}


def identities(sandbox: SandboxProcess) -> list[str]:
    return [key.partition(" ")[2] for key in sandbox.control("GET", "/_sandbox/state")["identities"]]


def operations(sandbox: SandboxProcess, *wanted: str) -> list[str]:
    calls = [call["operation"] for call in sandbox.control("GET", "/_sandbox/calls")["calls"]]
    return [operation for operation in calls if operation in wanted]


def check(domain: Domain) -> Domain:
    return check_domain(domain=domain, actor="test", now=timezone.now())


def catch_up() -> None:
    reconcile(now=timezone.now() + LATER)


def assert_nothing_is_left(sandbox: SandboxProcess) -> None:
    """No row at once; nothing in SES and no open wish once the reconciler has come by."""
    assert not Domain.objects.exists()
    assert not SesTenant.objects.exists()
    assert not NameLedger.objects.exists()
    sandbox.control("DELETE", "/_sandbox/faults")
    catch_up()
    assert (resources(sandbox), identities(sandbox)) == ({}, [])
    assert not AwsIntent.objects.filter(confirmed_at__isnull=True).exists()


@pytest.fixture
def proved(installation: SandboxProcess, acme: Organization, publish: Publish) -> Domain:
    domain = register(acme)
    publish(domain)
    domain = check(domain)
    assert domain.is_proved
    return domain


# --- made


def test_the_tenant_is_made_before_the_identity_and_not_associated_with_it_yet(
    sandbox: SandboxProcess, acme: Organization
) -> None:
    domain = register(acme)
    assert operations(sandbox, "CreateTenant", "CreateEmailIdentity") == ["CreateTenant", "CreateEmailIdentity"]
    assert resources(sandbox) == {TENANT: []}
    tenant = domain.ses_tenants.get()
    assert (tenant.made_at is not None, tenant.is_associated) == (True, False)
    assert not AwsIntent.objects.filter(confirmed_at__isnull=True).exists()


FAULTS: dict[str, dict[str, Any]] = {
    "the account is full": {"code": "LimitExceededException", "status": 400},
    "SES is broken": {"code": "InternalFailure", "status": 500, "times": 9},
    "access is denied": {"code": "AccessDeniedException", "status": 403},
    "the call is cut": {"kind": "cut"},
    "the answer is lost": {"kind": "lose_answer"},
}


@pytest.mark.parametrize("operation", ["CreateTenant", "CreateEmailIdentity", "VerifyDomainIdentity"])
@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_at_any_step_leaves_nothing_behind(
    sandbox: SandboxProcess, acme: Organization, fault: Fault, what: str, operation: str
) -> None:
    fault(operation, **FAULTS[what])
    with pytest.raises(UpstreamRefusal):
        register(acme)
    assert_nothing_is_left(sandbox)


@pytest.mark.parametrize("operation", ["CreateTenant", "CreateEmailIdentity"])
def test_throttling_beyond_patience_leaves_nothing_behind(
    sandbox: SandboxProcess, acme: Organization, fault: Fault, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock: nobody here wants to wait for the 25 s that a person would.
    monkeypatch.setattr(registration, "person", lambda: person(1.0))
    fault(operation, code="TooManyRequestsException", status=429, times=99)
    with pytest.raises(UpstreamTimedOut):
        register(acme)
    assert_nothing_is_left(sandbox)


@pytest.mark.parametrize("operation", ["CreateTenant", "CreateEmailIdentity"])
def test_a_time_out_leaves_nothing_behind(
    sandbox: SandboxProcess, acme: Organization, fault: Fault, operation: str
) -> None:
    fault(operation, "delay", seconds=7.2)
    with pytest.raises(UpstreamTimedOut):
        register(acme)
    # The call lands after all; the wish outlasts it.
    deadline = time.monotonic() + 5
    while not (resources(sandbox) if operation == "CreateTenant" else identities(sandbox)):
        assert time.monotonic() < deadline, "the late call never landed"
        time.sleep(0.05)
    assert_nothing_is_left(sandbox)


def test_throttling_is_waited_out(sandbox: SandboxProcess, acme: Organization, fault: Fault) -> None:
    fault("CreateTenant", code="TooManyRequestsException", status=429, times=3)
    register(acme)
    assert resources(sandbox) == {TENANT: []}


def test_a_tenant_whose_making_was_repeated_is_adopted(
    sandbox: SandboxProcess, acme: Organization, fault: Fault
) -> None:
    sandbox.client("sesv2").create_tenant(TenantName=TENANT, Tags=[{"Key": "postern-installation", "Value": "postern"}])
    assert register(acme).ses_tenants.get().made_at is not None


def test_a_tenant_of_somebody_else_is_refused_and_stays(sandbox: SandboxProcess, acme: Organization) -> None:
    sandbox.client("sesv2").create_tenant(TenantName=TENANT)
    with pytest.raises(TenantNameTaken):
        register(acme)
    assert not Domain.objects.exists()
    catch_up()
    assert (resources(sandbox), identities(sandbox)) == ({TENANT: []}, [])


def test_a_name_is_held_once_over_all_organizations(
    sandbox: SandboxProcess, acme: Organization, globex: Organization
) -> None:
    register(acme)
    with pytest.raises(TenantNameTaken):
        register(globex, name="other.example")
    assert Domain.objects.count() == 1
    assert not NameLedger.objects.filter(organization=globex).exists()


def test_a_refused_domain_holds_no_tenant_name(sandbox: SandboxProcess, acme: Organization) -> None:
    register(acme)
    with pytest.raises(DomainAlreadyRegistered):
        register(acme, "second")
    assert list(SesTenant.objects.values_list("tenant_name", flat=True)) == [TENANT]


def test_a_claim_whose_process_died_is_finished_by_the_reconciler(
    sandbox: SandboxProcess, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    # The impossible: the process ends between the commit and the first call.
    with monkeypatch.context() as dying:
        dying.setattr(WantedTenant, "make", die)
        with pytest.raises(Killed):
            register(acme)
    catch_up()
    assert (resources(sandbox), identities(sandbox)) == ({TENANT: []}, [NAME])
    assert SesTenant.objects.get().made_at is not None


def test_an_endpoint_without_tenants_keeps_nobody_from_registering(
    sandbox: SandboxProcess, acme: Organization, publish: Publish, fault: Fault
) -> None:
    for operation in ("CreateTenant", "CreateTenantResourceAssociation", "GetTenant", "DeleteTenant"):
        fault(operation, code="UnknownOperationException", status=404, times=99)
    domain = register(acme)
    assert identities(sandbox) == [NAME]
    publish(domain)
    check(domain)
    catch_up()
    domain.refresh_from_db()
    tenant = domain.ses_tenants.get()
    assert (domain.is_proved, tenant.made_at, tenant.is_associated) == (True, None, False)
    remove_domain(domain=domain, actor="test", now=timezone.now())
    catch_up()
    tenant.refresh_from_db()
    assert tenant.removed_at is not None
    assert not AwsIntent.objects.filter(kind__in=["tenant", "association"], confirmed_at__isnull=True).exists()


# --- associated


def test_the_proof_associates_identity_and_configuration_set(proved: Domain, sandbox: SandboxProcess) -> None:
    wish = AwsIntent.objects.get(kind="association")
    assert (wish.name, wish.desired, wish.confirmed_at) == (TENANT, "present", None)
    catch_up()
    assert resources(sandbox) == {TENANT: [SET_ARN, IDENTITY_ARN]}
    assert SesTenant.objects.get().is_associated


def test_a_lost_answer_of_the_association_is_no_second_one(
    proved: Domain, sandbox: SandboxProcess, fault: Fault
) -> None:
    fault("CreateTenantResourceAssociation", "lose_answer")
    catch_up()
    assert not SesTenant.objects.get().is_associated
    reconcile(now=timezone.now() + 2 * LATER)
    assert SesTenant.objects.get().is_associated
    assert resources(sandbox) == {TENANT: [SET_ARN, IDENTITY_ARN]}


def test_a_tenant_that_somebody_deleted_is_made_again_for_the_association(
    proved: Domain, sandbox: SandboxProcess
) -> None:
    sandbox.client("sesv2").delete_tenant(TenantName=TENANT)
    catch_up()
    assert resources(sandbox) == {TENANT: [SET_ARN, IDENTITY_ARN]}


def test_an_identity_that_is_made_again_is_associated_again(proved: Domain, sandbox: SandboxProcess) -> None:
    catch_up()
    client = sandbox.client("sesv2")
    client.delete_tenant_resource_association(TenantName=TENANT, ResourceArn=IDENTITY_ARN)
    client.delete_email_identity(EmailIdentity=NAME)
    check(proved)
    catch_up()
    catch_up()
    assert resources(sandbox) == {TENANT: [SET_ARN, IDENTITY_ARN]}


def test_a_configuration_set_that_comes_later_is_associated_too(
    sandbox: SandboxProcess, acme: Organization, publish: Publish
) -> None:
    domain = register(acme)
    publish(domain)
    check(domain)
    catch_up()
    assert resources(sandbox) == {TENANT: [IDENTITY_ARN]}
    set_up_region(region="us-east-1", caller=person(30), now=timezone.now())
    catch_up()
    assert resources(sandbox) == {TENANT: [SET_ARN, IDENTITY_ARN]}


# --- gone


def test_a_removed_claim_takes_association_tenant_and_identity_in_this_order(
    proved: Domain, sandbox: SandboxProcess
) -> None:
    catch_up()
    remove_domain(domain=proved, actor="test", now=timezone.now())
    sandbox.control("DELETE", "/_sandbox/calls")
    catch_up()
    order = ("DeleteReceiptRule", "DeleteTenantResourceAssociation", "DeleteTenant", "DeleteEmailIdentity")
    assert operations(sandbox, *order) == [
        "DeleteReceiptRule",
        "DeleteTenantResourceAssociation",
        "DeleteTenantResourceAssociation",
        "DeleteTenant",
        "DeleteEmailIdentity",
    ]
    assert (resources(sandbox), identities(sandbox)) == ({}, [])
    assert SesTenant.objects.get().removed_at is not None


def test_a_name_is_free_once_ses_has_let_go_of_it(
    sandbox: SandboxProcess, acme: Organization, globex: Organization
) -> None:
    remove_domain(domain=register(acme), actor="test", now=timezone.now())
    with pytest.raises(TenantNameTaken):
        register(globex, name="other.example")
    catch_up()
    register(globex, name="other.example")
    assert resources(sandbox) == {TENANT: []}


@pytest.mark.parametrize("operation", ["DeleteTenantResourceAssociation", "DeleteTenant"])
def test_a_removal_whose_answer_is_lost_is_done_all_the_same(
    proved: Domain, sandbox: SandboxProcess, fault: Fault, operation: str
) -> None:
    catch_up()
    remove_domain(domain=proved, actor="test", now=timezone.now())
    fault(operation, "lose_answer")
    catch_up()
    reconcile(now=timezone.now() + 2 * LATER)
    assert (resources(sandbox), identities(sandbox)) == ({}, [])
    assert not AwsIntent.objects.filter(confirmed_at__isnull=True).exists()


def test_a_shared_identity_stays_when_one_of_its_tenants_goes(
    sandbox: SandboxProcess, acme: Organization, globex: Organization
) -> None:
    first = register(acme)
    register(globex, "globex")
    remove_domain(domain=first, actor="test", now=timezone.now())
    catch_up()
    assert (resources(sandbox), identities(sandbox)) == ({"globex": []}, [NAME])


# --- swept


def test_a_tenant_that_somebody_deleted_is_found_by_the_sweep_and_made_whole(
    proved: Domain, sandbox: SandboxProcess
) -> None:
    catch_up()
    sandbox.client("sesv2").delete_tenant(TenantName=TENANT)
    SesTenant.objects.update(made_at=timezone.now() - timedelta(days=1))
    sweep(now=timezone.now())
    catch_up()
    catch_up()
    assert resources(sandbox) == {TENANT: [SET_ARN, IDENTITY_ARN]}


def test_the_sweep_takes_away_our_orphans_and_leaves_strangers_alone(
    sandbox: SandboxProcess, acme: Organization
) -> None:
    client = sandbox.client("sesv2")
    client.create_tenant(TenantName="orphan", Tags=[{"Key": "postern-installation", "Value": "postern"}])
    client.create_tenant(TenantName="stranger")
    for _ in range(2):
        sweep(now=timezone.now())
        catch_up()
    assert resources(sandbox) == {"stranger": []}
    assert operations(sandbox, "GetTenant") == ["GetTenant", "GetTenant"]
