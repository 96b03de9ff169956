"""When something that was right once counts as lost, and what that makes of a domain's health (pure).

How looks are counted (core section 6): 3 of the last 3 that could see, over at least 6 hours.

- A look that can not see (*unknown*) is left out: it neither adds a miss nor takes one away.
- A right look empties the count. So what is right at every third look is never lost, however long that goes on.
- Misses closer than an hour to the last one that counted are the same miss: ten clicks within a minute count once.
- It is lost once three misses have counted and the last came at least six hours after the first.
- TEMPORARY_FAILURE, SES's own warning that it will give the identity up in 72 hours, is said at once; it is no miss,
  and what SES fails later is counted from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from domains.records import Purpose
from domains.states import Health

MISSES = 3
SPAN = timedelta(hours=6)
APART = timedelta(hours=1)
# SES takes back its warning at the first right look and gives it again at the next wrong one.
WARNED_ONCE_IN = timedelta(hours=72)

IDENTITY = "identity"
WARNING = "temporary_failure"
# From the gravest on. The ownership and claim records are left out: SES keeps an identity that DKIM alone shows, and
# a proof once given stays.
WATCHED = (
    Purpose.INBOUND.value,
    IDENTITY,
    Purpose.DKIM.value,
    Purpose.SPF.value,
    Purpose.DMARC.value,
    Purpose.MAIL_FROM_MX.value,
    Purpose.MAIL_FROM_SPF.value,
)
GRAVE = frozenset({Purpose.INBOUND.value, IDENTITY})


class Sight(StrEnum):
    """What one look says of one watched thing."""

    RIGHT = "right"
    MISSED = "missed"
    WARNED = "warned"
    UNSEEN = "unseen"


@dataclass(frozen=True)
class Count:
    """The misses of one watched thing since it was last right; `last_missed_at` is that of the last that counted."""

    misses: int = 0
    missed_since: datetime | None = None
    last_missed_at: datetime | None = None
    drifted_at: datetime | None = None
    code: str = ""

    @property
    def is_warned(self) -> bool:
        return bool(self.misses) and self.code == WARNING

    @property
    def is_lost(self) -> bool:
        """Lost, or about to be by SES's own word: what people are told of."""
        return self.drifted_at is not None or self.is_warned


def sight_of_record(verdict: str) -> Sight:
    """`verdict` is that of one look, one of domains.dns.judgement.Verdict."""
    return {"ok": Sight.RIGHT, "unknown": Sight.UNSEEN, "": Sight.UNSEEN}.get(verdict, Sight.MISSED)


def sight_of_identity(ses_status: str | None) -> Sight:
    """`ses_status` is SES's word in v2 spelling; None where SES could not be asked."""
    if ses_status is None:
        return Sight.UNSEEN
    return {"SUCCESS": Sight.RIGHT, "TEMPORARY_FAILURE": Sight.WARNED}.get(ses_status, Sight.MISSED)


def after_look(count: Count, sight: Sight, *, code: str, is_muted: bool, now: datetime) -> Count:
    """The count with one more look; what is muted is counted and never lost."""
    if sight is Sight.UNSEEN:
        return count
    if sight is Sight.RIGHT:
        return Count(last_missed_at=count.last_missed_at)
    if sight is Sight.WARNED:
        since = count.missed_since if count.is_warned else now
        return Count(1, since, now, None, WARNING)
    if not count.misses or count.is_warned or count.missed_since is None or count.last_missed_at is None:
        return Count(1, now, now, None, code)
    if now - count.last_missed_at < APART:
        return replace(count, code=code)
    grown = replace(count, misses=count.misses + 1, last_missed_at=now, code=code)
    is_enough = grown.misses >= MISSES and now - count.missed_since >= SPAN
    return replace(grown, drifted_at=now) if is_enough and not (grown.drifted_at or is_muted) else grown


def is_newly_lost(before: Count, after: Count) -> bool:
    """Lost by this look; a warning of SES's that comes and goes is new once in 72 hours."""
    if after.is_warned and not before.is_warned:
        last = before.last_missed_at
        return last is None or after.last_missed_at is None or after.last_missed_at - last >= WARNED_ONCE_IN
    return after.drifted_at is not None and before.drifted_at is None


def health_of(counts: Iterable[tuple[str, Count]]) -> Health:
    """The domain's health by (purpose, count) of what is watched and not muted."""
    missing = [(purpose, count) for purpose, count in counts if count.misses]
    if any(purpose in GRAVE and count.drifted_at for purpose, count in missing):
        return Health.BROKEN
    if any(count.is_lost for _, count in missing):
        return Health.DEGRADED
    return Health.SUSPECT if missing else Health.HEALTHY
