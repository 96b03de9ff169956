"""Setups as verbs: all or nothing, one of a name whoever comes at once, and gone in SES before they are gone here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.errors import UpstreamRefusal
from accounts.models import Organization
from channels.inboxes import create_inbox
from channels.models import EmailAccount, SesSetup, UseCase
from channels.removal import UseCasesExist, remove_domain
from channels.setups import (
    SetupNotFound,
    access_setup,
    create_setup,
    create_use_case,
    delete_setup,
    look_at_setup,
    standing_setups,
    visible_setups,
)
from domains import live_reads
from domains.models import AwsIntent, Domain, NameLedger, SesTenant
from domains.reconciler import reconcile
from domains.registration import DomainAlreadyRegistered
from domains.tenants import TenantNameTaken, WantedTenant
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

NAME, TENANT = "hello.example", "acme-prod"
LATER = timedelta(minutes=3)
Fault = Callable[..., None]


@pytest.fixture
def fault(sandbox: SandboxProcess) -> Fault:
    def add(operation: str, kind: str = "error", **more: Any) -> None:
        sandbox.control("POST", "/_sandbox/faults", {"operation": operation, "kind": kind, **more})

    return add


def create(organization: Organization, tenant_name: str = TENANT, name: str = NAME) -> SesSetup:
    return create_setup(
        organization=organization,
        tenant_name=tenant_name,
        name=name,
        dmarc_value="v=DMARC1; p=quarantine;",
        actor="test",
        now=timezone.now(),
    )


def delete(setup: SesSetup) -> None:
    fresh = access_setup(among=standing_setups(organization=setup.organization), uuid=setup.domain.uuid)
    delete_setup(setup=fresh, actor="test", now=timezone.now())


def use(setup: SesSetup, sender: str = f"orders@{NAME}") -> UseCase:
    return create_use_case(
        setup=setup,
        entity_name="Acme",
        name="Orders",
        description=None,
        sender=sender,
        email_type=UseCase.EmailType.TRANSACTIONAL,
        actor="test",
        now=timezone.now(),
    )


def look(setup: SesSetup, **options: Any) -> SesSetup:
    return look_at_setup(setup=setup, actor="test", now=timezone.now(), **options)


@pytest.fixture
def ready(installation: SandboxProcess, acme: Organization, publish: Callable[..., None]) -> SesSetup:
    setup = create(acme)
    publish(setup.domain)
    assert look(setup).domain.status == "active"
    return setup


def in_ses(sandbox: SandboxProcess) -> tuple[list[str], list[str]]:
    """The names of all tenants and of all identities."""
    state = sandbox.control("GET", "/_sandbox/state")
    tenants, identities = (sorted(key.partition(" ")[2] for key in state[kind]) for kind in ("tenants", "identities"))
    return tenants, identities


def catch_up() -> None:
    reconcile(now=timezone.now() + LATER)


def at_once(*verbs: Callable[[], object]) -> list[str]:
    """What each answered or raised, by the name of its type, all started together."""
    gate = threading.Barrier(len(verbs))
    ended = [""] * len(verbs)

    def run(index: int) -> None:
        try:
            gate.wait(10)
            ended[index] = type(verbs[index]()).__name__
        except Exception as error:  # noqa: BLE001 - its name is handed to the test
            ended[index] = type(error).__name__
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(verbs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    return sorted(ended)


# --- made


@pytest.mark.parametrize("operation", ["CreateTenant", "CreateEmailIdentity", "VerifyDomainIdentity"])
@pytest.mark.parametrize("described", [{"status": 500, "times": 9}, {"kind": "lose_answer"}], ids=str)
def test_a_setup_that_fails_leaves_nothing_here_and_nothing_in_ses(
    sandbox: SandboxProcess, acme: Organization, fault: Fault, operation: str, described: dict[str, Any]
) -> None:
    fault(operation, **described)
    with pytest.raises(UpstreamRefusal):
        create(acme)
    for table in (SesSetup, SesTenant, Domain, NameLedger):
        assert not table._default_manager.exists()
    sandbox.control("DELETE", "/_sandbox/faults")
    catch_up()
    assert in_ses(sandbox) == ([], [])


def test_a_setup_that_failed_can_be_made_at_once_again(
    sandbox: SandboxProcess, acme: Organization, fault: Fault
) -> None:
    fault("CreateEmailIdentity", "lose_answer")
    with pytest.raises(UpstreamRefusal):
        create(acme)
    create(acme)
    catch_up()
    assert in_ses(sandbox) == ([TENANT], [NAME])
    assert not AwsIntent.objects.filter(confirmed_at__isnull=True).exists()


def test_a_setup_whose_process_died_is_there_and_is_finished(
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
            create(acme)
    catch_up()
    assert [setup.tenant.tenant_name for setup in visible_setups(organization=acme)] == [TENANT]
    assert in_ses(sandbox) == ([TENANT], [NAME])


def test_a_name_whose_removal_ses_has_not_carried_out_is_freed_first(
    sandbox: SandboxProcess, acme: Organization, globex: Organization
) -> None:
    remove_domain(domain=create(acme).domain, actor="test", now=timezone.now())
    assert in_ses(sandbox)[0] == [TENANT]
    create(globex, name="other.example")
    assert list(SesTenant.objects.filter(removed_at=None).values_list("organization", flat=True)) == [globex.pk]
    catch_up()
    assert in_ses(sandbox) == ([TENANT], ["other.example"])


def test_a_name_that_can_not_be_freed_is_refused_and_nothing_is_stored(
    sandbox: SandboxProcess, acme: Organization, globex: Organization, fault: Fault
) -> None:
    remove_domain(domain=create(acme).domain, actor="test", now=timezone.now())
    fault("DeleteTenant", status=500, times=9)
    with pytest.raises(UpstreamRefusal):
        create(globex, name="other.example")
    assert not Domain.objects.live().exists()


def test_of_two_at_once_with_one_tenant_name_one_gets_it(
    sandbox: SandboxProcess, acme: Organization, globex: Organization
) -> None:
    ended = at_once(lambda: create(acme), lambda: create(globex, name="other.example"))
    assert ended == ["SesSetup", "TenantNameTaken"]
    assert (SesSetup.objects.count(), SesTenant.objects.count(), Domain.objects.count()) == (1, 1, 1)
    catch_up()
    assert in_ses(sandbox) == ([TENANT], [Domain.objects.get().name])


def test_of_three_at_once_with_one_domain_one_gets_it(sandbox: SandboxProcess, acme: Organization) -> None:
    ended = at_once(*[lambda number=number: create(acme, f"tenant-{number}") for number in range(3)])
    assert ended == ["DomainAlreadyRegistered", "DomainAlreadyRegistered", "SesSetup"]
    catch_up()
    assert in_ses(sandbox) == ([SesTenant.objects.get().tenant_name], [NAME])


def test_the_same_setup_twice_is_refused_and_changes_nothing(sandbox: SandboxProcess, acme: Organization) -> None:
    create(acme)
    with pytest.raises((TenantNameTaken, DomainAlreadyRegistered)):
        create(acme)
    assert SesSetup.objects.count() == 1


# --- looked at


def test_a_look_ends_in_time_while_ses_is_silent(
    ready: SesSetup, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock: what is tested is that the reader goes before the silent call does.
    monkeypatch.setattr(live_reads, "SECONDS", 0.5)
    fault("GetIdentityVerificationAttributes", "delay", seconds=4.0)
    before = ready.domain.dns_checked_at
    assert look(ready).domain.dns_checked_at == before
    alive = [thread.name for thread in threading.enumerate() if thread.name.startswith("live-read")]
    assert alive


def test_a_look_that_proves_the_claim_leaves_the_rest_to_the_reconciler(
    ready: SesSetup, sandbox: SandboxProcess
) -> None:
    assert not SesTenant.objects.get().is_associated
    catch_up()
    assert SesTenant.objects.get().is_associated
    rules = sandbox.client("ses").describe_active_receipt_rule_set()["Rules"]
    assert [rule["Recipients"] for rule in rules] == [[NAME]]


# --- deleted


def test_a_setup_goes_with_all_that_ses_has_of_it(ready: SesSetup, sandbox: SandboxProcess) -> None:
    catch_up()
    delete(ready)
    assert in_ses(sandbox) == ([], [])
    assert not AwsIntent.objects.filter(confirmed_at__isnull=True).exists()
    with pytest.raises(SetupNotFound):
        delete(ready)


@pytest.mark.parametrize(
    "operation",
    [
        "DescribeActiveReceiptRuleSet",
        "DeleteTenantResourceAssociation",
        "GetTenant",
        "DeleteTenant",
        "GetEmailIdentity",
        "DeleteEmailIdentity",
    ],
)
@pytest.mark.parametrize("described", [{"status": 500, "times": 9}, {"kind": "lose_answer", "times": 2}], ids=str)
def test_a_deletion_that_fails_keeps_the_setup_until_it_is_asked_for_again(
    ready: SesSetup, sandbox: SandboxProcess, fault: Fault, operation: str, described: dict[str, Any]
) -> None:
    catch_up()
    fault(operation, **described)
    with pytest.raises(UpstreamRefusal):
        delete(ready)
    sandbox.control("DELETE", "/_sandbox/faults")
    assert not Domain.objects.live().exists()
    delete(ready)
    assert in_ses(sandbox) == ([], [])
    assert SesSetup.objects.get().removed_at is not None


def test_a_deletion_that_the_reconciler_finished_ends_well_when_it_is_asked_for_again(
    ready: SesSetup, acme: Organization, sandbox: SandboxProcess, fault: Fault
) -> None:
    catch_up()
    fault("DeleteTenant", status=500, times=9)
    with pytest.raises(UpstreamRefusal):
        delete(ready)
    assert visible_setups(organization=acme).exists()
    sandbox.control("DELETE", "/_sandbox/faults")
    catch_up()
    assert not visible_setups(organization=acme).exists()
    delete(ready)
    with pytest.raises(SetupNotFound):
        delete(ready)


def test_a_deletion_waits_for_the_reconciler_who_is_at_it(ready: SesSetup, sandbox: SandboxProcess) -> None:
    catch_up()
    ended = at_once(lambda: delete(ready), catch_up, catch_up)
    assert ended == ["NoneType"] * 3
    assert in_ses(sandbox) == ([], [])
    assert SesSetup.objects.get().removed_at is not None


def test_two_deletions_at_once_take_it_down_once(ready: SesSetup, sandbox: SandboxProcess) -> None:
    catch_up()
    ended = at_once(lambda: delete(ready), lambda: delete(ready))
    assert set(ended) <= {"NoneType", "SetupNotFound"}
    assert "NoneType" in ended
    assert in_ses(sandbox) == ([], [])


def test_a_use_case_and_a_deletion_at_once_leave_one_of_both(ready: SesSetup) -> None:
    ended = at_once(lambda: use(ready), lambda: delete(ready))
    assert ended in (["NoneType", "DomainNotActive"], ["DomainNotActive", "NoneType"], ["UseCase", "UseCasesExist"])
    assert Domain.objects.live().exists() is UseCase.objects.live().exists()


def test_no_face_removes_a_domain_under_its_use_cases(ready: SesSetup) -> None:
    use(ready)
    for refuses_inboxes in (True, False):
        with pytest.raises(UseCasesExist):
            remove_domain(domain=ready.domain, actor="test", now=timezone.now(), refuses_inboxes=refuses_inboxes)
    assert Domain.objects.live().exists()


def test_inboxes_that_are_no_use_cases_stop_with_the_setup_and_stay_readable(ready: SesSetup) -> None:
    inbox = create_inbox(
        organization=ready.organization, domain=ready.domain, local_part="sales", actor="test", now=timezone.now()
    )
    delete(ready)
    inbox.refresh_from_db()
    assert (inbox.is_active, inbox.removed_at) == (False, None)


def test_an_inbox_that_ended_with_its_use_case_frees_its_address(ready: SesSetup) -> None:
    first = use(ready)
    EmailAccount.objects.filter(pk=first.inbox_id).update(removed_at=timezone.now(), is_active=False)
    assert not UseCase.objects.live().exists()
    assert use(ready).inbox_id != first.inbox_id
