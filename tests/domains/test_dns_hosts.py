"""DNS hosts by their name servers, and records as their forms want them."""

from __future__ import annotations

import pytest

from domains.dns.mx_providers import PROVIDERS
from domains.dns_hosts.form_fields import FormField, form_fields, words_of
from domains.dns_hosts.known import KNOWN, PLAIN, known_host

SERVERS = {
    "amy.ns.cloudflare.com": "cloudflare",
    "NS-2048.AWSDNS-64.co.uk.": "route53",
    "ns01.domaincontrol.com": "godaddy",
    "dns1.registrar-servers.com": "namecheap",
    "ns01.squarespacedns.com": "squarespace",
    "ns1045.ui-dns.org": "ionos",
    "ns1.dns-parking.com": "hostinger",
    "ns-12-a.gandi.net": "gandi",
    "dns106.ovh.net": "ovh",
    "ns1.digitalocean.com": "digitalocean",
    "maceio.ns.porkbun.com": "porkbun",
    "ns1-04.azure-dns.com": "azure",
    "hydrogen.ns.hetzner.com": "hetzner",
    "ns-cloud-b1.googledomains.com": "google",
    "dns1.p01.nsone.net": "ns1",
    "pdns1.ultradns.net": "ultradns",
}


@pytest.mark.parametrize(("server", "code"), SERVERS.items())
def test_a_host_is_told_by_its_name_servers(server: str, code: str) -> None:
    found = known_host(["ns.unheard-of.example", server])
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize("server", ["ns1.acme.example", "fakegandi.net", "ns.cloudflare.com.evil.example"])
def test_a_name_that_only_looks_alike_is_nobodys(server: str) -> None:
    assert known_host([server]) is None


def test_no_server_is_claimed_by_two_hosts() -> None:
    ends = [end for host in KNOWN for end in host.ends]
    assert len(ends) == len(set(ends))
    for end in ends:
        assert sum(host.serves(f"ns1.{end}") for host in KNOWN) == 1


def test_enough_hosts_and_providers_are_known() -> None:
    assert len({host.code for host in KNOWN}) == len(KNOWN) >= 45
    assert len({provider.code for provider in PROVIDERS.values()}) >= 25
    assert sum(host.words is not None for host in KNOWN) >= 12


def fields(code: str, type_: str, value: str, priority: int | None = None, name: str = "acme.example") -> list[str]:
    words = words_of(next((host for host in KNOWN if host.code == code), None))
    made = form_fields(type_=type_, name=name, value=value, priority=priority, zone="acme.example", words=words)
    return [f"{field.label}: {field.value}" for field in made]


def test_a_host_that_nobody_knows_has_plain_words() -> None:
    assert words_of(None) is PLAIN
    assert fields("", "TXT", "token", name="_amazonses.acme.example") == ["Name: _amazonses", "Value: token"]


def test_an_mx_has_its_priority_in_a_field_of_its_own() -> None:
    assert fields("cloudflare", "MX", "mx.example", 10) == ["Name: @", "Mail server: mx.example", "Priority: 10"]


def test_azure_calls_it_a_preference() -> None:
    assert "Preference: 10" in fields("azure", "MX", "mx.example", 10)


def test_route_53_wants_the_priority_before_the_host_and_text_in_quotes() -> None:
    assert fields("route53", "MX", "mx.example", 10) == ["Record name: ", "Value: 10 mx.example"]
    assert fields("route53", "TXT", 'a"b') == ["Record name: ", 'Value: "a\\"b"']


def test_a_long_text_in_quotes_is_divided() -> None:
    (_, value) = fields("route53", "TXT", "x" * 300)
    assert value == f'Value: "{"x" * 255}" "{"x" * 45}"'


@pytest.mark.parametrize("code", ["ovh", "gandi", "digitalocean", "hetzner"])
def test_a_target_ends_with_a_dot_where_the_host_would_add_the_zone(code: str) -> None:
    words = words_of(next(host for host in KNOWN if host.code == code))
    made = form_fields(
        type_="CNAME",
        name="a._domainkey.acme.example",
        value="a.dkim.amazonses.com",
        priority=None,
        zone="acme.example",
        words=words,
    )
    assert made[0] == FormField(words.name, "a._domainkey")
    assert made[1].value == "a.dkim.amazonses.com."
