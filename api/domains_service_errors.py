"""What `domains_service` says no with: a code in the words of Connect and a message that names the field."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.errors import (
    Refusal,
    UpstreamBusy,
    UpstreamLimitReached,
    UpstreamRefusal,
    UpstreamRejected,
    UpstreamTimedOut,
)
from api.envelopes import Answer, Envelope, Kind, Problem
from api.schemas.domains_service import Refused
from domains.choices import InvalidSpfValue
from domains.names import InvalidDomainName
from domains.registration import DomainAlreadyRegistered, DomainNotFound, DomainQuotaReached, RestartsExhausted
from inbound.sending import TestMailsExhausted

REFUSALS: dict[type[Refusal], tuple[int, str]] = {
    InvalidDomainName: (400, "invalid_argument"),
    InvalidSpfValue: (400, "invalid_argument"),
    DomainNotFound: (404, "not_found"),
    DomainAlreadyRegistered: (409, "already_exists"),
    DomainQuotaReached: (429, "resource_exhausted"),
    RestartsExhausted: (429, "resource_exhausted"),
    TestMailsExhausted: (429, "resource_exhausted"),
    UpstreamRejected: (400, "invalid_argument"),
    UpstreamLimitReached: (429, "resource_exhausted"),
    UpstreamBusy: (429, "resource_exhausted"),
    UpstreamTimedOut: (504, "deadline_exceeded"),
    UpstreamRefusal: (503, "unavailable"),
    Refusal: (400, "failed_precondition"),
}
PROBLEMS: dict[Kind, tuple[str, str]] = {
    Kind.BAD_REQUEST: ("invalid_argument", "The request could not be read."),
    Kind.MALFORMED_JSON: ("invalid_argument", "The body is not valid JSON."),
    Kind.INVALID_FIELD: ("invalid_argument", "The request is not valid."),
    Kind.NOT_JSON: ("invalid_argument", "The body must be application/json."),
    Kind.BODY_TOO_LARGE: ("invalid_argument", "The body is too large."),
    Kind.UNAUTHORIZED: ("unauthenticated", "A valid API key is required."),
    Kind.FORBIDDEN: ("permission_denied", "This key lacks the permission."),
    Kind.UNKNOWN_PATH: ("not_found", "There is no such method."),
    Kind.METHOD_NOT_ALLOWED: ("unimplemented", "Methods are called by POST."),
    Kind.RATE_LIMITED: ("resource_exhausted", "Too many requests."),
    Kind.SERVER_ERROR: ("internal", "Internal error."),
    Kind.UNAVAILABLE: ("unavailable", "The service is not available."),
}


class ServiceEnvelope(Envelope):
    error_body = Refused

    def problem(self, problem: Problem, request: HttpRequest) -> Answer:
        code, message = PROBLEMS[problem.kind]
        # A body of another type is refused for its type, not for how it fails to be JSON.
        said = message if problem.kind is Kind.NOT_JSON else problem.message or message
        return Answer(problem.kind.status, {"code": code, "message": said})

    def refusal(self, refusal: Refusal) -> Answer:
        status, code = next(REFUSALS[kind] for kind in type(refusal).__mro__ if kind in REFUSALS)
        names_field = code == "invalid_argument" and refusal.field
        message = f"{refusal.field}: {refusal.message}" if names_field else refusal.message
        return Answer(status, {"code": code, "message": message})
