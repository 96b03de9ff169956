"""A strict reader of the protobuf JSON: unknown keys, missing fields, wrong types and short enums are errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def enum(prefix: str, words: str) -> list[str]:
    return [f"{prefix}_{word}" for word in words.split()]


VERIFICATION = enum("VERIFICATION_STATUS", "PENDING SUCCESS FAILED")
# A field is a type, an enum's values, the name of a message, or a list of one of these; `?` marks an optional one.
MESSAGES: dict[str, dict[str, Any]] = {
    "Domain": {
        "id": str,
        "name": str,
        "verification_status": VERIFICATION,
        "dkim_status": VERIFICATION,
        "dkim_enabled": bool,
        "mail_from_domain": str,
        "send_enabled": bool,
        "receive_enabled": bool,
        "dmarc_enabled": bool,
        "spf_mode": enum("SPF_MODE", "OFF CHECK_ONLY CREATE_IF_MISSING FORCE_VALUE"),
        "spf_value?": str,
        "dmarc_policy": enum("DMARC_POLICY_TYPE", "NONE QUARANTINE REJECT"),
        "dmarc_report_email?": str,
        "dns_apply_state?": "DNSApplyState",
        "dns_validation?": "DNSValidationResult",
        "created_at": TIMESTAMP,
        "updated_at": TIMESTAMP,
    },
    "DNSApplyState": {
        "status": enum("DNS_APPLY_STATUS", "NOT_APPLIED APPLIED APPLY_FAILED"),
        "provider_type?": enum("DNS_PROVIDER_TYPE", "ROUTE53"),
        "last_attempt_at?": TIMESTAMP,
        "last_success_at?": TIMESTAMP,
        "last_error?": str,
        "applied_record_names": (str,),
    },
    "DNSRecord": {
        "name": str,
        "record_type": enum("DNS_RECORD_TYPE", "CNAME MX TXT"),
        "value": str,
        "ttl": int,
        "exists": bool,
        "valid": bool,
        "requirement": enum("DNS_RECORD_REQUIREMENT", "REQUIRED RECOMMENDED"),
    },
    "DNSValidationResult": {
        "dkim_records": ("DNSRecord",),
        "mx_record?": "DNSRecord",
        "dmarc_record?": "DNSRecord",
        "spf_record?": "DNSRecord",
        "required_valid": bool,
        "recommended_valid": bool,
    },
    "Route53HostedZone": {"id": str, "name": str, "record_count": int},
    "AddDomain": {"domain": "Domain"},
    "GetDomain": {"domain": "Domain"},
    "UpdateDomain": {"domain": "Domain"},
    "ListDomains": {"domains": ("Domain",), "next_page_token": str},
    "RemoveDomain": {},
    "CheckDNSProvider": {
        "has_access": bool,
        "provider_type?": enum("DNS_PROVIDER_TYPE", "ROUTE53"),
        "route53?": "Route53HostedZone",
    },
    "ApplyDomainRecords": {
        "dns_apply_state?": "DNSApplyState",
        "dns_validation?": "DNSValidationResult",
        "records_failed": (str,),
    },
    "DeleteDomainRecord": {"deleted": bool},
    "SendTestEmail": {"message_id": str, "note": str, "submission_id?": str},
}


def read(message: str, body: Any, *, name_of: Callable[[str], str] = str) -> None:
    """Raises AssertionError; `name_of` spells the keys otherwise."""
    fields = {name_of(name.rstrip("?")): kind for name, kind in MESSAGES[message].items()}
    needed = {name_of(name) for name in MESSAGES[message] if not name.endswith("?")}
    assert isinstance(body, dict), message
    assert needed <= set(body) <= set(fields), f"{message}: {sorted(set(body) ^ needed)}"
    for name, value in body.items():
        _read_value(f"{message}.{name}", fields[name], value, name_of)


def _read_value(where: str, kind: Any, value: Any, name_of: Callable[[str], str]) -> None:
    if isinstance(kind, tuple):
        assert isinstance(value, list), where
        for each in value:
            _read_value(where, kind[0], each, name_of)
    elif isinstance(kind, str):
        read(kind, value, name_of=name_of)
    elif isinstance(kind, list):
        assert value in kind, f"{where}: {value}"
    elif isinstance(kind, re.Pattern):
        assert kind.fullmatch(value), f"{where}: {value}"
    else:
        assert type(value) is kind, f"{where}: {value!r}"
