"""Contract `custom_email`: connect a domain as a channel and receive on it (REST, integer ids, NestJS manners)."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.request import Request

from accounts.errors import Refusal, UpstreamLimitReached, UpstreamRefusal
from accounts.permissions import CREATE, DELETE, VIEW
from api.base import ContractView
from api.envelopes import Answer, Contract, Envelope, Kind, Problem, path_of
from api.schemas import custom_email as schemas
from api.timestamps import milliseconds
from channels.connecting import (
    AccountNotFound,
    ChannelNotFound,
    DomainNotVerified,
    ReceivingNotReady,
    activate_receiving,
    connect_channel,
    disconnect_account,
    verify_receiving,
)
from channels.models import EmailAccount
from domains.models import DnsRecord, Domain
from domains.names import InvalidDomainName, registrable_domain, relative_name
from domains.records import Purpose
from domains.registration import (
    DomainAlreadyRegistered,
    DomainNotFound,
    DomainQuotaReached,
    RestartsExhausted,
)
from domains.states import Status

STATUS_WORDS = {
    Status.PENDING: "pending_verification",
    Status.ACTIVE: "verified",
    Status.FAILED: "failed",
    Status.SUSPENDED: "failed",
}
INSTRUCTIONS = "Add the DNS records to your domain provider and verify within 72 hours"
NOT_A_NUMBER = "Validation failed (numeric string is expected)"
# NestJS's ParseIntPipe: an optional sign, digits, and finite as a double (the largest has 309 digits).
PARSE_INT = re.compile(r"-?[0-9]{1,308}")

# Where NestJS and Python's http module name a status differently.
PHRASES = {413: "Payload Too Large"}

REFUSALS: dict[type[Refusal], tuple[int, str]] = {
    InvalidDomainName: (400, "Invalid domain format"),
    DomainAlreadyRegistered: (400, "Domain already registered"),
    ReceivingNotReady: (400, "DNS records not yet propagated or incorrectly configured"),
    DomainNotVerified: (400, "Domain not verified"),
    ChannelNotFound: (404, "Channel not found"),
    DomainNotFound: (404, "Channel not found"),
    AccountNotFound: (404, "Account not found"),
    DomainQuotaReached: (429, "Domain limit reached"),
    RestartsExhausted: (429, "Too many setups of this domain today"),
    UpstreamLimitReached: (500, "SES domain limit reached"),
}


def nest(status: int, message: str, *, details: object = None, is_bare: bool = False) -> Answer:
    """NestJS's error body; a bare one has no `error`, as exceptions thrown without a description have none."""
    body: dict[str, object] = {"statusCode": status, "message": message}
    if not is_bare:
        body["error"] = PHRASES.get(status) or HTTPStatus(status).phrase
    if details is not None:
        body["details"] = details
    return Answer(status, body)


class CustomEmailEnvelope(Envelope):
    has_405 = False
    error_body = schemas.Refused

    def problem(self, problem: Problem, request: HttpRequest) -> Answer:
        match problem.kind:
            case Kind.UNAUTHORIZED:
                return nest(401, "Unauthorized", is_bare=True)
            case Kind.FORBIDDEN:
                return nest(403, "Forbidden resource")
            case Kind.UNKNOWN_PATH | Kind.METHOD_NOT_ALLOWED:
                return nest(404, f"Cannot {request.method} {path_of(request)}")
            case Kind.BODY_TOO_LARGE:
                return nest(413, "request entity too large")
            case Kind.NOT_JSON:
                return nest(415, "The body must be application/json")
            case Kind.RATE_LIMITED:
                return nest(429, "Rate limit exceeded")
            case Kind.MALFORMED_JSON:
                return nest(400, "Invalid JSON body")
            case Kind.SERVER_ERROR | Kind.UNAVAILABLE:
                return nest(500, "Internal server error", is_bare=True)
        return nest(problem.kind.status, problem.message or "Bad request")

    def refusal(self, refusal: Refusal) -> Answer:
        for kind in type(refusal).__mro__:
            if kind in REFUSALS:
                status, message = REFUSALS[kind]
                return nest(status, message)
        if isinstance(refusal, UpstreamRefusal):
            return nest(500, "Internal server error", is_bare=True)
        return nest(400, refusal.message)


class CustomEmailView(ContractView):
    """A route of this contract; all of them are POST."""

    envelope = CustomEmailEnvelope()


class ChannelView(CustomEmailView):
    """A route about one channel, whose id the path gives."""

    channel_id: int

    def read_path(self, **path: str) -> None:
        text = path["channel_id"]
        if not PARSE_INT.fullmatch(text):
            raise Problem(Kind.INVALID_FIELD, NOT_A_NUMBER)
        self.channel_id = int(text)


