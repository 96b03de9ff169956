"""How often strangers may knock at a page that needs no sign-in: one counter a network address and minute."""

from __future__ import annotations

import ipaddress
import time

from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.http import HttpRequest

WINDOW_SECONDS = 60
IPV6_PREFIX = 64


def address_of(request: HttpRequest) -> str:
    """The caller's address as TRUSTED_PROXIES tells it."""
    return str(get_adapter().get_client_ip(request))


def seconds_to_wait(request: HttpRequest, *, door: str, most: int) -> int:
    """Count one knock; 0 where the caller may come in, else the seconds until the next window."""
    now = time.time()
    window = int(now // WINDOW_SECONDS)
    counter = f"knocks:{door}:{_network(address_of(request))}:{window}"
    if cache.add(counter, 1, timeout=WINDOW_SECONDS * 2):
        return 0
    try:
        knocks = cache.incr(counter)
    except ValueError:
        # Evicted between the two calls.
        return 0
    return 0 if knocks <= most else max(1, int((window + 1) * WINDOW_SECONDS - now + 0.999))


def _network(address: str) -> str:
    """Who has one IPv6 address has its whole /64."""
    parsed = ipaddress.ip_address(address)
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False)) if parsed.version == 6 else address
