"""Addresses and name servers of DNS hosts that can answer for a name with a proxy of their own (pure)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

# https://www.cloudflare.com/ips/
PROXIES = tuple(
    ipaddress.ip_network(network)
    for network in (
        "103.21.244.0/22",
        "103.22.200.0/22",
        "103.31.4.0/22",
        "104.16.0.0/13",
        "104.24.0.0/14",
        "108.162.192.0/18",
        "131.0.72.0/22",
        "141.101.64.0/18",
        "162.158.0.0/15",
        "172.64.0.0/13",
        "173.245.48.0/20",
        "188.114.96.0/20",
        "190.93.240.0/20",
        "197.234.240.0/22",
        "198.41.128.0/17",
        "2400:cb00::/32",
        "2606:4700::/32",
        "2803:f800::/32",
        "2405:b500::/32",
        "2405:8100::/32",
        "2a06:98c0::/29",
        "2c0f:f248::/32",
    )
)
PROXYING_HOSTS = (".ns.cloudflare.com",)


def is_proxy(addresses: Sequence[str], name_servers: Sequence[str]) -> bool:
    """Whether these addresses are a proxy's, or come from a host whose plain CNAMEs are never turned into addresses."""
    if any(host.endswith(PROXYING_HOSTS) for host in name_servers):
        return True
    return any(_is_in(address) for address in addresses)


def _is_in(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in PROXIES if network.version == address.version)
