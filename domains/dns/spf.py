"""SPF records, parsed (RFC 7208): terms with their qualifiers, what they authorise, how ours is merged in (pure)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

VERSION = "v=spf1"
QUALIFIERS = "+-~?"
MECHANISMS = frozenset({"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"})
# RFC 7208 section 12: a modifier's name; a mechanism's name is followed by `:`, `/` or nothing.
MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)")
DIRECTIVE = re.compile(r"([+?~-]?)([A-Za-z0-9]+)(?::([^/]+(?:/[^/]*)*?))?((?:/\d{1,3})?(?://\d{1,3})?)")
# Section 7.1: what a domain may be written with, macros included, and how it ends: in a top-level label or a macro.
MACRO = r"%(?:[%_-]|\{[slodiphcrtv]\d*r?[.+,/_=-]*\})"
DOMAIN_SPEC = re.compile(
    rf"(?:[!-$&-~]|{MACRO})*?(?:\.(?=[a-z0-9-]*[a-z-])[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.?|%\{{[^}}]*\}})", re.IGNORECASE
)
NEEDS_VALUE = frozenset({"include", "ip4", "ip6", "exists"})
NAMES_A_DOMAIN = frozenset({"include", "a", "mx", "ptr", "exists"})
LOOKUP_TERMS = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
MOST_LOOKUPS = 10


@dataclass(frozen=True)
class Term:
    """One term as written, and taken apart; `position` is its offset in the record, in characters."""

    text: str
    position: int
    name: str
    value: str
    qualifier: str = "+"
    is_modifier: bool = False

    @property
    def target(self) -> str:
        """The host of an `include` or `redirect`, lower-case and undotted."""
        return self.value.lower().rstrip(".")


@dataclass(frozen=True)
class SpfRecord:
    """The terms in their order, and what is wrong with the record, in sentences."""

    text: str
    terms: tuple[Term, ...]
    errors: tuple[str, ...]

    @property
    def lookups(self) -> int:
        """Look-ups that this record itself asks for; those of its includes come on top (section 4.6.4)."""
        return sum(term.name in LOOKUP_TERMS for term in self.terms)

    def includes(self, host: str) -> bool:
        """Whether `include:host` lets its senders pass: the first one decides, with qualifier `+` and before `all`."""
        for term in self.terms:
            if term.name == "all":
                return False
            if term.name == "include" and term.target == host:
                return term.qualifier == "+"
        return False

    @property
    def redirect(self) -> str:
        """The target of `redirect=`, which counts only where there is no `all` (section 6.1)."""
        if any(term.name == "all" for term in self.terms):
            return ""
        return next((term.target for term in self.terms if term.name == "redirect"), "")


def is_spf(text: str) -> bool:
    """RFC 7208 section 4.5: the version is the whole record or is followed by a space."""
    lowered = text[:7].lower()
    return lowered == VERSION or lowered == VERSION + " "


@lru_cache(64)
def parse_spf(text: str) -> SpfRecord:
    """Take a record apart; total: what is wrong stands in `errors`."""
    terms: list[Term] = []
    errors: list[str] = []
    for match in re.finditer(r"\S+", text[len(VERSION) :]):
        term, error = _term(match.group(), match.start() + len(VERSION))
        if error:
            errors.append(error)
        if term is not None:
            terms.append(term)
    if not (text.isascii() and text.isprintable()):
        errors.append("it has a character that is not plain ASCII")
    names = [term.name for term in terms if term.is_modifier]
    errors += [f"{name}= stands twice" for name in ("redirect", "exp") if names.count(name) > 1]
    return SpfRecord(text, tuple(terms), tuple(errors))


def _term(text: str, position: int) -> tuple[Term | None, str]:
    modifier = MODIFIER.fullmatch(text)
    if modifier:
        name = modifier.group(1).lower()
        is_wrong = name in ("redirect", "exp") and not DOMAIN_SPEC.fullmatch(modifier.group(2))
        error = f"{text!r} names no domain" if is_wrong else ""
        return Term(text, position, name, modifier.group(2), is_modifier=True), error
    directive = DIRECTIVE.fullmatch(text)
    if directive is None or directive.group(2).lower() not in MECHANISMS:
        return None, f"{text!r} is not an SPF term"
    qualifier, name, value, prefix = directive.groups()
    name = name.lower()
    term = Term(text, position, name, (value or "") + prefix, qualifier or "+")
    if name in NEEDS_VALUE and not value:
        return term, f"{text!r} names nothing"
    if name in ("ip4", "ip6") and not _is_network(term.value, 4 if name == "ip4" else 6):
        return term, f"{term.value!r} is not an IPv{name[-1]} address"
    if name == "all" and term.value:
        return term, f"{text!r}: all takes no value"
    if value and name in NAMES_A_DOMAIN and not DOMAIN_SPEC.fullmatch(value):
        return term, f"{text!r} names no domain"
    if name in ("a", "mx") and not _is_prefix(prefix):
        return term, f"{prefix!r} is not a prefix length"
    return term, ""


def _is_prefix(text: str) -> bool:
    """`/0`-`/32` for IPv4, `//0`-`//128` for IPv6, or both in this order (section 5.6)."""
    ip4, _, ip6 = text.removeprefix("/").partition("//") if not text.startswith("//") else ("", "", text[2:])
    return int(ip4 or 0) <= 32 and int(ip6 or 0) <= 128


def _is_network(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_network(text, strict=False).version == version
    except ValueError:
        return False


@dataclass(frozen=True)
class Authority:
    """Whether a record lets a host's senders pass, and the names whose records would have been needed to say so."""

    is_given: bool
    unseen: tuple[str, ...] = ()


