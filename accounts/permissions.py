"""What a role may do: permission names in the words of the workspace contract, one table."""

from __future__ import annotations

from django.db import models


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    MEMBER = "member", "Member"
    VIEWER = "viewer", "Viewer"


VIEW = "Channel.view"
CREATE = "Channel.create"
DELETE = "Channel.delete"
MESSAGE_VIEW = "Message.view"
MESSAGE_DELETE = "Message.delete"
WEBHOOK_VIEW = "Webhook.view"
WEBHOOK_CREATE = "Webhook.create"
WEBHOOK_DELETE = "Webhook.delete"
ORGANIZATION_MANAGE = "Organization.manage"

# The home API's words for the same three permissions.
ALIASES = {"Domain.view": VIEW, "Domain.create": CREATE, "Domain.delete": DELETE}

_READ = frozenset({VIEW, MESSAGE_VIEW, WEBHOOK_VIEW})
_WRITE = _READ | {CREATE, DELETE, MESSAGE_DELETE, WEBHOOK_CREATE, WEBHOOK_DELETE}

PERMISSIONS_OF_ROLE: dict[str, frozenset[str]] = {
    Role.OWNER: _WRITE | {ORGANIZATION_MANAGE},
    Role.ADMIN: _WRITE | {ORGANIZATION_MANAGE},
    Role.MEMBER: _WRITE,
    Role.VIEWER: _READ,
}
ALL_PERMISSIONS = frozenset().union(*PERMISSIONS_OF_ROLE.values())


def permissions_for(role: str, scopes: list[str] | None = None) -> frozenset[str]:
    """The permissions of `role`, narrowed to `scopes` where any are named; scopes never add."""
    granted = PERMISSIONS_OF_ROLE.get(role, frozenset())
    if not scopes:
        return granted
    return granted & {ALIASES.get(scope, scope) for scope in scopes}
