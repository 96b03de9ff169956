"""Converge AWS with the database: carry out due wishes, and look all of it over now and then (core section 5)."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.doorbell import ring
from accounts.errors import Refusal
from aws.errors import AwsError, AwsRefused
from aws.identities import ForeignIdentity, delete_identity, list_identities
from aws.pacing import Caller, background
from aws.tenants import list_tenants
from domains import intents, provisioning, receipt_rules, tenants
from domains.contesting import contest_rivals
from domains.intents import NOT_OURS
from domains.models import AwsIntent, Domain, SesTenant
from domains.receipt_rules import InstallationMissing
from domains.states import Status

logger = logging.getLogger(__name__)

BATCH = 100
# A claim as young as this may still be at its request's first calls, and SES lists what is new with a delay.
SETTLED_AFTER = timedelta(minutes=10)
# Whose an identity without a claim is costs one paced call each: what is more than this waits for the next sweep.
MOST_STRANGERS = 50
# In AWS the rule entry goes before the identity: a rule that names an identity that is gone bounces nothing, but an
# identity that goes first makes SES refuse the mail that the rule still asks for.
ORDER = {AwsIntent.Kind.RECEIPT_RULES: 0, AwsIntent.Kind.ASSOCIATION: 1, AwsIntent.Kind.TENANT: 2}
IDENTITY, TENANT = AwsIntent.Kind.IDENTITY, AwsIntent.Kind.TENANT


def reconcile(*, now: datetime) -> int:
    """Carry out the wishes that are due; how many were confirmed. A failed one is put off, the others go on."""
    due = AwsIntent.objects.filter(confirmed_at__isnull=True, next_attempt_at__lte=now).order_by("next_attempt_at")
    confirmed = 0
    began, began_at = time.monotonic(), now
    for intent in sorted(due[:BATCH], key=lambda each: ORDER.get(AwsIntent.Kind(each.kind), 3)):
        # At a call a second a hundred wishes take minutes: a lease counted from the beginning would be over already.
        now = began_at + timedelta(seconds=time.monotonic() - began)
        if not intents.take_lease(intent, now=now, only_if_due=True):
            continue
        try:
            if carry_out(intent, caller=background(), now=now):
                confirmed += 1
            else:
                # Wished anew while we were at it: somebody waits for that, so it is not left to the next minute.
                ring("domains.tasks.reconcile_due")
        except (AwsError, Refusal) as error:
            intents.put_off(intent, now=now, error=str(error))
            logger.warning("%s is put off: %s", intent, error)
        except Exception as error:
            # A fault of ours about one wish; the others behind it must not wait for our next release.
            intents.put_off(intent, now=now, error=repr(error))
            logger.exception("%s failed", intent)
    return confirmed


def carry_out(intent: AwsIntent, *, caller: Caller, now: datetime) -> bool:
    """Make one wish true; raises AwsError, InstallationMissing, TenantNameTaken."""
    _converge(intent, caller)
    return intents.confirm(intent, now=now)


def carry_out_removal(*, domain: Domain, tenant_name: str, caller: Caller) -> None:
    """Have AWS let go of a removed claim with a tenant while somebody waits, in the order of core section 5.

    Raises AwsError; what is left then is the reconciler's.
    """
    in_order = (
        *([(AwsIntent.Kind.RECEIPT_RULES, receipt_rules.ALL_RULES)] if domain.is_proved else ()),
        (AwsIntent.Kind.ASSOCIATION, tenant_name),
        (AwsIntent.Kind.TENANT, tenant_name),
        (AwsIntent.Kind.IDENTITY, domain.name),
    )
    for kind, name in in_order:
        try:
            intents.carry_out_now(kind=kind, region=domain.region, name=name, caller=caller, converge=_converge)
        except InstallationMissing:
            logger.info("%s has no receipt rules of ours", domain.region)


def _converge(intent: AwsIntent, caller: Caller) -> None:
    match AwsIntent.Kind(intent.kind):
        case AwsIntent.Kind.RECEIPT_RULES:
            receipt_rules.apply_rules(region=intent.region, caller=caller)
        case AwsIntent.Kind.TENANT:
            tenants.converge_tenant(intent, caller)
        case AwsIntent.Kind.ASSOCIATION:
            tenants.converge_association(intent, caller)
        case AwsIntent.Kind.IDENTITY:
            _converge_identity(intent, caller=caller, now=timezone.now())


def _converge_identity(intent: AwsIntent, *, caller: Caller, now: datetime) -> None:
    """The identity is there while a live claim needs it, whatever the wish said when it was written."""
    claims = list(Domain.objects.live().filter(name=intent.name, region=intent.region).select_related("organization"))
    if not claims:
        try:
            delete_identity(name=intent.name, region=intent.region, caller=caller)
        except ForeignIdentity:
            AwsIntent.objects.filter(pk=intent.pk, revision=intent.revision).update(reason=NOT_OURS)
            logger.info("the identity %s is not ours by tag and stays", intent.name)
        return
    facts = provisioning.fetch_identity(domain=claims[0], caller=caller)
    for claim in claims:
        if provisioning.store_identity(domain=claim, facts=facts, now=now):
            # Its own request may have died before it did so.
            contest_rivals(domain=claim, now=now)
            if facts.was_created and claim.is_proved:
                # Somebody deleted the identity by hand, and its place in the tenant with it.
                tenants.wish_associated(domain=claim, now=now)


def sweep(*, now: datetime) -> int:
    """Compare all that SES holds with the database and wish for what differs; how much did.

    Finds what no wish tells of: an identity or a tenant that somebody deleted, one of ours that nobody needs any more,
    rules that were changed by hand. A region that can not be asked is left to the next sweep.
    """
    wished = 0
    for region in settings.SES_REGIONS:
        try:
            # Listed first, the claims read second: an identity of ours that is listed has its claim in the database.
            listed = {name for name, _ in list_identities(region=region, caller=background())}
        except AwsError as error:
            logger.warning("the identities of %s could not be listed: %s", region, error)
            continue
        intents.look_again(kind=AwsIntent.Kind.RECEIPT_RULES, region=region, now=now)
        live = Domain.objects.live().filter(region=region)
        claimed = set(live.values_list("name", flat=True))
        settled = live.filter(created_at__lt=now - SETTLED_AFTER).exclude(status=Status.FAILED)
        missing = set(settled.values_list("name", flat=True)) - listed
        wished += _wish(IDENTITY, missing, region=region, desired=AwsIntent.Desired.PRESENT, now=now)
        wished += _wish(IDENTITY, listed - claimed, region=region, desired=AwsIntent.Desired.ABSENT, now=now)
        wished += _sweep_tenants(region=region, now=now)
    if wished:
        ring("domains.tasks.reconcile_due")
    return wished


def _sweep_tenants(*, region: str, now: datetime) -> int:
    """The same for tenants; an endpoint without them has none to compare."""
    try:
        listed = set(list_tenants(region=region, caller=background()))
    except AwsError as error:
        if not (isinstance(error, AwsRefused) and error.is_unsupported):
            logger.warning("the tenants of %s could not be listed: %s", region, error)
        return 0
    held = SesTenant.objects.filter(region=region, removed_at__isnull=True)
    strangers = listed.difference(held.values_list("tenant_name", flat=True))
    settled = held.filter(made_at__lt=now - SETTLED_AFTER, leaving_at__isnull=True)
    missing = set(settled.values_list("tenant_name", flat=True)) - listed
    wished = _wish(TENANT, missing, region=region, desired=AwsIntent.Desired.PRESENT, now=now)
    return wished + _wish(TENANT, strangers, region=region, desired=AwsIntent.Desired.ABSENT, now=now)


def _wish(
    kind: AwsIntent.Kind, names: Collection[str], *, region: str, desired: AwsIntent.Desired, now: datetime
) -> int:
    """Wish it for those that no open wish is about and that are not known to be somebody else's."""
    reason = "found by the sweep"
    handled = AwsIntent.objects.filter(Q(confirmed_at__isnull=True) | Q(reason=NOT_OURS), kind=kind, region=region)
    differing = sorted(set(names).difference(handled.values_list("name", flat=True)))[:MOST_STRANGERS]
    for name in differing:
        intents.wish(kind=kind, region=region, name=name, desired=desired, now=now, reason=reason)
        logger.warning("the sweep of %s wishes the %s %s %s", region, kind.value, name, desired.value)
    return len(differing)
