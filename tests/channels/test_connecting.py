"""Connecting a domain as a channel: the id stays, the rule entry comes and goes with the accounts."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.db import connection
from django.utils import timezone

from accounts.errors import UpstreamRefusal
from accounts.models import Organization
from channels import connecting
from channels.connecting import (
    AccountNotFound,
    ChannelNotFound,
    ReceivingNotReady,
    VerifiedChannel,
    access_channel,
    activate_receiving,
    connect_channel,
    disconnect_account,
    verify_receiving,
)
from channels.inboxes import create_inbox
from channels.models import Channel, EmailAccount
from channels.removal import remove_domain
from domains.changes import suspend_domain
from domains.facts import current_records
from domains.models import Domain
from domains.reconciler import reconcile
from domains.registration import DomainAlreadyRegistered, RestartsExhausted, register_domain
from domains.verification import check_domain
from inbound.models import InboundMessage
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db

NAME = "hello.example"
DEFAULT = f"{settings.DEFAULT_LOCAL_PART}@{NAME}"
Publish = Callable[..., None]


def connect(organization: Organization, name: str = NAME) -> Channel:
    return connect_channel(organization=organization, name=name, actor="test", now=timezone.now()).channel


def verify(channel: Channel) -> VerifiedChannel:
    fresh = access_channel(organization=channel.organization, channel_id=channel.pk)
    return verify_receiving(channel=fresh, actor="test", now=timezone.now())


def disconnect(account: EmailAccount) -> None:
    disconnect_account(organization=account.organization, account_id=account.pk, actor="test", now=timezone.now())


def rule_entries(sandbox: SandboxProcess) -> list[str]:
    rules = sandbox.client("ses").describe_active_receipt_rule_set()["Rules"]
    return [recipient for rule in rules for recipient in rule["Recipients"]]


@pytest.fixture
def connected(installation: SandboxProcess, acme: Organization, publish: Publish) -> VerifiedChannel:
    channel = connect(acme)
    publish(Domain.objects.get())
    return verify(channel)


def test_connecting_again_keeps_channel_and_domain(installation: SandboxProcess, acme: Organization) -> None:
    first, second = connect(acme), connect(acme, "HELLO.example")
    assert (first.pk, first.domain) == (second.pk, second.domain)
    assert Domain.objects.get().events.filter(type="domain.restarted").count() == 1


def test_a_failed_domain_is_set_up_again_in_the_same_channel(installation: SandboxProcess, acme: Organization) -> None:
    first = connect(acme)
    Domain.objects.update(status="failed", reason="expired")
    assert connect(acme).pk == first.pk
    assert Domain.objects.get().status == "pending"


def test_a_verified_channel_can_not_be_connected_again(connected: VerifiedChannel, acme: Organization) -> None:
    with pytest.raises(DomainAlreadyRegistered):
        connect(acme)


def test_a_suspended_domain_can_not_be_connected(connected: VerifiedChannel, acme: Organization) -> None:
    suspend_domain(domain=connected.domain, actor="test", now=timezone.now())
    with pytest.raises(DomainAlreadyRegistered):
        connect(acme)


def test_a_domain_of_another_contract_becomes_a_channel(
    installation: SandboxProcess, acme: Organization, publish: Publish
) -> None:
    domain = register_domain(organization=acme, name=NAME, actor="test", now=timezone.now(), is_receiving=False)
    channel = connect(acme)
    assert channel.domain == domain
    domain.refresh_from_db()
    assert domain.is_receiving
    publish(domain)
    assert [account.email for account in verify(channel).accounts] == [DEFAULT]


def test_what_aws_refuses_leaves_no_channel(installation: SandboxProcess, acme: Organization) -> None:
    fault = {"operation": "CreateEmailIdentity", "kind": "error", "code": "LimitExceededException", "status": 400}
    installation.control("POST", "/_sandbox/faults", fault)
    with pytest.raises(UpstreamRefusal):
        connect(acme)
    assert not Channel.objects.exists()


def test_two_organizations_have_a_channel_each(
    installation: SandboxProcess, acme: Organization, globex: Organization
) -> None:
    ours, theirs = connect(acme), connect(globex)
    assert ours.pk != theirs.pk
    with pytest.raises(ChannelNotFound):
        access_channel(organization=acme, channel_id=theirs.pk)


def test_verifying_too_early_says_what_is_missing(
    installation: SandboxProcess, acme: Organization, publish: Publish
) -> None:
    channel = connect(acme)
    with pytest.raises(ReceivingNotReady) as caught:
        verify(channel)
    assert caught.value.missing == ["MX", "TXT"]
    publish(Domain.objects.get(), "ownership")
    with pytest.raises(ReceivingNotReady) as caught:
        verify(channel)
    assert caught.value.missing == ["MX"]
    assert not EmailAccount.objects.exists()


def test_verifying_makes_the_account_once_and_the_rule_entry(
    installation: SandboxProcess, connected: VerifiedChannel
) -> None:
    (account,) = connected.accounts
    assert [each.pk for each in verify(connected.channel).accounts] == [account.pk]
    assert rule_entries(installation) == [NAME]


def test_activating_twice_notes_it_once(connected: VerifiedChannel) -> None:
    times = set()
    for _ in range(2):
        fresh = access_channel(organization=connected.channel.organization, channel_id=connected.channel.pk)
        times.add(activate_receiving(channel=fresh, actor="test", now=timezone.now()).receiving_active_at)
    assert len(times) == 1
    assert connected.domain.events.filter(type="channel.receiving_active").count() == 1


def test_the_last_account_takes_the_channel_and_the_rule_entry_with_it(
    installation: SandboxProcess,
    connected: VerifiedChannel,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    with django_capture_on_commit_callbacks() as rung:
        disconnect(connected.accounts[0])
    assert rung, "the reconciler was not rung"
    reconcile(now=timezone.now())
    assert rule_entries(installation) == []
    with pytest.raises(ChannelNotFound):
        verify(connected.channel)
    with pytest.raises(AccountNotFound):
        disconnect(connected.accounts[0])


def test_an_account_that_remains_keeps_channel_and_rule_entry(
    installation: SandboxProcess, connected: VerifiedChannel, acme: Organization
) -> None:
    create_inbox(
        organization=acme,
        domain=connected.domain,
        local_part="second",
        actor="test",
        now=timezone.now(),
        channel=connected.channel,
    )
    disconnect(connected.accounts[0])
    reconcile(now=timezone.now())
    assert rule_entries(installation) == [NAME]
    assert [account.local_part for account in verify(connected.channel).accounts] == ["second"]


def test_an_inbox_of_another_contract_keeps_the_rule_entry(
    installation: SandboxProcess, connected: VerifiedChannel, acme: Organization
) -> None:
    create_inbox(organization=acme, domain=connected.domain, local_part="api", actor="test", now=timezone.now())
    disconnect(connected.accounts[0])
    reconcile(now=timezone.now())
    assert rule_entries(installation) == [NAME]
    with pytest.raises(ChannelNotFound):
        access_channel(organization=acme, channel_id=connected.channel.pk)


def test_another_organizations_account_is_not_found(connected: VerifiedChannel, globex: Organization) -> None:
    with pytest.raises(AccountNotFound):
        disconnect_account(organization=globex, account_id=connected.accounts[0].pk, actor="test", now=timezone.now())
    assert EmailAccount.objects.live().count() == 1


def test_connecting_after_a_disconnect_gives_the_same_id_and_mail_again(
    installation: SandboxProcess,
    connected: VerifiedChannel,
    acme: Organization,
    send_mail: Callable[..., None],
    take_in_mail: Callable[[], int],
) -> None:
    disconnect(connected.accounts[0])
    reconcile(now=timezone.now())
    channel = connect(acme)
    assert channel.pk == connected.channel.pk
    (account,) = verify(channel).accounts
    assert rule_entries(installation) == [NAME]
    send_mail(DEFAULT)
    take_in_mail()
    assert InboundMessage.objects.get().inbox == account


def test_connecting_after_a_removal_gives_the_same_id_and_a_new_domain(
    connected: VerifiedChannel, acme: Organization
) -> None:
    remove_domain(domain=connected.domain, actor="test", now=timezone.now(), refuses_inboxes=False)
    reconcile(now=timezone.now())
    channel = connect(acme)
    assert channel.pk == connected.channel.pk
    assert channel.domain != connected.domain
    assert channel.is_connected


def test_what_is_disconnected_lists_no_mx_until_it_is_connected_again(
    connected: VerifiedChannel, acme: Organization
) -> None:
    def listed() -> list[str]:
        return [record.type for record in current_records(Domain.objects.get()) if record.type == "MX"]

    disconnect(connected.accounts[0])
    assert listed() == []
    connect(acme)
    assert listed() == ["MX"]


def test_a_channel_that_comes_back_without_its_mx_must_show_it_again(
    installation: SandboxProcess, connected: VerifiedChannel, acme: Organization, publish: Publish
) -> None:
    disconnect(connected.accounts[0])
    installation.control("PUT", f"/_sandbox/zones/{NAME}", {"records": []})
    channel = connect(acme)
    with pytest.raises(ReceivingNotReady) as caught:
        verify(channel)
    assert caught.value.missing == ["MX"]
    publish(connected.domain, "inbound")
    assert [account.email for account in verify(channel).accounts] == [DEFAULT]
    assert rule_entries(installation) == [NAME]


def test_a_verified_channel_stays_so_when_its_mx_is_lost_for_a_while(
    installation: SandboxProcess, connected: VerifiedChannel
) -> None:
    installation.control("PUT", f"/_sandbox/zones/{NAME}", {"records": []})
    check_domain(domain=connected.domain, actor="test", now=timezone.now())
    again = verify(connected.channel)
    assert [account.pk for account in again.accounts] == [account.pk for account in connected.accounts]
    assert again.domain.verified_at == connected.domain.verified_at


def test_a_restart_that_is_refused_turns_nothing_on(
    installation: SandboxProcess, acme: Organization, settings: LazySettings
) -> None:
    settings.MAX_RESTARTS_PER_DAY = 0
    register_domain(organization=acme, name=NAME, actor="test", now=timezone.now(), is_receiving=False)
    with pytest.raises(RestartsExhausted):
        connect(acme)
    assert not Domain.objects.get().is_receiving
    assert not Channel.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_last_two_accounts_removed_at_once_take_the_channel_with_them(
    connected: VerifiedChannel, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = create_inbox(
        organization=acme,
        domain=connected.domain,
        local_part="second",
        actor="test",
        now=timezone.now(),
        channel=connected.channel,
    )
    both, undisturbed = threading.Barrier(2), connecting.delete_inbox

    def wait_for_the_other(**options: Any) -> bool:
        is_deleted = undisturbed(**options)
        # Neither has committed; who is alone, since the other waits for the channel, goes on after a second.
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(1)
        return is_deleted

    def run(account: EmailAccount) -> None:
        try:
            disconnect(account)
        finally:
            connection.close()

    monkeypatch.setattr(connecting, "delete_inbox", wait_for_the_other)
    threads = [threading.Thread(target=run, args=(account,)) for account in (connected.accounts[0], second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not EmailAccount.objects.live().exists()
    assert not Channel.objects.get().is_connected
