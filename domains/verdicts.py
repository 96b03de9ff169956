"""Write down what one look saw of each record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from aws.identities import IdentityStatus
from domains.evidence import Seen
from domains.models import DnsRecord
from domains.records import Purpose

VERDICT_FIELDS = (
    "verdict",
    "code",
    "message",
    "fix",
    "observed",
    "servers",
    "other_codes",
    "public_verdict",
    "checked_at",
    "first_ok_at",
)
WAITING_IN_SES = frozenset({"NOT_STARTED", "PENDING"})


def record_verdicts(records: Sequence[DnsRecord], seen: Seen, status: IdentityStatus | None, *, now: datetime) -> None:
    """Each record's verdict, and since when it has been right once; what could not be seen keeps its old one."""
    unconfirmed = _unconfirmed_by_ses(status)
    for record in records:
        judgement = seen.judgements[record.pk]
        if record.purpose in unconfirmed:
            judgement = judgement.awaiting_ses()
        if judgement.verdict == "unknown" and record.verdict:
            # Unknown is never missing: the old verdict stays, with its own time; only why we could not see is new.
            record.code, record.message, record.fix = judgement.code, judgement.message, judgement.fix
            record.other_codes = list(judgement.other_codes)
            continue
        record.verdict = judgement.verdict
        record.code = judgement.code
        record.message = judgement.message
        record.fix = judgement.fix
        record.observed = list(judgement.observed)
        record.servers = [{"server": server, "verdict": verdict} for server, verdict in judgement.servers]
        record.other_codes = list(judgement.other_codes)
        record.public_verdict = judgement.public_verdict
        record.checked_at = now
        if record.is_ok and record.first_ok_at is None:
            record.first_ok_at = now
    with transaction.atomic():
        # Two checks of one domain write its rows in turn: each in an order of its own they would lock each other out.
        locked = DnsRecord.objects.filter(pk__in=[record.pk for record in records]).order_by("pk").select_for_update()
        first_ok_at = dict(locked.values_list("pk", "first_ok_at"))
        for record in records:
            record.first_ok_at = first_ok_at.get(record.pk) or record.first_ok_at
        DnsRecord.objects.bulk_update(records, VERDICT_FIELDS)


def _unconfirmed_by_ses(status: IdentityStatus | None) -> frozenset[Purpose]:
    """The records that SES has been told to look for and has not found yet."""
    if status is None:
        return frozenset()
    waits = {
        Purpose.OWNERSHIP: status.verification_status in WAITING_IN_SES,
        Purpose.DKIM: (status.dkim_status or "NOT_STARTED") in WAITING_IN_SES,
    }
    return frozenset(purpose for purpose, is_waiting in waits.items() if is_waiting)
