"""Staff place a mail that was nobody's: it goes through the pipeline's own steps, to whom they say."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.errors import Refusal
from accounts.models import AuditEvent
from channels.routing import Route, Step, route
from domains.upstream import upstream_refusals
from inbound import purging
from inbound.ingestion import Hopeless, Postponed, fetch
from inbound.judging import Group, judge
from inbound.keeping import already_kept, keep_group
from inbound.models import InboundMessage
from inbound.parsing import parse_in_child
from inbound.scratch import scratch_folder
from inbound.ses_event_types import Received, Verdicts


class NotForStaff(Refusal):
    code = "not_for_staff"
    default_message = "This mail belongs to an organization already; only nobody's mail is placed."


class NobodyHoldsTheName(Refusal):
    code = "nobody_holds_the_name"
    default_message = "Nobody holds the domain of this address today."


class AlreadyTheirs(Refusal):
    code = "already_theirs"
    default_message = "The organization has this mail at that address, or had it and deleted it."


class NotWantedThere(Refusal):
    code = "not_wanted_there"
    default_message = (
        "The organization keeps no mail to unknown recipients, and no inbox has this address: it would be set aside, "
        "where nobody sees it. Place it at an inbox, or let them keep such mail first."
    )


class RawMailUnavailable(Refusal):
    code = "raw_mail_unavailable"
    default_message = "The raw mail could not be fetched."


def place_mail(
    *, message: InboundMessage, address: str, actor: str, now: datetime, is_kept: bool = False
) -> InboundMessage:
    """Give nobody's mail to whoever holds the name of `address` today, and tell them as of any mail that came in.

    Staff's own copy goes, unless it `is_kept` for somebody else whom the mail is for too.
    Where the domain is suspended it is held as any mail is. Raises NotForStaff, NobodyHoldsTheName, AlreadyTheirs,
    NotWantedThere, RawMailUnavailable and the upstream refusals: staff have the mail then as before, and what fails
    half-way may be done again.
    """
    if message.organization_id is not None or message.purge_at is not None:
        raise NotForStaff
    way = route(recipient=address.strip(), at=now)
    if way.domain is None:
        raise NobodyHoldsTheName(f"Nobody holds the domain of {address.strip()[:320]} today.")
    group, event = Group(way.domain.organization_id, (_placed(way),)), _event_of(message, way.address)
    if already_kept(group, event=event):
        raise AlreadyTheirs
    if judge(group, now=now).disposition == InboundMessage.Disposition.UNROUTABLE:
        raise NotWantedThere
    with scratch_folder() as folder, upstream_refusals():
        mail, attachments = folder / "mail", folder / "attachments"
        attachments.mkdir()
        try:
            fetched = fetch(event, path=mail)
        except (Postponed, Hopeless) as error:
            raise RawMailUnavailable(f"The raw mail could not be fetched: {error}") from error
        parsed = parse_in_child(mail, attachments_folder=attachments)
        placed = keep_group(
            group, event=event, parsed=parsed, mail=mail, fetched=fetched, attachments=attachments, now=now
        )
    if placed is None:
        raise AlreadyTheirs
    AuditEvent.objects.create(
        organization_id=placed.organization_id,
        at=now,
        actor=actor,
        action="message.placed",
        subject=placed.public_id,
        details={"address": way.address[:320]},
    )
    if not is_kept:
        _clear_away(message, now=now)
    return placed


def _placed(way: Route) -> Route:
    """The way with staff's word in front: by the envelope alone it was nobody's."""
    by_staff = Step("placed", "by_staff", "By its envelope it was nobody's mail; staff placed it.")
    return Route(way.address, way.domain, way.inbox, (by_staff, *way.steps))


def _event_of(message: InboundMessage, address: str) -> Received:
    """The mail as its announcement told of it, for this recipient."""
    kinds = ("spam", "virus", "spf", "dkim", "dmarc")
    return Received(
        ses_message_id=message.ses_message_id,
        source=message.mail_from,
        received_at=message.received_at,
        recipients=(address,),
        destination=(),
        verdicts=Verdicts(*(getattr(message, f"{kind}_verdict") or None for kind in kinds)),
        dmarc_policy=None,
        bucket=message.bucket,
        key=message.key,
        # The incoming object is gone: fetch finds the mail among what was kept of it.
        key_candidates=(),
        headers_truncated=False,
        raw={},
    )


def _clear_away(message: InboundMessage, *, now: datetime) -> None:
    """Staff's copy has done its work; where S3 will not let go of it, it goes later."""
    with transaction.atomic():
        purging.mark(InboundMessage.objects.filter(pk=message.pk), now=now)
    purging.purge([message.pk], now=now)
