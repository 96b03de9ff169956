"""DMARC records, by meaning (RFC 7489 section 6.3): tags, validity, which of two policies is the stronger (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

STRENGTH = {"none": 0, "quarantine": 1, "reject": 2}
VERSION = re.compile(r"\s*v\s*=\s*DMARC1\s*(?:;|$)")
# In a report URI `!` begins a size limit and `,` another URI (RFC 7489 section 6.2).
MAILTO = re.compile(r"mailto:([^,!\s]+)", re.IGNORECASE)


@dataclass(frozen=True)
class DmarcRecord:
    """`policy` is none, quarantine, reject, or empty where `p` is missing or none of these; tags are lower-case."""

    text: str
    tags: dict[str, str]
    errors: tuple[str, ...]

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
    """Take a record apart; total: what is wrong stands in `errors`.

    Unknown tags are allowed, and what is no tag at all is passed over as receivers do (section 6.3).
    """
    tags: dict[str, str] = {}
    errors: list[str] = []
    for part in text.split(";"):
        if not part.strip():
            continue
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not equals or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            continue
        if name in tags:
            errors.append(f"the tag {name} stands twice")
        else:
            tags[name] = value.strip()
    if "p" not in tags:
        errors.append("the tag p is missing")
    elif tags["p"].lower() not in STRENGTH:
        errors.append(f"p must be none, quarantine or reject, not {tags['p']!r}")
    if "sp" in tags and tags["sp"].lower() not in STRENGTH:
        errors.append(f"sp must be none, quarantine or reject, not {tags['sp']!r}")
    return DmarcRecord(text, tags, tuple(errors))


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