class SetUpReceiving(CustomEmailView):
    permissions = {"POST": CREATE}
    operations = {"POST": schemas.SET_UP}

    def post(self, request: Request) -> HttpResponse:
        name = self.body.get("domain")
        self.caller.demand_name(name)
        connected = connect_channel(
            organization=self.caller.organization, name=name, actor=self.caller.actor, now=self.caller.now
        )
        return self.answer(
            201,
            {
                "success": True,
                "message": "Custom email setup initiated",
                "connectedChannelId": connected.channel.pk,
                "domain": connected.domain.name,
                "status": STATUS_WORDS[Status(connected.domain.status)],
                "dnsRecords": dns_records(connected.domain, connected.records),
                "instructions": INSTRUCTIONS,
            },
        )


class VerifyReceiving(ChannelView):
    permissions = {"POST": VIEW}
    operations = {"POST": schemas.VERIFY}

    def post(self, request: Request, channel_id: str) -> HttpResponse:
        channel = self.caller.access_channel(self.channel_id)
        _ = self.body
        try:
            verified = verify_receiving(channel=channel, actor=self.caller.actor, now=self.caller.now)
        except ReceivingNotReady as refusal:
            status, message = REFUSALS[ReceivingNotReady]
            details = {
                "domain": channel.name,
                "missingRecords": refusal.missing,
                "suggestion": refusal.suggestion,
            }
            return self.answer(status, nest(status, message, details=details).body)
        domain = verified.domain
        return self.answer(
            200,
            {
                "success": True,
                "message": "Custom email receiving activated",
                "connectedChannelId": verified.channel.pk,
                "domain": domain.name,
                "status": STATUS_WORDS[Status(domain.status)],
                "emailAccounts": [account_body(account) for account in verified.accounts],
                "verifiedAt": milliseconds(domain.verified_at) if domain.verified_at else None,
            },
        )


class ActivateReceiving(ChannelView):
    permissions = {"POST": CREATE}
    operations = {"POST": schemas.ACTIVATE}

    def post(self, request: Request, channel_id: str) -> HttpResponse:
        channel = self.caller.access_channel(self.channel_id)
        _ = self.body
        activate_receiving(channel=channel, actor=self.caller.actor, now=self.caller.now)
        return self.answer(200, {"message": "Email receiving setup successful", "provider": "custom"})


class Disconnect(CustomEmailView):
    """The contract's only way out; an extension of its later documentation (C0.6)."""

    permissions = {"POST": DELETE}
    operations = {"POST": schemas.DISCONNECT}

    def post(self, request: Request) -> HttpResponse:
        account_id = account_id_of(self.body)
        if self.caller.only_domain and not self.caller.inboxes().filter(pk=min(account_id, 2**63 - 1)).exists():
            raise AccountNotFound
        disconnect_account(
            organization=self.caller.organization,
            account_id=account_id,
            actor=self.caller.actor,
            now=self.caller.now,
        )
        return self.answer(200, {"success": True, "message": "Custom email account disconnected"})


def account_id_of(body: dict[str, Any]) -> int:
    """`accountId` as a number, or as the numeric string that a path would have; raises Problem."""
    given = body.get("accountId")
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    if isinstance(given, str) and PARSE_INT.fullmatch(given):
        return int(given)
    raise Problem(Kind.INVALID_FIELD, NOT_A_NUMBER, field="accountId")


def account_body(account: EmailAccount) -> dict[str, object]:
    return {
        "id": account.pk,
        "email": account.email,
        "canReceive": account.can_receive,
        "canSend": account.can_send,
    }


def dns_records(domain: Domain, records: list[DnsRecord]) -> dict[str, list[dict[str, object]]]:
    """The records of receiving alone: the MX, and the TXT that prove the name; a contested claim has two of those."""
    mx: list[dict[str, object]] = [
        {
            "type": "MX",
            "name": relative_name(domain.name, registrable_domain(domain.name)),
            "value": record.value,
            "priority": record.priority,
            "ttl": record.ttl,
        }
        for record in records
        if record.purpose == Purpose.INBOUND
    ]
    txt: list[dict[str, object]] = [
        {"type": "TXT", "name": record.name, "value": record.value, "ttl": record.ttl}
        for record in records
        if record.purpose in (Purpose.OWNERSHIP, Purpose.CLAIM)
    ]
    return {"mx": mx, "txt": txt}


urlpatterns = [
    path("channels/email/custom/setup-receiving", SetUpReceiving.as_view()),
    path("channels/email/custom/<str:channel_id>/verify-receiving", VerifyReceiving.as_view()),
    path("channels/email/setup-receiving/<str:channel_id>", ActivateReceiving.as_view()),
    path("channels/email/disconnect/custom", Disconnect.as_view()),
]


def mounts(prefix: str) -> tuple[str, ...]:
    """At its prefix and below `/api/v1`, the original's global prefix."""
    return (prefix, f"{prefix}/api/v1".strip("/"))


CONTRACT = Contract(
    name="custom_email",
    envelope=CustomEmailView.envelope,
    paths=re.compile(r"channels(/|$)"),
    mounts=mounts(settings.CUSTOM_EMAIL_PREFIX),
    urlpatterns=urlpatterns,
    manual=schemas.MANUAL,
)
