"""Where would a mail to this address go, and why: the pipeline's own decisions, with no network and no writing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.errors import Refusal
from accounts.models import Organization
from channels.addresses import parse_mailbox
from channels.models import EmailAccount
from channels.routing import Route, Step, route
from domains.facts import can_receive, current_records
from domains.models import Domain
from domains.names import normalise_name
from inbound.judging import Group, judge
from inbound.mime import ParsedMessage
from inbound.parsing import parse_in_child
from inbound.scratch import scratch_folder

# A form is at most 1 MB, and its encoding may triple what was pasted.
MAX_PASTED_BYTES = 256 * 1024
LONGEST_ADDRESS = 1000


class MailTooLong(Refusal):
    code = "mail_too_long"
    default_message = f"The mail is longer than {MAX_PASTED_BYTES // 1024} KB; its headers are enough here."


class AddressTooLong(Refusal):
    code = "address_too_long"
    default_message = f"An address has at most {LONGEST_ADDRESS} characters."


@dataclass(frozen=True)
class Forecast:
    """Where a mail to `address` would go. `disposition` is "" where it is not for the asker to know.

    `reach` says whether it would reach us at all, by what the last check of the DNS saw; "" where that is unknown.
    """

    address: str
    disposition: str
    organization: Organization | None
    domain: Domain | None
    inbox: EmailAccount | None
    steps: tuple[Step, ...]
    reach: str = ""


def forecast(*, address: str, now: datetime, organization: Organization | None = None) -> Forecast:
    """What ingestion would do with a mail to this envelope recipient that came now; raises AddressTooLong.

    With `organization`, what is not its own is only said to be so, whoever else has it; staff ask without.
    """
    address = address.strip()
    if len(address) > LONGEST_ADDRESS:
        raise AddressTooLong(field="address")
    way = route(recipient=address, at=now)
    holder = way.domain.organization if way.domain is not None else None
    if organization is not None and holder != organization:
        return _not_yours(way, organization)
    judgement = judge(Group(holder.pk if holder else None, (way,)), now=now)
    return Forecast(
        address=address,
        disposition=judgement.disposition.value,
        organization=holder,
        domain=way.domain,
        inbox=way.inbox,
        steps=judgement.steps,
        reach=_reach(way.domain) if way.domain else "",
    )


def _not_yours(way: Route, organization: Organization) -> Forecast:
    """The same words for a name that somebody else holds and for one that nobody does."""
    address_step = way.steps[0]
    mailbox = parse_mailbox(way.address)
    steps = [address_step]
    if mailbox is not None:
        name = normalise_name(mailbox.domain)[:253]
        claim = Domain.objects.live().filter(organization=organization, name=name).first()
        if claim is not None:
            steps.append(Step("holder", "unproved", f"{name} is not proved to be yours yet, so its mail is not yours."))
        else:
            steps.append(Step("holder", "not_yours", f"{name} is not a domain of yours."))
    return Forecast(way.address, "", None, None, None, tuple(steps))


def _reach(domain: Domain) -> str:
    """Whether senders find the way here: a step before ours, which no mail that came in tells of."""
    if can_receive(domain, current_records(domain)):
        return ""
    if not domain.is_receiving:
        return f"Receiving is switched off for {domain.name}: Amazon SES refuses its mail before it reaches us."
    return f"When its DNS was last looked at, mail to {domain.name} did not lead here: senders deliver it elsewhere."


def read_pasted(text: str) -> ParsedMessage:
    """The mail as ingestion would read it, in the same child under the same limits; raises MailTooLong.

    What it says of itself decides nothing about where it goes: that is by the envelope recipient alone.
    """
    raw = text.encode("utf-8", "replace")
    if len(raw) > MAX_PASTED_BYTES:
        raise MailTooLong(field="raw")
    with scratch_folder() as folder:
        mail, attachments = folder / "mail", folder / "attachments"
        attachments.mkdir()
        mail.write_bytes(raw)
        return parse_in_child(mail, attachments_folder=attachments)
