"""Inboxes and their domain: what stops with it, what lives again, and where an inbox without an address goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization
from channels.addresses import Mailbox
from channels.connecting import connect_channel, verify_receiving
from channels.inboxes import (
    DomainNotActive,
    create_inbox,
    home_of_new_inboxes,
    made_up_local_part,
    visible_inboxes,
)
from channels.models import EmailAccount
from channels.removal import remove_domain
from channels.routing import find_inbox
from domains.models import Domain
from domains.registration import visible_domains

pytestmark = pytest.mark.django_db(transaction=True)


def active(organization: Organization, name: str = "acme.example", **fields: Any) -> Domain:
    now = timezone.now()
    defaults = {"status": "active", "reason": "", "proved_at": now, "dkim_status": "SUCCESS", "region": "us-east-1"}
    return Domain.objects.create(organization=organization, name=name, claim_started_at=now, **(defaults | fields))


def inbox_at(domain: Domain, local_part: str = "info") -> EmailAccount:
    return create_inbox(
        organization=domain.organization, domain=domain, local_part=local_part, actor="test", now=timezone.now()
    )


def remove(domain: Domain) -> None:
    remove_domain(domain=domain, actor="test", now=timezone.now(), refuses_inboxes=False)


def test_an_inbox_of_a_removed_domain_takes_no_mail_and_is_still_seen(acme: Organization) -> None:
    domain = active(acme)
    inbox = inbox_at(domain)
    remove(domain)
    assert find_inbox(domain=domain, mailbox=Mailbox("info", "acme.example")) is None
    assert list(visible_inboxes(organization=acme)) == [inbox]


def test_the_same_address_on_the_next_claim_is_that_inbox_again(acme: Organization) -> None:
    first = active(acme)
    inbox = inbox_at(first)
    remove(first)
    second = active(acme)
    assert inbox_at(second) == inbox
    assert find_inbox(domain=second, mailbox=Mailbox("info", "acme.example")) == inbox


def test_another_organization_gets_an_inbox_of_its_own(acme: Organization, globex: Organization) -> None:
    first = active(acme)
    inbox = inbox_at(first)
    remove(first)
    assert inbox_at(active(globex)) != inbox


def test_a_channel_finds_its_account_again_after_a_removal(
    acme: Organization, installation: object, publish: Callable[..., None]
) -> None:
    accounts = []
    for _ in range(2):
        connected = connect_channel(organization=acme, name="shop.example", actor="test", now=timezone.now())
        publish(connected.domain)
        verified = verify_receiving(channel=connected.channel, actor="test", now=timezone.now())
        accounts += verified.accounts
        remove(verified.domain)
    assert len(set(accounts)) == 1
    assert len(accounts) == 2


def test_new_inboxes_go_to_the_default_domain_and_else_to_the_oldest_verified(acme: Organization) -> None:
    active(acme, "waiting.example", proved_at=None, status="pending", is_default=True)
    oldest = active(acme, "oldest.example")
    active(acme, "newer.example")
    domains = visible_domains(organization=acme)
    assert home_of_new_inboxes(domains=domains) == oldest
    Domain.objects.filter(name="waiting.example").update(proved_at=timezone.now())
    assert home_of_new_inboxes(domains=domains).name == "waiting.example"


def test_without_a_verified_domain_new_inboxes_have_no_home(acme: Organization) -> None:
    active(acme, dkim_status="PENDING")
    with pytest.raises(DomainNotActive):
        home_of_new_inboxes(domains=visible_domains(organization=acme))


@pytest.mark.parametrize("name", ["", "Sales Team", "日本", "a" * 500, "--", "O'Neill & Søn <x@y>"])
def test_a_made_up_local_part_can_be_had(acme: Organization, name: str) -> None:
    local_part = made_up_local_part(name)
    assert inbox_at(active(acme), local_part).local_part == local_part
