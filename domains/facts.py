"""What can be read off a domain and its records without asking anybody: flags, verdicts, the next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws.regions import inbound_endpoint
from domains.dns_hosts.known import KnownHost, known_host
from domains.export_plan import ExportPlan, export_plan
from domains.models import DnsRecord, Domain
from domains.names import registrable_domain
from domains.records import PlannedRecord, Purpose
from domains.states import REASON_TEXTS, Reason, Status


@dataclass(frozen=True)
class Flags:
    """The four verdicts that most faces show; `dkim` is SES's word, the others are what DNS showed last."""

    mx: bool
    dkim: bool
    spf: bool
    dmarc: bool


# TEMPORARY_FAILURE is SES's 72-hour warning, not yet a loss.
DKIM_SUCCESS = ("SUCCESS", "TEMPORARY_FAILURE")


def is_dkim_verified(domain: Domain) -> bool:
    """The name is proved, SES says DKIM Success, and nobody has switched the domain off; its MX does not matter."""
    return (
        domain.is_proved
        and domain.dkim_status in DKIM_SUCCESS
        and domain.status not in (Status.SUSPENDED, Status.FAILED)
    )


def current_records(domain: Domain) -> list[DnsRecord]:
    """The records of the current generation in the order of showing, from a prefetch where there is one."""
    return sorted(
        (record for record in domain.records.all() if record.generation == domain.generation),
        key=lambda record: record.position,
    )


def _is_ok(records: Sequence[DnsRecord], purpose: Purpose) -> bool:
    of_purpose = [record for record in records if record.purpose == purpose]
    return bool(of_purpose) and all(record.is_ok for record in of_purpose)


def verification_flags(domain: Domain, records: Sequence[DnsRecord]) -> Flags:
    return Flags(
        mx=_is_ok(records, Purpose.INBOUND),
        dkim=domain.dkim_status in DKIM_SUCCESS,
        spf=_is_ok(records, Purpose.SPF),
        dmarc=_is_ok(records, Purpose.DMARC),
    )


def missing_required(domain: Domain, records: Sequence[DnsRecord]) -> list[DnsRecord]:
    """What still stands between the domain and `active`, in order; never empty while it is pending.

    SES Success makes the ownership TXT unnecessary; a TXT that DNS already shows is still missing while SES has not
    confirmed it, since SES refuses mail for an unconfirmed name.
    """
    missing: list[DnsRecord] = []
    for record in records:
        if record.purpose == Purpose.OWNERSHIP:
            if not domain.is_ses_verified:
                missing.append(record)
        elif record.is_required and not record.is_ok and not (record.purpose == Purpose.CLAIM and domain.is_proved):
            missing.append(record)
    return missing


def is_needless(domain: Domain, record: DnsRecord) -> bool:
    """The ownership TXT where SES takes the DKIM records for the proof: it may be left out, or stay as it is."""
    is_proved_by_dkim = domain.is_ses_verified and is_dkim_verified(domain)
    return record.purpose == Purpose.OWNERSHIP and not record.is_ok and is_proved_by_dkim


def can_receive(domain: Domain, records: Sequence[DnsRecord]) -> bool:
    return (
        domain.is_proved
        and domain.is_ses_verified
        and domain.is_receiving
        and domain.status != Status.SUSPENDED
        and _is_ok(records, Purpose.INBOUND)
    )


def next_step_sentence(domain: Domain, records: Sequence[DnsRecord]) -> str:
    """One sentence that tells the owner what to do next."""
    if domain.status == Status.SUSPENDED:
        return "This domain is switched off: mail is held until you resume it."
    if domain.status == Status.FAILED and domain.reason == Reason.CLAIMED_ELSEWHERE:
        return f"{REASON_TEXTS[domain.reason]}. It can be verified here only after they give it up."
    if domain.status == Status.FAILED:
        return f"{REASON_TEXTS[domain.reason]}. Check the records below, then press Start again."
    if domain.status == Status.ACTIVE:
        return _while_in_use([record for record in records if not is_needless(domain, record)])
    missing = missing_required(domain, records)
    # The MX last: from then on the mail of the name comes here, and a name that is not proved yet would bounce it.
    unpublished = sorted((record for record in missing if not record.is_ok), key=_is_inbound)
    if domain.checked_at is None:
        return "Publish the required records below at your DNS host; we look for them by ourselves."
    if not unpublished:
        return "Your DNS is right. Amazon SES has not confirmed it yet; that can take some minutes."
    first = unpublished[0]
    if first.verdict == "unknown":
        return f"We could not see {first.name}: {first.message}"
    others = f" ({len(unpublished) - 1} more below)" if len(unpublished) > 1 else ""
    if domain.reason == Reason.AWAITING_MX:
        return f"The name is proved. {_verb(first)} the MX record below to receive mail."
    return f"{_verb(first)} the {first.type} record at {first.name}{others}."


def _while_in_use(records: Sequence[DnsRecord]) -> str:
    lacking = [record for record in records if not record.is_ok and record.verdict not in ("", "unknown")]
    for record in lacking:
        if _is_inbound(record):
            return f"Mail to this name does not come here. {_verb(record)} the MX record below."
    if lacking:
        what = "One record" if len(lacking) == 1 else f"{len(lacking)} records"
        return f"Verified and in use. {what} could still be improved."
    return "Verified and in use. There is nothing to do."


def _is_inbound(record: DnsRecord) -> bool:
    return record.purpose == Purpose.INBOUND


def _verb(record: DnsRecord) -> str:
    return "Publish" if record.verdict == "missing" else "Correct"


def zone_of(domain: Domain) -> str:
    """The zone that holds the name; before the first look the registrable name, where it nearly always begins."""
    return domain.zone or registrable_domain(domain.name)


def inbound_host_of(domain: Domain) -> str:
    """The host of the MX record that brings the name's mail here."""
    return inbound_endpoint(domain.region)


def dns_host_of(domain: Domain) -> KnownHost | None:
    """Where the zone is edited, told by its name servers."""
    return known_host(domain.name_servers)


def plan_of(domain: Domain, records: Sequence[DnsRecord]) -> ExportPlan:
    """The records to write into the zone, merged with what the last look saw there."""
    planned = [
        PlannedRecord(
            Purpose(record.purpose),
            record.type,
            record.name,
            record.value,
            record.priority,
            record.is_required,
            record.ttl,
        )
        for record in records
    ]
    return export_plan(planned, domain.dns_summary, zone=zone_of(domain))
