"""What a domain's page says of what was right once: how each watched thing fares, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dashboard.chips import LOST, MISSED, MUTED, Chip
from domains.drift_rules import IDENTITY
from domains.drift_telling import count_of, losses_of
from domains.drift_words import health_sentence
from domains.models import DnsRecord, Domain, Drift
from domains.states import Health, Status


@dataclass(frozen=True)
class Watch:
    """How one watched thing fares, in a sentence with the moment that it speaks of, and what may be done about it."""

    row: Drift
    chip: Chip
    words: str | Promise
    at: datetime | None
    by: str = ""

    @property
    def can_acknowledge(self) -> bool:
        return bool(self.row.misses) and not self.row.acknowledged_at and not self.row.muted_at

    @property
    def can_mute(self) -> bool:
        return self.row.purpose != IDENTITY and not self.row.muted_at


@dataclass(frozen=True)
class Watches:
    """All that is watched at a domain in use and was missed or muted; empty for any other domain."""

    rows: Sequence[Drift]

    def of_record(self, record: DnsRecord) -> Watch | None:
        return self._of((record.purpose, record.type, record.name))

    @property
    def of_identity(self) -> Watch | None:
        return self._of((IDENTITY, "", ""))

    def _of(self, key: tuple[str, str, str]) -> Watch | None:
        found = (row for row in self.rows if (row.purpose, row.type, row.name) == key)
        return next((_watch(row) for row in found if row.misses or row.muted_at), None)

    def sentence(self, health: Health) -> str:
        return health_sentence(health, losses_of(self.rows))


NOTHING_WATCHED = Watches(())


def watches_of(domain: Domain) -> Watches:
    return Watches(list(domain.drifts.order_by("pk"))) if domain.status == Status.ACTIVE else NOTHING_WATCHED


def _watch(row: Drift) -> Watch:
    if row.muted_at:
        return Watch(row, MUTED, _("Muted: no notices about it, and it does not count."), row.muted_at, row.muted_by)
    is_lost = count_of(row).is_lost
    chip = LOST if is_lost else MISSED
    if row.acknowledged_at:
        words = _("Known: nothing more is said of it until it is right again.")
        return Watch(row, chip, words, row.acknowledged_at, row.acknowledged_by)
    if count_of(row).is_warned:
        return Watch(row, chip, _("Amazon SES warns, and the owners were told. First seen"), row.missed_since)
    if is_lost:
        return Watch(row, chip, _("Lost, and the owners were told. It was first missed"), row.missed_since)
    return Watch(
        row, chip, _("Right before. It is lost once three looks over six hours agree; first missed"), row.missed_since
    )
