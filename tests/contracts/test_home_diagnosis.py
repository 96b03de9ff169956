"""The home API's diagnosis of a domain, and its record plan as files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization
from domains.models import DnsRecord, Domain
from domains.registration import register_domain
from domains.verification import check_domain
from tests.contracts.conftest import NOW, Api
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db

DOMAINS = "/api/email/domains"
FILES = {
    "bind": ("text/dns", "acme.example.zone"),
    "terraform-route53": ("text/plain", "acme.example.tf"),
    "terraform-cloudflare": ("text/plain", "acme.example.tf"),
    "octodns": ("application/yaml", "acme.example.yaml"),
    "csv": ("text/csv", "acme.example.csv"),
}
SPF = {"current": None, "proposed": "v=spf1 include:amazonses.com ~all", "lookups": 0, "void_lookups": 0, "refusal": ""}


@pytest.fixture
def domain(acme: Organization, make_domain: Callable[..., Domain]) -> Domain:
    return make_domain(acme, "acme.example")


def diagnosis(api: Api, domain: Domain, query: str = "") -> dict[str, Any]:
    answer = api.get(f"{DOMAINS}/{domain.public_id}/diagnosis{query}")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def records(api: Api, domain: Domain, format_: str) -> Any:
    return api.get(f"{DOMAINS}/{domain.public_id}/records?format={format_}")


def see(domain: Domain, **parts: object) -> None:
    Domain.objects.filter(pk=domain.pk).update(dns_summary=parts, dns_checked_at=NOW, zone="acme.example")


def test_before_the_first_look_it_says_that_nothing_is_known(api: Api, domain: Domain) -> None:
    body = diagnosis(api, domain)
    assert list(body) == [
        "domain",
        "status",
        "canSend",
        "canReceive",
        "checkedAt",
        "nextCheckAt",
        "zone",
        "nameServers",
        "dnsHost",
        "mailToday",
        "records",
        "spf",
        "dmarc",
    ]
    assert (body["domain"], body["status"], body["canSend"], body["canReceive"]) == (
        "acme.example",
        "pending",
        False,
        False,
    )
    assert {body[key] for key in ("checkedAt", "zone", "dnsHost", "mailToday", "spf", "dmarc")} == {None}


def test_a_record_tells_what_was_seen_and_what_to_change(api: Api, domain: Domain) -> None:
    DnsRecord.objects.filter(domain=domain, purpose="inbound").update(
        verdict="conflict",
        code="mx_other_provider",
        message="Mail for this domain goes to Google Workspace today.",
        fix="Replace them.",
        other_codes=["name_doubled", "a_code_of_tomorrow"],
        observed=["1 aspmx.l.google.com"],
        servers=[{"server": "ns1 (192.0.2.1)", "verdict": "wrong"}],
        public_verdict="wrong",
        checked_at=NOW,
    )
    assert diagnosis(api, domain)["records"][0] == {
        "type": "MX",
        "name": "acme.example",
        "host": "@",
        "value": "inbound-smtp.us-east-1.amazonaws.com",
        "priority": 10,
        "ttl": 3600,
        "purpose": "inbound",
        "required": True,
        "verdict": "conflict",
        "code": "mx_other_provider",
        "message": "Mail for this domain goes to Google Workspace today.",
        "fix": "Replace them.",
        "otherFindings": [
            {"code": "name_doubled", "message": "A part of the name stands in it twice."},
            {"code": "a_code_of_tomorrow", "message": "a_code_of_tomorrow"},
        ],
        "observed": ["1 aspmx.l.google.com"],
        "servers": [{"server": "ns1 (192.0.2.1)", "verdict": "wrong"}],
        "publicVerdict": "wrong",
        "publicAt": "2026-11-21T08:00:00Z",
    }


def test_it_names_the_dns_host_and_who_gets_the_mail(api: Api, domain: Domain) -> None:
    today = {"code": "google", "name": "Google Workspace", "hosts": ["aspmx.l.google.com"]}
    see(domain, mail_today=today)
    Domain.objects.filter(pk=domain.pk).update(name_servers=["amy.ns.cloudflare.com"])
    body = diagnosis(api, domain)
    assert body["dnsHost"] == {"code": "cloudflare", "name": "Cloudflare"}
    assert body["mailToday"] == today


def test_refresh_looks_at_once_and_what_it_saw_is_kept(
    installation: SandboxProcess, acme: Organization, api: Api, publish: Callable[..., None]
) -> None:
    domain = register_domain(organization=acme, name="fresh.example", actor="test", now=timezone.now())
    publish(domain)
    body = diagnosis(api, domain, "?refresh=true")
    assert body["checkedAt"] is not None
    assert body["zone"] == "fresh.example"
    assert {record["verdict"] for record in body["records"]} == {"ok"}
    assert body["mailToday"]["code"] == "ses"
    assert body["spf"]["current"] == body["spf"]["proposed"] == "v=spf1 include:amazonses.com ~all"
    assert body["dmarc"] == {"current": "v=DMARC1; p=none;", "proposed": "v=DMARC1; p=none;", "inheritedFrom": None}
    kept = diagnosis(api, domain)
    assert (kept["spf"], kept["dmarc"], kept["mailToday"]) == (body["spf"], body["dmarc"], body["mailToday"])


def test_an_unreadable_dns_does_not_wipe_out_what_was_known(
    installation: SandboxProcess, acme: Organization, api: Api, publish: Callable[..., None], settings: Any
) -> None:
    domain = register_domain(organization=acme, name="known.example", actor="test", now=timezone.now())
    publish(domain)
    before = diagnosis(api, domain, "?refresh=true")
    settings.DNS_RESOLVERS = ["127.0.0.1:9"]
    check_domain(domain=Domain.objects.get(pk=domain.pk), actor="test", now=timezone.now() + timedelta(minutes=1))
    assert diagnosis(api, domain)["spf"] == before["spf"]


def test_a_refresh_does_not_start_a_failed_claim_again(
    installation: SandboxProcess, acme: Organization, api: Api
) -> None:
    domain = register_domain(organization=acme, name="failed.example", actor="test", now=timezone.now())
    Domain.objects.filter(pk=domain.pk).update(status="failed", reason="expired")
    assert diagnosis(api, domain, "?refresh=true")["status"] == "failed"


def test_refresh_takes_true_or_false(api: Api, domain: Domain) -> None:
    answer = api.get(f"{DOMAINS}/{domain.public_id}/diagnosis?refresh=yes")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("format_", FILES)
def test_a_file_of_each_format_is_a_download_with_a_plain_name(api: Api, domain: Domain, format_: str) -> None:
    answer = records(api, domain, format_)
    media_type, name = FILES[format_]
    assert answer["Content-Type"] == media_type
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert "_amazonses" in answer.content.decode()


def test_the_spf_record_of_the_file_has_what_was_there(api: Api, domain: Domain) -> None:
    see(domain, spf=SPF | {"current": "v=spf1 a -all", "proposed": "v=spf1 a include:amazonses.com -all"})
    text = records(api, domain, "bind").content.decode()
    assert '"v=spf1 a include:amazonses.com -all"' in text
    assert "; SPF of acme.example: this takes the place of v=spf1 a -all" in text


@pytest.mark.parametrize("format_", ["bind", "terraform-route53", "terraform-cloudflare", "octodns"])
def test_a_file_never_makes_a_third_spf_record(api: Api, domain: Domain, format_: str) -> None:
    see(domain, spf=SPF | {"current": "v=spf1 a -all\nv=spf1 mx -all", "proposed": None, "refusal": "several"})
    text = records(api, domain, format_).content.decode()
    assert "v=spf1" not in text
    assert "SPF of acme.example left out: there are several SPF records" in text


def test_json_says_in_notes_what_was_left_out(api: Api, domain: Domain) -> None:
    see(domain, dmarc={"current": "v=DMARC1; p=reject", "proposed": None, "inherited_from": "example"}, spf=SPF)
    body = records(api, domain, "json").json()
    assert "dmarc" not in [record["purpose"] for record in body["records"]]
    assert body["notes"] == ["DMARC of _dmarc.acme.example left out: the policy of example holds for it already."]


def test_what_stands_in_somebodys_dns_can_not_end_a_comment(api: Api, domain: Domain) -> None:
    see(domain, spf=SPF | {"current": "v=spf1 \nevil IN A 192.0.2.1", "proposed": "v=spf1 -all"})
    text = records(api, domain, "bind").content.decode()
    assert not [line for line in text.splitlines() if line.startswith("evil")]


def test_names_are_relative_to_the_zone_that_was_seen(
    api: Api, acme: Organization, make_domain: Callable[..., Domain]
) -> None:
    domain = make_domain(acme, "mail.acme.example", zone="acme.example")
    text = records(api, domain, "bind").content.decode()
    assert "$ORIGIN acme.example." in text
    assert "\nmail\t3600\tIN\tMX\t10 inbound-smtp.us-east-1.amazonaws.com." in text


def test_another_organizations_domain_has_neither(stranger: Api, domain: Domain) -> None:
    for route in ("diagnosis", "records?format=bind"):
        answer = stranger.get(f"{DOMAINS}/{domain.public_id}/{route}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "DOMAIN_NOT_FOUND")
