"""Remove a domain with all that hangs on it: the one verb for every face."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.errors import Refusal
from channels.inboxes import deactivate_inboxes
from channels.models import Channel, EmailAccount, SesSetup, UseCase
from domains.facts import current_records
from domains.models import DnsRecord, Domain
from domains.registration import DomainNotFound
from domains.removal import remove_claim


class DomainInUse(Refusal):
    code = "domain_in_use"
    default_message = "Cannot delete domain with active inboxes"


class UseCasesExist(DomainInUse):
    code = "use_cases_exist"
    default_message = "Delete the use cases of this domain first."


@dataclass(frozen=True)
class RemovedDomain:
    """What was removed and when, and the DNS records that its owner should now take out."""

    domain: Domain
    removed_at: datetime
    records_to_take_out: list[DnsRecord]


def remove_domain(
    *, domain: Domain, actor: str, now: datetime, refuses_inboxes: bool = True, keeps_setup: bool = False
) -> RemovedDomain:
    """End the claim and what hangs on it, in one transaction; AWS follows by the reconciler.

    Raises DomainInUse while inboxes are on it, unless they shall go with it: then they stop receiving and stay
    readable. Raises UseCasesExist while a setup is used, whoever asks, and DomainNotFound if the domain is gone.
    `keeps_setup` is for who waits until AWS has let go of it.
    """
    with transaction.atomic():
        live = Domain.objects.live().select_for_update(of=("self",)).filter(pk=domain.pk).first()
        if live is None:
            raise DomainNotFound
        if UseCase.objects.live().filter(setup__domain=live).exists():
            raise UseCasesExist
        if refuses_inboxes and EmailAccount.objects.live().filter(domain=live).exists():
            raise DomainInUse
        deactivate_inboxes(domain=live)
        setups = SesSetup.objects.standing().filter(domain=live)
        setups.update(deletion_began_at=now, removed_at=None if keeps_setup else now)
        Channel.objects.filter(domain=live).update(domain=None, is_connected=False, receiving_active_at=None)
        remove_claim(domain=live, actor=actor, now=now)
    live.refresh_from_db()
    return RemovedDomain(domain=live, removed_at=now, records_to_take_out=_standing(live))


def _standing(domain: Domain) -> list[DnsRecord]:
    """What was seen in the DNS, and what nobody could look for."""
    return [record for record in current_records(domain) if record.verdict in ("", "unknown") or _was_seen(record)]


def _was_seen(record: DnsRecord) -> bool:
    return record.first_ok_at is not None or any(record.value in seen for seen in record.observed)
