"""Domain names: what may be claimed, normalised once to lower-case A-labels (pure)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

import idna
from publicsuffixlist import PublicSuffixList

from accounts.errors import Refusal

# A DKIM owner name adds `<32 characters>._domainkey.` = 44 to the name, and a name has 253 characters at most.
LONGEST_NAME = 209
LONGEST_INPUT = 1000
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
PORT = re.compile(r".*:\d*")
TRAILING = re.compile(r"[\s.]+\Z")
# RFC 6761, RFC 6762, RFC 7686, RFC 8375 and what ICANN reserved for private use.
NEVER = frozenset({"local", "localhost", "internal", "onion", "arpa", "invalid", "home", "corp", "lan", "alt"})
SPECIAL = frozenset({"test", "example"})
RESERVED = ("amazonaws.com", "amazonses.com", "amazonaws.com.cn")

SENTENCES = {
    "empty": "Type a domain name, such as example.com.",
    "not_text": "A domain name is text.",
    "scheme": "Leave out the https:// - only the domain name itself.",
    "path": "Leave out everything behind the domain name.",
    "port": "Leave out the port.",
    "at_sign": "That is an e-mail address - only what stands behind the @.",
    "wildcard": "A wildcard can not be registered; name the domain itself.",
    "ip_address": "That is an IP address, not a domain name.",
    "single_label": "A domain name has at least two parts, such as example.com.",
    "empty_label": "There are two dots in a row, or one at the beginning.",
    "label_too_long": "A part between two dots has more than 63 characters.",
    "name_too_long": f"The name has more than {LONGEST_NAME} characters.",
    "bad_character": "A domain name has only letters, digits, hyphens and dots.",
    "hyphen": "No part may begin or end with a hyphen.",
    "numeric_tld": "The last part can not be a number.",
    "public_suffix": "That is a public suffix; register a name below it.",
    "special_use": "That name does not exist in the public DNS.",
    "reserved": "That name can not be registered here.",
    "idna": "That is not a valid international domain name.",
}


class InvalidDomainName(Refusal):
    """`reason` is one of SENTENCES."""

    code = "invalid_domain_name"
    default_message = "Invalid domain format"

    def __init__(self, reason: str) -> None:
        super().__init__(SENTENCES[reason], field="domain", details={"reason": reason})
        self.reason = reason


@lru_cache(maxsize=1)
def _icann() -> PublicSuffixList:
    """Loading takes 0.14 s: on first use, once a process."""
    return PublicSuffixList(only_icann=True)


@lru_cache(maxsize=1)
def _with_private() -> PublicSuffixList:
    return PublicSuffixList()


@dataclass(frozen=True)
class DomainName:
    """A name that may be claimed; `ascii` is lower-case A-labels without a trailing dot."""

    ascii: str

    @property
    def unicode(self) -> str:
        """U-labels for people; the A-labels where they can not be decoded."""
        try:
            return idna.decode(self.ascii)
        except idna.IDNAError:
            return self.ascii

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.ascii.split("."))

    @property
    def registrable(self) -> str:
        """The name that was bought: one label below the ICANN public suffix."""
        return registrable_domain(self.ascii)

    @property
    def is_registrable(self) -> bool:
        return self.registrable == self.ascii

    @property
    def is_private_suffix(self) -> bool:
        """A suffix such as github.io, below which strangers have names: may be claimed, but never on trust."""
        return bool(_with_private().publicsuffix(self.ascii) == self.ascii)

    def relative_to(self, zone: str) -> str:
        """The owner name as a DNS host's form wants it: `@` at the zone's apex, else the labels before it."""
        return relative_name(self.ascii, zone)


def registrable_domain(name: str) -> str:
    return _icann().privatesuffix(name) or name


def relative_name(name: str, zone: str) -> str:
    if name == zone:
        return "@"
    return name[: -len(zone) - 1] if is_below(name, zone) else name


def is_below(name: str, ancestor: str) -> bool:
    """Strictly below: mail.example.com is below example.com, notexample.com is not."""
    return name.endswith("." + ancestor)


def ancestors(name: str) -> tuple[str, ...]:
    """What the name lies below, nearest first, without the root: b.example.com has example.com and com."""
    labels = name.split(".")
    return tuple(".".join(labels[index:]) for index in range(1, len(labels)))


def normalise_name(text: str) -> str:
    """Any owner name or host as lower-case A-labels without a trailing dot; service labels may have underscores.

    What can not be encoded comes back lower-case as it is: it then simply equals nothing.
    """
    lowered = TRAILING.sub("", text.strip().lower())
    if lowered.isascii():
        return lowered
    try:
        encoded = ".".join(
            label if label.isascii() else idna.encode(label, uts46=True).decode() for label in lowered.split(".")
        )
    except (idna.IDNAError, UnicodeError, ValueError, IndexError):
        return lowered
    return TRAILING.sub("", encoded)


def parse_domain_name(
    text: object,
    *,
    allowed_special_tlds: frozenset[str] = frozenset(),
    own_hosts: frozenset[str] = frozenset(),
) -> DomainName:
    """The one validator of all faces; raises InvalidDomainName and nothing else.

    Trimmed, lower-cased, one trailing dot dropped, IDNA 2008 with UTS 46 mapping (RFC 5891, UTS 46, non-transitional).
    """
    if not isinstance(text, str):
        raise InvalidDomainName("not_text")
    name = text.strip()
    _refuse_what_is_not_a_name(name)
    ascii_name = _to_ascii(name.removesuffix(".") if name != "." else name)
    _refuse_bad_labels(ascii_name)
    _refuse_special(ascii_name, allowed_special_tlds, own_hosts)
    return DomainName(ascii_name)


def _refuse_what_is_not_a_name(name: str) -> None:
    if not name:
        raise InvalidDomainName("empty")
    if len(name) > LONGEST_INPUT:
        raise InvalidDomainName("name_too_long")
    if SCHEME.match(name):
        raise InvalidDomainName("scheme")
    if "@" in name:
        raise InvalidDomainName("at_sign")
    if "*" in name:
        raise InvalidDomainName("wildcard")
    if _is_ip_address(name):
        raise InvalidDomainName("ip_address")
    if any(character in name for character in "/?#\\"):
        raise InvalidDomainName("path")
    if PORT.fullmatch(name):
        raise InvalidDomainName("port")
    if any(character.isspace() or not character.isprintable() for character in name):
        raise InvalidDomainName("bad_character")


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]").removesuffix("."))
    except ValueError:
        return False
    return True


def _to_ascii(name: str) -> str:
    if name.isascii():
        lowered = name.lower()
        if "xn--" not in lowered:
            return lowered
    for separator in "\u3002\uff0e\uff61":
        name = name.replace(separator, ".")
    if any(not label for label in name.split(".")):
        raise InvalidDomainName("empty_label")
    try:
        encoded = idna.encode(name, uts46=True, std3_rules=True).decode().lower().removesuffix(".")
        # An A-label that does not round-trip is a second spelling of some other name, or of none.
        if idna.encode(idna.decode(encoded), uts46=True, std3_rules=True).decode() != encoded:
            raise InvalidDomainName("idna")
    except (idna.IDNAError, UnicodeError, ValueError, IndexError) as error:
        is_long = any(len(label) > 63 for label in name.split(".")) or "too long" in str(error).lower()
        raise InvalidDomainName("label_too_long" if is_long else "idna") from error
    if _is_ip_address(encoded):
        raise InvalidDomainName("ip_address")
    return encoded


def _refuse_bad_labels(name: str) -> None:
    labels = name.split(".")
    if any(not label for label in labels):
        raise InvalidDomainName("empty_label")
    if any(len(label) > 63 for label in labels):
        raise InvalidDomainName("label_too_long")
    for label in labels:
        if not LABEL.fullmatch(label.strip("-") or "a"):
            raise InvalidDomainName("bad_character")
        if label.startswith("-") or label.endswith("-"):
            raise InvalidDomainName("hyphen")
    if len(labels) < 2:
        raise InvalidDomainName("single_label")
    if labels[-1].isdigit():
        raise InvalidDomainName("numeric_tld")
    # Also such as 1.2.3.0x7f, which resolvers take for an address (WHATWG URL, "ends in a number").
    if re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        raise InvalidDomainName("ip_address")
    if len(name) > LONGEST_NAME:
        raise InvalidDomainName("name_too_long")


def _refuse_special(name: str, allowed_special_tlds: frozenset[str], own_hosts: frozenset[str]) -> None:
    tld = name.rsplit(".", 1)[-1]
    if tld in NEVER or (tld in SPECIAL and tld not in allowed_special_tlds):
        raise InvalidDomainName("special_use")
    if name in own_hosts or any(name == reserved or is_below(name, reserved) for reserved in RESERVED):
        raise InvalidDomainName("reserved")
    if _icann().publicsuffix(name) == name:
        raise InvalidDomainName("public_suffix")
