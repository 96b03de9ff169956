"""A domain in use whose zone a test changes at will, on the sandbox's DNS and SES, with a clock that is moved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import time_machine
from django.core import mail
from django.utils import timezone

from accounts.models import Notice, Organization
from accounts.notices import mail_due
from domains.facts import current_records
from domains.models import Domain, DomainEvent, Drift, Tombstone
from domains.polling import check_due
from domains.registration import register_domain
from domains.tombstones import look_at_due
from domains.verification import check_domain, check_now
from tests.sandbox_process import SandboxProcess
from webhooks.endpoints import create_endpoint
from webhooks.models import WebhookDelivery

ZONE = "hello.example"
GOOGLE = {"type": "MX", "name": ZONE, "value": "aspmx.l.google.com", "priority": 1}


@dataclass
class World:
    """`start` is the moment of the activation; `now` moves only forward."""

    sandbox: SandboxProcess
    organization: Organization
    now: datetime = field(default_factory=timezone.now)
    start: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.now

    @property
    def domain(self) -> Domain:
        return Domain.objects.get(name=ZONE, removed_at__isnull=True)

    def activate(self) -> Domain:
        create_endpoint(organization=self.organization, url="http://127.0.0.1:9/", actor="test", now=self.now)
        with self.clock():
            domain = register_domain(organization=self.organization, name=ZONE, actor="test", now=self.now)
            self.publish()
            domain = check_domain(domain=domain, actor="test", now=self.now)
        assert domain.status == "active"
        return domain

    @contextmanager
    def clock(self) -> Iterator[None]:
        with time_machine.travel(self.now, tick=False):
            yield

    def at(self, hours: float) -> None:
        """Move both clocks, ours and the sandbox's, to so many hours after the start."""
        moment = self.start + timedelta(hours=hours)
        assert moment >= self.now
        self.sandbox.control("POST", "/_sandbox/clock", {"advance_seconds": (moment - self.now).total_seconds()})
        self.now = moment

    def publish(self, *without: str, beside: list[dict[str, Any]] | None = None, behaviour: str = "") -> None:
        """The zone as it should be, without the records of some purposes."""
        records = [
            {"type": record.type, "name": record.name, "value": record.value, "priority": record.priority}
            for record in current_records(Domain.objects.get(name=ZONE))
            if record.purpose not in without
        ]
        zone = {"records": [*records, *(beside or [])], "servers": {"127.0.0.1": {"behaviour": behaviour}}}
        self.sandbox.control("PUT", f"/_sandbox/zones/{ZONE}", zone)
        self.sandbox.control("POST", "/_sandbox/check")

    def click(self) -> Domain:
        with self.clock():
            return check_now(domain=self.domain, actor="owner", now=self.now)

    def look(self, hours: float) -> Domain:
        self.at(hours)
        return self.click()

    def live(self, until: float) -> None:
        """Do what beat and worker do, until so many hours after the start."""
        end = self.start + timedelta(hours=until)
        while (due := self.next_due()) is not None and due <= end:
            self.at(max((due - self.start).total_seconds(), (self.now - self.start).total_seconds()) / 3600)
            with self.clock():
                check_due(now=self.now)
                look_at_due(now=self.now)
                mail_due(now=self.now)
        self.at(until)

    def next_due(self) -> datetime | None:
        moments = [
            *Domain.objects.live().values_list("next_check_at", flat=True),
            *Tombstone.objects.values_list("next_look_at", flat=True),
        ]
        return min((moment for moment in moments if moment is not None), default=None)

    def drift(self, purpose: str) -> Drift:
        return self.domain.drifts.filter(purpose=purpose).order_by("pk")[0]

    # --- what was told
    def history(self) -> list[tuple[int, str, str]]:
        """(full hours since the start, type, where it led or why), of what follows the activation."""
        after = DomainEvent.objects.filter(domain__name=ZONE, at__gt=self.start).order_by("at", "pk")
        return [(self.hour(event.at), event.type, event.reason or event.after) for event in after]

    def hour(self, at: datetime) -> int:
        return int((at - self.start).total_seconds() // 3600)

    def notices(self) -> list[tuple[int, str]]:
        return [(self.hour(each.created_at), each.subject) for each in Notice.objects.order_by("created_at", "pk")]

    def outbox(self) -> list[tuple[str, str | None, str | None]]:
        """(type, before, reason) of what the customer's systems are sent after the activation."""
        bodies = [json.loads(row.body) for row in WebhookDelivery.objects.order_by("pk")]
        told = [(body["type"], body["data"]["before"], body["data"]["reason"]) for body in bodies]
        return told[2:]

    def mails(self) -> list[str]:
        with self.clock():
            mail_due(now=self.now)
        return [sent.subject for sent in mail.outbox]
