"""Move a proved name from one organization to another, in the caller's transaction, under the name's unique index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Organization
from domains import ownership, provisioning, receipt_rules, tenants
from domains.history import record_event
from domains.models import Domain, Tenure
from domains.registration import DEFAULT_DMARC
from domains.states import Reason, Status


@dataclass(frozen=True)
class Moved:
    """Both claims after the move; the former one stays with its organization, without the name."""

    former: Domain
    winner: Domain


def transfer(*, name: str, to: Organization, token: str, actor: str, now: datetime) -> Moved | None:
    """End the holder's proof and tenure, and give `to` a claim that has both; None where no other holds the name.

    From `now` on mail is the new holder's; what came before stays. AWS follows by the reconciler.
    """
    # In one order, as rivals who prove at once take them.
    live = list(
        Domain.objects.live()
        .filter(name=name)
        .order_by("pk")
        .select_related("organization")
        .select_for_update(of=("self",))
    )
    former = next((claim for claim in live if claim.is_proved), None)
    if former is None or former.organization_id == to.pk:
        return None
    _let_go(former, now=now)
    winner = next((claim for claim in live if claim.organization_id == to.pk), None)
    if winner is None:
        winner = _new_claim(name=name, region=former.region, organization=to, actor=actor, now=now)
    _take(winner, token=token, actor=actor, now=now)
    for region in {former.region, winner.region}:
        receipt_rules.wish_rules(region=region, now=now)
    return Moved(former, winner)


def _let_go(former: Domain, *, now: datetime) -> None:
    Domain.objects.filter(pk=former.pk).update(
        proved_at=None,
        status=Status.FAILED,
        reason=Reason.CLAIMED_ELSEWHERE,
        next_check_at=None,
        leased_until=None,
        updated_at=now,
    )
    ownership.end_tenure(domain=former, now=now)
    tenants.wish_dissociated(domain=former, now=now)
    before = former.status
    former.refresh_from_db()
    record_event(former, "domain.failed", now=now, before=before, after=Status.FAILED, reason=Reason.CLAIMED_ELSEWHERE)


def _new_claim(*, name: str, region: str, organization: Organization, actor: str, now: datetime) -> Domain:
    ownership.enter_in_ledger(organization=organization, name=name, now=now)
    claim = Domain.objects.create(
        organization=organization,
        name=name,
        region=region,
        dmarc_value=DEFAULT_DMARC,
        claim_started_at=now,
        created_at=now,
        updated_at=now,
    )
    record_event(claim, "domain.created", now=now, actor=actor, after=claim.status)
    return claim


def _take(winner: Domain, *, token: str, actor: str, now: datetime) -> None:
    before = Status(winner.status)
    changes: dict[str, object] = {"proved_at": now, "is_contested": True, "claim_token": token, "updated_at": now}
    if before is not Status.SUSPENDED:
        reason = Reason.AWAITING_MX if winner.is_receiving else Reason.AWAITING_SES
        changes |= {"status": Status.PENDING, "reason": reason, "claim_started_at": now}
    Domain.objects.filter(pk=winner.pk).update(**changes)
    winner.refresh_from_db()
    Tenure.objects.create(name=winner.name, organization=winner.organization, domain=winner, from_at=now)
    # Its records, and its next look, come with the identity.
    provisioning.wish_identity(domain=winner, now=now, due_at=now)
    tenants.wish_associated(domain=winner, now=now)
    if before is not Status(winner.status):
        record_event(
            winner,
            "domain.status_changed",
            now=now,
            actor=actor,
            before=before,
            after=winner.status,
            reason=winner.reason,
        )
    record_event(winner, "domain.proved", now=now, actor=actor, evidence={"by": "challenge"})
