"""Tell the owners, the webhooks and the history what became of what was right once: each step once.

The caller holds the domain's row, and has written the counts: what is told is decided by them and by the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from accounts.notices import tell_owners
from domains.drift_rules import IDENTITY, WATCHED, Count, is_newly_lost
from domains.drift_words import Loss, Mail, mail_of_losses, mail_of_recovery
from domains.history import record_event
from domains.models import DnsRecord, Domain, DomainEvent, Drift
from domains.names import DomainName
from domains.states import Health, Reason, Status

SES_FAILED = "ses_failed"


@dataclass(frozen=True)
class Step:
    """One watched thing before and after a look; `row` is as it was before, `record` is None for the SES identity."""

    row: Drift
    before: Count
    after: Count
    record: DnsRecord | None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.row.purpose, self.row.type, self.row.name

    @property
    def is_news(self) -> bool:
        return is_newly_lost(self.before, self.after) and not self.row.muted_at and not self.row.acknowledged_at

    @property
    def is_back(self) -> bool:
        return self.before.is_lost and not self.after.misses and not self.row.muted_at


def count_of(row: Drift) -> Count:
    return Count(row.misses, row.missed_since, row.last_missed_at, row.drifted_at, row.code)


def losses_of(rows: Iterable[Drift]) -> list[Loss]:
    """What is missing now and not muted, the gravest first."""
    missing = [row for row in rows if row.misses and not row.muted_at]
    losses = [Loss(row.purpose, row.code, row.type, row.name, missed_since=row.missed_since) for row in missing]
    lost = {loss.title for loss, row in zip(losses, missing, strict=True) if count_of(row).is_lost}
    return sorted(losses, key=lambda loss: (loss.title not in lost, WATCHED.index(loss.purpose)))


def tell_of_steps(domain: Domain, steps: Sequence[Step], *, before: Health, after: Health, now: datetime) -> None:
    """Write what these steps mean into the history, and tell webhooks and owners of what they do not know yet."""
    losses = _news(domain, steps)
    given_up = [step for step in steps if step.after.drifted_at and step.after.code == SES_FAILED]
    if given_up:
        _fail(domain, losses or [_loss(step) for step in given_up if not step.row.acknowledged_at], now=now)
    elif losses:
        _record(domain, "domain.degraded", before, after, losses[0].reason, losses, now=now)
        _mail_losses(domain, losses, is_over=False, now=now)
    elif any(step.is_back for step in steps) and (told := _open_story(domain)) and not _open_losses(domain):
        _record(domain, "domain.recovered", before, after, "", (), now=now)
        has_known = domain.drifts.filter(misses__gt=0, acknowledged_at__isnull=False).exists()
        mail = mail_of_recovery(name=_spoken(domain), url=_url(domain), has_known_losses=has_known)
        _mail(domain, "domain.recovered", mail, key=f"domain.recovered:{told.public_id}", now=now)
    elif after is not before:
        _record(domain, "domain.health_changed", before, after, "", (), now=now)


def _news(domain: Domain, steps: Sequence[Step]) -> list[Loss]:
    """What this look found lost and nobody was told of, the gravest first; three DKIM records are one thing."""
    fresh = {step.key for step in steps if is_newly_lost(step.before, step.after)}
    lost = domain.drifts.filter(drifted_at__isnull=False, muted_at__isnull=True).exclude(purpose=IDENTITY)
    told = {row.purpose for row in lost if (row.purpose, row.type, row.name) not in fresh}
    losses = [_loss(step) for step in steps if step.is_news and step.row.purpose not in told]
    return sorted(losses, key=lambda loss: WATCHED.index(loss.purpose))


def _loss(step: Step) -> Loss:
    row, after, record = step.row, step.after, step.record
    # That there is "no such record yet" is for who has never published it.
    message = record.message if record and record.code != "not_published" else ""
    fix = record.fix if record else ""
    return Loss(row.purpose, after.code, row.type, row.name, message, fix, after.missed_since)


def _open_losses(domain: Domain) -> bool:
    """Whether anything that the owners were told of is still lost."""
    watched = domain.drifts.filter(muted_at__isnull=True, acknowledged_at__isnull=True)
    return any(count_of(row).is_lost for row in watched)


def _open_story(domain: Domain) -> DomainEvent | None:
    """The last bad news of this domain, unless good news has followed it."""
    story = ("domain.degraded", "domain.recovered", "domain.failed", "domain.verified")
    last = domain.events.filter(type__in=story).order_by("-at", "-id").first()
    return last if last is not None and last.type == "domain.degraded" else None


def _fail(domain: Domain, losses: Sequence[Loss], *, now: datetime) -> None:
    """SES has given the identity up, and has said so long enough: the claim has failed until it is started again."""
    changed = (
        Domain.objects.live()
        .filter(pk=domain.pk, status=Status.ACTIVE)
        .update(status=Status.FAILED, reason=Reason.IDENTITY_LOST, next_check_at=None, updated_at=now)
    )
    if not changed:
        return
    _record(domain, "domain.failed", Status.ACTIVE, Status.FAILED, Reason.IDENTITY_LOST, losses, now=now)
    if losses:
        _mail_losses(domain, losses, is_over=True, now=now)


def _record(
    domain: Domain,
    type_: str,
    before: str,
    after: str,
    reason: str,
    losses: Sequence[Loss],
    *,
    now: datetime,
) -> None:
    lost = [
        {"purpose": loss.purpose, "type": loss.type, "name": loss.name, "code": loss.code, "reason": loss.reason}
        for loss in losses
    ]
    record_event(domain, type_, now=now, before=before, after=after, reason=reason, evidence={"lost": lost})


def _mail_losses(domain: Domain, losses: Sequence[Loss], *, is_over: bool, now: datetime) -> None:
    mail = mail_of_losses(name=_spoken(domain), losses=losses, url=_url(domain), is_over=is_over)
    since = min(loss.missed_since for loss in losses if loss.missed_since)
    reasons = "+".join(dict.fromkeys(loss.reason for loss in losses))
    kind = "domain.failed" if is_over else "domain.degraded"
    _mail(domain, kind, mail, key=f"{kind}:{domain.public_id}:{since.isoformat()}:{reasons}", now=now)


def _mail(domain: Domain, kind: str, mail: Mail, *, key: str, now: datetime) -> None:
    tell_owners(organization=domain.organization, kind=kind, subject=mail.subject, body=mail.body, key=key, now=now)


def _spoken(domain: Domain) -> str:
    return DomainName(domain.name).unicode


def _url(domain: Domain) -> str:
    return f"{settings.PUBLIC_URL}{reverse('dashboard:domain', args=[domain.public_id])}"
