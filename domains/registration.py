"""Claim a name for an organization, and find an organization's claims."""

from __future__ import annotations

import logging
import uuid as uuids
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import Refusal, UpstreamRefusal
from accounts.models import Organization
from aws.pacing import person
from domains import ownership, provisioning
from domains.choices import Choices
from domains.contesting import contest_rivals, look_before_handing_out
from domains.history import record_event
from domains.models import Domain, DomainEvent, NameLedger, SesTenant
from domains.models.domain import DomainQuerySet
from domains.names import DomainName, parse_domain_name
from domains.states import Reason, Status
from domains.tenants import TenantNameTaken, WantedTenant, wish_undone
from domains.upstream import upstream_refusals

logger = logging.getLogger(__name__)

DEFAULT_DMARC = "v=DMARC1; p=none;"
DEFAULT_CHOICES = Choices()
# A call whose answer did not come may still be carried out: what it left is looked for after that.
LANDS_WITHIN = timedelta(seconds=15)


class DomainAlreadyRegistered(Refusal):
    code = "domain_already_registered"
    default_message = "Domain already registered"


class DomainQuotaReached(Refusal):
    code = "domain_quota_reached"
    default_message = "This organization has as many domains as it may have."


class RegionNotOffered(Refusal):
    code = "region_not_offered"
    default_message = "This region is not offered."


class DomainNotFound(Refusal):
    code = "domain_not_found"
    default_message = "Domain does not exist"


class RestartsExhausted(Refusal):
    code = "restarts_exhausted"
    default_message = "This domain was set up again too often today. Try again tomorrow."


def validated_name(name: object) -> DomainName:
    """The name as the core holds it; raises InvalidDomainName."""
    host = urlsplit(settings.PUBLIC_URL).hostname
    return parse_domain_name(
        name,
        allowed_special_tlds=frozenset(settings.ALLOWED_SPECIAL_TLDS),
        own_hosts=frozenset({host} if host else ()),
    )


def register_domain(
    *,
    organization: Organization,
    name: object,
    actor: str,
    now: datetime,
    region: str | None = None,
    is_default: bool = False,
    is_receiving: bool = True,
    dmarc_value: str | None = None,
    choices: Choices = DEFAULT_CHOICES,
    tenant: WantedTenant | None = None,
) -> Domain:
    """Claim `name`, have SES make its tenant, if one is wanted, and its identity; return the claim with its records.

    Raises InvalidDomainName, InvalidSpfValue, RegionNotOffered, DomainAlreadyRegistered, DomainQuotaReached; and
    TenantNameTaken or an UpstreamRefusal: then the claim is undone, and a wish stays until nothing of it is in AWS.
    """
    parsed = validated_name(name)
    choices.check()
    claim = _claim(
        organization=organization,
        name=parsed,
        region=_offered(region),
        is_default=is_default,
        is_receiving=is_receiving,
        dmarc_value=(dmarc_value or DEFAULT_DMARC).replace("{name}", parsed.ascii),
        choices=choices,
        tenant=tenant,
        actor=actor,
        now=now,
    )
    domain = claim.domain
    try:
        with upstream_refusals():
            caller = person()
            if tenant:
                tenant.make(domain=domain, caller=caller)
            facts = provisioning.fetch_identity(domain=domain, caller=caller)
    except (UpstreamRefusal, TenantNameTaken):
        _undo_claim(claim, now=now)
        raise
    look_before_handing_out(domain=domain, facts=facts, now=now)
    if not provisioning.store_identity(domain=domain, facts=facts, now=now):
        raise DomainNotFound
    contest_rivals(domain=domain, now=now)
    domain.refresh_from_db()
    return domain


def _offered(region: str | None) -> str:
    region = region or settings.SES_REGIONS[0]
    if region not in settings.SES_REGIONS:
        raise RegionNotOffered(f"Region {region} is not offered.", field="region")
    return region


@dataclass(frozen=True)
class _Claim:
    """A fresh claim, and what must be put back if it is undone."""

    domain: Domain
    is_new_in_ledger: bool
    former_default: int | None


def _claim(
    *,
    organization: Organization,
    name: DomainName,
    region: str,
    is_default: bool,
    is_receiving: bool,
    dmarc_value: str,
    choices: Choices,
    tenant: WantedTenant | None,
    actor: str,
    now: datetime,
) -> _Claim:
    former_default: int | None = None
    try:
        with transaction.atomic():
            # One at a time an organization: the quotas and "already registered" are decided under this lock.
            Organization.objects.select_for_update().get(pk=organization.pk)
            _refuse_duplicates(organization=organization, name=name.ascii)
            _refuse_over_quota(organization)
            if is_default:
                former = Domain.objects.live().filter(organization=organization, is_default=True)
                former_default = former.values_list("pk", flat=True).first()
                former.update(is_default=False, updated_at=now)
            domain = Domain.objects.create(
                organization=organization,
                name=name.ascii,
                region=region,
                is_default=is_default,
                is_receiving=is_receiving,
                dmarc_value=dmarc_value,
                is_sending=choices.is_sending,
                is_dmarc_wanted=choices.is_dmarc_wanted,
                spf_mode=choices.spf_mode.value,
                spf_value=choices.spf_value,
                claim_started_at=now,
                created_at=now,
                updated_at=now,
            )
            is_new_in_ledger = ownership.enter_in_ledger(organization=organization, name=name.ascii, now=now)
            if name.is_private_suffix or ownership.has_rival(organization=organization, name=name.ascii):
                ownership.contest(domain=domain, now=now)
            if tenant:
                tenant.hold(domain=domain, now=now, due_at=now + provisioning.INLINE_GRACE)
            provisioning.wish_identity(domain=domain, now=now)
            record_event(domain, "domain.created", now=now, actor=actor, after=domain.status)
    except IntegrityError as error:
        raise DomainAlreadyRegistered from error
    return _Claim(domain, is_new_in_ledger, former_default)


