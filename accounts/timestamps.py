"""Times as every face and every webhook writes them: UTC with a Z, to the second or the millisecond (pure)."""

from __future__ import annotations

from datetime import UTC, datetime


def seconds(moment: datetime) -> str:
    """`2024-01-10T08:00:00Z`; the fraction is cut off, not rounded."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_or_none(moment: datetime | None) -> str | None:
    return seconds(moment) if moment else None


def milliseconds(moment: datetime) -> str:
    """`2024-01-10T08:00:00.000Z`; the rest is cut off, not rounded."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
