"""SES tenants: who holds which name, and what of it AWS shall have.

A tenant is made before the identity of its claim and associated with it once the claim is proved. It goes in reverse
order; its name is free again when SES has let go of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import Refusal
from aws.errors import AwsRefused
from aws.pacing import Caller
from aws.tenants import (
    associate_configuration_set,
    associate_identity,
    delete_tenant,
    dissociate_configuration_set,
    dissociate_identity,
    ensure_tenant,
    find_tenant,
)
from domains import intents
from domains.models import AwsIntent, Domain, Installation, SesTenant

logger = logging.getLogger(__name__)

TENANT, ASSOCIATION = AwsIntent.Kind.TENANT, AwsIntent.Kind.ASSOCIATION


class TenantNameTaken(Refusal):
    code = "tenant_name_taken"
    default_message = "There is a tenant of this name already."


@dataclass(frozen=True)
class WantedTenant:
    """A tenant for a claim that is about to be made; `bind` writes what hangs on it, in the claim's transaction."""

    name: str
    bind: Callable[[SesTenant], None]

    def hold(self, *, domain: Domain, now: datetime, due_at: datetime) -> None:
        """Take the name and wish for the tenant; raises TenantNameTaken, also for the later of two at once."""
        try:
            with transaction.atomic():
                tenant = SesTenant.objects.create(
                    organization=domain.organization,
                    domain=domain,
                    tenant_name=self.name,
                    region=domain.region,
                    created_at=now,
                )
        except IntegrityError as error:
            raise TenantNameTaken from error
        self.bind(tenant)
        _wish(TENANT, tenant, present=True, now=now, due_at=due_at, reason=f"claim {domain.public_id}")

    def make(self, *, domain: Domain, caller: Caller) -> None:
        """Have SES make it; raises AwsError, and TenantNameTaken where the account has one that is not ours by tag."""
        intents.carry_out_now(
            kind=TENANT, region=domain.region, name=self.name, caller=caller, converge=converge_tenant
        )


def free_name(*, name: str, caller: Caller) -> None:
    """Carry out the removal that still holds the name, if there is one; raises AwsError."""
    leaving = SesTenant.objects.filter(tenant_name=name, leaving_at__isnull=False, removed_at__isnull=True).first()
    if leaving is None:
        return
    for kind, converge in ((ASSOCIATION, converge_association), (TENANT, converge_tenant)):
        intents.carry_out_now(kind=kind, region=leaving.region, name=name, caller=caller, converge=converge)


def wish_undone(*, tenants: Iterable[SesTenant], now: datetime, due_at: datetime) -> None:
    """Nothing of what an undone claim held shall be left in SES. In the transaction that undid it."""
    for tenant in tenants:
        _wish(TENANT, tenant, present=False, now=now, due_at=due_at, reason="the claim was undone")


def wish_associated(*, domain: Domain, now: datetime) -> None:
    """The claim is proved: its identity may send through its tenant. In the transaction of the proof."""
    for tenant in SesTenant.objects.filter(domain=domain, leaving_at__isnull=True):
        _wish(ASSOCIATION, tenant, present=True, now=now, reason=f"claim {domain.public_id} is proved")


def wish_dissociated(*, domain: Domain, now: datetime) -> None:
    """The name has moved to another organization: nothing is sent with it through this tenant any more."""
    for tenant in SesTenant.objects.filter(domain=domain, leaving_at__isnull=True):
        _wish(ASSOCIATION, tenant, present=False, now=now, reason=f"claim {domain.public_id} has lost the name")


def wish_gone(*, domain: Domain, now: datetime) -> None:
    """The claim ends, and the tenant with it: association first. In the transaction of the removal."""
    reason = f"claim {domain.public_id} was removed"
    for tenant in SesTenant.objects.filter(domain=domain, leaving_at__isnull=True):
        SesTenant.objects.filter(pk=tenant.pk).update(leaving_at=now)
        if domain.is_proved or tenant.is_associated:
            _wish(ASSOCIATION, tenant, present=False, now=now, reason=reason)
        _wish(TENANT, tenant, present=False, now=now, reason=reason)