def _refuse_duplicates(*, organization: Organization, name: str) -> None:
    own = Domain.objects.live().filter(organization=organization, name=name)
    if own.exists() or ownership.is_proved_elsewhere(organization=organization, name=name):
        raise DomainAlreadyRegistered


def _refuse_over_quota(organization: Organization) -> None:
    live = Domain.objects.live().filter(organization=organization)
    if live.count() >= settings.MAX_DOMAINS:
        raise DomainQuotaReached
    if live.filter(proved_at__isnull=True, status=Status.PENDING).count() >= settings.MAX_PENDING_DOMAINS:
        raise DomainQuotaReached("Too many domains of this organization are waiting to be verified.")


def _undo_claim(claim: _Claim, *, now: datetime) -> None:
    """As if it had never been claimed; only the wish that nothing is left in AWS stays."""
    domain = claim.domain
    with transaction.atomic():
        if claim.is_new_in_ledger:
            NameLedger.objects.filter(name=domain.name, organization=domain.organization).delete()
        looked_for_at = timezone.now() + LANDS_WITHIN
        held = list(SesTenant.objects.filter(domain=domain))
        # The claim before the wish, as everywhere: the reconciler, who may be at this claim now, takes them so too.
        Domain.objects.filter(pk=domain.pk).delete()
        wish_undone(tenants=held, now=now, due_at=looked_for_at)
        provisioning.wish_identity_gone_unless_needed(
            domain=domain, now=now, due_at=looked_for_at, reason="the claim was undone"
        )
        if claim.former_default is not None and not _has_default(domain.organization):
            Domain.objects.live().filter(pk=claim.former_default).update(is_default=True, updated_at=now)


def _has_default(organization: Organization) -> bool:
    return Domain.objects.live().filter(organization=organization, is_default=True).exists()


def restart_claim(*, domain: Domain, actor: str, now: datetime) -> Domain:
    """Start the search for ownership again with 72 fresh hours; the id, the history and the tokens' history stay.

    Raises RestartsExhausted after MAX_RESTARTS_PER_DAY, DomainAlreadyRegistered when another has proved the name
    meanwhile, DomainNotFound when it is gone, and the upstream refusals, having changed nothing.
    """
    recent = DomainEvent.objects.filter(domain=domain, type="domain.restarted", at__gt=now - timedelta(days=1))
    if recent.count() >= settings.MAX_RESTARTS_PER_DAY:
        raise RestartsExhausted
    if ownership.is_proved_elsewhere(organization=domain.organization, name=domain.name):
        raise DomainAlreadyRegistered
    with upstream_refusals():
        facts = provisioning.fetch_identity(domain=domain, caller=person(), is_restart=True)
    before = domain.status
    with transaction.atomic():
        changed = (
            Domain.objects.live()
            .filter(pk=domain.pk, status__in=[Status.PENDING, Status.FAILED])
            .update(
                status=Status.PENDING,
                reason=Reason.AWAITING_MX if domain.is_proved else Reason.AWAITING_DNS,
                claim_started_at=now,
                updated_at=now,
            )
        )
        if changed:
            provisioning.wish_identity(domain=domain, now=now)
            record_event(domain, "domain.restarted", now=now, actor=actor, before=before, after=Status.PENDING)
    if not provisioning.store_identity(domain=domain, facts=facts, now=now):
        raise DomainNotFound
    domain.refresh_from_db()
    return domain


def visible_domains(*, organization: Organization) -> DomainQuerySet:
    """The organization's live claims."""
    return Domain.objects.live().filter(organization=organization).select_related("organization")


def access_domain(*, organization: Organization, public_id: str) -> Domain:
    """The organization's live claim of this id; anything else is DomainNotFound."""
    return _only(visible_domains(organization=organization).filter(public_id=_clean(public_id)))


def access_domain_by_uuid(*, organization: Organization, uuid: uuids.UUID) -> Domain:
    return _only(visible_domains(organization=organization).filter(uuid=uuid))


def access_domain_by_name(*, organization: Organization, name: str) -> Domain:
    return _only(visible_domains(organization=organization).filter(name=_clean(name)))


def _clean(text: str) -> str:
    """PostgreSQL refuses NUL and lone surrogates in a parameter; neither is in any id."""
    return text if text.isprintable() and len(text) <= 253 else ""


def _only(rows: DomainQuerySet) -> Domain:
    domain = rows.first()
    if domain is None:
        raise DomainNotFound
    return domain
