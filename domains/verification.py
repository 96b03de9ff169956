"""Check a domain: gather evidence from SES and DNS, decide, record it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.doorbell import ring
from accounts.errors import Refusal, UpstreamRefusal
from aws.errors import AwsError
from aws.identities import IdentityStatus, identity_statuses
from aws.pacing import Caller, person
from domains import drift, ownership, receipt_rules, schedule, tenants
from domains.contesting import is_ses_alone_enough
from domains.dns.summary import summarise
from domains.evidence import Look, Seen, look_for, see, wishes_of
from domains.facts import current_records
from domains.history import SYSTEM, record_event
from domains.models import DnsRecord, Domain
from domains.provisioning import wish_identity
from domains.records import Purpose
from domains.registration import DomainNotFound, restart_claim
from domains.states import Evidence, Reason, Status, Transition, next_status
from domains.upstream import upstream_refusals
from domains.verdicts import record_verdicts

logger = logging.getLogger(__name__)

COALESCE = timedelta(seconds=5)
PERSON_SECONDS = 20.0


def check_domain(*, domain: Domain, actor: str, now: datetime, may_restart: bool = False) -> Domain:
    """Ask SES and DNS now, record what they say, and return the fresh row.

    `may_restart` is for an explicit verify: a failed claim starts again first. When SES can not be asked, what DNS
    showed is recorded all the same and the upstream refusal is raised; nothing is lowered.
    """
    if may_restart and domain.status == Status.FAILED:
        domain = restart_claim(domain=domain, actor=actor, now=now)
    look = look_for(domain=domain, records=current_records(domain))
    failure: Refusal | None = None
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="dns") as pool:
        pending = pool.submit(see, look)
        statuses: dict[str, IdentityStatus] | None = None
        try:
            with upstream_refusals():
                statuses = identity_statuses(names=[domain.name], region=domain.region, caller=person(PERSON_SECONDS))
        except UpstreamRefusal as refusal:
            failure = refusal
        seen = pending.result()
    fresh = record_check(look=look, seen=seen, statuses=statuses, actor=actor, now=timezone.now())
    if failure is not None:
        raise failure
    if fresh.is_proved and not domain.is_proved:
        apply_rules_inline(region=fresh.region)
    return fresh


def check_now(*, domain: Domain, actor: str, now: datetime, may_restart: bool = True) -> Domain:
    """What a button does: one check in 5 s however many click, and SES being away is not an error to the person.

    Returns the row as it now is. Whoever clicks within the 5 s, or while another's check runs, gets the last values and
    the poller's look right after. Only who may change the domain restarts a failed claim by it.
    """
    fresh = Domain.objects.select_related("organization").get(pk=domain.pk)
    looks = [look for look in (fresh.checked_at, fresh.dns_checked_at) if look is not None and now - look < COALESCE]
    if looks or not _take_turn(fresh, now=now):
        return _look_soon(fresh, at=max(looks, default=now) + COALESCE)
    try:
        return check_domain(domain=fresh, actor=actor, now=now, may_restart=may_restart)
    except UpstreamRefusal:
        fresh.refresh_from_db()
        return fresh


def _take_turn(domain: Domain, *, now: datetime) -> bool:
    """False while another click's check runs, or a poller's of the last 5 s: a lease of 5 s at most is a click's.

    Who clicks is at work on the DNS: the back-off begins again, and the next looks come soon.
    """
    turn_ends = now + COALESCE
    of_a_click = Q(leased_until__gt=now, leased_until__lte=turn_ends)
    fresh_of_a_poller = Q(leased_until__gt=now + schedule.LEASE - COALESCE)
    free = Domain.objects.filter(pk=domain.pk).exclude(of_a_click | fresh_of_a_poller)
    return bool(free.update(leased_until=turn_ends, checks_in_a_row=0))


def _look_soon(domain: Domain, *, at: datetime) -> Domain:
    """Let the poller look at `at`, unless it looks sooner; what no look can change is left alone."""
    later = Domain.objects.live().filter(pk=domain.pk).exclude(status=Status.FAILED).exclude(next_check_at__lte=at)
    later.update(next_check_at=at, checks_in_a_row=0)
    domain.refresh_from_db()
    return domain


def record_check(
    *, look: Look, seen: Seen | None, statuses: dict[str, IdentityStatus] | None, actor: str = SYSTEM, now: datetime
) -> Domain:
    """Write one check: verdicts, SES's words, proof, the status by the state table, and when to look next.

    `seen` is None when DNS was not asked, `statuses` when SES could not be; a name that SES does not know is absent
    from them.
    """
    domain = look.domain
    status = statuses.get(domain.name) if statuses is not None else None
    if seen is not None:
        record_verdicts(look.records, seen, status, now=now)
    row = Domain.objects.select_related("organization").filter(pk=domain.pk).first()
    if row is None:
        # Its registration failed while we looked, and was undone.
        raise DomainNotFound
    if row.removed_at is not None:
        return row
    if statuses is not None:
        row.verification_status = status.verification_status if status else "NOT_STARTED"
        row.dkim_status = status.dkim_status if status and status.dkim_status else "NOT_STARTED"
    is_ses_enough = row.is_proved or is_ses_alone_enough(
        domain=row,
        records=look.records,
        observation=seen.observation if seen is not None else None,
        is_verified=row.is_ses_verified,
        now=now,
    )
    evidence = _evidence(row, look.records, seen, asked=statuses is not None, is_ses_enough=is_ses_enough)
    if statuses is not None and row.status != Status.FAILED and _is_out_of_step(row, look.records, status):
        # Somebody deleted the identity by hand, or SES has other tokens for it now: the reconciler sees to it.
        wish_identity(domain=row, now=now, due_at=now)
    proof: dict[str, object] = {"ses": row.verification_status, "servers": _servers(seen)}
    # A failed claim proves nothing until it is started again: a look never brings it back.
    if not row.is_proved and evidence.is_proved and row.status != Status.FAILED:
        with transaction.atomic():
            is_first = ownership.prove(domain=row, now=now, actor=actor, evidence=proof)
            if is_first:
                receipt_rules.wish_rules(region=row.region, now=now)
                tenants.wish_associated(domain=row, now=now)
                ring("domains.tasks.reconcile_due")
        if not is_first:
            # Another has the name, or claimed it since we looked: then the poller looks again at once.
            Domain.objects.filter(pk=row.pk).update(leased_until=None)
            row.refresh_from_db()
            return row
        row.refresh_from_db(fields=["proved_at"])
    _settle(row, look, seen, evidence, proof, asked=statuses is not None, actor=actor, now=now)
    return row


def _settle(
    row: Domain,
    look: Look,
    seen: Seen | None,
    evidence: Evidence,
    proof: dict[str, object],
    *,
    asked: bool,
    actor: str,
    now: datetime,
) -> None:
    """Move the domain to where the evidence leads, and judge how what was right once fares."""
    after = next_status(Status(row.status), Reason(row.reason), evidence, now)
    _note_look(row, seen, asked=asked, after=after.status, now=now)
    _move(row, after, evidence=proof, actor=actor, now=now)
    verdicts = {key: str(judged.verdict) for key, judged in seen.judgements.items()} if seen is not None else {}
    said = row.verification_status if asked else None
    if drift.note_look(domain=row, records=look.records, verdicts=verdicts, ses_status=said, now=now):
        row.refresh_from_db()


def _servers(seen: Seen | None) -> list[str]:
    return list(seen.observation.name_servers) if seen is not None else []


def _is_out_of_step(row: Domain, records: Sequence[DnsRecord], status: IdentityStatus | None) -> bool:
    """SES has no identity, or waits at ours for other tokens than the records carry; what it does not say is right."""
    if status is None or not row.identity_is_ours:
        return status is None
    carried = {record.value for record in records if record.purpose == Purpose.OWNERSHIP}
    signed = {record.name.partition(".")[0] for record in records if record.purpose == Purpose.DKIM}
    return not carried.issuperset({status.ownership_token} - {""}) or not signed.issuperset(status.dkim_tokens)


def _evidence(
    row: Domain, records: Sequence[DnsRecord], seen: Seen | None, *, asked: bool, is_ses_enough: bool
) -> Evidence:
    def verdict_of(purpose: Purpose) -> list[str]:
        of_purpose = [record for record in records if record.purpose == purpose]
        if seen is None:
            return [record.verdict or "unknown" for record in of_purpose]
        return [seen.judgements[record.pk].verdict for record in of_purpose]

    inbound, claim = verdict_of(Purpose.INBOUND), verdict_of(Purpose.CLAIM)
    dkim, owner = verdict_of(Purpose.DKIM), verdict_of(Purpose.OWNERSHIP)
    is_claim_seen = seen is not None and bool(claim) and all(verdict == "ok" for verdict in claim)
    ses_status = row.verification_status if asked else None
    return Evidence(
        is_proved=row.is_proved
        or ownership.is_proof(ses_status=ses_status, is_ses_enough=is_ses_enough, is_claim_token_seen=is_claim_seen),
        ses_status=ses_status,
        is_mx_ok=None if "unknown" in inbound else bool(inbound) and all(verdict == "ok" for verdict in inbound),
        is_receiving=row.is_receiving,
        is_contested=row.is_contested,
        is_ownership_visible="ok" in owner or (bool(dkim) and all(verdict == "ok" for verdict in dkim)),
        claim_started_at=row.claim_started_at,
    )


def _move(row: Domain, after: Transition, *, evidence: dict[str, object], actor: str, now: datetime) -> None:
    before, before_reason = Status(row.status), row.reason
    if (before, before_reason) == (after.status, after.reason):
        return
    changes: dict[str, object] = {"status": after.status.value, "reason": after.reason.value, "updated_at": now}
    if after.status is Status.ACTIVE and row.verified_at is None:
        changes["verified_at"] = now
    with transaction.atomic():
        # Another check, a person or staff may have moved it meanwhile: theirs stands, ours was from before.
        changed = Domain.objects.live().filter(pk=row.pk, status=before.value).update(**changes)
        if changed and before is not after.status:
            names = {Status.ACTIVE: "domain.verified", Status.FAILED: "domain.failed"}
            record_event(
                row,
                names.get(after.status, "domain.status_changed"),
                now=now,
                actor=actor,
                before=before,
                after=after.status,
                reason=after.reason,
                evidence=evidence,
            )
    row.refresh_from_db()


def _note_look(row: Domain, seen: Seen | None, *, asked: bool, after: Status, now: datetime) -> None:
    changes: dict[str, object] = {}
    if seen is not None:
        step = row.checks_in_a_row + 1
        changes |= {
            "dns_checked_at": now,
            "checks_in_a_row": step,
            "leased_until": None,
            "next_check_at": schedule.next_check_at(status=after, step=step, now=now),
            "dns_summary": {**row.dns_summary, **summarise(seen.observation, wishes_of(row))},
        }
        if seen.observation.zone:
            changes |= {"zone": seen.observation.zone, "name_servers": list(seen.observation.name_servers)}
    if asked:
        changes |= {
            "checked_at": now,
            "verification_status": row.verification_status,
            "dkim_status": row.dkim_status,
        }
    Domain.objects.filter(pk=row.pk).update(**changes)
    for field, value in changes.items():
        setattr(row, field, value)


def apply_rules_inline(*, region: str, caller: Caller | None = None) -> None:
    """Make the rule entry before the answer, so that mail is taken from the moment that the face says so.

    `caller` is a person unless told otherwise.
    """
    try:
        receipt_rules.apply_wished(region=region, caller=caller or person(PERSON_SECONDS))
    except (AwsError, receipt_rules.InstallationMissing) as error:
        logger.warning("the receipt rules of %s are left to the reconciler: %s", region, error)
