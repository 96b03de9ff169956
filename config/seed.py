"""Migrate and seed the database of `make run`, and write `var/sandbox.json`: `python -m config.seed`.

What is there stays as it is; a key that is no longer valid is issued anew.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402  (all of these need the app registry)
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.api_keys import find_api_key, issue_api_key  # noqa: E402
from accounts.models import Organization, User  # noqa: E402
from accounts.organizations import create_organization  # noqa: E402
from config.local_settings import ensure_secrets, private_json, read_json_object, read_ports  # noqa: E402
from config.walkthrough import Login, Seeds, sandbox_file  # noqa: E402

ADMIN_EMAIL = "admin@postern.example"
ORGANIZATIONS = (("Acme", "owner@acme.example"), ("Globex", "owner@globex.example"))


def kept_keys(file: Path) -> dict[str, str]:
    """Organization's name to API key, as an earlier start wrote them down."""
    organizations = read_json_object(file).get("organizations")
    if not isinstance(organizations, list):
        return {}
    return {str(one.get("name")): str(one.get("api_key")) for one in organizations if isinstance(one, dict)}


def seed_organization(*, name: str, owner_email: str, kept_key: str, now: datetime) -> dict[str, str]:
    """Its name, workspace id and a valid key; made if it is not there."""
    organization = Organization.objects.filter(name=name, memberships__user__email=owner_email).first()
    if organization is None:
        founded = create_organization(name=name, owner_email=owner_email, now=now, actor="make run")
        organization, kept_key = founded.organization, founded.secret
    api_key = find_api_key(secret=kept_key, now=now)
    if api_key is None or api_key.organization_id != organization.pk:
        kept_key = issue_api_key(organization=organization, name="make run", now=now).secret
    return {"name": name, "workspace_id": str(organization.workspace_id), "api_key": kept_key}


def seed(*, admin_password: str, customer_password: str, keys: dict[str, str], now: datetime) -> Seeds:
    """Make sure of the staff login, the customer's login, and the two organizations."""
    organizations = [
        seed_organization(name=name, owner_email=owner, kept_key=keys.get(name, ""), now=now)
        for name, owner in ORGANIZATIONS
    ]
    if not User.objects.filter(email=ADMIN_EMAIL).exists():
        User.objects.create_superuser(ADMIN_EMAIL, admin_password)
    customer = User.objects.get(email=ORGANIZATIONS[0][1])
    if not customer.has_usable_password():
        customer.set_password(customer_password)
        customer.save(update_fields=["password"])
    return Seeds(Login(ADMIN_EMAIL, admin_password), Login(customer.email, customer_password), organizations)


def main() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    passwords = ensure_secrets(settings.POSTERN_VAR)
    file = settings.POSTERN_VAR / "sandbox.json"
    seeds = seed(
        admin_password=passwords["admin_password"],
        customer_password=passwords["customer_password"],
        keys=kept_keys(file),
        now=timezone.now(),
    )
    private_json(file, sandbox_file(ports=read_ports(os.environ), seeds=seeds))


if __name__ == "__main__":
    main()
