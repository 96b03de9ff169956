"""Whose mail is it: an envelope recipient to the organization that held the name then, and to its inbox.

Each decision is a step with its reason, so that what is shown of a mail's way is what was done and not a guess at it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from channels.addresses import Mailbox, parse_mailbox
from channels.models import EmailAccount
from domains.models import Domain
from domains.names import normalise_name
from domains.ownership import holder_at
from domains.states import Status

LONGEST_SHOWN = 320


@dataclass(frozen=True)
class Step:
    """One decision on a mail's way: which one, how it went (a word each), and why, as a sentence for its owner."""

    step: str
    outcome: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Route:
    """Where one recipient goes, and why. `domain` is None when nobody held the name."""

    address: str
    domain: Domain | None
    inbox: EmailAccount | None
    steps: tuple[Step, ...] = field(default=(), compare=False)


def route(*, recipient: str, at: datetime) -> Route:
    """Route by the tenure of the recipient's own domain at the mail's time, never by who holds it today."""
    mailbox = parse_mailbox(recipient)
    shown = recipient[:LONGEST_SHOWN]
    if mailbox is None:
        unreadable = Step("address", "unreadable", f"“{shown}” is not an e-mail address.")
        return Route(address=recipient, domain=None, inbox=None, steps=(unreadable,))
    name = normalise_name(mailbox.domain)
    steps = [Step("address", "read", f"{shown} is an address at {name[:LONGEST_SHOWN]}.")]
    tenure = holder_at(name=name, at=at)
    when = f"{at.astimezone(UTC):%d %B %Y, %H:%M} UTC".lstrip("0")
    if tenure is None:
        steps.append(Step("holder", "nobody", f"Nobody had proved {name[:LONGEST_SHOWN]} to be theirs on {when}."))
        return Route(address=recipient, domain=None, inbox=None, steps=tuple(steps))
    steps.append(Step("holder", "held", f"{tenure.organization.name} held {name} on {when}."))
    steps.append(_domain_step(tenure.domain))
    inbox = find_inbox(domain=tenure.domain, mailbox=mailbox)
    steps.append(_inbox_step(mailbox, inbox))
    return Route(address=recipient, domain=tenure.domain, inbox=inbox, steps=tuple(steps))


def _domain_step(domain: Domain) -> Step:
    if domain.removed_at is not None:
        return Step("domain", "removed", "The domain has been removed since; mail of its time still belongs to it.")
    if domain.status == Status.SUSPENDED:
        return Step("domain", "suspended", f"{domain.name} is switched off.")
    if domain.status == Status.ACTIVE:
        return Step("domain", "active", f"{domain.name} is active.")
    reason = f" ({domain.get_reason_display()})" if domain.reason else ""
    return Step("domain", domain.status, f"{domain.name} is {domain.status}{reason}, but proved: its mail is kept.")


def _inbox_step(mailbox: Mailbox, inbox: EmailAccount | None) -> Step:
    if inbox is None:
        return Step("inbox", "none", f"No active inbox has the address {str(mailbox)[:LONGEST_SHOWN]}.")
    if inbox.local_part == mailbox.local_part.lower():
        return Step("inbox", "inbox", f"The inbox {inbox.email} has this address.")
    return Step("inbox", "plus_address", f"The inbox {inbox.email} has it: what stands behind the + is a detail.")


def find_inbox(*, domain: Domain, mailbox: Mailbox) -> EmailAccount | None:
    """The live inbox of this address, else the one that its plus-address belongs to."""
    wanted = [mailbox.local_part.lower(), mailbox.base]
    found = {
        inbox.local_part: inbox
        for inbox in EmailAccount.objects.live().filter(
            organization=domain.organization_id,
            email__in=[f"{local}@{domain.name}" for local in wanted],
            is_active=True,
        )
    }
    return next((found[local] for local in wanted if local in found), None)
