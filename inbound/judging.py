"""Judge: what becomes of the recipients of one mail that belong to one organization, and why."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from accounts.models import Organization
from channels.routing import Route, Step
from domains.models import Domain
from domains.states import Status
from inbound.models import InboundMessage, MailPolicy
from inbound.telling import RECEIVED
from webhooks.events import subscribers

Disposition = InboundMessage.Disposition


@dataclass(frozen=True)
class Group:
    """The recipients of one mail that belong to one organization; `organization_id` None: to nobody."""

    organization_id: int | None
    routes: tuple[Route, ...]

    @property
    def addresses(self) -> frozenset[str]:
        return frozenset(route.address for route in self.routes)

    @property
    def own(self) -> frozenset[str]:
        """The addresses in lower case: those that this organization's copy may name."""
        return frozenset(address.lower() for address in self.addresses)

    @property
    def domains(self) -> frozenset[int]:
        return frozenset(route.domain.pk for route in self.routes if route.domain is not None)


@dataclass(frozen=True)
class Judgement:
    """Where the mail goes, and the steps of every recipient's way there.

    `waiting`: of a mail that is delivered, the addresses whose domain is suspended.
    """

    disposition: Disposition
    steps: tuple[Step, ...]
    waiting: frozenset[str] = frozenset()

    def trace(self) -> list[dict[str, str]]:
        """As it is stored on the message."""
        return [step.as_dict() for step in self.steps]


def judge(group: Group, *, now: datetime) -> Judgement:
    """Decide it from the rows as they are now; writes nothing."""
    in_use = frozenset(
        Domain.objects.filter(pk__in=group.domains).exclude(status=Status.SUSPENDED).values_list("pk", flat=True)
    )
    disposition, why = _disposition(group, in_use)
    steps = [step for route in group.routes for step in route.steps]
    steps.append(Step("disposition", disposition.value, why))
    if disposition != Disposition.DELIVERED or group.organization_id is None:
        return Judgement(disposition, tuple(steps))
    waiting = sorted(route.address for route in group.routes if route.domain and route.domain.pk not in in_use)
    if waiting:
        steps.append(Step("waiting", "held", f"Until their domain is resumed it waits for {', '.join(waiting)}."))
    steps.append(_webhooks(group.organization_id, now=now))
    return Judgement(disposition, tuple(steps), frozenset(waiting))


def _disposition(group: Group, in_use: Set[int]) -> tuple[Disposition, str]:
    if group.organization_id is None:
        return Disposition.UNROUTABLE, "It is nobody's mail: kept for staff for 30 days, who may place it."
    reached = [(route, route.inbox) for route in group.routes if route.inbox is not None]
    inboxes = sorted({inbox.email for route, inbox in reached if route.domain and route.domain.pk in in_use})
    if inboxes:
        return Disposition.DELIVERED, f"Delivered to {', '.join(inboxes)}."
    policy = MailPolicy.objects.filter(organization=group.organization_id).first()
    is_unwanted = policy is not None and not policy.keeps_unknown_recipients
    if not in_use or (is_unwanted and reached):
        return Disposition.HELD, "Held until the domain is resumed, for 30 days at most; nobody is told meanwhile."
    if is_unwanted:
        return Disposition.UNROUTABLE, "Set aside: mail to unknown recipients is not wanted here. Kept for 30 days."
    return Disposition.DELIVERED, "Delivered without an inbox: mail to unknown recipients is kept here."


def _webhooks(organization_id: int, *, now: datetime) -> Step:
    """Endpoints by host and id alone: an address may hold a secret that not every reader of mail may see."""
    organization = Organization.objects.get(pk=organization_id)
    told = subscribers(organization=organization, type=RECEIVED, now=now)
    if not told:
        return Step("webhooks", "none", f"No webhook wants {RECEIVED}, so nobody is told.")
    names = ", ".join(f"{urlsplit(each.url).hostname} ({each.public_id})" for each in told)
    return Step("webhooks", "told", f"{RECEIVED} goes to {names}.")
