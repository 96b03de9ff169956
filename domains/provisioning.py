"""Make AWS hold what a claim needs, and write down what it answered: the `ensure` steps of a claim."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypedDict

from django.db import transaction

from aws.identities import IdentityFacts, ensure_identity, find_identity, identity_statuses, restart_verification
from aws.pacing import Caller
from domains import intents, ownership, schedule
from domains.models import AwsIntent, DnsRecord, Domain, IssuedToken
from domains.names import ancestors, is_below, registrable_domain
from domains.records import PlannedRecord, Purpose, required_records, spf_wanted
from domains.states import Status
from domains.telling import tell

# How long the request that made a wish may work on it before the reconciler takes over.
INLINE_GRACE = timedelta(minutes=1)


def wish_identity(*, domain: Domain, now: datetime, due_at: datetime | None = None) -> AwsIntent:
    """The claim's identity shall exist; the request itself tries first, so the reconciler waits a little."""
    return intents.wish(
        kind=AwsIntent.Kind.IDENTITY,
        region=domain.region,
        name=domain.name,
        desired=AwsIntent.Desired.PRESENT,
        now=now,
        due_at=due_at or now + INLINE_GRACE,
        reason=f"claim {domain.public_id}",
    )


def wish_identity_gone_unless_needed(
    *, domain: Domain, now: datetime, reason: str, due_at: datetime | None = None
) -> None:
    """The identity shall go if no live claim needs it; a shared one stays. Ring the reconciler afterwards.

    Call it in the transaction that ended the claim.
    """
    # Whoever ends the other last claim at the same moment waits here, and then sees that this one has ended.
    kind = AwsIntent.Kind.IDENTITY
    AwsIntent.objects.select_for_update().filter(kind=kind, region=domain.region, name=domain.name).first()
    needed = Domain.objects.live().filter(name=domain.name, region=domain.region).exclude(pk=domain.pk).exists()
    if not needed:
        intents.wish(
            kind=kind,
            region=domain.region,
            name=domain.name,
            desired=AwsIntent.Desired.ABSENT,
            now=now,
            due_at=due_at,
            reason=reason,
        )


def fetch_identity(*, domain: Domain, caller: Caller, is_restart: bool = False) -> IdentityFacts:
    """The identity as SES has it, made where it is missing and started again where it had failed; raises AwsError.

    `is_restart` asks SES to start again also while its own 72 h run, for a claim that gets 72 fresh ones.
    """
    facts = ensure_identity(name=domain.name, region=domain.region, caller=caller)
    # TXT and DKIM have clocks of their own, and a restart winds up both.
    has_failed = "FAILED" in (facts.verification_status, facts.dkim_status)
    is_old = is_restart and facts.verification_status == "PENDING" and not facts.was_created
    if facts.is_ours and (has_failed or is_old):
        facts = restart_verification(name=domain.name, region=domain.region, caller=caller)
    if domain.is_proved or domain.is_contested:
        return facts
    return replace(facts, is_below_foreign=_is_below_foreign(domain, caller))


def _is_below_foreign(domain: Domain, caller: Caller) -> bool:
    """The account holds a name above this one that is not ours by tag: its owner never asked us for anything."""
    top = registrable_domain(domain.name)
    above = [name for name in ancestors(domain.name) if name == top or is_below(name, top)]
    if not above:
        return False
    held = identity_statuses(names=above, region=domain.region, caller=caller, is_dkim_wanted=False)
    ours = Domain.objects.live().filter(region=domain.region, name__in=list(held), identity_is_ours=True)
    for name in set(held).difference(ours.values_list("name", flat=True)):
        found = find_identity(name=name, region=domain.region, caller=caller)
        if found is not None and not found.is_ours:
            return True
    return False


def store_identity(*, domain: Domain, facts: IdentityFacts, now: datetime) -> bool:
    """Write what SES answered to the claim, its records and the history of tokens; False if the claim is gone.

    A new set of tokens is a new generation of records. The claim becomes contested here when the account holds an
    identity for the name, or for one above it, that is not ours by tag (core section 4 b).
    """
    with transaction.atomic():
        # The update takes the row's lock, so that two who provision at once write one generation after the other.
        if not Domain.objects.live().filter(pk=domain.pk).update(updated_at=now):
            return False
        domain.refresh_from_db()
        domain.identity_is_ours = facts.is_ours
        domain.verification_status = facts.verification_status
        domain.dkim_status = facts.dkim_status
        domain.mail_from_status = facts.mail_from_status
        # Without any token of SES's the claim can be proved by its own alone.
        has_tokens = facts.ownership_token or facts.dkim_tokens
        if not facts.is_ours or facts.is_below_foreign or not has_tokens:
            ownership.contest(domain=domain, now=now)
        planned = planned_records(domain=domain, facts=facts)
        if _is_changed(domain, planned):
            has_records = domain.records.exists()
            domain.generation += 1 if has_records else 0
            if not has_records:
                tell(domain, "domain.created", key=domain.public_id, now=now)
            store_records(domain=domain, planned=planned)
        # The first pause of the back-off: a customer who has just got the records is about to publish them.
        domain.checks_in_a_row = 1
        domain.next_check_at = schedule.next_check_at(status=Status.PENDING, step=domain.checks_in_a_row, now=now)
        domain.save(
            update_fields=[
                "identity_is_ours",
                "verification_status",
                "dkim_status",
                "mail_from_status",
                "generation",
                "next_check_at",
                "checks_in_a_row",
            ]
        )
        remember_tokens(domain=domain, facts=facts, now=now)
        intents.confirm_present(kind=AwsIntent.Kind.IDENTITY, region=domain.region, name=domain.name, now=now)
    return True


