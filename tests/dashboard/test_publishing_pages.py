"""Publish for me: the preview, applying it with a choice for the MX, and undoing it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from domains.models import Domain
from domains.registration import register_domain
from tests.domains.test_dns_host_providers import (
    MERGED,
    OTHER_MX,
    OTHER_SPF,
    SES_MX,
    CloudflareConsole,
)
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

D = "acme.example"
BACKUP = "20 backup.elsewhere.example"


@pytest.fixture
def domain(installation: SandboxProcess, acme: Organization, settings: LazySettings) -> Domain:
    settings.SERVES_UNASSIGNED_ZONES = False
    return register_domain(organization=acme, name=D, actor="test", now=timezone.now())


@pytest.fixture
def console(installation: SandboxProcess, acme: Organization) -> CloudflareConsole:
    made = CloudflareConsole(installation)
    made.connect(acme)
    return made


@pytest.fixture
def zone_id(console: CloudflareConsole) -> str:
    zone_id = console.make(D)
    console.put(zone_id, D, "MX", OTHER_MX, BACKUP)
    console.put(zone_id, D, "TXT", OTHER_SPF)
    return zone_id


@pytest.fixture
def see(client: Client, owner: User) -> Callable[[str], str]:
    """The page at this address as the owner sees it, redirects followed."""
    client.force_login(owner)

    def look(address: str) -> str:
        return str(client.get(address, follow=True).content.decode())

    return look


def at(name: str, domain: Domain) -> str:
    return reverse(f"dashboard:{name}", args=[domain.public_id])


def test_without_a_dns_host_the_card_says_what_to_do(domain: Domain, see: Callable[[str], str]) -> None:
    page = see(at("domain", domain))
    assert "Connect a DNS host" in page
    assert "#hand-over" in page
    assert "We can not write to this zone" in see(at("publishing", domain))


def test_the_preview_shows_before_and_after_and_writes_nothing(
    domain: Domain, console: CloudflareConsole, zone_id: str, see: Callable[[str], str]
) -> None:
    before = console.records(zone_id)
    page = see(at("publishing", domain))
    for words in (OTHER_MX, OTHER_SPF, MERGED, "Conflict", "Replace", "Create", "acme.example at Cloudflare"):
        assert words in page
    assert console.records(zone_id) == before


def test_applying_leaves_a_foreign_mx_and_says_so(
    client: Client, domain: Domain, console: CloudflareConsole, zone_id: str, see: Callable[[str], str]
) -> None:
    answer = client.post(at("apply_publishing", domain))
    page = answer.content.decode()
    assert "One record could not be written." in page
    assert "6 records are written." in page
    assert console.records(zone_id)[(D, "MX")] == sorted([OTHER_MX, BACKUP])
    assert console.records(zone_id)[(D, "TXT")] == [MERGED]


def test_an_mx_that_was_ticked_gives_way_and_undo_puts_it_back(
    client: Client, domain: Domain, console: CloudflareConsole, zone_id: str, see: Callable[[str], str]
) -> None:
    before = console.records(zone_id)
    ticked = {"replace": [D], f"seen:{D}": [OTHER_MX, BACKUP]}
    page = client.post(at("apply_publishing", domain), ticked, follow=True).content.decode()
    assert "7 records are written." in page
    assert console.records(zone_id)[(D, "MX")] == [SES_MX]
    undo = see(at("undo_publishing", domain))
    assert "Restore" in undo
    assert OTHER_MX in undo
    page = client.post(at("undo_publishing", domain), follow=True).content.decode()
    assert "7 records are as they were before." in page
    assert console.records(zone_id) == before
    assert "Nothing to undo" in see(at("undo_publishing", domain))
    assert "nothing of ours" in client.post(at("undo_publishing", domain), follow=True).content.decode()


def test_a_tick_for_what_stands_there_no_more_replaces_nothing(
    client: Client, domain: Domain, console: CloudflareConsole, zone_id: str, see: Callable[[str], str]
) -> None:
    console.put(zone_id, D, "MX", "5 new.example")
    page = client.post(at("apply_publishing", domain), {"replace": [D], f"seen:{D}": [OTHER_MX, BACKUP]})
    assert "could not be written" in page.content.decode()
    assert console.records(zone_id)[(D, "MX")] == ["5 new.example"]


def test_a_host_that_is_away_is_told_and_the_page_offers_another_try(
    domain: Domain, console: CloudflareConsole, zone_id: str, see: Callable[[str], str]
) -> None:
    console.fault("ListZones", kind="error", status=503)
    page = see(at("publishing", domain))
    assert "The DNS host could not be reached." in page
    assert "Try again" in page


def test_a_zone_that_nobody_is_led_to_is_warned_of(
    domain: Domain, console: CloudflareConsole, zone_id: str, see: Callable[[str], str]
) -> None:
    Domain.objects.update(zone=D, name_servers=["ns1.elsewhere.example"])
    assert "is led to other name servers" in see(at("publishing", domain))


def test_a_viewer_neither_sees_the_preview_nor_applies(
    client: Client, viewer: User, domain: Domain, console: CloudflareConsole, zone_id: str
) -> None:
    client.force_login(viewer)
    before = console.records(zone_id)
    pages = ("publishing", "apply_publishing", "undo_publishing")
    assert client.get(at("publishing", domain)).status_code == 403
    assert {client.post(at(page, domain)).status_code for page in pages[1:]} == {403}
    assert console.records(zone_id) == before


def test_an_outsider_finds_nothing(client: Client, outsider: User, domain: Domain, zone_id: str) -> None:
    client.force_login(outsider)
    assert client.get(at("publishing", domain)).status_code == 404
    assert client.post(at("apply_publishing", domain)).status_code == 404
    assert client.post(at("undo_publishing", domain)).status_code == 404
