"""A MAIL FROM subdomain: a return path of the owner's own, with an SPF record that shares no budget with the name's.

docs.aws.amazon.com/ses/latest/dg/mail-from.html: SES sends under its own MAIL FROM while the custom one is not right,
so that nothing breaks; its MX must be the only one at the subdomain; SES looks for 72 h, then wants to be asked again.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.errors import Refusal
from aws.errors import AwsError
from aws.identities import find_identity, set_mail_from
from aws.pacing import Caller, background, person
from domains.history import record_event
from domains.models import Domain
from domains.provisioning import plan_again
from domains.registration import DomainNotFound
from domains.upstream import upstream_refusals

logger = logging.getLogger(__name__)

PROPOSED_LABEL = "bounce"
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
BATCH = 20


class InvalidMailFrom(Refusal):
    code = "invalid_mail_from"
    default_message = "A MAIL FROM subdomain is one word of letters, digits and hyphens, such as “bounce”."


class MailFromTaken(Refusal):
    code = "mail_from_taken"
    default_message = "This subdomain receives mail of its own; choose another word."


class IdentityNotOurs(Refusal):
    code = "identity_not_ours"
    default_message = "The Amazon SES identity of this name was not made here, so its MAIL FROM is not ours to change."


def mail_from_of(domain: Domain) -> str:
    """The custom MAIL FROM domain that the owner wants, "" for SES's own."""
    return f"{domain.mail_from_label}.{domain.name}" if domain.mail_from_label else ""


def use_mail_from(*, domain: Domain, label: str, actor: str, now: datetime) -> Domain:
    """Send under `label.<name>` from now on, "" for SES's own MAIL FROM; its two records are listed with the others.

    The wish is stored before SES is asked; what SES did not take in is set by the reconciler. Raises InvalidMailFrom,
    MailFromTaken, IdentityNotOurs, DomainNotFound, UpstreamRefusal.
    """
    wanted = label.strip().lower().removesuffix(f".{domain.name}")
    if wanted and not (LABEL.fullmatch(wanted) and len(f"{wanted}.{domain.name}") <= 253):
        raise InvalidMailFrom(field="mail_from")
    with transaction.atomic():
        row = Domain.objects.live().select_for_update(of=("self",)).filter(pk=domain.pk).first()
        if row is None:
            raise DomainNotFound
        if not row.identity_is_ours:
            raise IdentityNotOurs
        if wanted and _has_mail_of_its_own(f"{wanted}.{row.name}"):
            raise MailFromTaken(field="mail_from")
        before = row.mail_from_label
        if before != wanted:
            Domain.objects.filter(pk=row.pk).update(
                mail_from_label=wanted, mail_from_status="PENDING" if wanted else "", next_check_at=now, updated_at=now
            )
            row.refresh_from_db()
            plan_again(domain=row, now=now)
            record_event(
                row,
                "domain.options_changed",
                now=now,
                actor=actor,
                evidence={"before": {"mail_from": before}, "after": {"mail_from": wanted}},
            )
    with upstream_refusals():
        _converge(row, caller=person())
    domain.refresh_from_db()
    return domain


def _has_mail_of_its_own(name: str) -> bool:
    """Somebody has registered it: a return path takes the MX of its name for itself."""
    return Domain.objects.live().filter(name=name).exists()


def converge_mail_from(*, now: datetime) -> int:
    """Set at SES what is wanted and not there, and ask again what it gave up; how many names were looked at."""
    waiting = Domain.objects.live().filter(
        ~Q(mail_from_label="") & ~Q(mail_from_status="SUCCESS"), identity_is_ours=True, records__isnull=False
    )
    looked = 0
    for domain in waiting.distinct().order_by("checked_at")[:BATCH]:
        try:
            _converge(domain, caller=background())
        except AwsError as error:
            logger.warning("the MAIL FROM of %s waits: %s", domain.name, error)
            continue
        looked += 1
    return looked


def _converge(domain: Domain, *, caller: Caller) -> None:
    """Raises AwsError. A failed MAIL FROM needs its Put call again, once its MX stands in DNS."""
    wanted = mail_from_of(domain)
    facts = find_identity(name=domain.name, region=domain.region, caller=caller)
    if facts is None or not facts.is_ours or _is_set_elsewhere(domain, wanted, facts.mail_from_domain):
        return
    status = facts.mail_from_status
    if facts.mail_from_domain != wanted or (wanted and status == "FAILED" and _stands_in_dns(domain)):
        set_mail_from(name=domain.name, region=domain.region, mail_from=wanted, caller=caller)
        status = "PENDING"
    Domain.objects.filter(pk=domain.pk, mail_from_label=domain.mail_from_label).update(
        mail_from_status=status if wanted else ""
    )


def _is_set_elsewhere(domain: Domain, wanted: str, held: str) -> bool:
    """The identity is shared by all who claim the name: who wants none leaves alone what another's claim has set."""
    others = Domain.objects.live().filter(name=domain.name, region=domain.region).exclude(pk=domain.pk)
    return not wanted and any(mail_from_of(other) == held for other in others)


def _stands_in_dns(domain: Domain) -> bool:
    return domain.records.filter(generation=domain.generation, purpose="mail_from_mx", verdict="ok").exists()
