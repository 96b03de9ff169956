"""`manage.py listen URL`: pass an organization's events on to an address of this machine while one develops."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.errors import Refusal
from accounts.models import Organization
from webhooks.events import types_for
from webhooks.listening import Forwarded, listen, start_listening
from webhooks.models import WebhookEndpoint

LISTED = 10


class Command(BaseCommand):
    help = "Pass an organization's events on to a local URL until Ctrl-C. Prints the secret that they are signed with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="Such as http://localhost:3000/webhooks.")
        parser.add_argument("--organization", metavar="ID", help="org_...; not needed where there is only one.")
        parser.add_argument("--events", metavar="TYPES", help="Comma-separated; all without it.")
        parser.add_argument("--style", choices=WebhookEndpoint.Style.values, default=WebhookEndpoint.Style.STANDARD)

    def handle(self, *args: Any, **options: Any) -> None:
        events = options["events"].split(",") if options["events"] else None
        organization = self._organization(options["organization"])
        try:
            made = start_listening(
                organization=organization, url=options["url"], events=events, style=options["style"], now=timezone.now()
            )
        except Refusal as refusal:
            raise CommandError(refusal.message) from refusal
        wanted = "all events" if len(made.endpoint.events) == len(types_for(options["style"])) else options["events"]
        self.stdout.write(f"{organization.name}: {wanted} go to {options['url']} until Ctrl-C.")
        self.stdout.write(f"They are signed with {made.secret}")
        self.stdout.flush()
        stop = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        listen(endpoint=made.endpoint, told=self._print, stop=stop)

    def _organization(self, public_id: str | None) -> Organization:
        if public_id is not None:
            named = Organization.objects.filter(public_id=public_id).first()
            if named is None:
                raise CommandError(f"There is no organization {public_id}, but {self._listed() or 'none at all'}.")
            return named
        found = list(Organization.objects.order_by("pk")[:2])
        if not found:
            raise CommandError("There is no organization.")
        if len(found) > 1:
            raise CommandError(f"There are several organizations, name one with --organization: {self._listed()}")
        return found[0]

    def _listed(self) -> str:
        """The ids and names of the first few."""
        some = list(Organization.objects.order_by("pk")[: LISTED + 1])
        more = ", ..." if len(some) > LISTED else ""
        return ", ".join(f"{each.public_id} ({each.name})" for each in some[:LISTED]) + more

    def _print(self, forwarded: Forwarded) -> None:
        delivery, answer = forwarded.delivery, forwarded.answer
        result = answer.error or str(answer.status_code)
        self.stdout.write(
            f"{delivery.created_at:%H:%M:%S} {delivery.type} {delivery.event_id} -> {result} ({answer.duration_ms} ms)"
        )
        self.stdout.flush()
