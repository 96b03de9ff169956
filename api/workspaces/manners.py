"""A workspace's manners: FastAPI's envelope, the segment that names a workspace, and the view that knows its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from json import JSONDecodeError

from django.http import HttpRequest, HttpResponse
from django.urls import register_converter

from accounts.errors import Refusal, UpstreamBusy, UpstreamRefusal, UpstreamRejected, UpstreamTimedOut
from api.base import ContractView
from api.bodies import NOT_AN_OBJECT, strict_json
from api.envelopes import Answer, Envelope, Kind, Problem
from api.field_errors import Fields, InvalidFields, field_error, value_error
from api.schemas.ses_setups import Invalid, Refused
from channels.inboxes import DomainNotActive, InboxExists
from channels.removal import UseCasesExist
from channels.setups import SetupNotFound, UseCaseNotFound
from domains.registration import DomainAlreadyRegistered, DomainQuotaReached
from domains.tenants import TenantNameTaken

# The words that another contract begins with below /v1/, where this one has the workspace's id.
NOT_WORKSPACES = "domains|inboxes|webhooks|api_keys"
EXISTS = "Tenant name or domain identity already exists."
UNAVAILABLE = "Upstream email service unavailable."

REFUSALS: dict[type[Refusal], tuple[int, str]] = {
    SetupNotFound: (404, "SES setup not found"),
    UseCaseNotFound: (404, "Use case not found"),
    TenantNameTaken: (409, EXISTS),
    DomainAlreadyRegistered: (409, EXISTS),
    UseCasesExist: (409, "SES setup has active use cases — delete those first"),
    DomainNotActive: (409, "SES setup is not approved — verify its DNS records first"),
    InboxExists: (409, "Use case already exists"),
    DomainQuotaReached: (429, "Too many SES setups."),
    UpstreamBusy: (502, UNAVAILABLE),
    UpstreamTimedOut: (504, "Upstream email service timed out."),
    UpstreamRefusal: (502, UNAVAILABLE),
}

PROBLEMS: dict[Kind, str] = {
    Kind.BAD_REQUEST: "Bad Request",
    Kind.UNAUTHORIZED: "Missing or invalid API key.",
    Kind.FORBIDDEN: "Insufficient permissions.",
    Kind.UNKNOWN_PATH: "Not Found",
    Kind.METHOD_NOT_ALLOWED: "Method Not Allowed",
    Kind.BODY_TOO_LARGE: "Request body too large.",
    Kind.NOT_JSON: "Unsupported Media Type",
    Kind.RATE_LIMITED: "Rate limit exceeded.",
    Kind.UNAVAILABLE: "Service Unavailable",
    Kind.SERVER_ERROR: "Internal Server Error",
}


def detail(status: int, words: object) -> Answer:
    return Answer(status, {"detail": words})


class WorkspaceEnvelope(Envelope):
    error_body = Refused
    error_bodies = {422: Invalid}

    def problem(self, problem: Problem, request: HttpRequest) -> Answer:
        if isinstance(problem, InvalidFields):
            return detail(422, problem.errors)
        if problem.kind is Kind.MALFORMED_JSON:
            return detail(422, [malformed(problem.__cause__)])
        if problem.kind is Kind.INVALID_FIELD:
            return detail(422, [value_error(["query", problem.field], problem.message, None)])
        return detail(problem.kind.status, PROBLEMS[problem.kind])

    def refusal(self, refusal: Refusal) -> Answer:
        for kind in type(refusal).__mro__:
            if kind in REFUSALS:
                return detail(*REFUSALS[kind])
        return detail(422, [value_error(["body"], refusal.message, None)])


def malformed(cause: BaseException | None) -> Mapping[str, object]:
    """FastAPI's word for a body that is no JSON: where, by the character, and why."""
    position, reason = (cause.pos, cause.msg) if isinstance(cause, JSONDecodeError) else (0, str(cause))
    return field_error("json_invalid", ["body", position], "JSON decode error", {}, {"error": reason})


class WorkspaceSegment:
    """The path converter `workspace`: any one segment that is no other contract's word; the view reads it."""

    regex = rf"(?!(?:{NOT_WORKSPACES})(?:/|$))[^/]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(WorkspaceSegment, "workspace")


class WorkspaceView(ContractView):
    """A route below a workspace, which is the key's own or forbidden."""

    envelope = WorkspaceEnvelope()

    ids: Mapping[str, uuid.UUID]

    def read_path(self, **path: str) -> None:
        fields = Fields("path", path)
        self.ids = {name: fields.uuid(name) for name in path}
        fields.check()
        if self.ids["workspace_id"] != self.caller.organization.workspace_id:
            raise Problem(Kind.FORBIDDEN)

    def body_fields(self) -> Fields:
        """The body's fields; raises Problem, also for JSON that is no object."""
        try:
            return Fields("body", self.body)
        except Problem as problem:
            if problem.message != NOT_AN_OBJECT:
                raise
            given = strict_json(self.request._request.body)
            msg = "Input should be a valid dictionary or object to extract fields from"
            raise InvalidFields([field_error("model_attributes_type", ["body"], msg, given)]) from problem

    def no_content(self) -> HttpResponse:
        """The 204 without a type of the body it has not; Django would call it HTML."""
        response = HttpResponse(status=204)
        del response["Content-Type"]
        return response

    @contextmanager
    def refused_as(self, fields: Mapping[type[Refusal], str]) -> Iterator[None]:
        """A verb's "no" to what one field holds is said of that field; one of SES's to a parameter, of the body."""
        try:
            yield
        except UpstreamRejected as refusal:
            raise InvalidFields([value_error(["body"], refusal.message, self.body)]) from refusal
        except tuple(fields) as refusal:
            name = next(name for kind, name in fields.items() if isinstance(refusal, kind))
            raise InvalidFields([value_error(["body", name], refusal.message, self.body[name])]) from refusal
