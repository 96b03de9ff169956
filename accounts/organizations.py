"""Found an organization: itself, its owner and its first key, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts.api_keys import issue_api_key
from accounts.errors import Refusal
from accounts.models import AuditEvent, Membership, Organization, User
from accounts.permissions import Role

NAME_LENGTH = 200


class InvalidOrganizationName(Refusal):
    code = "invalid_organization_name"
    default_message = f"An organization's name has 1 to {NAME_LENGTH} characters."


class InvalidOwner(Refusal):
    code = "invalid_owner"
    default_message = "The owner is named by an e-mail address."


@dataclass(frozen=True)
class FoundedOrganization:
    """The rows and the key's secret, which exists nowhere else afterwards."""

    organization: Organization
    owner: User
    is_new_owner: bool
    secret: str


@transaction.atomic
def create_organization(*, name: str, owner_email: str, now: datetime, actor: str = "system") -> FoundedOrganization:
    """Found an organization owned by the user with this address, who is made if there is none.

    A new owner has no password and chooses one by the sign-in page's "forgotten password". Raises
    InvalidOrganizationName, InvalidOwner.
    """
    name, owner_email = name.strip(), owner_email.strip().lower()
    if not 0 < len(name) <= NAME_LENGTH:
        raise InvalidOrganizationName(field="name")
    try:
        validate_email(owner_email)
    except ValidationError:
        raise InvalidOwner(f"{owner_email!r} is not an e-mail address.", field="owner") from None
    owner = User.objects.filter(email=owner_email).first()
    is_new_owner = owner is None
    if owner is None:
        owner = User.objects.create_user(owner_email)
    organization = Organization.objects.create(name=name, created_at=now)
    Membership.objects.create(user=owner, organization=organization, role=Role.OWNER, created_at=now)
    AuditEvent.objects.create(
        organization=organization, at=now, actor=actor, action="organization.created", subject=name
    )
    issued = issue_api_key(organization=organization, name="first key", now=now, role=Role.ADMIN)
    return FoundedOrganization(organization=organization, owner=owner, is_new_owner=is_new_owner, secret=issued.secret)