def _wish(
    kind: AwsIntent.Kind,
    tenant: SesTenant,
    *,
    present: bool,
    now: datetime,
    due_at: datetime | None = None,
    reason: str,
) -> None:
    desired = AwsIntent.Desired.PRESENT if present else AwsIntent.Desired.ABSENT
    name = tenant.tenant_name
    intents.wish(kind=kind, region=tenant.region, name=name, desired=desired, now=now, due_at=due_at, reason=reason)


def converge_tenant(intent: AwsIntent, caller: Caller) -> None:
    """The tenant is there while a live claim holds its name, whatever the wish said when it was written.

    Raises AwsError, TenantNameTaken. An endpoint without tenants has none to make and none to delete.
    """
    tenant = _holder(intent)
    if tenant is not None and tenant.leaving_at is None:
        _make(tenant, caller)
        return
    try:
        found = find_tenant(tenant_name=intent.name, region=intent.region, caller=caller)
        if found is not None and not found.is_ours:
            AwsIntent.objects.filter(pk=intent.pk, revision=intent.revision).update(reason=intents.NOT_OURS)
        elif found is not None:
            delete_tenant(tenant_name=intent.name, region=intent.region, caller=caller)
    except AwsRefused as refusal:
        if not refusal.is_unsupported:
            raise
    if tenant is not None:
        SesTenant.objects.filter(pk=tenant.pk).update(removed_at=timezone.now(), is_associated=False)


def converge_association(intent: AwsIntent, caller: Caller) -> None:
    """The identity and the configuration set are the tenant's to send with while its claim is live and proved.

    Raises AwsError, TenantNameTaken.
    """
    tenant = _holder(intent)
    if tenant is None:
        # SES takes the associations of a deleted tenant along.
        return
    claim = tenant.domain
    is_wanted = tenant.leaving_at is None and claim.removed_at is None and claim.is_proved
    try:
        if is_wanted:
            _associate(tenant, caller)
        else:
            _dissociate(tenant, caller)
    except AwsRefused as refusal:
        if not refusal.is_unsupported:
            raise
        is_wanted = False
    SesTenant.objects.filter(pk=tenant.pk).update(is_associated=is_wanted)


def _holder(intent: AwsIntent) -> SesTenant | None:
    held = SesTenant.objects.filter(tenant_name=intent.name, region=intent.region, removed_at__isnull=True)
    return held.select_related("domain").first()


def _make(tenant: SesTenant, caller: Caller) -> None:
    try:
        facts = ensure_tenant(tenant_name=tenant.tenant_name, region=tenant.region, caller=caller)
    except AwsRefused as refusal:
        if not refusal.is_unsupported:
            raise
        logger.warning("%s has no tenants: %s is set up without one (%s)", tenant.region, tenant, refusal)
        return
    if not facts.is_ours:
        raise TenantNameTaken
    SesTenant.objects.filter(pk=tenant.pk, made_at__isnull=True).update(made_at=timezone.now())
    if facts.was_created and tenant.is_associated:
        # Somebody deleted it by hand, and what it could send with.
        wish_associated(domain=tenant.domain, now=timezone.now())


def _associate(tenant: SesTenant, caller: Caller) -> None:
    name, region = tenant.tenant_name, tenant.region
    if tenant.made_at is None:
        # Where the endpoint had no tenants when the claim was made, it may have them now.
        _make(tenant, caller)
    try:
        associate_identity(tenant_name=name, identity_name=tenant.domain.name, region=region, caller=caller)
    except AwsRefused as refusal:
        if not refusal.is_not_found:
            raise
        # Somebody deleted the tenant by hand; where it is the identity that lacks, this fails again.
        _make(tenant, caller)
        associate_identity(tenant_name=name, identity_name=tenant.domain.name, region=region, caller=caller)
    configuration_set = _configuration_set(region)
    if configuration_set:
        associate_configuration_set(tenant_name=name, name=configuration_set, region=region, caller=caller)


def _dissociate(tenant: SesTenant, caller: Caller) -> None:
    name, region = tenant.tenant_name, tenant.region
    dissociate_identity(tenant_name=name, identity_name=tenant.domain.name, region=region, caller=caller)
    configuration_set = _configuration_set(region)
    if configuration_set:
        dissociate_configuration_set(tenant_name=name, name=configuration_set, region=region, caller=caller)


def _configuration_set(region: str) -> str:
    row = Installation.objects.filter(region=region).first()
    return row.configuration_set if row else ""
