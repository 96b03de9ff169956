"""Send a test mail from a verified domain, to a person or to the mailbox simulator of Amazon SES."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.errors import Refusal, UpstreamRefusal
from accounts.models import Organization
from aws.errors import AwsRefused, AwsUnavailable
from aws.pacing import person
from aws.sending import send_email
from channels.addresses import Mailbox
from domains.models import Domain, Installation, SesTenant
from domains.ses_check import check_or_last_values
from domains.upstream import upstream_refusals
from inbound.feedback import MESSAGE_TAG, note_sent
from inbound.models import SentMessage

DEFAULT_LOCAL_PART = "test"
SEND_SECONDS = 15.0
# SES's own words for a mail that it will not send, as against a call that it could not serve.
SAYS_NO = frozenset(
    {
        "AccountSuspendedException",
        "BadRequestException",
        "MailFromDomainNotVerifiedException",
        "MessageRejected",
        "NotFoundException",
        "SendingPausedException",
    }
)


class TrialMail(StrEnum):
    """What becomes of the mail: a person reads it, or the simulator plays a fate."""

    NORMAL = "normal"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    OUT_OF_OFFICE = "ooto"


SIMULATOR = "simulator.amazonses.com"
FATES = {
    TrialMail.NORMAL: "it is delivered like any other mail",
    TrialMail.BOUNCE: "Amazon SES answers with a bounce",
    TrialMail.COMPLAINT: "Amazon SES answers with a complaint",
    TrialMail.OUT_OF_OFFICE: "Amazon SES answers with an out-of-office reply",
}


class SenderNotOurs(Refusal):
    code = "sender_not_ours"
    default_message = "The sender's domain is not one of this organization."


class DomainCanNotSend(Refusal):
    code = "domain_can_not_send"
    default_message = "The domain is not verified for sending."


class TestMailsExhausted(Refusal):
    code = "test_mails_exhausted"
    default_message = "This organization has sent all its test mails of today. Try again tomorrow."


class MailRefused(Refusal):
    code = "mail_refused"
    default_message = "Amazon SES refused the mail."


@dataclass(frozen=True)
class SentTest:
    """The mail as SES took it, and a sentence that names the address and what will become of it."""

    message: SentMessage
    note: str


def send_test_mail(
    *,
    organization: Organization,
    domain: Domain,
    sender: Mailbox | None,
    recipient: Mailbox | None,
    kind: TrialMail,
    message_class: str,
    actor: str,
    now: datetime,
) -> SentTest:
    """Send one test mail from `sender`, or from test@ the domain; the simulator's kinds ignore `recipient`.

    Raises SenderNotOurs, DomainCanNotSend, TestMailsExhausted after MAX_TEST_MAILS_PER_DAY, MailRefused and the
    upstream refusals. A mail whose answer is lost may have been sent: it is never sent twice.
    """
    sender = sender or Mailbox(DEFAULT_LOCAL_PART, domain.name)
    if domain.organization_id != organization.pk or sender.domain != domain.name:
        raise SenderNotOurs
    if kind is not TrialMail.NORMAL:
        recipient = Mailbox(kind.value, SIMULATOR)
    if recipient is None:
        raise ValueError("a mail to a person needs their address")
    domain = _ready_to_send(domain, actor=actor, now=now)
    with transaction.atomic():
        _count_on(organization, now=now)
        message = SentMessage.objects.create(
            organization=organization,
            domain=domain,
            from_address=str(sender),
            to_address=str(recipient),
            message_class=message_class,
            actor=actor,
            created_at=now,
        )
    _send(message, domain=domain)
    return SentTest(message, f"Sent from {sender} to {recipient}: {FATES[kind]}.")


def _count_on(organization: Organization, *, now: datetime) -> None:
    """One more today, counted one after another; raises TestMailsExhausted."""
    Organization.objects.select_for_update().get(pk=organization.pk)
    sent = SentMessage.objects.filter(organization=organization, created_at__gt=now - timedelta(days=1))
    if sent.count() >= settings.MAX_TEST_MAILS_PER_DAY:
        raise TestMailsExhausted


def _ready_to_send(domain: Domain, *, actor: str, now: datetime) -> Domain:
    """The domain, looked at again where it was not verified when it was last looked at; raises DomainCanNotSend."""
    if not domain.is_sending:
        raise DomainCanNotSend("Sending is switched off for this domain.")
    if not domain.can_send:
        domain = check_or_last_values(domain=domain, with_dns=False, actor=actor, now=now)
    if not domain.can_send:
        raise DomainCanNotSend
    return domain


def _send(message: SentMessage, *, domain: Domain) -> None:
    """Hand the mail to SES and note how it ended; a lost answer leaves it as being sent."""
    rows = SentMessage.objects.filter(pk=message.pk)
    try:
        with upstream_refusals():
            ses_message_id = _hand_over(message, domain=domain)
    except UpstreamRefusal as refusal:
        cause = refusal.__cause__
        if not (isinstance(cause, AwsUnavailable) and cause.is_outcome_unknown):
            rows.update(status=SentMessage.Status.REFUSED, error=str(cause))
        if isinstance(cause, AwsRefused) and cause.code in SAYS_NO:
            raise MailRefused(f"Amazon SES refused the mail: {cause.message}") from cause
        raise
    with transaction.atomic():
        note_sent(message=message, ses_message_id=ses_message_id, at=timezone.now())
    message.refresh_from_db()


def _hand_over(message: SentMessage, *, domain: Domain) -> str:
    """Raises AwsError."""
    installation = Installation.objects.filter(region=domain.region).first()
    # A tenant that is on its way out, or not yet let into the identity, would refuse the mail.
    tenant = SesTenant.objects.filter(domain=domain, is_associated=True, leaving_at=None, removed_at=None).first()
    return send_email(
        region=domain.region,
        from_address=message.from_address,
        to=[message.to_address],
        subject=f"Test mail from {domain.name}",
        text=f"This is a test mail from {message.from_address}: it shows that {domain.name} can send.\n",
        configuration_set=installation.configuration_set if installation is not None else "",
        tenant_name=tenant.tenant_name if tenant is not None else "",
        email_tags={MESSAGE_TAG: message.public_id, "message-class": message.message_class},
        caller=person(SEND_SECONDS),
    )
