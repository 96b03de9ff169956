"""Connect a domain as a channel that receives: set up, verify, activate, disconnect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.doorbell import ring
from accounts.errors import Refusal
from accounts.models import Organization
from aws.pacing import person
from channels.inboxes import InboxExists, create_inbox, delete_inbox
from channels.models import Channel, EmailAccount
from domains import installation, receipt_rules
from domains.facts import current_records, missing_required
from domains.history import record_event
from domains.models import DnsRecord, Domain
from domains.provisioning import plan_again
from domains.records import Purpose
from domains.registration import DomainAlreadyRegistered, register_domain, restart_claim, validated_name
from domains.states import Status
from domains.upstream import upstream_refusals
from domains.verification import check_domain

WAIT_FOR_DNS = "Please wait for DNS propagation (24-48 hours) or check your DNS configuration"
WAIT_FOR_SES = (
    "The DNS records are right. Amazon SES has not confirmed the domain yet; please try again in a few minutes"
)
RESUME_FIRST = "This domain is switched off. Please resume it first"
SET_UP_AGAIN = "The 72 hours for verification have passed. Please run the setup again to get fresh records"


class ChannelNotFound(Refusal):
    code = "channel_not_found"
    default_message = "Channel not found"


class AccountNotFound(Refusal):
    code = "account_not_found"
    default_message = "Account not found"


class DomainNotVerified(Refusal):
    code = "domain_not_verified"
    default_message = "Domain not verified"


class ReceivingNotReady(Refusal):
    """`missing` is the subset of MX, TXT (in this order) that is still wrong; `suggestion` a sentence for a person."""

    code = "receiving_not_ready"
    default_message = "DNS records not yet propagated or incorrectly configured"

    def __init__(self, *, missing: list[str], suggestion: str) -> None:
        super().__init__(details={"missing": missing, "suggestion": suggestion})
        self.missing = missing
        self.suggestion = suggestion


@dataclass(frozen=True)
class ConnectedChannel:
    channel: Channel
    domain: Domain
    records: list[DnsRecord]


@dataclass(frozen=True)
class VerifiedChannel:
    channel: Channel
    domain: Domain
    accounts: list[EmailAccount]


def connect_channel(*, organization: Organization, name: object, actor: str, now: datetime) -> ConnectedChannel:
    """Set a domain up for receiving; again for a pending or failed one, with 72 fresh hours and the same channel.

    Raises InvalidDomainName, DomainAlreadyRegistered (verified, or proved by another), DomainQuotaReached,
    RestartsExhausted and the upstream refusals.
    """
    ascii_name = validated_name(name).ascii
    own = Domain.objects.live().filter(organization=organization, name=ascii_name).first()
    if own is None:
        domain = register_domain(organization=organization, name=ascii_name, actor=actor, now=now)
    elif own.status in (Status.PENDING, Status.FAILED):
        domain = restart_claim(domain=own, actor=actor, now=now)
        _turn_receiving_on(domain, now=now)
    elif (
        own.status == Status.ACTIVE
        and Channel.objects.filter(organization=organization, name=ascii_name, is_connected=False).exists()
    ):
        # Disconnected: what is missing is the channel alone.
        _turn_receiving_on(own, now=now)
        domain = own
    else:
        raise DomainAlreadyRegistered
    channel, _ = Channel.objects.update_or_create(
        organization=organization,
        name=ascii_name,
        defaults={"domain": domain, "is_connected": True},
        create_defaults={"domain": domain, "created_at": now},
    )
    domain.refresh_from_db()
    return ConnectedChannel(channel=channel, domain=domain, records=current_records(domain))


def _turn_receiving_on(domain: Domain, *, now: datetime) -> None:
    if domain.is_receiving:
        return
    with transaction.atomic():
        Domain.objects.live().filter(pk=domain.pk).update(is_receiving=True, updated_at=now)
        domain.is_receiving = True
        plan_again(domain=domain, now=now)
        receipt_rules.wish_rules(region=domain.region, now=now)
        ring("domains.tasks.reconcile_due")


def access_channel(*, organization: Organization, channel_id: int) -> Channel:
    """The organization's connected channel of this id; anything else is ChannelNotFound."""
    if not 0 < channel_id < 2**63:
        raise ChannelNotFound
    channel = (
        Channel.objects.select_related("domain", "organization")
        .filter(organization=organization, pk=channel_id, is_connected=True, domain__removed_at__isnull=True)
        .exclude(domain__isnull=True)
        .first()
    )
    if channel is None:
        raise ChannelNotFound
    return channel


