"""Which addresses may be called: a URL as a customer typed it, and an IP address as a resolver gave it (pure).

Whoever names a URL makes us connect to it from inside our network. So everything that is not an ordinary address of
the public internet is refused, also where an IPv4 address hides in an IPv6 one. `allowed` are the networks of
WEBHOOK_ALLOWED_TARGETS, which may be called all the same, there by plain HTTP and on any port too.
Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries; RFC 4291, 6052, 3056, 4380; the WHATWG URL standard.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

import idna

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST_URL = 2000
PUBLIC_PORT = 443
DEFAULT_PORTS = {"https": 443, "http": 80}

# Printable ASCII without space, quotes, angle and curly brackets, backslash, caret, backtick, bar, and the fragment.
URL_CHARACTERS = re.compile(r"[!$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
SPECIAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "onion", "invalid")

_NOT_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud provider's host agent, on an address that looks public
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Only 2000::/3 is given out as global unicast; these parts of it are not ordinary hosts. 2001::/23 holds Teredo and
# ORCHID, 2002::/16 is 6to4: tunnels that lead to any IPv4 address.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20")
)
# IPv4 in an IPv6 address that a socket or a NAT64 gateway really connects to: judged by the address inside.
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class ForbiddenTarget(Exception):
    """This URL or address may not be called; the text says why, for whoever typed it."""


@dataclass(frozen=True)
class Target:
    """A URL that may be called as far as it tells; `host` is a lower-case A-label name or an address in text.

    `path` is what the request line holds, with the query. `needs_allowed` says that only the allowed networks may be
    called so: by plain HTTP, or on another port than 443.
    """

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None
    needs_allowed: bool

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if isinstance(self.address, ipaddress.IPv6Address) else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse_target(url: str, *, allowed: Sequence[Network] = ()) -> Target:
    """Read a URL as strictly as can be, so that no two readers differ on its host; raises ForbiddenTarget."""
    if len(url) > LONGEST_URL:
        raise ForbiddenTarget(f"is longer than {LONGEST_URL} characters")
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in DEFAULT_PORTS:
        raise ForbiddenTarget("must begin with https:// or http://" if allowed else "must begin with https://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    tail = rest[len(authority) :]
    if "@" in authority:
        raise ForbiddenTarget("must not hold a user name or password")
    if "#" in tail:
        raise ForbiddenTarget("must not hold a fragment")
    if tail and not URL_CHARACTERS.fullmatch(tail):
        raise ForbiddenTarget("has a character that must be percent-encoded")
    host, port = _host_and_port(authority, scheme)
    address = _literal(host)
    name = address.compressed if address is not None else _name(host)
    target = Target(
        scheme=scheme,
        host=name,
        port=port,
        path=tail if tail.startswith("/") else f"/{tail}",
        address=address,
        needs_allowed=scheme == "http" or port != PUBLIC_PORT,
    )
    _refuse_by_sight(target, allowed)
    return target


def _host_and_port(authority: str, scheme: str) -> tuple[str, int]:
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::([0-9]{1,5}))?", authority)
    if found is None:
        raise ForbiddenTarget("has no host that can be read")
    port = int(found.group(2)) if found.group(2) else DEFAULT_PORTS[scheme]
    if not 0 < port < 65536:
        raise ForbiddenTarget("has a port that does not exist")
    return found.group(1), port


def _literal(host: str) -> Address | None:
    """The address that the host is; None for a name. Only the one usual spelling of an address is read."""
    if host.startswith("["):
        try:
            return ipaddress.IPv6Address(host[1:-1])
        except ValueError as error:
            raise ForbiddenTarget("has an IPv6 address that can not be read") from error
    try:
        return ipaddress.IPv4Address(host)
    except ValueError:
        return None


def _name(host: str) -> str:
    try:
        name = idna.encode(host.rstrip("."), uts46=True, std3_rules=True).decode().lower()
    except idna.IDNAError as error:
        raise ForbiddenTarget("has a host name that can not be read") from error
    last = name.rpartition(".")[2]
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last):
        # 127.1, 2130706433, 0x7f.1, 017700000001, and other alphabets' digits: resolvers read them as addresses.
        raise ForbiddenTarget("has an address in an unusual spelling")
    return name


def _refuse_by_sight(target: Target, allowed: Sequence[Network]) -> None:
    """What needs no resolver to be refused; the addresses of a name are checked when it is called."""
    if target.address is not None:
        check_address(target.address, target=target, allowed=allowed)
        return
    if allowed:
        return
    if target.scheme == "http":
        raise ForbiddenTarget("must begin with https://")
    if target.port != PUBLIC_PORT:
        raise ForbiddenTarget(f"must be on port {PUBLIC_PORT}")
    if "." not in target.host or any(target.host == name or target.host.endswith(f".{name}") for name in SPECIAL_NAMES):
        raise ForbiddenTarget("must name a host of the public internet")


def check_address(address: Address, *, target: Target, allowed: Sequence[Network]) -> None:
    """Refuse to connect to this address for this target; raises ForbiddenTarget."""
    real = embedded(address)
    if any(real.version == network.version and real in network for network in allowed):
        return
    if target.needs_allowed:
        raise ForbiddenTarget(f"must be https on port {PUBLIC_PORT}")
    if not is_public(real):
        raise ForbiddenTarget("must lead to an address of the public internet")


def embedded(address: Address) -> Address:
    """The IPv4 address that connecting to this IPv6 address really leads to, else the address itself."""
    if isinstance(address, ipaddress.IPv6Address) and (address in _MAPPED or address in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """An ordinary host of the public internet, as far as its number tells."""
    real = embedded(address)
    if isinstance(real, ipaddress.IPv4Address):
        return not any(real in network for network in _NOT_PUBLIC_V4)
    if real.scope_id is not None:
        return False
    return real in _GLOBAL_UNICAST and not any(real in network for network in _NOT_PUBLIC_V6)