def authorises(text: str, host: str, txt_of: Callable[[str], Sequence[str] | None]) -> Authority:
    """Whether `include:host` is reached in the record itself, in what it includes, or where it redirects to.

    `txt_of` gives the TXT values at a name, None where they are not known. At most ten records are looked into
    (RFC 7208 section 4.6.4); names with macros can not be followed.
    """
    seen: set[str] = set()
    unseen: list[str] = []

    def at(name: str) -> bool:
        if name in seen or len(seen) >= MOST_LOOKUPS or "%" in name:
            return False
        seen.add(name)
        values = txt_of(name)
        if values is None:
            unseen.append(name)
            return False
        records = [value for value in values if is_spf(value)]
        return len(records) == 1 and within(parse_spf(records[0]))

    def within(record: SpfRecord) -> bool:
        if record.errors:
            return False
        if record.includes(host):
            return True
        for term in record.terms:
            if term.name == "all":
                return False
            if term.name == "include" and term.qualifier == "+" and term.target != host and at(term.target):
                return True
        return record.redirect == host or (bool(record.redirect) and at(record.redirect))

    is_given = within(parse_spf(text))
    return Authority(is_given, () if is_given else tuple(unseen))


class SeveralSpfRecords(Exception):
    """A name has more than one SPF record: which terms count is the owner's to say, so nothing is proposed."""


def propose(values: Sequence[str], host: str) -> str:
    """The one SPF record that a name with these TXT values should have; raises SeveralSpfRecords."""
    records = [value for value in values if is_spf(value)]
    if len(records) > 1:
        raise SeveralSpfRecords(f"there are {len(records)} SPF records")
    return merge_include(records[0] if records else None, host)


def merge_include(text: str | None, host: str) -> str:
    """The record with `include:host` in it once, before the `all`; order and `all` stay as they were.

    Without a record of one's own: a new one that ends in `~all`. A word that is no SPF term stays where it is.
    """
    if text is None:
        return f"{VERSION} include:{host} ~all"
    if parse_spf(text).includes(host):
        return text
    words = [word for word in text.split()[1:] if not _is_include_of(word, host)]
    end = next((index for index, word in enumerate(words) if _ends_the_mechanisms(word)), len(words))
    return " ".join([VERSION, *words[:end], f"include:{host}", *words[end:]])


def _is_include_of(word: str, host: str) -> bool:
    return word.lower().lstrip(QUALIFIERS).rstrip(".") == f"include:{host}"


def _ends_the_mechanisms(word: str) -> bool:
    return word.lower().lstrip(QUALIFIERS) == "all" or MODIFIER.fullmatch(word) is not None
