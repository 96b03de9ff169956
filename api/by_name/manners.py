"""The manners of `domains_by_name`: its envelope, its view, and how it reads the fields of a body."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpRequest

from accounts.api_keys import ApiKeyNotFound, BeyondOwnPower
from accounts.errors import Refusal, UpstreamRefusal
from api.base import ContractView
from api.envelopes import Answer, Envelope, Kind, Problem
from api.schemas.domains_by_name import Refused
from channels.inboxes import DomainNotActive, InboxExists, InboxNotFound
from channels.removal import DomainInUse
from domains.registration import DomainAlreadyRegistered, DomainNotFound, DomainQuotaReached
from domains.tokens import DkimUnavailable
from inbound.reading import MessageNotFound, ThreadNotFound
from webhooks.endpoints import EndpointNotFound, EndpointQuotaReached
from webhooks.trial import TooManyTests

INVALID_VALUE = "Invalid value"
LONGEST_NAME = 100
LONGEST_REPEATED = 1000


class SendingIsOff(Refusal):
    """The contract has routes that send; this product only receives."""

    code = "sending_not_available"
    default_message = "Sending is not available"


# Status, code, and the contract's own message; an empty one lets the refusal speak.
REFUSALS: dict[type[Refusal], tuple[int, str, str]] = {
    DomainNotFound: (404, "domain_not_found", "Domain not found"),
    DomainAlreadyRegistered: (400, "domain_exists", "Domain already exists"),
    DomainInUse: (400, "domain_in_use", "Domain is in use"),
    DkimUnavailable: (400, "dkim_unavailable", "Failed to get DKIM attributes"),
    DomainNotActive: (404, "domain_not_verified", "Invalid domain name"),
    InboxNotFound: (404, "inbox_not_found", "Inbox not found"),
    InboxExists: (400, "inbox_exists", "Inbox with this email already exists"),
    MessageNotFound: (404, "message_not_found", "Message not found"),
    ThreadNotFound: (404, "thread_not_found", "Thread not found"),
    EndpointNotFound: (404, "webhook_not_found", "Webhook not found"),
    ApiKeyNotFound: (404, "api_key_not_found", "API key not found"),
    BeyondOwnPower: (403, "forbidden", ""),
    DomainQuotaReached: (429, "quota_exceeded", ""),
    EndpointQuotaReached: (429, "quota_exceeded", ""),
    TooManyTests: (429, "rate_limited", ""),
    SendingIsOff: (501, "not_implemented", ""),
    UpstreamRefusal: (502, "upstream_error", "Upstream email service unavailable"),
    Refusal: (400, "invalid_request", ""),
}

# Code and message; an empty message lets the problem speak.
PROBLEMS: dict[Kind, tuple[str, str]] = {
    Kind.BAD_REQUEST: ("bad_request", "The request could not be read"),
    Kind.UNAUTHORIZED: ("auth_invalid_token", "Unauthorized"),
    Kind.FORBIDDEN: ("forbidden", ""),
    Kind.UNKNOWN_PATH: ("not_found", "Not found"),
    Kind.METHOD_NOT_ALLOWED: ("method_not_allowed", "Method not allowed"),
    Kind.BODY_TOO_LARGE: ("payload_too_large", "Request entity too large"),
    Kind.NOT_JSON: ("unsupported_media_type", "The body must be application/json"),
    Kind.RATE_LIMITED: ("rate_limited", "Too many requests"),
    Kind.MALFORMED_JSON: ("invalid_json", "Invalid JSON body"),
    Kind.UNAVAILABLE: ("unavailable", "Service unavailable"),
    Kind.SERVER_ERROR: ("internal_error", "Internal server error"),
}

# The realm that the original's framework names.
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Users"'}
ABSENT = object()


def can_be_repeated(value: object) -> bool:
    """Whether an answer can hold it: it was given, JSON can write it again (not so 1e999), and it is not too long."""
    if value is ABSENT:
        return False
    try:
        return isinstance(value, str) or len(json.dumps(value, allow_nan=False)) <= LONGEST_REPEATED
    except (ValueError, RecursionError):
        return False


class InvalidValue(Problem):
    """A field that is not as it must be, told as express-validator 7 tells it: with its value where one was given."""

    def __init__(
        self,
        path: str,
        value: object,
        msg: str = INVALID_VALUE,
        *,
        code: str = "invalid_request",
        location: str = "body",
    ) -> None:
        super().__init__(Kind.INVALID_FIELD, msg, field=path)
        self.code = code
        given = {"value": value} if can_be_repeated(value) else {}
        self.told = {"type": "field", **given, "msg": msg, "path": path, "location": location}


def error(status: int, code: str, message: str, **more: object) -> Answer:
    """The superset of the original's three ways to say no: every client finds the key that it reads."""
    return Answer(status, {"error": message, "message": message, "code": code, "details": {}} | more)


class InvalidValues(Problem):
    """Several fields that are not as they must be; the first speaks for all where a client reads one."""

    def __init__(self, each: Sequence[InvalidValue]) -> None:
        super().__init__(Kind.INVALID_FIELD, each[0].message, field=each[0].field)
        self.each = each


class ByNameEnvelope(Envelope):
    error_body = Refused

    def problem(self, problem: Problem, request: HttpRequest) -> Answer:
        if isinstance(problem, InvalidValue):
            return error(400, problem.code, problem.message, errors=[problem.told])
        if isinstance(problem, InvalidValues):
            return error(400, problem.each[0].code, problem.message, errors=[each.told for each in problem.each])
        if problem.kind is Kind.INVALID_FIELD:
            # The bodies' fields are told above: what the plumbing itself reads are parameters of lists.
            told = {"type": "field", "msg": problem.message, "path": problem.field, "location": "query"}
            return error(400, "invalid_request", problem.message, errors=[told])
        code, message = PROBLEMS[problem.kind]
        answer = error(problem.kind.status, code, message or problem.message or "Forbidden")
        return replace(answer, headers=CHALLENGE) if problem.kind is Kind.UNAUTHORIZED else answer

    def refusal(self, refusal: Refusal) -> Answer:
        status, code, message = next(REFUSALS[kind] for kind in type(refusal).__mro__ if kind in REFUSALS)
        return error(status, code, message or refusal.message)


class ByNameView(ContractView):
    """A route of this contract."""

    envelope = ByNameEnvelope()


def trimmed(body: Mapping[str, Any], field: str, *, longest: int = LONGEST_NAME) -> str:
    """A field of printable text that is more than blanks; raises InvalidValue, also where it is missing."""
    value = body.get(field, ABSENT)
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > longest or not text.isprintable():
        raise InvalidValue(field, value)
    return text


def both_ids(id: str) -> dict[str, object]:
    """The original's database writes `_id`, its documentation `id`: clients read either."""
    return {"_id": id, "id": id}
