"""What the home API tells of a domain that is not verified yet: to whoever verifies it, and whoever wants an inbox."""

from __future__ import annotations

from collections.abc import Sequence

from domains.facts import missing_required, verification_flags
from domains.models import DnsRecord, Domain


def not_verified(domain: Domain, records: Sequence[DnsRecord]) -> dict[str, object]:
    """The details of VERIFICATION_FAILED."""
    return {
        "domainId": domain.public_id,
        "domain": domain.name,
        "status": domain.status,
        "verificationStatus": flags_body(domain, records),
        "missingRecords": [
            {"type": record.type, "name": record.name, "value": zone_value(record)}
            for record in missing_required(domain, records)
        ],
    }


def flags_body(domain: Domain, records: Sequence[DnsRecord]) -> dict[str, bool]:
    flags = verification_flags(domain, records)
    return {"mx": flags.mx, "dkim": flags.dkim, "spf": flags.spf, "dmarc": flags.dmarc}


def zone_value(record: DnsRecord) -> str:
    """The value as a zone file has it: an MX with its preference in front, as the contract shows it."""
    return record.value if record.priority is None else f"{record.priority} {record.value}"
