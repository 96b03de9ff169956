"""The page for the colleague who owns the DNS: what it shows to whom, and how it ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Organization, User
from channels.models import EmailAccount
from dashboard import hand_over
from domains.hand_over import MOST_LINKS, create_link, revoke_link
from domains.models import Domain, HandOverLink
from domains.registration import register_domain
from tests.dashboard.rows import make_domain, make_inbox
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db


@pytest.fixture
def domain(acme: Organization) -> Domain:
    return make_domain(acme, zone="shop.example", name_servers=["amy.ns.cloudflare.com"])


@pytest.fixture
def token(domain: Domain) -> str:
    return create_link(domain=domain, actor="owner@acme.example", now=timezone.now()).token


def address(token: str, page: str = "hand_over") -> str:
    return reverse(f"dashboard:{page}", args=[token])


def text_of(client: Client, token: str) -> str:
    answer = client.get(address(token))
    assert answer.status_code == 200
    return answer.content.decode()


def opened(domain: Domain) -> int:
    return AuditEvent.objects.filter(organization=domain.organization, action="hand_over.opened").count()


def test_it_opens_without_sign_in_and_shows_every_record(client: Client, domain: Domain, token: str) -> None:
    page = text_of(client, token)
    assert "7 records to set" in page
    for record in domain.records.all():
        assert f'data-copy="{record.value}"' in page


def test_it_speaks_the_words_of_the_dns_host(client: Client, domain: Domain, token: str) -> None:
    page = text_of(client, token)
    assert "The zone shop.example is at Cloudflare." in page
    assert "<dt>Content</dt>" in page
    assert "DNS only, the grey cloud" in page


def test_route_53_wants_the_priority_in_the_value_and_an_empty_name(client: Client, domain: Domain, token: str) -> None:
    Domain.objects.update(name_servers=["ns-1.awsdns-01.com"])
    page = text_of(client, token)
    assert "leave it empty" in page
    assert 'data-copy="10 inbound-smtp.us-east-1.amazonaws.com"' in page
    assert 'data-copy="&quot;token-of-ownership=&quot;"' in page


def test_the_spf_record_is_the_one_merged_with_what_is_there(client: Client, domain: Domain, token: str) -> None:
    merged = "v=spf1 a include:amazonses.com -all"
    spf = {"current": "v=spf1 a -all", "proposed": merged, "lookups": 1, "void_lookups": 0, "refusal": ""}
    Domain.objects.update(dns_summary={"spf": spf})
    page = text_of(client, token)
    assert f'data-copy="{merged}"' in page
    assert 'data-copy="v=spf1 include:amazonses.com ~all"' not in page


def test_the_mx_comes_last_since_it_moves_the_mail(client: Client, domain: Domain, token: str) -> None:
    page = text_of(client, token)
    assert page.index("inbound-smtp.us-east-1.amazonaws.com") > page.index("v=DMARC1")


def test_it_shows_nothing_else_of_the_organization(client: Client, owner: User, domain: Domain, token: str) -> None:
    make_domain(domain.organization, "other.example")
    inbox: EmailAccount = make_inbox(domain, "secret-desk")
    client.force_login(owner)
    page = text_of(client, token)
    for word in ("Acme", owner.email, "other.example", inbox.email, domain.public_id, domain.organization.public_id):
        assert word not in page


def test_a_right_record_is_no_longer_to_be_set(client: Client, domain: Domain, token: str) -> None:
    domain.records.filter(purpose="inbound").update(verdict="ok")
    page = text_of(client, token)
    assert "6 records to set" in page
    assert "One record is right" in page


def test_what_else_is_wrong_with_a_record_is_said(client: Client, domain: Domain, token: str) -> None:
    domain.records.filter(purpose="inbound").update(
        verdict="wrong", code="target_doubled", message="The zone is in it.", other_codes=["priority_in_host"]
    )
    assert "The priority stands in the host field." in text_of(client, token)


@pytest.mark.parametrize("page", ["hand_over", "hand_over_live"])
def test_it_is_kept_out_of_indexes_and_caches(client: Client, token: str, page: str) -> None:
    answer = client.get(address(token, page))
    assert answer["X-Robots-Tag"].startswith("noindex")
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "same-origin"


def test_the_page_says_noindex_in_its_head_too(client: Client, token: str) -> None:
    assert '<meta name="robots" content="noindex' in text_of(client, token)


def test_each_opening_is_in_the_audit_log_and_a_refresh_is_not(client: Client, domain: Domain, token: str) -> None:
    text_of(client, token)
    text_of(client, token)
    client.get(address(token, "hand_over_live"))
    assert opened(domain) == 2
    assert HandOverLink.objects.get().opened_count == 2


def test_the_audit_log_says_from_where(client: Client, domain: Domain, token: str) -> None:
    client.get(address(token), REMOTE_ADDR="192.0.2.7")
    assert AuditEvent.objects.get(action="hand_over.opened").actor.endswith("192.0.2.7")


def test_a_refresh_is_empty_while_nothing_has_changed(client: Client, domain: Domain, token: str) -> None:
    seen = re.search(r"seen=([0-9a-f]+)", client.get(address(token, "hand_over_live")).content.decode())
    # Claimed long ago, so that the pace of the page does not change meanwhile.
    assert seen is not None
    assert client.get(address(token, "hand_over_live"), {"seen": seen[1]}).status_code == 204


def _expired(domain: Domain) -> str:
    return create_link(domain=domain, actor="x", now=timezone.now() - timedelta(days=15)).token


def _revoked(domain: Domain) -> str:
    issued = create_link(domain=domain, actor="x", now=timezone.now())
    revoke_link(domain=domain, public_id=issued.link.public_id, actor="x", now=timezone.now())
    return issued.token


def _of_a_removed_domain(domain: Domain) -> str:
    token = create_link(domain=domain, actor="x", now=timezone.now()).token
    Domain.objects.update(removed_at=timezone.now())
    return token


@pytest.mark.parametrize("end", [_expired, _revoked, _of_a_removed_domain])
@pytest.mark.parametrize("page", ["hand_over", "hand_over_live"])
def test_a_link_that_has_ended_answers_as_one_that_never_was(
    client: Client, domain: Domain, end: Callable[[Domain], str], page: str
) -> None:
    answer, never_was = client.get(address(end(domain), page)), client.get(address("never-was", page))
    assert answer.status_code == never_was.status_code == 404
    assert answer.content == never_was.content
    assert answer["X-Robots-Tag"].startswith("noindex")
    assert opened(domain) == 0


def test_the_token_is_stored_as_a_hash_alone(domain: Domain, token: str) -> None:
    assert token not in str(HandOverLink.objects.values().get())


def test_it_checks_at_once_and_once_however_many_click(
    installation: SandboxProcess, acme: Organization, publish: Callable[..., None]
) -> None:
    domain = register_domain(organization=acme, name="live.example", actor="test", now=timezone.now())
    token = create_link(domain=domain, actor="x", now=timezone.now()).token
    publish(domain)
    client = Client()
    page = client.post(address(token, "check_hand_over"), follow=True).content.decode()
    assert "All records are right." in page
    first = Domain.objects.get(pk=domain.pk).dns_checked_at
    client.post(address(token, "check_hand_over"))
    assert Domain.objects.get(pk=domain.pk).dns_checked_at == first


def test_a_check_by_link_does_not_start_a_failed_claim_again(installation: SandboxProcess, acme: Organization) -> None:
    domain = register_domain(organization=acme, name="failed.example", actor="test", now=timezone.now())
    Domain.objects.filter(pk=domain.pk).update(status="failed", reason="expired")
    token = create_link(domain=domain, actor="x", now=timezone.now()).token
    Client().post(address(token, "check_hand_over"))
    assert Domain.objects.get(pk=domain.pk).status == "failed"


def test_a_check_needs_the_csrf_token(token: str) -> None:
    assert Client(enforce_csrf_checks=True).post(address(token, "check_hand_over")).status_code == 403


def test_who_knocks_too_often_waits(client: Client, domain: Domain, token: str) -> None:
    with time_machine.travel(timezone.now().replace(second=10), tick=False):
        for _ in range(hand_over.MOST_LOOKS_A_MINUTE):
            client.get(address("never-was"))
        answer = client.get(address(token))
        assert (answer.status_code, answer["Retry-After"]) == (429, "50")
        assert client.get(address(token), REMOTE_ADDR="192.0.2.9").status_code == 200


# --- on the domain's page ---------------------------------------------------------------------


def test_a_link_is_shown_once_when_it_is_made(client: Client, member: User, domain: Domain) -> None:
    client.force_login(member)
    page = client.post(reverse("dashboard:create_hand_over", args=[domain.public_id])).content.decode()
    link = re.search(r'data-copy="(http://testserver/app/hand-over/[^"]+)"', page)
    assert link is not None
    assert Client().get(link[1]).status_code == 200
    again = client.get(reverse("dashboard:domain", args=[domain.public_id])).content.decode()
    assert link[1] not in again
    assert member.email in again


def test_a_link_ends_on_the_domains_page(client: Client, member: User, domain: Domain, token: str) -> None:
    client.force_login(member)
    link = HandOverLink.objects.get()
    client.post(reverse("dashboard:revoke_hand_over", args=[domain.public_id, link.public_id]))
    assert Client().get(address(token)).status_code == 404
    assert AuditEvent.objects.filter(action="hand_over.revoked", actor=member.email).exists()


def test_a_link_of_another_domain_is_not_ended(client: Client, member: User, domain: Domain, token: str) -> None:
    client.force_login(member)
    other, link = make_domain(domain.organization, "other.example"), HandOverLink.objects.get()
    answer = client.post(reverse("dashboard:revoke_hand_over", args=[other.public_id, link.public_id]))
    assert answer.status_code == 404
    assert Client().get(address(token)).status_code == 200


@pytest.mark.parametrize("cast", ["viewer", "outsider"])
def test_only_who_may_write_makes_a_link(
    client: Client, domain: Domain, cast: str, request: pytest.FixtureRequest
) -> None:
    client.force_login(request.getfixturevalue(cast))
    answer = client.post(reverse("dashboard:create_hand_over", args=[domain.public_id]))
    assert answer.status_code == {"viewer": 403, "outsider": 404}[cast]
    assert not HandOverLink.objects.exists()


def test_a_domain_has_so_many_open_links(client: Client, member: User, domain: Domain) -> None:
    for _ in range(MOST_LINKS):
        create_link(domain=domain, actor="x", now=timezone.now())
    client.force_login(member)
    answer = client.post(reverse("dashboard:create_hand_over", args=[domain.public_id]))
    assert answer.status_code == 422
    assert f"{MOST_LINKS} open links" in answer.content.decode()


def test_a_member_downloads_the_zone_file(client: Client, viewer: User, domain: Domain) -> None:
    client.force_login(viewer)
    answer = client.get(reverse("dashboard:zone_file", args=[domain.public_id]))
    assert answer["Content-Disposition"] == 'attachment; filename="shop.example.zone"'
    assert answer.content.decode().startswith(";")


def test_an_outsider_downloads_no_zone_file(client: Client, outsider: User, domain: Domain) -> None:
    client.force_login(outsider)
    assert client.get(reverse("dashboard:zone_file", args=[domain.public_id])).status_code == 404
