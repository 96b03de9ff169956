"""The messages of `domains_service` that it answers with: the core's facts in the proto's fields and enums."""

from __future__ import annotations

from collections.abc import Iterable

from api.protobuf_json import ProtoEnum
from api.timestamps import seconds, seconds_or_none
from domains.dns.dmarc import parse_dmarc, report_address
from domains.facts import current_records
from domains.models import Domain, Publication
from domains.models.domain import DomainQuerySet
from domains.records import Purpose
from domains.states import Status
from domains.validation import Validated, validated

RECORD_TYPE = ProtoEnum("DNS_RECORD_TYPE", ("UNSPECIFIED", "CNAME", "MX", "TXT", "A"))
DMARC_POLICY = ProtoEnum("DMARC_POLICY_TYPE", ("UNSPECIFIED", "NONE", "QUARANTINE", "REJECT"))
PROVIDER_TYPE = ProtoEnum("DNS_PROVIDER_TYPE", ("UNSPECIFIED", "ROUTE53"))
SPF_MODE = ProtoEnum("SPF_MODE", ("UNSPECIFIED", "OFF", "CHECK_ONLY", "CREATE_IF_MISSING", "FORCE_VALUE"))
APPLY_STATUS = ProtoEnum("DNS_APPLY_STATUS", ("UNSPECIFIED", "NOT_APPLIED", "APPLIED", "APPLY_FAILED"))
REQUIREMENT = ProtoEnum("DNS_RECORD_REQUIREMENT", ("UNSPECIFIED", "REQUIRED", "RECOMMENDED"))
TEST_TYPE = ProtoEnum("TEST_EMAIL_TYPE", ("UNSPECIFIED", "NORMAL", "BOUNCE", "COMPLAINT", "OOTO"))
VERIFICATION = ProtoEnum("VERIFICATION_STATUS", ("UNSPECIFIED", "PENDING", "SUCCESS", "FAILED"))
MESSAGE_CLASS = ProtoEnum("MESSAGE_CLASS", ("UNSPECIFIED", "TRANSACTIONAL", "MAILING_LIST", "BULK"))

# The proto knows one DNS host; what another one wrote has no provider type.
PROVIDER = {"route53": PROVIDER_TYPE.full("ROUTE53")}
APPLY_WORDS = {Publication.Status.APPLIED: "APPLIED", Publication.Status.FAILED: "APPLY_FAILED"}
REQUIRED = (Purpose.DKIM, Purpose.CLAIM, Purpose.INBOUND)
RECOMMENDED = (Purpose.DMARC, Purpose.SPF)

Message = dict[str, object]


def with_publication(rows: DomainQuerySet) -> DomainQuerySet:
    """With what `domain_body` reads, so that a list costs the same however long it is."""
    return rows.select_related("publication").prefetch_related("published_values")


def domain_body(domain: Domain, *, with_validation: bool = False) -> Message:
    mail_from = f"{domain.mail_from_label}.{domain.name}" if domain.mail_from_label else ""
    return _given(
        {
            "id": domain.public_id,
            "name": domain.name,
            "verification_status": VERIFICATION.full(_verification(domain)),
            "dkim_status": VERIFICATION.full(_said(domain, domain.dkim_status)),
            "dkim_enabled": True,
            "mail_from_domain": mail_from,
            "send_enabled": domain.is_sending,
            "receive_enabled": domain.is_receiving,
            "dmarc_enabled": domain.is_dmarc_wanted,
            "spf_mode": SPF_MODE.full(domain.spf_mode),
            "spf_value": domain.spf_value or None,
            "dmarc_policy": DMARC_POLICY.full(parse_dmarc(domain.dmarc_value).policy or "NONE"),
            "dmarc_report_email": report_address(domain.dmarc_value) or None,
            "dns_apply_state": apply_state_body(domain),
            "dns_validation": validation_body(domain) if with_validation else None,
            "created_at": seconds(domain.created_at),
            "updated_at": seconds(domain.updated_at),
        }
    )


def _given(message: Message) -> Message:
    """An optional field that is not set is left out; all others are there, zero values too."""
    return {name: value for name, value in message.items() if value is not None}


def _verification(domain: Domain) -> str:
    return "FAILED" if domain.status == Status.FAILED else _said(domain, domain.verification_status)


def _said(domain: Domain, status: str) -> str:
    """SES's word about the name, as far as this organization has proved that the name is its own."""
    if status == "FAILED" or (domain.status == Status.FAILED and not domain.is_proved):
        return "FAILED"
    # A temporary failure is a warning about what was verified, and nothing yet about what never was.
    is_success = domain.is_proved and status in ("SUCCESS", "TEMPORARY_FAILURE")
    return "SUCCESS" if is_success else "PENDING"


def apply_state_body(domain: Domain) -> Message:
    published = sorted(domain.published_values.all(), key=lambda value: value.pk)
    names = [each.name for each in published if each.taken_back_at is None and each.written_at is not None]
    publication = _publication(domain)
    written = list(dict.fromkeys(names))
    if publication is None:
        return {"status": APPLY_STATUS.full("NOT_APPLIED"), "applied_record_names": written}
    return _given(
        {
            "status": APPLY_STATUS.full(APPLY_WORDS[Publication.Status(publication.status)]),
            "provider_type": PROVIDER.get(publication.host),
            "last_attempt_at": seconds(publication.last_attempt_at),
            "last_success_at": seconds_or_none(publication.last_success_at),
            "last_error": publication.last_error or None,
            "applied_record_names": written,
        }
    )


def _publication(domain: Domain) -> Publication | None:
    try:
        return domain.publication
    except Publication.DoesNotExist:
        return None


def validation_body(domain: Domain) -> Message:
    """The records by what they are for, and whether all of the required and of the recommended ones are right."""
    found = validated(domain=domain, records=current_records(domain))

    def one(purpose: Purpose) -> Message | None:
        return next((_record_body(each) for each in _of(found, purpose)), None)

    return _given(
        {
            # The one list that the proto has: the record that proves a contested claim stands in it too.
            "dkim_records": [_record_body(each) for each in _of(found, Purpose.DKIM, Purpose.CLAIM)],
            "mx_record": one(Purpose.INBOUND),
            "dmarc_record": one(Purpose.DMARC),
            "spf_record": one(Purpose.SPF),
            "required_valid": all(each.is_valid for each in _of(found, *REQUIRED)),
            "recommended_valid": all(each.is_valid for each in _of(found, *RECOMMENDED)),
        }
    )


def _of(found: Iterable[Validated], *purposes: Purpose) -> list[Validated]:
    return [each for each in found if each.record.purpose in purposes]


def _record_body(each: Validated) -> Message:
    record = each.record
    is_required = record.purpose in REQUIRED
    return {
        "name": record.name,
        "record_type": RECORD_TYPE.full(record.type),
        "value": record.value if record.priority is None else f"{record.priority} {record.value}",
        "ttl": record.ttl,
        "exists": each.exists,
        "valid": each.is_valid,
        "requirement": REQUIREMENT.full("REQUIRED" if is_required else "RECOMMENDED"),
    }
