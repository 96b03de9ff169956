"""`manage.py create_organization NAME --owner EMAIL`: found an organization and print its ids and first key as JSON."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone

from accounts.errors import Refusal
from accounts.models import Organization
from accounts.organizations import create_organization


class Command(BaseCommand):
    # What it prints is for programs: errors of the system checks are told here, warnings elsewhere.
    requires_system_checks = ()
    help = "Found an organization. Prints its ids and an API key as JSON; the key is shown only now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="What people call it.")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="Its owner; made if there is no such user.")

    def handle(self, *args: Any, **options: Any) -> None:
        for found in checks.run_checks():
            if found.is_serious():
                raise CommandError(f"{found.id}: {found.msg} {found.hint or ''}".strip())
        try:
            founded = create_organization(
                name=options["name"], owner_email=options["owner"], now=timezone.now(), actor="create_organization"
            )
        except Refusal as refusal:
            raise CommandError(refusal.message) from refusal
        self.stdout.write(
            json.dumps(
                {
                    "organization_id": founded.organization.public_id,
                    "workspace_id": str(founded.organization.workspace_id),
                    "api_key": founded.secret,
                }
            )
        )
        same = Organization.objects.filter(name__iexact=founded.organization.name).exclude(pk=founded.organization.pk)
        if others := ", ".join(same.order_by("pk").values_list("public_id", flat=True)):
            self.stderr.write(f"Mind that there was an organization of this name already: {others}")
        if founded.is_new_owner:
            page = f"{settings.PUBLIC_URL}{reverse('account_reset_password')}"
            self.stderr.write(f"{founded.owner.email} is new and chooses a password at {page}")
