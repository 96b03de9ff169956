"""An organization's way into its DNS hosts: a role at AWS or a token at Cloudflare, tried before it is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts.encryption import encrypt
from accounts.errors import Refusal
from accounts.models import AuditEvent, Organization
from aws.pacing import person
from domains.dns_hosts import HOSTS
from domains.dns_hosts.host import HostRefused
from domains.models import DnsHostCredential, Installation
from domains.zone_access import host_refusals

ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,200}", re.ASCII)
TOKEN = re.compile(r"[A-Za-z0-9_-]{20,200}")
TRIAL_SECONDS = 12.0
MOST_CREDENTIALS = 20
LONGEST_ERROR = 1000
_COMPLETE = ~Q(role_arn="") | ~Q(token="")


class DnsHostNotFound(Refusal):
    code = "dns_host_not_found"
    default_message = "There is no such DNS host."


class DnsHostRejected(Refusal):
    """The host does not let us in with this; the message says what it said."""

    code = "dns_host_rejected"
    default_message = "The DNS host does not let us in with this."


class InvalidHostCredential(Refusal):
    code = "invalid_host_credential"
    default_message = "This is not a role or a token."


class DnsHostQuotaReached(Refusal):
    code = "dns_host_quota"
    default_message = f"An organization can have {MOST_CREDENTIALS} DNS hosts."


@dataclass(frozen=True)
class Connected:
    """A credential that was let in, and the names of the zones that it sees (the first hundreds)."""

    credential: DnsHostCredential
    zones: tuple[str, ...]


def connected_hosts(*, organization: Organization) -> QuerySet[DnsHostCredential]:
    """Those that can be used, the oldest first."""
    return DnsHostCredential.objects.filter(_COMPLETE, organization=organization).order_by("created_at", "pk")


def access_host(*, organization: Organization, public_id: str) -> DnsHostCredential:
    """Raises DnsHostNotFound, also for another organization's."""
    found = DnsHostCredential.objects.filter(organization=organization, public_id=public_id).first()
    if found is None:
        raise DnsHostNotFound
    return found


def opening_for_role(*, organization: Organization, now: datetime) -> DnsHostCredential:
    """The row whose ExternalId the organization's next role is to demand; one until it is connected."""
    found = DnsHostCredential.objects.exclude(_COMPLETE).filter(organization=organization, host="route53").first()
    return found or DnsHostCredential.objects.create(organization=organization, host="route53", created_at=now)


def find_opening(*, organization: Organization) -> DnsHostCredential | None:
    return DnsHostCredential.objects.exclude(_COMPLETE).filter(organization=organization, host="route53").first()


def connect_role(*, organization: Organization, role_arn: str, label: str, actor: str, now: datetime) -> Connected:
    """Connect Route 53 by a role that demands the ExternalId of `opening_for_role`.

    Raises InvalidHostCredential, DnsHostRejected, DnsHostQuotaReached, and the upstream refusals.
    """
    role_arn = role_arn.strip()
    if not ROLE_ARN.fullmatch(role_arn):
        raise InvalidHostCredential(
            "This is not the ARN of a role, such as arn:aws:iam::123456789012:role/postern-dns.", field="role_arn"
        )
    if Installation.objects.filter(account_id=role_arn.split(":")[4]).exists():
        # A role of our own account may trust us without asking for any ExternalId.
        raise InvalidHostCredential(
            "This role is in the operator's own account, whose zones staff assign.", field="role_arn"
        )
    _demand_room(organization)
    credential = opening_for_role(organization=organization, now=now)
    credential.role_arn, credential.label = role_arn, label.strip()
    zones = _tried(credential)
    try:
        with transaction.atomic():
            credential.checked_at, credential.last_error = now, ""
            credential.save(update_fields=["role_arn", "label", "checked_at", "last_error"])
            _audit(credential, "dns_host.connected", actor=actor, now=now)
    except IntegrityError as error:
        raise InvalidHostCredential("This role is connected already.", field="role_arn") from error
    return Connected(credential, tuple(zones))


def connect_token(*, organization: Organization, token: str, label: str, actor: str, now: datetime) -> Connected:
    """Connect Cloudflare by an API token, which is kept encrypted and never shown again.

    Raises InvalidHostCredential, DnsHostRejected, DnsHostQuotaReached, and the upstream refusals.
    """
    token = token.strip()
    if not TOKEN.fullmatch(token):
        raise InvalidHostCredential("This is not an API token of Cloudflare.", field="token")
    _demand_room(organization)
    credential = DnsHostCredential(
        organization=organization,
        host="cloudflare",
        token=encrypt(token),
        label=label.strip(),
        created_at=now,
        checked_at=now,
    )
    zones = _tried(credential)
    if not zones:
        raise DnsHostRejected(
            "The token works but sees no zone: give it Zone:Read and DNS:Edit for the zones that it is to write.",
            field="token",
        )
    with transaction.atomic():
        credential.save(force_insert=True)
        _audit(credential, "dns_host.connected", actor=actor, now=now)
    return Connected(credential, tuple(zones))


def try_host(*, credential: DnsHostCredential, now: datetime) -> Connected:
    """Ask the host with a credential that is kept, and keep how it went. Raises DnsHostRejected, upstream refusals."""
    rows = DnsHostCredential.objects.filter(pk=credential.pk)
    try:
        zones = _tried(credential)
    except DnsHostRejected as refusal:
        rows.update(checked_at=now, last_error=refusal.message[:LONGEST_ERROR])
        raise
    rows.update(checked_at=now, last_error="")
    return Connected(credential, tuple(zones))


def disconnect_host(*, credential: DnsHostCredential, actor: str, now: datetime) -> None:
    """Forget the credential. The records that were written stay, and are known again when it is connected again."""
    with transaction.atomic():
        if DnsHostCredential.objects.filter(pk=credential.pk).delete()[0]:
            _audit(credential, "dns_host.disconnected", actor=actor, now=now)


def trust_policy(*, credential: DnsHostCredential) -> dict[str, object]:
    """What the customer's role must say of who may use it: this installation's account, with the ExternalId."""
    installation = Installation.objects.exclude(account_id="").order_by("pk").first()
    account = installation.account_id if installation is not None else "ACCOUNT-ID-OF-THE-OPERATOR"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": credential.external_id}},
            }
        ],
    }


# What is called with the role, and no more; name single zones in place of the star to narrow it down.
PERMISSION_POLICY: dict[str, object] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "route53:ListHostedZonesByName", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": [
                "route53:GetHostedZone",
                "route53:ListResourceRecordSets",
                "route53:ChangeResourceRecordSets",
            ],
            "Resource": "arn:aws:route53:::hostedzone/*",
        },
        {"Effect": "Allow", "Action": "route53:GetChange", "Resource": "arn:aws:route53:::change/*"},
    ],
}


def _demand_room(organization: Organization) -> None:
    if connected_hosts(organization=organization).count() >= MOST_CREDENTIALS:
        raise DnsHostQuotaReached


def _tried(credential: DnsHostCredential) -> list[str]:
    with host_refusals():
        try:
            return HOSTS[credential.host].visible_zones(credential=credential, caller=person(TRIAL_SECONDS))
        except HostRefused as error:
            field = "role_arn" if credential.host == "route53" else "token"
            raise DnsHostRejected(str(error), field=field) from error


def _audit(credential: DnsHostCredential, action: str, *, actor: str, now: datetime) -> None:
    AuditEvent.objects.create(
        organization=credential.organization,
        at=now,
        actor=actor[:200],
        action=action,
        subject=str(credential)[:300],
        details={"host": credential.host, "id": credential.public_id},
    )
