"""Who held a name when a mail came: tenures, the gap between them, and two clocks that do not agree to the second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Organization
from domains.models import Domain, Tenure
from domains.ownership import holder_at

pytestmark = pytest.mark.django_db

NAME = "hello.example"
START = datetime(2026, 11, 1, 12, 0, 0, 700_000, tzinfo=UTC)


def hold(organization: str, *, start: float, end: float | None = None) -> None:
    """A tenure from `start` to `end`, in seconds after START."""
    owner, _ = Organization.objects.get_or_create(name=organization)
    domain = Domain.objects.create(
        organization=owner,
        name=NAME,
        region="us-east-1",
        claim_started_at=START,
        removed_at=None if end is None else START,
    )
    Tenure.objects.create(
        name=NAME,
        organization=owner,
        domain=domain,
        from_at=START + timedelta(seconds=start),
        to_at=None if end is None else START + timedelta(seconds=end),
    )


def holder(seconds: float) -> str | None:
    tenure = holder_at(name=NAME, at=START + timedelta(seconds=seconds))
    return tenure.organization.name if tenure else None


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "Acme"), (3600, "Acme"), (-0.7, "Acme"), (-5, "Acme"), (-5.1, None), (-3600, None)],
)
def test_mail_told_in_whole_seconds_is_not_older_than_the_tenure(seconds: float, expected: str | None) -> None:
    hold("Acme", start=0)
    assert holder(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-1, "Acme"), (9.9, "Acme"), (10, None), (11.9, None), (12, "Beta"), (100, "Beta")]
)
def test_mail_between_two_holders_is_nobodys(seconds: float, expected: str | None) -> None:
    hold("Acme", start=0, end=10)
    hold("Beta", start=12)
    assert holder(seconds) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(9.9, "Acme"), (10, "Beta"), (11, "Beta")])
def test_a_name_that_moves_at_once_leaves_no_gap(seconds: float, expected: str) -> None:
    hold("Acme", start=0, end=10)
    hold("Beta", start=10)
    assert holder(seconds) == expected


def test_an_organization_that_comes_back_keeps_the_mail_of_the_seconds_before() -> None:
    hold("Acme", start=0, end=10)
    hold("Acme", start=12)
    assert holder(11) == "Acme"
