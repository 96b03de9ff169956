"""API keys: issue, look up, revoke; the secret is shown once and kept as a hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from accounts.errors import Refusal
from accounts.models import ApiKey, AuditEvent, Organization, User
from accounts.permissions import ALIASES, ALL_PERMISSIONS, Role, permissions_for

SECRET_LENGTH = 96  # hexadecimal characters, 384 bits: no slow hash is needed for what can not be guessed
PREFIX_LENGTH = 8
LAST_USED_EVERY = timedelta(minutes=1)


class UnknownScope(Refusal):
    code = "unknown_scope"
    default_message = "There is no such permission."


class BeyondOwnPower(Refusal):
    """A key may hand on what it may do itself, and no more."""

    code = "beyond_own_power"
    default_message = "A key can not give more than it has."


class ApiKeyNotFound(Refusal):
    code = "api_key_not_found"
    default_message = "API key does not exist"


@dataclass(frozen=True)
class IssuedKey:
    """The row and the secret; the secret exists nowhere else afterwards."""

    api_key: ApiKey
    secret: str


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def issue_api_key(
    *,
    organization: Organization,
    name: str,
    now: datetime,
    role: str = Role.ADMIN,
    scopes: list[str] | None = None,
    domain_name: str = "",
    expires_at: datetime | None = None,
    created_by: User | None = None,
    actor: str = "",
) -> IssuedKey:
    """Make a key; raises UnknownScope for a permission name that does not exist."""
    unknown = [scope for scope in scopes or [] if ALIASES.get(scope, scope) not in ALL_PERMISSIONS]
    if unknown:
        raise UnknownScope(f"There is no permission {unknown[0]}.", field="scopes")
    secret = secrets.token_hex(SECRET_LENGTH // 2)
    api_key = ApiKey.objects.create(
        organization=organization,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        secret_hash=hash_secret(secret),
        role=role,
        scopes=scopes or [],
        domain_name=domain_name,
        expires_at=expires_at,
        created_by=created_by,
        created_at=now,
    )
    AuditEvent.objects.create(
        organization=organization,
        at=now,
        actor=actor or str(created_by or "system"),
        action="api_key.issued",
        subject=f"{api_key.name} ({api_key.prefix})",
    )
    return IssuedKey(api_key=api_key, secret=secret)


def issue_by_key(
    *,
    issuer: ApiKey,
    name: str,
    now: datetime,
    actor: str,
    scopes: list[str] | None = None,
    domain_name: str = "",
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Let a key make another; what is not asked for is as the issuer's own.

    Raises UnknownScope, and BeyondOwnPower for a permission, a domain or a lifetime that the issuer has not.
    """
    own = permissions_for(issuer.role, issuer.scopes)
    for scope in scopes or []:
        if ALIASES.get(scope, scope) in ALL_PERMISSIONS and ALIASES.get(scope, scope) not in own:
            raise BeyondOwnPower(f"This key has no permission {scope} to give.", field="scopes")
    if issuer.domain_name and domain_name not in ("", issuer.domain_name):
        raise BeyondOwnPower(f"This key is limited to {issuer.domain_name}.", field="domain_name")
    if issuer.expires_at is not None and expires_at is not None and expires_at > issuer.expires_at:
        raise BeyondOwnPower("A key can not outlive the one that makes it.", field="expires_at")
    return issue_api_key(
        organization=issuer.organization,
        name=name,
        now=now,
        role=issuer.role,
        scopes=scopes or issuer.scopes,
        domain_name=domain_name or issuer.domain_name,
        expires_at=expires_at or issuer.expires_at,
        created_by=issuer.created_by,
        actor=actor,
    )


def visible_api_keys(*, organization: Organization) -> QuerySet[ApiKey]:
    """The organization's keys that have not been revoked; an expired one is still there to be looked at."""
    return ApiKey.objects.filter(organization=organization, revoked_at__isnull=True).select_related("organization")


def find_api_key(*, secret: str, now: datetime) -> ApiKey | None:
    """The live key of this secret, else None; compares in constant time and notes when it was last used."""
    if len(secret) != SECRET_LENGTH or not secret.isascii():
        return None
    wanted = hash_secret(secret)
    for api_key in ApiKey.objects.select_related("organization").filter(prefix=secret[:PREFIX_LENGTH]):
        if hmac.compare_digest(api_key.secret_hash, wanted) and api_key.is_live(now):
            if api_key.last_used_at is None or now - api_key.last_used_at >= LAST_USED_EVERY:
                ApiKey.objects.filter(pk=api_key.pk).update(last_used_at=now)
            return api_key
    return None


def revoke_api_key(*, api_key: ApiKey, now: datetime, actor: str) -> bool:
    """End a key at once; False if it had already ended."""
    changed = ApiKey.objects.filter(pk=api_key.pk, revoked_at__isnull=True).update(revoked_at=now)
    if changed:
        AuditEvent.objects.create(
            organization=api_key.organization,
            at=now,
            actor=actor,
            action="api_key.revoked",
            subject=f"{api_key.name} ({api_key.prefix})",
        )
    return bool(changed)