def planned_records(*, domain: Domain, facts: IdentityFacts) -> tuple[PlannedRecord, ...]:
    return required_records(
        name=domain.name,
        region=domain.region,
        ownership_token=facts.ownership_token,
        dkim_tokens=facts.dkim_tokens,
        dkim_zone=facts.dkim_zone,
        claim_token=_listed_claim_token(domain),
        **_options(domain),
    )


def _is_changed(domain: Domain, planned: tuple[PlannedRecord, ...]) -> bool:
    current = [
        (record.purpose, record.type, record.name, record.value, record.priority)
        for record in domain.records.filter(generation=domain.generation).order_by("position")
    ]
    return current != [
        (record.purpose.value, record.type, record.name, record.value, record.priority) for record in planned
    ]


def store_records(*, domain: Domain, planned: tuple[PlannedRecord, ...]) -> None:
    """Write the records of `domain.generation`; what was seen of an equal record of the last one is kept."""
    known = {
        (record.type, record.name, record.value): record
        for record in domain.records.filter(generation=domain.generation - 1)
    }
    fresh: list[DnsRecord] = []
    for position, record in enumerate(planned):
        row = DnsRecord(
            domain=domain,
            generation=domain.generation,
            position=position,
            purpose=record.purpose.value,
            type=record.type,
            name=record.name,
            value=record.value,
            priority=record.priority,
            ttl=record.ttl,
            is_required=record.is_required,
        )
        seen = known.get((record.type, record.name, record.value))
        if seen is not None:
            for field in ("verdict", "code", "message", "fix", "observed", "servers", "checked_at", "first_ok_at"):
                setattr(row, field, getattr(seen, field))
        fresh.append(row)
    DnsRecord.objects.bulk_create(fresh)


def remember_tokens(*, domain: Domain, facts: IdentityFacts, now: datetime) -> None:
    """Keep every token for ever: that a value is stale can only be told by one who remembers it."""
    tokens = [(IssuedToken.Kind.DKIM, token) for token in facts.dkim_tokens]
    if facts.ownership_token:
        tokens.append((IssuedToken.Kind.OWNERSHIP, facts.ownership_token))
    IssuedToken.objects.bulk_create(
        [
            IssuedToken(
                name=domain.name,
                organization=domain.organization,
                region=domain.region,
                kind=kind,
                token=token,
                generation=domain.generation,
                issued_at=now,
            )
            for kind, token in tokens
        ],
        ignore_conflicts=True,
    )


def plan_again(*, domain: Domain, now: datetime) -> None:
    """Plan the records again with the tokens at hand, after an option changed or the claim became contested."""
    with transaction.atomic():
        # As in store_identity: who plans at the same moment comes after, and sees this generation.
        Domain.objects.filter(pk=domain.pk).update(updated_at=now)
        domain.refresh_from_db()
        current = list(domain.records.filter(generation=domain.generation).order_by("position"))
        if not current:
            return
        owner = [record.value for record in current if record.purpose == Purpose.OWNERSHIP]
        dkim = [record for record in current if record.purpose == Purpose.DKIM]
        planned = required_records(
            name=domain.name,
            region=domain.region,
            ownership_token=owner[0] if owner else "",
            dkim_tokens=tuple(record.name.split(".", 1)[0] for record in dkim),
            dkim_zone=dkim[0].value.split(".", 1)[1] if dkim else "",
            claim_token=_listed_claim_token(domain),
            **_options(domain),
        )
        if _is_changed(domain, planned):
            domain.generation += 1
            store_records(domain=domain, planned=planned)
            Domain.objects.filter(pk=domain.pk).update(generation=domain.generation, updated_at=now)


class _Options(TypedDict):
    dmarc_value: str
    is_receiving: bool
    mail_from_label: str
    spf_value: str


def _options(domain: Domain) -> _Options:
    """What the owner chose, as the plan of the records takes it."""
    return {
        "dmarc_value": domain.dmarc_value if domain.is_dmarc_wanted else "",
        "is_receiving": domain.is_receiving,
        "mail_from_label": domain.mail_from_label,
        "spf_value": spf_wanted(domain.spf_mode, domain.spf_value),
    }


def _listed_claim_token(domain: Domain) -> str:
    """The claim's own token while it is needed: contested and not yet proved."""
    return domain.claim_token if domain.is_contested and not domain.is_proved else ""
