"""The state table: total, and nothing is lowered by a look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.states import CLAIM_LIFETIME, Evidence, Reason, Status, next_status, status_after_resume

NOW = datetime(2026, 1, 10, tzinfo=UTC)

evidences = st.builds(
    Evidence,
    is_proved=st.booleans(),
    ses_status=st.sampled_from([None, "PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE", "NOT_STARTED"]),
    is_mx_ok=st.sampled_from([None, True, False]),
    is_receiving=st.booleans(),
    is_contested=st.booleans(),
    is_ownership_visible=st.booleans(),
    claim_started_at=st.integers(0, 200).map(lambda hours: NOW - timedelta(hours=hours)),
)


def seen(**changes: object) -> Evidence:
    facts: dict[str, object] = {
        "is_proved": False,
        "ses_status": "PENDING",
        "is_mx_ok": False,
        "is_receiving": True,
        "is_contested": False,
        "is_ownership_visible": False,
        "claim_started_at": NOW,
    }
    return Evidence(**(facts | changes))  # type: ignore[arg-type]


@given(evidences, st.sampled_from(Reason))
@pytest.mark.parametrize("status", [Status.ACTIVE, Status.FAILED, Status.SUSPENDED])
def test_a_look_moves_nothing_but_what_is_pending(status: Status, evidence: Evidence, reason: Reason) -> None:
    after = next_status(status, reason, evidence, NOW)
    assert (after.status, after.reason) == (status, reason)


@given(evidences)
def test_active_needs_proof_ses_and_mx(evidence: Evidence) -> None:
    after = next_status(Status.PENDING, Reason.AWAITING_DNS, evidence, NOW)
    if after.status is Status.ACTIVE:
        assert evidence.is_proved
        assert evidence.ses_status in ("SUCCESS", "TEMPORARY_FAILURE")
        assert evidence.is_mx_ok or not evidence.is_receiving


@given(evidences, st.sampled_from(Reason))
def test_what_ses_could_not_be_asked_changes_nothing(evidence: Evidence, reason: Reason) -> None:
    after = next_status(Status.PENDING, reason, replace(evidence, ses_status=None), NOW)
    assert (after.status, after.reason) == (Status.PENDING, reason)


@given(evidences)
def test_a_claim_fails_by_the_word_of_ses_or_after_72_hours_only(evidence: Evidence) -> None:
    after = next_status(Status.PENDING, Reason.AWAITING_DNS, evidence, NOW)
    is_late = NOW - evidence.claim_started_at >= CLAIM_LIFETIME
    expected = {"FAILED": Reason.SES_FAILED}.get(str(evidence.ses_status), Reason.EXPIRED if is_late else None)
    if after.status is Status.FAILED:
        assert after.reason is expected


@given(evidences)
def test_an_mx_that_could_not_be_seen_is_worth_no_less_than_a_missing_one(evidence: Evidence) -> None:
    unknown, missing = (
        next_status(Status.PENDING, Reason.AWAITING_MX, replace(evidence, is_mx_ok=is_ok), NOW)
        for is_ok in (None, False)
    )
    assert unknown == missing


@given(evidences)
def test_a_proved_domain_never_fails(evidence: Evidence) -> None:
    after = next_status(Status.PENDING, Reason.AWAITING_DNS, evidence, NOW)
    assert not (evidence.is_proved and after.status is Status.FAILED)


@pytest.mark.parametrize(
    ("evidence", "status", "reason"),
    [
        (seen(), Status.PENDING, Reason.AWAITING_DNS),
        (seen(is_ownership_visible=True), Status.PENDING, Reason.AWAITING_SES),
        (seen(is_proved=True, ses_status="SUCCESS"), Status.PENDING, Reason.AWAITING_MX),
        (seen(is_proved=True, ses_status="SUCCESS", is_mx_ok=None), Status.PENDING, Reason.AWAITING_MX),
        (seen(is_proved=True, ses_status="SUCCESS", is_mx_ok=True), Status.ACTIVE, Reason.NONE),
        (seen(is_proved=True, ses_status="SUCCESS", is_receiving=False), Status.ACTIVE, Reason.NONE),
        (seen(is_contested=True, ses_status="SUCCESS"), Status.PENDING, Reason.AWAITING_CLAIM),
        (seen(ses_status="FAILED"), Status.FAILED, Reason.SES_FAILED),
        (seen(claim_started_at=NOW - CLAIM_LIFETIME), Status.FAILED, Reason.EXPIRED),
    ],
)
def test_where_a_pending_domain_goes(evidence: Evidence, status: Status, reason: Reason) -> None:
    after = next_status(Status.PENDING, Reason.AWAITING_DNS, evidence, NOW)
    assert (after.status, after.reason) == (status, reason)


def test_an_old_proved_domain_without_mx_keeps_waiting() -> None:
    evidence = seen(is_proved=True, ses_status="SUCCESS", claim_started_at=NOW - timedelta(days=30))
    assert next_status(Status.PENDING, Reason.AWAITING_MX, evidence, NOW).status is Status.PENDING


def test_resume_lands_on_the_last_checked_state() -> None:
    assert status_after_resume("active", True) is Status.ACTIVE
    assert status_after_resume("active", False) is Status.PENDING
    assert status_after_resume("pending", False) is Status.PENDING
    assert status_after_resume("failed", False) is Status.FAILED
