"""When a claim must prove the name by a record of its own, beyond what the registration itself sees (core section 4).

SES's tokens for a name are the same for every claim on it. So they prove something about the organization that they
were handed out to only if nobody had published them before.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from django.conf import settings

from aws.identities import IdentityFacts
from domains import ownership, provisioning
from domains.dns.answers import Observation, Outcome
from domains.dns.evaluation import Expected, Verdict, server_verdict
from domains.dns.resolver import observe
from domains.evidence import resolver_endpoints
from domains.facts import current_records
from domains.history import record_event
from domains.models import DnsRecord, Domain, DomainEvent, Tenure
from domains.records import Purpose

logger = logging.getLogger(__name__)

# Somebody waits for the records: what can not be seen by then is settled by the first check that sees it.
DEADLINE_SECONDS = 2.0
VERIFIED = ("SUCCESS", "TEMPORARY_FAILURE")
TOKENS = (Purpose.OWNERSHIP, Purpose.DKIM)
STOOD_BEFORE = "its records were in DNS before this claim"
ANOTHER_CLAIM = "another organization has claimed the name as well"
# In the evidence of `domain.created`: when the tokens were handed out DNS held none of them, or could not be seen while
# SES had only then made them.
ABSENT, UNSEEN = "absent", "unseen"


class Sight(StrEnum):
    """What DNS shows of some records: all of them known to be missing, one of them there, or not all of it seen."""

    ABSENT = "absent"
    STANDING = "standing"
    UNKNOWN = "unknown"


def sight_of(expected: Sequence[Expected], observation: Observation) -> Sight:
    """One server or cache that has one of them is enough to be standing; absence takes an answer about each."""
    is_all_known = bool(expected)
    for each in expected:
        lookup = observation.get(each.name, each.type)
        answers = (*lookup.answers, *([lookup.public] if lookup.public else [])) if lookup else ()
        if any(server_verdict(each, answer, observation) is Verdict.OK for answer in answers):
            return Sight.STANDING
        is_all_known &= lookup is not None and lookup.outcome is not Outcome.UNKNOWN
    return Sight.ABSENT if is_all_known else Sight.UNKNOWN


def look_before_handing_out(*, domain: Domain, facts: IdentityFacts, now: datetime) -> None:
    """Contest a fresh claim whose tokens stand in DNS already, or that SES held as verified before it was made.

    Asks DNS for 2 s at most, before anybody of the organization has seen the tokens. Call it in no transaction.
    """
    if domain.is_contested or was_handed_out_clean(domain):
        return
    is_verified_already = facts.verification_status in VERIFIED and not facts.was_created
    sight = Sight.STANDING if is_verified_already else _look(facts)
    if sight is Sight.ABSENT:
        _note_clean(domain, ABSENT)
    elif sight is Sight.STANDING:
        _contest(domain, now=now)
    elif facts.was_created:
        _note_clean(domain, UNSEEN)
    else:
        logger.info("whether the tokens of %s stood in DNS before its claim is left to the first check", domain)


def is_ses_alone_enough(
    *, domain: Domain, records: Sequence[DnsRecord], observation: Observation | None, is_verified: bool, now: datetime
) -> bool:
    """Whether SES Success on its own may prove this claim; decided by the first look that sees DNS, and kept.

    `is_verified` is what SES says at this look. Contests the claim where the tokens came before it, or where that can
    no longer be told; False then, and while nothing could be seen.
    """
    if domain.is_contested:
        return False
    if was_handed_out_clean(domain):
        return True
    if observation is None:
        return False
    expected = [
        Expected(record.purpose, record.type, record.name, record.value, record.priority)
        for record in records
        if record.purpose in TOKENS
    ]
    sight = sight_of(expected, observation)
    if sight is Sight.ABSENT and not is_verified:
        _note_clean(domain, ABSENT)
        return True
    if sight is not Sight.UNKNOWN and _contest(domain, now=now):
        # Another row: what the caller has learnt from SES and not written yet stays in its own.
        planned = Domain.objects.select_related("organization").get(pk=domain.pk)
        provisioning.plan_again(domain=planned, now=now)
        domain.generation = planned.generation
    return False


def was_handed_out_clean(domain: Domain) -> bool:
    """The organization held the name before, or got its tokens, now or earlier, when DNS showed none of them.

    That it merely claimed the name before says nothing: whoever removes a contested claim and claims again would be rid
    of the question.
    """
    held = Tenure.objects.filter(name=domain.name, organization=domain.organization_id)
    clean = DomainEvent.objects.filter(
        type="domain.created",
        domain__name=domain.name,
        domain__organization=domain.organization_id,
        evidence__tokens_in_dns__in=[ABSENT, UNSEEN],
    )
    return clean.exists() or held.exists()


def _note_clean(domain: Domain, tokens_in_dns: str) -> None:
    evidence = {"tokens_in_dns": tokens_in_dns}
    DomainEvent.objects.filter(domain=domain, type="domain.created").update(evidence=evidence)


def _look(facts: IdentityFacts) -> Sight:
    expected = [
        Expected(Purpose.DKIM, "CNAME", f"{token}._domainkey.{facts.name}", f"{token}.{facts.dkim_zone}")
        for token in facts.dkim_tokens
    ]
    if facts.ownership_token:
        expected.append(Expected(Purpose.OWNERSHIP, "TXT", f"_amazonses.{facts.name}", facts.ownership_token))
    observation = observe(
        [(each.name, each.type) for each in expected],
        resolvers=resolver_endpoints(),
        authoritative_port=settings.DNS_AUTHORITATIVE_PORT,
        deadline_seconds=DEADLINE_SECONDS,
    )
    return sight_of(expected, observation)


def _contest(domain: Domain, *, now: datetime) -> bool:
    is_contested = ownership.contest(domain=domain, now=now)
    if is_contested:
        record_event(domain, "domain.contested", now=now, reason=STOOD_BEFORE)
    return is_contested


def contest_rivals(*, domain: Domain, now: datetime) -> None:
    """Others who have claimed the name, above or below it, but not proved it, must now prove it on their own.

    So must this one, where a rival's claim was written at the same moment and neither saw the other. Who had its tokens
    in DNS before a rival came keeps that evidence. Once more changes nothing, so whoever finishes a claim whose own
    request died calls it as well.
    """
    rivals = list(ownership.unproved_rivals(organization=domain.organization, name=domain.name))
    is_late = not domain.is_contested and ownership.has_rival(organization=domain.organization, name=domain.name)
    for claim in (*rivals, *([domain] if is_late else ())):
        if not _was_seen_before_any_rival(claim) and ownership.contest(domain=claim, now=now):
            provisioning.plan_again(domain=claim, now=now)
            record_event(claim, "domain.contested", now=now, reason=ANOTHER_CLAIM)


def _was_seen_before_any_rival(claim: Domain) -> bool:
    """The tokens were this organization's alone when they appeared in DNS: whoever put them there acts for it."""
    rival_since = ownership.rival_since(organization=claim.organization, name=claim.name)
    if rival_since is None or not was_handed_out_clean(claim):
        return False
    seen: dict[str, list[bool]] = {Purpose.OWNERSHIP: [], Purpose.DKIM: []}
    for record in current_records(claim):
        if record.purpose in seen:
            seen[record.purpose].append(record.first_ok_at is not None and record.first_ok_at < rival_since)
    return any(found and all(found) for found in seen.values())
