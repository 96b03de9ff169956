"""The state table: where a domain's status goes, given what is now known (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

CLAIM_LIFETIME = timedelta(hours=72)


class Status(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    FAILED = "failed"
    SUSPENDED = "suspended"


class Health(StrEnum):
    """How a domain that was right once fares, beside its status (core section 6)."""

    HEALTHY = "healthy"
    SUSPECT = "suspect"
    DEGRADED = "degraded"
    BROKEN = "broken"


class Reason(StrEnum):
    """Why a domain is where it is; the sentence for people is in REASON_TEXTS."""

    NONE = ""
    AWAITING_DNS = "awaiting_dns"
    AWAITING_SES = "awaiting_ses"
    AWAITING_CLAIM = "awaiting_claim"
    AWAITING_MX = "awaiting_mx"
    EXPIRED = "expired"
    SES_FAILED = "ses_failed"
    CLAIMED_ELSEWHERE = "claimed_elsewhere"
    IDENTITY_LOST = "identity_lost"
    SUSPENDED_BY_OWNER = "suspended_by_owner"
    SUSPENDED_BY_STAFF = "suspended_by_staff"


REASON_TEXTS: dict[str, str] = {
    Reason.NONE: "",
    Reason.AWAITING_DNS: "Waiting for the DNS records",
    Reason.AWAITING_SES: "The DNS is right; Amazon SES has not confirmed it yet",
    Reason.AWAITING_CLAIM: "Waiting for the record that proves the name to be yours",
    Reason.AWAITING_MX: "The name is proved; waiting for the MX record",
    Reason.EXPIRED: "The name was not proved within 72 hours",
    Reason.SES_FAILED: "Amazon SES gave up looking for the records",
    Reason.CLAIMED_ELSEWHERE: "Another organization has proved this name",
    Reason.IDENTITY_LOST: "Amazon SES no longer holds the name as verified",
    Reason.SUSPENDED_BY_OWNER: "Switched off",
    Reason.SUSPENDED_BY_STAFF: "Switched off by staff",
}


@dataclass(frozen=True)
class Evidence:
    """What one check found; None means unknown, which never lowers anything."""

    is_proved: bool
    ses_status: str | None
    is_mx_ok: bool | None
    is_receiving: bool
    is_contested: bool
    is_ownership_visible: bool
    claim_started_at: datetime


@dataclass(frozen=True)
class Transition:
    """The status and reason after a check; equal to those before when nothing changed."""

    status: Status
    reason: Reason


def next_status(current: Status, reason: Reason, evidence: Evidence, now: datetime) -> Transition:
    """Where a check leads; total over all statuses, and never out of `suspended` or `failed` by itself.

    A check never lowers an active domain: that is for the drift rules, which ask several checks over hours.
    """
    if current in (Status.SUSPENDED, Status.FAILED, Status.ACTIVE):
        return Transition(current, reason)
    is_ses_verified = evidence.ses_status in ("SUCCESS", "TEMPORARY_FAILURE")
    if evidence.is_proved and is_ses_verified:
        if not evidence.is_receiving or evidence.is_mx_ok:
            return Transition(Status.ACTIVE, Reason.NONE)
        return Transition(Status.PENDING, Reason.AWAITING_MX)
    if evidence.ses_status is None:
        # Nobody knows whether SES has found the records: what was said last stands, also after the 72 h.
        return Transition(Status.PENDING, reason)
    if evidence.is_proved:
        # The 72 h end the search for ownership only.
        return Transition(Status.PENDING, Reason.AWAITING_SES)
    if evidence.ses_status == "FAILED":
        return Transition(Status.FAILED, Reason.SES_FAILED)
    if now - evidence.claim_started_at >= CLAIM_LIFETIME:
        return Transition(Status.FAILED, Reason.EXPIRED)
    if evidence.is_contested and is_ses_verified:
        return Transition(Status.PENDING, Reason.AWAITING_CLAIM)
    if evidence.is_ownership_visible:
        return Transition(Status.PENDING, Reason.AWAITING_SES)
    return Transition(Status.PENDING, Reason.AWAITING_DNS)


def status_after_resume(before_suspension: str, is_proved: bool) -> Status:
    """Resume lands on the last checked state; an active one stays so only while the name is proved."""
    if before_suspension == Status.ACTIVE and is_proved:
        return Status.ACTIVE
    if before_suspension == Status.FAILED:
        return Status.FAILED
    return Status.PENDING
