"""See to it that a claim has its DKIM tokens: SES may have given none when the claim was made."""

from __future__ import annotations

from datetime import datetime

from accounts.errors import Refusal, UpstreamRefusal
from aws.pacing import person
from domains import provisioning
from domains.facts import current_records
from domains.models import Domain
from domains.records import Purpose
from domains.upstream import upstream_refusals


class DkimUnavailable(Refusal):
    code = "dkim_unavailable"
    default_message = "Amazon SES has given no DKIM tokens for this domain yet."


def ensure_dkim_tokens(*, domain: Domain, now: datetime) -> Domain:
    """The claim with its DKIM records, asking SES only where they are missing; raises DkimUnavailable."""
    if _has_dkim(domain):
        return domain
    try:
        with upstream_refusals():
            facts = provisioning.fetch_identity(domain=domain, caller=person())
    except UpstreamRefusal as refusal:
        raise DkimUnavailable from refusal
    provisioning.store_identity(domain=domain, facts=facts, now=now)
    if not _has_dkim(domain):
        raise DkimUnavailable
    return domain


def _has_dkim(domain: Domain) -> bool:
    return any(record.purpose == Purpose.DKIM for record in current_records(domain))
