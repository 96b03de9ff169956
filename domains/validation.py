"""Whether each record of a domain is there and right by what the last look saw, with its owner's choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domains.dns.dmarc import is_at_least_as_strong, is_dmarc, parse_dmarc
from domains.dns.spf import is_spf
from domains.models import DnsRecord, Domain
from domains.records import Purpose, SpfMode


@dataclass(frozen=True)
class Validated:
    """`exists`: some value of the type stands at the name itself; `is_valid`: what holds there is what is asked for."""

    record: DnsRecord
    exists: bool
    is_valid: bool


def validated(*, domain: Domain, records: Sequence[DnsRecord]) -> list[Validated]:
    return [Validated(record, _exists(record), _is_valid(domain, record)) for record in records]


def _inherited(record: DnsRecord) -> str:
    """The DMARC record of a name above, where the check noted that it holds for this one: `_dmarc.parent: text`."""
    first = str(record.observed[0]) if record.observed else ""
    return first.partition(": ")[2] if record.purpose == Purpose.DMARC and first.startswith("_dmarc.") else ""


def _exists(record: DnsRecord) -> bool:
    # A CNAME in the place of another type is noted as `CNAME target`.
    values = [value for value in record.observed if record.type == "CNAME" or not str(value).startswith("CNAME ")]
    return bool(values) and not _inherited(record)


def _is_valid(domain: Domain, record: DnsRecord) -> bool:
    if record.purpose == Purpose.SPF and domain.spf_mode == SpfMode.FORCE_VALUE:
        return [value for value in record.observed if is_spf(value)] == [record.value]
    if record.purpose == Purpose.DMARC and record.is_ok:
        wanted = parse_dmarc(record.value).policy
        inherited = _inherited(record)
        if inherited:
            return is_at_least_as_strong(parse_dmarc(inherited).subdomain_policy, wanted)
        return any(is_at_least_as_strong(parse_dmarc(v).policy, wanted) for v in record.observed if is_dmarc(v))
    return record.is_ok
