"""ContractView: authenticate, limit, permit, one verb, and every "no" in the contract's own envelope."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.errors import Refusal, UpstreamRefusal
from api.authentication import Caller, authenticate
from api.bodies import json_object
from api.envelopes import Answer, Body, Envelope, Kind, Problem, path_of, respond
from api.operations import Operation
from api.rate_limit import Allowance, spend

logger = logging.getLogger(__name__)

# Where nobody knows better: a quota or a limit of SES passes slowly, a database comes back soon.
RETRY_AFTER_SECONDS = {429: 60, 503: 5}


class ContractView(APIView):
    """A route of one contract; a subclass says its envelope and, method by method, the permission it takes.

    The order of refusals is: key, rate, method, path, permission, object, body.
    """

    authentication_classes = []
    permission_classes = []

    envelope: ClassVar[Envelope]
    # By HTTP method; HEAD takes what GET takes.
    permissions: ClassVar[Mapping[str, str]] = {}
    # By HTTP method, for the contract's document.
    operations: ClassVar[Mapping[str, Operation]] = {}

    caller: Caller
    allowance: Allowance | None = None

    def read_path(self, **path: str) -> None:
        """Turn the path's parameters into what the methods need; may raise Problem. Comes after the key."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        method = request.method or ""
        is_offered = method.lower() in self.http_method_names and hasattr(self, method.lower())
        if not is_offered and not self.envelope.has_405:
            raise Problem(Kind.UNKNOWN_PATH)
        if method == "OPTIONS":
            return
        # DRF's own Request would parse bodies and negotiate formats in its words; what is asked here is Django's.
        self.caller = authenticate(request._request, now=timezone.now())
        self._spend_one()
        if not is_offered:
            raise Problem(Kind.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(self.allowed_methods)})
        self.read_path(**kwargs)
        permission = self.permissions["GET" if method == "HEAD" else method]
        if permission not in self.caller.permissions:
            raise Problem(Kind.FORBIDDEN, f"This key lacks the permission {permission}.")

    def _spend_one(self) -> None:
        self.allowance = spend(key_id=self.caller.api_key.pk, rate=settings.API_RATE_LIMIT)
        if self.allowance.is_exceeded:
            wait = str(self.allowance.seconds_left)
            raise Problem(Kind.RATE_LIMITED, headers={"Retry-After": wait})

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        answer = HttpResponse(status=204, headers={"Allow": ", ".join(self.allowed_methods)})
        del answer["Content-Type"]
        return answer

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object of the request; raises Problem."""
        return json_object(self.request._request)

    @property
    def query(self) -> Mapping[str, str]:
        """The query's parameters; of one that stands twice the last."""
        return self.request._request.GET

    def answer(self, status: int, body: Body) -> HttpResponse:
        return respond(Answer(status=status, body=body))

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        return respond(answer_to(exc, envelope=self.envelope, request=self.request._request))

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        response["Cache-Control"] = "no-store"
        if self.allowance is not None:
            for name, value in self.allowance.headers().items():
                response[name] = value
        return response


def answer_to(error: Exception, *, envelope: Envelope, request: HttpRequest) -> Answer:
    """Whatever went wrong, in the contract's words; where it may pass, with `Retry-After` (RFC 9110 10.2.3)."""
    answer = _in_its_words(error, envelope=envelope, request=request)
    wait = RETRY_AFTER_SECONDS.get(answer.status)
    return answer if wait is None else replace(answer, headers={"Retry-After": str(wait), **answer.headers})


def _in_its_words(error: Exception, *, envelope: Envelope, request: HttpRequest) -> Answer:
    """What nobody foresaw is logged with its traceback."""
    match error:
        case Problem():
            answer = envelope.problem(error, request)
            return Answer(answer.status, answer.body, {**error.headers, **answer.headers})
        case UpstreamRefusal():
            logger.warning("%s %s: %s", request.method, path_of(request), error, exc_info=error.__cause__)
            return envelope.refusal(error)
        case Refusal():
            return envelope.refusal(error)
        case Http404():
            return envelope.problem(Problem(Kind.UNKNOWN_PATH), request)
        case SuspiciousOperation() | BadRequest():
            return envelope.problem(Problem(Kind.BAD_REQUEST), request)
    logger.error("%s %s failed", request.method, path_of(request), exc_info=error)
    if isinstance(error, (OperationalError, InterfaceError)):
        # The database is away, full or busy: the same request may succeed soon.
        return envelope.problem(Problem(Kind.UNAVAILABLE), request)
    return envelope.problem(Problem(Kind.SERVER_ERROR), request)
