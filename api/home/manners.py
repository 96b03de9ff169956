"""The home API's manners: its envelope, its view, and how it reads the fields of a body and a query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from accounts.errors import Refusal, UpstreamBusy, UpstreamLimitReached, UpstreamRefusal, UpstreamTimedOut
from api.base import ContractView
from api.envelopes import Answer, Envelope, Kind, Problem
from api.idempotency import KeyInFlight, KeyReused
from api.schemas.email_domains import Refused
from channels.inboxes import DomainNotActive, InboxExists, InboxNotFound, InvalidAddress
from channels.removal import DomainInUse
from domains.challenges import ChallengeExists, NothingToChallenge, TooManyChallenges
from domains.changes import NotSuspended, SuspendedByStaff
from domains.names import InvalidDomainName
from domains.publishing import HostRefusedChange
from domains.registration import (
    DomainAlreadyRegistered,
    DomainNotFound,
    DomainQuotaReached,
    RegionNotOffered,
    RestartsExhausted,
)
from domains.zone_access import NoWritableZone
from inbound.reading import AttachmentNotFound, MessageNotFound, RawNotKept
from webhooks.endpoints import DeliveryNotFound, DisabledByStaff, EndpointNotFound, EndpointQuotaReached
from webhooks.replay import EndpointDisabled
from webhooks.trial import TooManyTests

# Status, code, and the contract's own message; an empty one lets the refusal speak.
REFUSALS: dict[type[Refusal], tuple[int, str, str]] = {
    DomainNotFound: (404, "DOMAIN_NOT_FOUND", "Domain does not exist"),
    DomainAlreadyRegistered: (409, "DOMAIN_EXISTS", "Domain already registered"),
    InvalidDomainName: (400, "DOMAIN_INVALID", "Invalid domain format"),
    DomainNotActive: (422, "VERIFICATION_FAILED", "DNS verification failed"),
    DomainInUse: (409, "DOMAIN_IN_USE", "Cannot delete domain with active inboxes"),
    InboxNotFound: (404, "INBOX_NOT_FOUND", "Inbox does not exist"),
    InboxExists: (409, "INBOX_EXISTS", "Inbox already exists"),
    MessageNotFound: (404, "MESSAGE_NOT_FOUND", "Message does not exist"),
    AttachmentNotFound: (404, "ATTACHMENT_NOT_FOUND", "Attachment does not exist"),
    RawNotKept: (404, "RAW_NOT_KEPT", "The raw message is no longer kept"),
    EndpointNotFound: (404, "WEBHOOK_NOT_FOUND", "Webhook does not exist"),
    DeliveryNotFound: (404, "DELIVERY_NOT_FOUND", "Delivery does not exist"),
    EndpointDisabled: (409, "WEBHOOK_DISABLED", ""),
    EndpointQuotaReached: (429, "QUOTA_EXCEEDED", ""),
    TooManyTests: (429, "RATE_LIMITED", ""),
    DisabledByStaff: (403, "FORBIDDEN", ""),
    KeyInFlight: (409, "IDEMPOTENCY_KEY_IN_FLIGHT", ""),
    KeyReused: (422, "IDEMPOTENCY_KEY_REUSED", ""),
    InvalidAddress: (400, "VALIDATION_ERROR", ""),
    RegionNotOffered: (400, "VALIDATION_ERROR", ""),
    SuspendedByStaff: (403, "FORBIDDEN", ""),
    NotSuspended: (400, "VALIDATION_ERROR", "status can be active again only after suspended"),
    NothingToChallenge: (409, "NOTHING_TO_CHALLENGE", ""),
    ChallengeExists: (409, "CHALLENGE_EXISTS", ""),
    TooManyChallenges: (429, "QUOTA_EXCEEDED", ""),
    DomainQuotaReached: (429, "QUOTA_EXCEEDED", ""),
    RestartsExhausted: (429, "QUOTA_EXCEEDED", ""),
    NoWritableZone: (422, "DNS_HOST_NOT_CONNECTED", ""),
    HostRefusedChange: (422, "DNS_HOST_REFUSED", ""),
    UpstreamLimitReached: (503, "PROVIDER_LIMIT", ""),
    UpstreamBusy: (503, "PROVIDER_LIMIT", ""),
    UpstreamTimedOut: (504, "PROVIDER_TIMEOUT", ""),
    UpstreamRefusal: (502, "PROVIDER_ERROR", ""),
    Refusal: (400, "VALIDATION_ERROR", ""),
}

PROBLEMS: dict[Kind, tuple[str, str]] = {
    Kind.BAD_REQUEST: ("BAD_REQUEST", "The request could not be read"),
    Kind.UNAUTHORIZED: ("UNAUTHORIZED", "A valid API key is required"),
    Kind.FORBIDDEN: ("FORBIDDEN", "This key lacks the permission"),
    Kind.UNKNOWN_PATH: ("NOT_FOUND", "There is nothing at this address"),
    Kind.METHOD_NOT_ALLOWED: ("METHOD_NOT_ALLOWED", "This method is not allowed here"),
    Kind.BODY_TOO_LARGE: ("PAYLOAD_TOO_LARGE", "The body is too large"),
    Kind.NOT_JSON: ("UNSUPPORTED_MEDIA_TYPE", "The body must be application/json"),
    Kind.RATE_LIMITED: ("RATE_LIMITED", "Too many requests"),
    Kind.MALFORMED_JSON: ("VALIDATION_ERROR", "The body is not valid JSON"),
    Kind.INVALID_FIELD: ("VALIDATION_ERROR", "The request is not valid"),
    Kind.UNAVAILABLE: ("UNAVAILABLE", "The service is not available"),
    Kind.SERVER_ERROR: ("INTERNAL_ERROR", "Internal server error"),
}


def error(status: int, code: str, message: str, details: Mapping[str, object] | None = None) -> Answer:
    inner: dict[str, object] = {"code": code, "message": message}
    if details:
        inner["details"] = details
    return Answer(status, {"error": inner})


class HomeEnvelope(Envelope):
    error_body = Refused

    def problem(self, problem: Problem, request: HttpRequest) -> Answer:
        code, message = PROBLEMS[problem.kind]
        details = {"field": problem.field} if problem.field else None
        return error(problem.kind.status, code, problem.message or message, details)

    def refusal(self, refusal: Refusal) -> Answer:
        status, code, message = next(REFUSALS[kind] for kind in type(refusal).__mro__ if kind in REFUSALS)
        return error(status, code, message or refusal.message, details_of(refusal, code))


def details_of(refusal: Refusal, code: str) -> Mapping[str, object]:
    """What the contract's own message does not say: the field, why a name will not do, what a domain lacks."""
    match refusal:
        case InvalidDomainName():
            return {"reason": refusal.reason, "message": refusal.message}
        case DomainNotActive():
            return refusal.details
    return {"field": refusal.field} if code == "VALIDATION_ERROR" and refusal.field else {}


class HomeView(ContractView):
    """A route of the home API."""

    envelope = HomeEnvelope()


def invalid(field: str, rule: str) -> Problem:
    return Problem(Kind.INVALID_FIELD, f"{field} {rule}", field=field)


def boolean(body: Mapping[str, Any], field: str, *, default: bool | None = None) -> bool:
    """A field that is true or false; raises Problem, also when it is missing and has no default."""
    value = body.get(field, default)
    if not isinstance(value, bool):
        raise invalid(field, "must be true or false")
    return value


def text(body: Mapping[str, Any], field: str, *, default: str | None = None, longest: int = 200) -> str:
    """A field of printable text; raises Problem, also when it is missing and has no default."""
    value = body.get(field, default)
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise invalid(field, f"must be a string of at most {longest} characters")
    return value


def one_of(given: str, field: str, words: tuple[str, ...]) -> str:
    if given not in words:
        raise invalid(field, f"must be one of {', '.join(words)}")
    return given
