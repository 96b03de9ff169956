"""Setups: a tenant and a domain identity made together, and the use cases that hang on them."""

from __future__ import annotations

import logging
import uuid as uuids
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.errors import Refusal
from accounts.models import Organization
from aws.pacing import person
from channels.inboxes import create_inbox, delete_inbox, parse_inbox_address
from channels.models import EmailAccount, SesSetup, SesSetupQuerySet, UseCase, UseCaseQuerySet
from channels.removal import remove_domain
from domains.live_reads import look_live
from domains.models import SesTenant
from domains.names import normalise_name
from domains.reconciler import carry_out_removal
from domains.registration import DomainNotFound, register_domain, validated_name
from domains.tenants import WantedTenant, free_name
from domains.upstream import upstream_refusals

logger = logging.getLogger(__name__)

__all__ = [
    "SetupNotFound",
    "UseCaseNotFound",
    "WrongSenderDomain",
    "access_setup",
    "access_use_case",
    "create_setup",
    "create_use_case",
    "delete_setup",
    "delete_use_case",
    "look_at_setup",
    "standing_setups",
    "visible_setups",
    "visible_use_cases",
]


class SetupNotFound(Refusal):
    code = "setup_not_found"
    default_message = "SES setup not found"


class UseCaseNotFound(Refusal):
    code = "use_case_not_found"
    default_message = "Use case not found"


class WrongSenderDomain(Refusal):
    code = "wrong_sender_domain"
    default_message = "The sender's domain is not the domain of the setup."


def create_setup(
    *,
    organization: Organization,
    tenant_name: str,
    name: object,
    dmarc_value: str,
    actor: str,
    now: datetime,
) -> SesSetup:
    """Make the tenant, then the identity of the domain; what either lacks undoes both.

    Raises what `register_domain` does, TenantNameTaken among it.
    """
    validated_name(name)
    with upstream_refusals():
        # Whose deletion SES has not carried out yet still holds the name; that is done first.
        free_name(name=tenant_name, caller=person())

    def bind(tenant: SesTenant) -> None:
        SesSetup.objects.create(organization=organization, domain=tenant.domain, tenant=tenant, created_at=now)

    domain = register_domain(
        organization=organization,
        name=name,
        dmarc_value=dmarc_value,
        tenant=WantedTenant(name=tenant_name, bind=bind),
        actor=actor,
        now=now,
    )
    return access_setup(among=visible_setups(organization=organization), uuid=domain.uuid)


def standing_setups(*, organization: Organization) -> SesSetupQuerySet:
    """The organization's setups whose deletion nobody has been told of yet: those that may be deleted."""
    return (
        SesSetup.objects.standing()
        .filter(organization=organization)
        .select_related("domain__organization", "tenant", "organization")
    )


def visible_setups(*, organization: Organization) -> SesSetupQuerySet:
    """The organization's setups, those that SES has not let go of yet among them, newest first."""
    return (
        standing_setups(organization=organization).filter(tenant__removed_at__isnull=True).order_by("-created_at", "id")
    )


def access_setup(*, among: SesSetupQuerySet, uuid: uuids.UUID) -> SesSetup:
    """The setup of this id among an organization's; anything else is SetupNotFound."""
    setup = among.filter(domain__uuid=uuid).first()
    if setup is None:
        raise SetupNotFound
    return setup


def look_at_setup(*, setup: SesSetup, actor: str, now: datetime, may_restart: bool = False) -> SesSetup:
    """Look at the setup's domain now, within 5 s; raises SetupNotFound when it is gone meanwhile."""
    if setup.deletion_began_at is None:
        try:
            setup.domain = look_live(domain=setup.domain, actor=actor, now=now, may_restart=may_restart)
        except DomainNotFound as refusal:
            raise SetupNotFound from refusal
    return setup


def delete_setup(*, setup: SesSetup, actor: str, now: datetime) -> None:
    """Have SES let go of association, tenant and identity, in this order; then the setup is gone.

    Routing stops at once. Where SES does not do its part the setup stays, the reconciler goes on, and deleting it
    again ends well. Raises UseCasesExist and the upstream refusals.
    """
    if setup.deletion_began_at is None:
        try:
            remove_domain(domain=setup.domain, actor=actor, now=now, refuses_inboxes=False, keeps_setup=True)
        except DomainNotFound:
            logger.info("%s: another deletion was first, and is waited for", setup)
    with upstream_refusals():
        carry_out_removal(domain=setup.domain, tenant_name=setup.tenant.tenant_name, caller=person())
    SesSetup.objects.standing().filter(pk=setup.pk).update(removed_at=timezone.now())


def create_use_case(
    *,
    setup: SesSetup,
    entity_name: str,
    name: str,
    description: str | None,
    sender: str,
    email_type: UseCase.EmailType,
    actor: str,
    now: datetime,
) -> UseCase:
    """Make the inbox that the use case sends from and receives at.

    Raises InvalidAddress, WrongSenderDomain, DomainNotActive, InboxExists.
    """
    local_part, domain_name = parse_inbox_address(sender)
    if normalise_name(domain_name) != setup.domain.name:
        raise WrongSenderDomain
    with transaction.atomic():
        inbox = create_inbox(
            organization=setup.organization,
            domain=setup.domain,
            local_part=local_part,
            name=name,
            actor=actor,
            now=now,
        )
        EmailAccount.objects.filter(pk=inbox.pk).update(can_send=True)
        return UseCase.objects.create(
            setup=setup,
            inbox=inbox,
            entity_name=entity_name,
            name=name,
            description=description,
            email_type=email_type,
            created_at=now,
        )


def visible_use_cases(*, organization: Organization) -> UseCaseQuerySet:
    """The organization's use cases, newest first."""
    return (
        UseCase.objects.live()
        .filter(inbox__organization=organization)
        .select_related("inbox__domain", "setup__domain")
        .order_by("-created_at", "-pk")
    )


def access_use_case(*, among: UseCaseQuerySet, uuid: uuids.UUID) -> UseCase:
    """The use case of this id among an organization's; anything else is UseCaseNotFound."""
    use_case = among.filter(uuid=uuid).first()
    if use_case is None:
        raise UseCaseNotFound
    return use_case


def delete_use_case(*, use_case: UseCase, actor: str, now: datetime) -> None:
    """End the use case and its inbox; the messages stay. Raises UseCaseNotFound if it had already ended."""
    if not delete_inbox(inbox=use_case.inbox, actor=actor, now=now):
        raise UseCaseNotFound
