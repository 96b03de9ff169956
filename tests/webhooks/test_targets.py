"""Which addresses may be called, decided without a network."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhooks.forbidden_urls import NOT_PUBLIC, ORDINARY, UNREADABLE
from webhooks.targets import ForbiddenTarget, check_address, is_public, parse_target

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
ANYWHERE = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))


def test_the_table_is_as_long_as_promised() -> None:
    assert len({*UNREADABLE, *NOT_PUBLIC}) >= 150


@pytest.mark.parametrize("url", UNREADABLE)
def test_what_can_be_misread_is_refused_whatever_is_allowed(url: str) -> None:
    with pytest.raises(ForbiddenTarget):
        parse_target(url.replace("{port}", "4100"), allowed=ANYWHERE)


@pytest.mark.parametrize("url", NOT_PUBLIC)
def test_what_does_not_lead_to_the_public_internet_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenTarget):
        parse_target(url.replace("{port}", "4100"))


@pytest.mark.parametrize("url", ORDINARY)
def test_an_ordinary_url_is_taken(url: str) -> None:
    target = parse_target(url)
    assert (target.scheme, target.port, target.needs_allowed) == ("https", 443, False)
    assert target.path.startswith("/")


@pytest.mark.parametrize(
    ("url", "host", "path", "header"),
    [
        ("https://Example.COM?x=1", "example.com", "/?x=1", "example.com"),
        ("https://bücher.example:443/a?b", "xn--bcher-kva.example", "/a?b", "xn--bcher-kva.example"),
        ("https://faß.example", "xn--fa-hia.example", "/", "xn--fa-hia.example"),
        ("http://127.0.0.1:4100/x", "127.0.0.1", "/x", "127.0.0.1:4100"),
        ("http://[::1]:4100/x", "::1", "/x", "[::1]:4100"),
    ],
)
def test_a_url_is_read_as_a_client_sends_it(url: str, host: str, path: str, header: str) -> None:
    target = parse_target(url, allowed=LOOPBACK)
    assert (target.host, target.path, target.host_header) == (host, path, header)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:4100/",
        "https://127.0.0.1/",
        "http://[::1]:9/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost:3/",
    ],
)
def test_an_allowed_network_may_be_called_by_plain_http_and_on_any_port(url: str) -> None:
    assert parse_target(url, allowed=LOOPBACK)


@pytest.mark.parametrize(
    "url", ["http://93.184.216.34/", "https://93.184.216.34:8443/", "https://10.0.0.1/", "http://10.0.0.1:4100/"]
)
def test_allowing_one_network_allows_nothing_of_another(url: str) -> None:
    with pytest.raises(ForbiddenTarget):
        parse_target(url, allowed=LOOPBACK)


def test_plain_http_to_a_name_that_leads_out_of_the_allowed_networks_is_refused() -> None:
    target = parse_target("http://example.com/", allowed=LOOPBACK)
    with pytest.raises(ForbiddenTarget):
        check_address(ipaddress.ip_address("93.184.216.34"), target=target, allowed=LOOPBACK)


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_that_the_standard_library_calls_private_is_public(address: ipaddress.IPv4Address) -> None:
    if address.is_private or address.is_multicast or address.is_reserved or address.is_link_local:
        assert not is_public(address)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "64:ff9b::"]))
def test_an_embedded_ipv4_address_is_judged_as_itself(address: ipaddress.IPv4Address, prefix: str) -> None:
    wrapped = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(address))
    assert is_public(wrapped) == is_public(address)


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_that_the_standard_library_calls_special_is_public(address: ipaddress.IPv6Address) -> None:
    is_special = address.is_private or address.is_multicast or address.is_reserved or address.is_link_local
    if is_special and address not in ipaddress.ip_network("64:ff9b::/96") and address.ipv4_mapped is None:
        assert not is_public(address)


@given(st.text(max_size=60))
def test_no_text_is_a_reason_to_fail(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}.example/", f"https://example.com/{text}"):
        try:
            target = parse_target(url, allowed=LOOPBACK)
        except ForbiddenTarget:
            continue
        assert target.host.isascii()
        assert target.path.isascii()
