"""Which organizations a person belongs to, and the one that a page works in."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.errors import Refusal
from accounts.models import Membership, User


class NotAMember(Refusal):
    code = "not_a_member"
    default_message = "You are not a member of this organization."


def memberships_of(user: User) -> QuerySet[Membership]:
    """The person's memberships with their organizations, by the organization's name."""
    return Membership.objects.filter(user=user).select_related("organization").order_by("organization__name", "id")


def access_organization(*, user: User, public_id: str | None) -> Membership:
    """The person's membership in the organization of this id; None asks for the first one.

    Raises NotAMember: for an organization that does not exist just as for another's.
    """
    memberships = memberships_of(user)
    if public_id is not None:
        if not public_id.isprintable() or len(public_id) > 32:
            raise NotAMember
        memberships = memberships.filter(organization__public_id=public_id)
    membership = memberships.first()
    if membership is None:
        raise NotAMember
    return membership
