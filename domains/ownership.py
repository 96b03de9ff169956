"""Whose name is it: contested or not, proof under the unique index, tenure (core section 4)."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts.models import Organization
from domains.history import record_event
from domains.models import Domain, IssuedToken, NameLedger, Tenure
from domains.names import ancestors
from domains.states import Reason, Status

CLOCKS_DIFFER = timedelta(seconds=5)


def reversed_name(name: str) -> str:
    """`mail.example.com` -> `com.example.mail.`: what lies below a name shares its prefix, dot included."""
    return ".".join(reversed(name.split("."))) + "."


def _related(name: str) -> Q:
    """Rows of the ledger for the name itself, what is above it and what is below it."""
    return Q(name__in=[name, *ancestors(name)]) | Q(reversed_name__startswith=reversed_name(name))


def enter_in_ledger(*, organization: Organization, name: str, now: datetime) -> bool:
    """Note that the organization claims the name; True if it never did before."""
    row, is_new = NameLedger.objects.get_or_create(
        name=name,
        organization=organization,
        defaults={"reversed_name": reversed_name(name), "first_claimed_at": now, "last_claimed_at": now},
    )
    if not is_new:
        NameLedger.objects.filter(pk=row.pk).update(last_claimed_at=now)
    return is_new


def has_rival(*, organization: Organization, name: str) -> bool:
    """Another organization holds or ever held a claim on the name, an ancestor or a descendant of it."""
    return NameLedger.objects.filter(_related(name)).exclude(organization=organization).exists()


def rival_since(*, organization: Organization, name: str) -> datetime | None:
    """When the first other organization claimed the name, above or below it; None where none ever did."""
    others = NameLedger.objects.filter(_related(name)).exclude(organization=organization)
    return others.order_by("first_claimed_at").values_list("first_claimed_at", flat=True).first()


def unproved_rivals(*, organization: Organization, name: str) -> QuerySet[Domain]:
    """Live claims of others on the name, above or below it, that are not proved and not yet contested."""
    names = NameLedger.objects.filter(_related(name)).exclude(organization=organization).values("name")
    return (
        Domain.objects.live()
        .filter(name__in=names, proved_at__isnull=True, is_contested=False)
        .exclude(organization=organization)
    )


def contest(*, domain: Domain, now: datetime) -> bool:
    """Ask this claim for a proof of its own: a random token, issued once and kept in the history.

    False where the claim is proved already: then nothing changes.
    """
    unproved = Domain.objects.filter(pk=domain.pk, proved_at__isnull=True)
    # Two that contest at once must not issue two tokens: the customer may have published the first already.
    unproved.filter(claim_token="").update(claim_token=secrets.token_hex(20))
    if not unproved.update(is_contested=True, updated_at=now):
        return False
    domain.refresh_from_db(fields=["is_contested", "claim_token"])
    IssuedToken.objects.get_or_create(
        name=domain.name,
        organization=domain.organization,
        region=domain.region,
        kind=IssuedToken.Kind.CLAIM,
        token=domain.claim_token,
        defaults={"generation": domain.generation, "issued_at": now},
    )
    return True


def is_proved_elsewhere(*, organization: Organization, name: str) -> bool:
    return Domain.objects.proved().filter(name=name).exclude(organization=organization).exists()


def is_proof(*, ses_status: str | None, is_ses_enough: bool, is_claim_token_seen: bool) -> bool:
    """Whether this evidence proves the claim: SES Success, and where that is not enough its own token as well."""
    return ses_status == "SUCCESS" and (is_claim_token_seen or is_ses_enough)


def prove(*, domain: Domain, now: datetime, actor: str, evidence: dict[str, object]) -> bool:
    """Make the claim the name's one proved claim; False where another organization was first.

    Decided by the partial unique index, so that of two racing claims exactly one wins. Others' live claims on the
    name end as failed. Call it inside no transaction of your own, or inside one that may be rolled back.
    """
    try:
        with transaction.atomic():
            # Rivals who prove at once take the rows in one order; otherwise each would wait for the other's.
            list(Domain.objects.live().filter(name=domain.name).order_by("pk").select_for_update())
            changed = Domain.objects.filter(
                pk=domain.pk, proved_at__isnull=True, removed_at__isnull=True, is_contested=domain.is_contested
            ).update(proved_at=now, updated_at=now)
            if not changed:
                # Removed, already proved, or contested since the evidence was gathered: look at the row again.
                return Domain.objects.filter(pk=domain.pk, proved_at__isnull=False, removed_at__isnull=True).exists()
            Tenure.objects.create(name=domain.name, organization=domain.organization, domain=domain, from_at=now)
            record_event(domain, "domain.proved", now=now, actor=actor, evidence=evidence)
            for loser in Domain.objects.live().filter(name=domain.name).exclude(pk=domain.pk):
                lose(domain=loser, now=now)
    except IntegrityError:
        lose(domain=domain, now=now)
        return False
    domain.proved_at = now
    return True


def lose(*, domain: Domain, now: datetime) -> None:
    """End a claim because another organization proved the name first."""
    changed = (
        Domain.objects.filter(pk=domain.pk, proved_at__isnull=True, removed_at__isnull=True)
        .exclude(status=Status.FAILED, reason=Reason.CLAIMED_ELSEWHERE)
        .update(status=Status.FAILED, reason=Reason.CLAIMED_ELSEWHERE, next_check_at=None, updated_at=now)
    )
    if changed:
        record_event(
            domain,
            "domain.failed",
            now=now,
            before=domain.status,
            after=Status.FAILED,
            reason=Reason.CLAIMED_ELSEWHERE,
        )


def end_tenure(*, domain: Domain, now: datetime) -> None:
    """Mail from now on is no longer this organization's."""
    Tenure.objects.filter(domain=domain, to_at__isnull=True).update(to_at=now)


def holder_at(*, name: str, at: datetime) -> Tenure | None:
    """Who held the name at that time, for the routing of mail; `at` is SES's clock, a tenure's start is ours.

    Mail that came seconds before the first tenure, by clocks that differ or a time told in whole seconds, is its mail;
    between two tenures it may be the former holder's, so there it is nobody's.
    """
    tenures = Tenure.objects.select_related("domain", "organization").filter(name=name)
    found = (
        tenures.filter(Q(to_at__isnull=True) | Q(to_at__gt=at), from_at__lte=at + CLOCKS_DIFFER)
        .order_by("from_at")
        .first()
    )
    if (
        found
        and found.from_at > at
        and tenures.filter(from_at__lte=at).exclude(organization=found.organization).exists()
    ):
        return None
    return found
