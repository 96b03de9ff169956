"""DMARC records by meaning (RFC 7489 section 6.3, RFC 9989 section 4.7): tags, validity, relative strength (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

STRENGTH = {"none": 0, "quarantine": 1, "reject": 2}
VERSION = re.compile(r"\s*v\s*=\s*DMARC1\s*(?:;|$)")
# In a report URI `!` begins a size limit and `,` another URI (RFC 7489 section 6.2).
MAILTO = re.compile(r"mailto:([^,!\s]+)", re.IGNORECASE)
REPORT_URI = re.compile(r"mailto:[^@,!\s]+@[^@,!\s]+(?:!\d+[kmgt]?)?|(?!mailto:)[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)
# The order is RFC 7489's; a tag that is not here is nobody's mistake.
TAG_VALUES = {
    "adkim": (re.compile(r"[rs]", re.IGNORECASE), "r or s"),
    "aspf": (re.compile(r"[rs]", re.IGNORECASE), "r or s"),
    "pct": (re.compile(r"0*(?:\d{1,2}|100)", re.ASCII), "a number from 0 to 100"),
    "fo": (re.compile(r"[01ds](?:\s*:\s*[01ds])*", re.IGNORECASE), "0, 1, d or s, with colons between"),
    "ri": (re.compile(r"\d{1,10}", re.ASCII), "a number of seconds"),
    "rf": (re.compile(r"afrf", re.IGNORECASE), "afrf"),
    "t": (re.compile(r"[yn]", re.IGNORECASE), "y or n"),
    "psd": (re.compile(r"[ynu]", re.IGNORECASE), "y, n or u"),
}
REPORT_TAGS = ("rua", "ruf")
POLICY_TAGS = ("p", "sp", "np")


@dataclass(frozen=True)
class DmarcRecord:
    """`policy` is none, quarantine, reject, or empty where `p` is missing or none of these; tags are lower-case.

    `errors` are what makes the record useless, `ignored` what receivers pass over in it, as if it were not there.
    """

    text: str
    tags: dict[str, str]
    errors: tuple[str, ...]
    ignored: tuple[str, ...] = ()

    @property
    def policy(self) -> str:
        policy = self.tags.get("p", "").lower()
        return policy if policy in STRENGTH else ""

    @property
    def subdomain_policy(self) -> str:
        policy = self.tags.get("sp", "").lower()
        return policy if policy in STRENGTH else self.policy

    @property
    def is_valid(self) -> bool:
        return bool(self.policy) and not self.errors


def is_dmarc(text: str) -> bool:
    """The version tag comes first and is exactly DMARC1, in upper case."""
    return VERSION.match(text) is not None


def parse_dmarc(text: str) -> DmarcRecord:
    """Take a record apart; total: what is wrong stands in `errors` and `ignored`.

    Unknown tags are allowed. A wrong value of another tag than a policy, and what is no tag at all, is passed over in
    favour of the default (RFC 7489 section 6.3, RFC 9989 section 4.7).
    """
    tags: dict[str, str] = {}
    errors: list[str] = []
    ignored: list[str] = []
    for part in text.split(";"):
        if not part.strip():
            continue
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not equals or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            ignored.append(f"{part.strip()!r} is no tag")
            continue
        if name in tags:
            errors.append(f"the tag {name} stands twice")
        else:
            tags[name] = value.strip()
    if "p" not in tags:
        errors.append("the tag p is missing")
    elif tags["p"].lower() not in STRENGTH:
        errors.append(f"p must be none, quarantine or reject, not {tags['p']!r}")
    for name in ("sp", "np"):
        if name in tags and tags[name].lower() not in STRENGTH:
            errors.append(f"{name} must be none, quarantine or reject, not {tags[name]!r}")
    return DmarcRecord(text, tags, tuple(errors), (*_wrong_values(tags), *ignored))


def _wrong_values(tags: Mapping[str, str]) -> list[str]:
    wrong = [
        f"{name} must be {words}, not {tags[name]!r}"
        for name, (allowed, words) in TAG_VALUES.items()
        if name in tags and not allowed.fullmatch(tags[name])
    ]
    for name in REPORT_TAGS:
        uris = tags[name].split(",") if name in tags else []
        wrong += [
            f"an address in {name} must be written mailto:name@example.com, not {uri.strip()!r}"
            for uri in uris
            if not REPORT_URI.fullmatch(uri.strip())
        ]
    return wrong


def is_at_least_as_strong(found: str, wanted: str) -> bool:
    """Compare two policies; what is no policy is weaker than any."""
    return STRENGTH.get(found, -1) >= STRENGTH.get(wanted, 0)


def compose_dmarc(*, policy: str, report_address: str = "") -> str:
    """A new record: `v=DMARC1; p=none;`, with reports `v=DMARC1; p=none; rua=mailto:dmarc@example.com`."""
    return change_dmarc("v=DMARC1; p=none;", policy=policy, report_address=report_address or None)


def change_dmarc(text: str, *, policy: str | None = None, report_address: str | None = None) -> str:
    """The record with another policy or address for reports; what is None, and every other tag, stays as it is."""
    tags = parse_dmarc(text).tags
    tags["p"] = policy or tags.get("p", "none")
    if report_address:
        tags["rua"] = f"mailto:{quote(report_address, safe='@+')}"
    rest = [f"{name}={value}" for name, value in tags.items() if name not in ("v", "p")]
    return "; ".join(["v=DMARC1", f"p={tags['p']}", *rest]) + ("" if rest else ";")


def report_address(text: str) -> str:
    """The first address that aggregate reports go to; empty where there is none."""
    found = MAILTO.match(parse_dmarc(text).tags.get("rua", ""))
    return unquote(found.group(1)) if found else ""


def report_addresses(text: str) -> tuple[str, ...]:
    """Every address that aggregate or failure reports go to."""
    tags = parse_dmarc(text).tags
    uris = [uri.strip() for name in ("rua", "ruf") for uri in tags.get(name, "").split(",")]
    return tuple(unquote(found.group(1)) for uri in uris if (found := MAILTO.match(uri)))