def verify_receiving(*, channel: Channel, actor: str, now: datetime) -> VerifiedChannel:
    """Check the domain now; once it is active, make its first account and answer the same ever after.

    Raises ReceivingNotReady, ChannelNotFound and the upstream refusals. A failed claim is not restarted: that is for
    setting it up again.
    """
    domain = channel.domain
    if domain is None:
        raise ChannelNotFound
    if not _is_ready(domain) and domain.status != Status.FAILED:
        domain = check_domain(domain=domain, actor=actor, now=now)
    if not _is_ready(domain):
        raise ReceivingNotReady(missing=_missing(domain), suggestion=_suggestion(domain))
    with upstream_refusals():
        receipt_rules.apply_wished(region=domain.region, caller=person())
    return VerifiedChannel(channel=channel, domain=domain, accounts=_accounts(channel, domain, actor=actor))


def _is_ready(domain: Domain) -> bool:
    """Active, with an MX that was right at least once: receiving may have been turned on when it was active already."""
    inbound = [record for record in current_records(domain) if record.purpose == Purpose.INBOUND]
    return domain.status == Status.ACTIVE and all(record.first_ok_at is not None for record in inbound)


def _missing(domain: Domain) -> list[str]:
    missing = missing_required(domain, current_records(domain))
    types = {"MX" if record.purpose == Purpose.INBOUND else "TXT" for record in missing}
    # A claim that failed may have lost nothing in DNS; what it lacks then is its proof.
    return [type_ for type_ in ("MX", "TXT") if type_ in types] or ["TXT"]


def _suggestion(domain: Domain) -> str:
    if domain.status == Status.FAILED:
        return SET_UP_AGAIN
    if domain.status == Status.SUSPENDED:
        return RESUME_FIRST
    missing = missing_required(domain, current_records(domain))
    return WAIT_FOR_SES if missing and all(record.is_ok for record in missing) else WAIT_FOR_DNS


def _accounts(channel: Channel, domain: Domain, *, actor: str) -> list[EmailAccount]:
    live = EmailAccount.objects.live().filter(domain=domain).order_by("pk")
    if not live.filter(channel=channel).exists():
        now = timezone.now()
        try:
            create_inbox(
                organization=domain.organization,
                domain=domain,
                local_part=settings.DEFAULT_LOCAL_PART,
                actor=actor,
                now=now,
                channel=channel,
            )
        except InboxExists:
            # Made through another contract, or by the same call at the same moment: it is this channel's as well.
            live.filter(local_part=settings.DEFAULT_LOCAL_PART, channel__isnull=True).update(channel=channel)
    return list(live.filter(channel=channel))


def activate_receiving(*, channel: Channel, actor: str, now: datetime) -> Channel:
    """Make sure that mail reaches us: rule set active, rule entry there, our endpoint subscribed. Idempotent.

    Raises DomainNotVerified and the upstream refusals.
    """
    domain = channel.domain
    if domain is None or domain.status != Status.ACTIVE:
        raise DomainNotVerified
    with upstream_refusals():
        installation.ensure_receiving(region=domain.region, caller=person())
        receipt_rules.wish_rules(region=domain.region, now=now)
        receipt_rules.apply_wished(region=domain.region, caller=person())
    changed = Channel.objects.filter(pk=channel.pk, receiving_active_at__isnull=True).update(receiving_active_at=now)
    if changed:
        record_event(domain, "channel.receiving_active", now=now, actor=actor)
    channel.refresh_from_db()
    return channel


def disconnect_account(*, organization: Organization, account_id: int, actor: str, now: datetime) -> None:
    """Remove one account; with the channel's last one the channel is disconnected and its rule entry goes.

    Raises AccountNotFound.
    """
    account = None
    if 0 < account_id < 2**63:
        account = (
            EmailAccount.objects.live()
            .select_related("domain", "channel")
            .filter(organization=organization, pk=account_id, channel__isnull=False)
            .first()
        )
    if account is None or account.channel is None:
        raise AccountNotFound
    with transaction.atomic():
        # One at a time a channel: of two who remove its last two accounts the later one must see that it is the last.
        Channel.objects.select_for_update().get(pk=account.channel.pk)
        if not delete_inbox(inbox=account, actor=actor, now=now):
            raise AccountNotFound
        if not EmailAccount.objects.live().filter(channel=account.channel).exists():
            _disconnect(account.channel, account.domain, actor=actor, now=now)


def _disconnect(channel: Channel, domain: Domain, *, actor: str, now: datetime) -> None:
    """The channel keeps its id; the domain stops receiving unless inboxes of other contracts are still on it."""
    Channel.objects.filter(pk=channel.pk).update(is_connected=False, receiving_active_at=None)
    if EmailAccount.objects.live().filter(domain=domain).exists():
        return
    Domain.objects.live().filter(pk=domain.pk).update(is_receiving=False, updated_at=now)
    plan_again(domain=domain, now=now)
    receipt_rules.wish_rules(region=domain.region, now=now)
    ring("domains.tasks.reconcile_due")
    record_event(domain, "channel.disconnected", now=now, actor=actor)
