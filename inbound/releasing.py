"""Mail that was held while its domain was suspended is let go once the domain is resumed; swept by state."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q

from channels.routing import Route, Step, route
from domains.states import Status
from inbound.judging import Group, judge
from inbound.mail_rows import let_wait
from inbound.models import InboundMessage, Recipient
from inbound.telling import tell_received

HELD, DELIVERED = InboundMessage.Disposition.HELD, InboundMessage.Disposition.DELIVERED


def release_held(*, now: datetime) -> int:
    """Judge again what is held for domains that are no longer suspended, removed ones apart; how many were let go.

    A mail to several names is looked at whichever of them was resumed.
    """
    held = InboundMessage.objects.filter(disposition=HELD, organization__isnull=False, deleted_at__isnull=True)
    resumed = Q(domain__isnull=False, domain__removed_at__isnull=True) & ~Q(domain__status=Status.SUSPENDED)
    wanted = held.annotate(addresses=Count("recipients")).filter(resumed | Q(addresses__gt=1))
    oldest_first = wanted.order_by("received_at", "pk").values_list("pk", flat=True)
    return sum(_release(pk, now=now) for pk in oldest_first) + _release_waiting(now=now)


def _release_waiting(*, now: datetime) -> int:
    """Mail that came for others at once reaches those whose domain was resumed; how many mails."""
    waiting = Recipient.objects.filter(
        is_waiting=True, domain__removed_at__isnull=True, message__deleted_at__isnull=True
    )
    resumed = waiting.exclude(domain__status=Status.SUSPENDED).order_by("message").values_list("message", flat=True)
    return sum(_reach(pk, now=now) for pk in dict.fromkeys(resumed))


def _reach(pk: int, *, now: datetime) -> bool:
    with transaction.atomic():
        rows = InboundMessage.objects.select_for_update(of=("self",)).filter(pk=pk, deleted_at__isnull=True)
        message = rows.select_related("organization", "inbox", "thread").first()
        if message is None:
            return False
        known = set(message.recipients.filter(is_waiting=False).values_list("inbox", flat=True))
        waiting = message.recipients.filter(is_waiting=True, domain__removed_at__isnull=True)
        for recipient in waiting.exclude(domain__status=Status.SUSPENDED):
            way = route(recipient=recipient.address, at=message.received_at)
            recipient.inbox, recipient.is_waiting = way.inbox, False
            recipient.save(update_fields=["inbox", "is_waiting"])
            message.inbox = message.inbox or way.inbox
            said = f"The domain was resumed, and the mail let go to {recipient.address}."
            message.trace = [*message.trace, Step("released", "delivered", said).as_dict()]
        message.save(update_fields=["inbox", "trace"])
        tell_received(message, now=now, known=known)
        return True


def _release(pk: int, *, now: datetime) -> bool:
    with transaction.atomic():
        held = InboundMessage.objects.select_for_update(of=("self",)).filter(
            pk=pk, disposition=HELD, deleted_at__isnull=True
        )
        message = held.select_related("organization", "inbox", "thread").first()
        routes = _routes(message) if message is not None else ()
        if message is None or not routes:
            return False
        judgement = judge(Group(message.organization_id, routes), now=now)
        if judgement.disposition == HELD:
            return False
        in_use = [each.domain for each in routes if each.domain and each.domain.status != Status.SUSPENDED]
        message.domain, message.disposition = in_use[0], judgement.disposition
        released = Step("released", judgement.disposition.value, "The domain was resumed, and the mail let go.")
        message.trace = [*message.trace, released.as_dict()]
        if judgement.disposition != DELIVERED:
            message.trace += [step.as_dict() for step in judgement.steps if step.step == "disposition"]
        if judgement.disposition == DELIVERED:
            let_wait(message)
        message.save(update_fields=["domain", "disposition", "trace", "inbox"])
        if judgement.disposition == DELIVERED:
            tell_received(message, now=now)
        return True


def _routes(message: InboundMessage) -> tuple[Route, ...]:
    """The ways of its recipients to domains that this organization still has."""
    found = [
        route(recipient=address, at=message.received_at)
        for address in message.recipients.order_by("pk").values_list("address", flat=True)
    ]
    return tuple(
        each
        for each in found
        if each.domain and each.domain.organization_id == message.organization_id and each.domain.removed_at is None
    )
