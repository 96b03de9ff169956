"""Which DNS records a domain needs, from what SES answered and the domain's options (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aws.regions import inbound_endpoint, mail_from_endpoint

SPF_VALUE = "v=spf1 include:amazonses.com ~all"
CLAIM_LABEL = "_postern"
CLAIM_PREFIX = "postern-verify="


class SpfMode(StrEnum):
    """How far the owner wants our hand in the SPF record of the domain."""

    OFF = "off"
    CHECK_ONLY = "check_only"
    CREATE_IF_MISSING = "create_if_missing"
    FORCE_VALUE = "force_value"


class Purpose(StrEnum):
    INBOUND = "inbound"
    OWNERSHIP = "ownership"
    CLAIM = "claim"
    SPF = "spf"
    DKIM = "dkim"
    DMARC = "dmarc"
    MAIL_FROM_MX = "mail_from_mx"
    MAIL_FROM_SPF = "mail_from_spf"


@dataclass(frozen=True)
class PlannedRecord:
    """A record to publish; `value` is without the priority, names are lower-case A-labels."""

    purpose: Purpose
    type: str
    name: str
    value: str
    priority: int | None
    is_required: bool
    ttl: int = 3600


def spf_wanted(mode: str, forced_value: str) -> str:
    """The SPF record that a domain with these options asks for; empty for none."""
    if mode == SpfMode.OFF:
        return ""
    return forced_value if mode == SpfMode.FORCE_VALUE else SPF_VALUE


def claim_value(claim_token: str) -> str:
    return CLAIM_PREFIX + claim_token


def required_records(
    *,
    name: str,
    region: str,
    ownership_token: str,
    dkim_tokens: tuple[str, ...],
    dkim_zone: str,
    dmarc_value: str,
    is_receiving: bool,
    mail_from_label: str = "",
    claim_token: str = "",
    spf_value: str = SPF_VALUE,
) -> tuple[PlannedRecord, ...]:
    """All records of one generation, in the order in which they are shown; what is given as "" is left out."""
    planned: list[PlannedRecord] = []

    def add(
        purpose: Purpose, type_: str, owner: str, value: str, priority: int | None = None, *, required: bool = False
    ) -> None:
        planned.append(PlannedRecord(purpose, type_, owner, value, priority, required))

    if is_receiving:
        add(Purpose.INBOUND, "MX", name, inbound_endpoint(region), 10, required=True)
    if ownership_token:
        add(Purpose.OWNERSHIP, "TXT", f"_amazonses.{name}", ownership_token, required=True)
    if claim_token:
        add(Purpose.CLAIM, "TXT", f"{CLAIM_LABEL}.{name}", claim_value(claim_token), required=True)
    if spf_value:
        add(Purpose.SPF, "TXT", name, spf_value)
    for token in dkim_tokens:
        add(Purpose.DKIM, "CNAME", f"{token}._domainkey.{name}", f"{token}.{dkim_zone}")
    if dmarc_value:
        add(Purpose.DMARC, "TXT", f"_dmarc.{name}", dmarc_value)
    if mail_from_label:
        add(Purpose.MAIL_FROM_MX, "MX", f"{mail_from_label}.{name}", mail_from_endpoint(region), 10)
        add(Purpose.MAIL_FROM_SPF, "TXT", f"{mail_from_label}.{name}", SPF_VALUE)
    return tuple(planned)
