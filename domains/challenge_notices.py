"""What the two sides of a challenge are told; neither learns who the other is."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from accounts.models import Notice
from accounts.notices import tell_owners
from accounts.timestamps import seconds
from domains.challenge_rules import NOTICES
from domains.models import Challenge, Domain
from domains.records import CLAIM_LABEL, PlannedRecord, Purpose, claim_value

KIND = "domain.challenged"


def incumbent_records(incumbent: Domain) -> list[PlannedRecord]:
    """The incumbent's own proof: its claim's record, or those of SES where it needed none. Any one keeps the name."""
    if incumbent.claim_token:
        name = f"{CLAIM_LABEL}.{incumbent.name}"
        return [PlannedRecord(Purpose.CLAIM, "TXT", name, claim_value(incumbent.claim_token), None, True)]
    return [
        PlannedRecord(Purpose(record.purpose), record.type, record.name, record.value, record.priority, True)
        for record in incumbent.records.filter(generation=incumbent.generation).order_by("position")
        if record.purpose in (Purpose.OWNERSHIP, Purpose.DKIM)
    ]


def page_of(route: str, public_id: str) -> str:
    return settings.PUBLIC_URL + reverse(f"dashboard:{route}", args=[public_id])


def warn_incumbent(*, challenge: Challenge, incumbent: Domain, number: int, ends_at: datetime, now: datetime) -> None:
    """Notice `number` of two, in the caller's transaction."""
    records = "\n".join(f"  {each.type}  {each.name}  {each.value}" for each in incumbent_records(incumbent)[:1])
    name = incumbent.name
    tell_owners(
        organization=incumbent.organization,
        kind=KIND,
        subject=f"{name} will move to another organization" + (" (last notice)" if number == NOTICES else ""),
        body=(
            f"Another organization says that {name} is its own, and has put a record into its DNS to show it."
            " Your own proof is no longer there.\n\n"
            f"If the name is still yours, publish this record again:\n\n{records}\n\n"
            f"As long as it stands, the name stays yours. If it does not come back, {name} moves to the other"
            f" organization at {seconds(ends_at)} or soon after: from then on its mail is theirs. Mail that has arrived"
            f" stays with you.\n\n{page_of('domain', incumbent.public_id)}\n"
        ),
        key=f"{_prefix(challenge)}{incumbent.public_id}:{now.isoformat()}",
        now=now,
    )


def are_both_mailed(*, challenge: Challenge, incumbent: Domain) -> bool:
    """Whether the two last notices have really gone out: what no mail server took has reached nobody."""
    sent = Notice.objects.filter(organization=incumbent.organization, key__startswith=_prefix(challenge))
    last = list(sent.order_by("-created_at", "-pk").values_list("mailed_at", flat=True)[:NOTICES])
    return len(last) == NOTICES and None not in last


def tell_of_the_end(*, challenge: Challenge, former: Domain | None, winner: Domain | None, now: datetime) -> None:
    """Tell whom it concerns, in the caller's transaction: who lost the name, and who challenged it."""
    name = challenge.name
    if former is not None:
        tell_owners(
            organization=former.organization,
            kind="domain.moved",
            subject=f"{name} has moved to another organization",
            body=(
                f"{name} now belongs to another organization, which has shown that it controls its DNS. Mail from now"
                f" on is theirs; what has arrived stays with you.\n\n{page_of('domain', former.public_id)}\n"
            ),
            key=f"{_prefix(challenge)}moved",
            now=now,
        )
    page = page_of("domain", winner.public_id) if winner else page_of("challenge", challenge.public_id)
    body = (
        f"{name} is yours. Publish the records on its page to receive mail and to send."
        if winner
        else f"Your challenge of {name} has ended: {challenge.decision}"
    )
    tell_owners(
        organization=challenge.organization,
        kind="challenge.ended",
        subject=f"{name} is yours" if winner else f"{name} stays where it is",
        body=f"{body}\n\n{page}\n",
        key=f"{_prefix(challenge)}ended",
        now=now,
    )


def _prefix(challenge: Challenge) -> str:
    return f"challenge:{challenge.public_id}:"
