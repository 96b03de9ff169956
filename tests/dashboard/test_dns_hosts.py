"""Connecting DNS hosts: tried at once, kept encrypted, never shown again."""

from __future__ import annotations

import html

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.encryption import decrypt
from accounts.models import AuditEvent, Organization, User
from domains.host_credentials import MOST_CREDENTIALS, connected_hosts, opening_for_role
from domains.models import DnsHostCredential
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db

PAGE = "dashboard:dns_hosts"
ROLE = "arn:aws:iam::111111111111:role/postern-dns"


@pytest.fixture
def token(installation: SandboxProcess) -> str:
    return str(installation.control("POST", "/_sandbox/cloudflare", {"zones": ["acme.example"]})["token"])


@pytest.fixture(autouse=True)
def _signed_in(client: Client, owner: User) -> None:
    client.force_login(owner)


def page(client: Client) -> str:
    return html.unescape(client.get(reverse(PAGE)).content.decode())


def give_token(client: Client, token: str, label: str = "main") -> tuple[int, str]:
    given = {"cloudflare-token": token, "cloudflare-label": label}
    answer = client.post(reverse("dashboard:add_dns_token"), given, follow=True)
    return answer.status_code, html.unescape(answer.content.decode())


def give_role(client: Client, role: str) -> tuple[int, str]:
    answer = client.post(reverse("dashboard:add_dns_role"), {"route53-role_arn": role}, follow=True)
    return answer.status_code, html.unescape(answer.content.decode())


def test_without_any_it_says_how_to_go_on(client: Client) -> None:
    assert "No DNS host is connected yet." in page(client)


def test_a_token_is_tried_kept_encrypted_and_shown_nowhere(client: Client, token: str, acme: Organization) -> None:
    status, told = give_token(client, token)
    assert (status, "Cloudflare lets us in. It has 1 zone: acme.example." in told) == (200, True)
    kept = DnsHostCredential.objects.get(organization=acme)
    assert (token in kept.token, decrypt(kept.token)) == (False, token)
    assert token not in told + page(client)
    event = AuditEvent.objects.get(action="dns_host.connected")
    assert (event.actor, token in str(event.details)) == ("owner@acme.example", False)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("x" * 40, "does not take the token for this: Invalid access token (9109)"),
        ("no token!", "This is not an API token of Cloudflare."),
        ("", "This field is required."),
    ],
)
def test_a_token_that_will_not_do_is_not_kept_and_not_given_back(
    client: Client, installation: SandboxProcess, wrong: str, told: str
) -> None:
    status, shown = give_token(client, wrong)
    assert (status, told in shown) == (422, True)
    assert not wrong or f'value="{wrong}"' not in shown
    assert not DnsHostCredential.objects.exists()


def test_a_token_that_sees_no_zone_is_told_what_it_lacks(client: Client, installation: SandboxProcess) -> None:
    token = installation.control("POST", "/_sandbox/cloudflare", {})["token"]
    assert "Zone:Read and DNS:Edit" in give_token(client, token)[1]
    assert not DnsHostCredential.objects.exists()


def test_a_host_that_is_away_is_told_as_such(client: Client, token: str, installation: SandboxProcess) -> None:
    installation.control("POST", "/_sandbox/faults", {"operation": "ListZones", "kind": "error", "status": 503})
    assert "The DNS host could not be reached." in give_token(client, token)[1]


def test_a_role_is_connected_by_the_external_id_that_was_shown(
    client: Client, installation: SandboxProcess, acme: Organization
) -> None:
    client.post(reverse("dashboard:begin_dns_role"))
    client.post(reverse("dashboard:begin_dns_role"))
    opening = DnsHostCredential.objects.get(organization=acme)
    shown = page(client)
    assert shown.count(opening.external_id) > 1
    assert "sts:AssumeRole" in shown
    assert "route53:ChangeResourceRecordSets" in shown
    assert '"arn:aws:iam::123456789012:root"' in shown
    assert "Amazon Route 53 lets us in." in give_role(client, ROLE)[1]
    opening.refresh_from_db()
    assert opening.role_arn == ROLE
    assert opening.checked_at is not None
    assert "lets us in" not in give_role(client, ROLE)[1]
    assert connected_hosts(organization=acme).count() == 1


@pytest.mark.parametrize(
    ("role", "told"),
    [
        ("arn:aws:iam::111111111111:user/bob", "This is not the ARN of a role"),
        ("arn:aws:iam::123456789012:role/admin", "in the operator's own account"),
    ],
)
def test_a_role_that_will_not_do_is_not_kept(
    client: Client, installation: SandboxProcess, acme: Organization, role: str, told: str
) -> None:
    status, shown = give_role(client, role)
    assert (status, told in shown) == (422, True)
    assert not connected_hosts(organization=acme).exists()


def test_a_role_that_does_not_trust_us_is_told(
    client: Client, installation: SandboxProcess, acme: Organization
) -> None:
    installation.control(
        "POST", "/_sandbox/faults", {"operation": "AssumeRole", "kind": "error", "code": "AccessDenied"}
    )
    status, shown = give_role(client, ROLE)
    assert (status, "AccessDenied" in shown) == (422, True)
    assert not connected_hosts(organization=acme).exists()


def test_one_that_no_longer_lets_us_in_says_so_when_it_is_tried(
    client: Client, token: str, installation: SandboxProcess
) -> None:
    give_token(client, token)
    kept = DnsHostCredential.objects.get()
    installation.control("POST", "/_sandbox/cloudflare", {"token": token, "status": "expired"})
    client.post(reverse("dashboard:try_dns_host", args=[kept.public_id]))
    assert "Invalid access token" in page(client)
    kept.refresh_from_db()
    assert "Invalid access token" in kept.last_error


def test_one_that_is_removed_is_forgotten(client: Client, token: str) -> None:
    give_token(client, token)
    kept = DnsHostCredential.objects.get()
    client.post(reverse("dashboard:remove_dns_host", args=[kept.public_id]))
    assert not DnsHostCredential.objects.exists()
    assert AuditEvent.objects.filter(action="dns_host.disconnected").count() == 1


def test_there_is_an_end_to_how_many(client: Client, token: str, acme: Organization) -> None:
    DnsHostCredential.objects.bulk_create(
        DnsHostCredential(organization=acme, host="cloudflare", token="x") for _ in range(MOST_CREDENTIALS)
    )
    assert "can have 20 DNS hosts" in give_token(client, token)[1]


def test_a_member_and_an_outsider_do_nothing_here(
    client: Client, member: User, outsider: User, acme: Organization
) -> None:
    kept = opening_for_role(organization=acme, now=timezone.now())
    client.force_login(member)
    assert client.get(reverse(PAGE)).status_code == 403
    assert client.post(reverse("dashboard:remove_dns_host", args=[kept.public_id])).status_code == 403
    client.force_login(outsider)
    assert client.post(reverse("dashboard:remove_dns_host", args=[kept.public_id])).status_code == 404
    assert client.post(reverse("dashboard:try_dns_host", args=[kept.public_id])).status_code == 404
    assert DnsHostCredential.objects.filter(pk=kept.pk).exists()
