"""The tables of the core, one module an idea."""

from __future__ import annotations

from domains.models.claims import Challenge, NameLedger, Tenure, Tombstone
from domains.models.domain import Domain, DomainEvent
from domains.models.drift import Drift
from domains.models.provisioning import AwsIntent, Installation, SesTenant
from domains.models.publishing import AssignedZone, DnsHostCredential, HandOverLink, Publication, PublishedValue
from domains.models.records import DnsRecord, IssuedToken

__all__ = [
    "AssignedZone",
    "AwsIntent",
    "Challenge",
    "DnsHostCredential",
    "DnsRecord",
    "Domain",
    "DomainEvent",
    "Drift",
    "HandOverLink",
    "Installation",
    "IssuedToken",
    "NameLedger",
    "Publication",
    "PublishedValue",
    "SesTenant",
    "Tenure",
    "Tombstone",
]
