"""What a contract is to the plumbing: an envelope for its refusals, the paths it speaks for, and its routes."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar

from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern
from django.utils.encoding import escape_uri_path

from accounts.errors import Refusal
from api.json_schema import Shape
from api.operations import Manual


class Kind(IntEnum):
    """What HTTP itself has against a request, before any contract's words; the value is the usual status."""

    BAD_REQUEST = 400
    UNAUTHORIZED = 401
    FORBIDDEN = 403
    UNKNOWN_PATH = 404
    METHOD_NOT_ALLOWED = 405
    BODY_TOO_LARGE = 413
    NOT_JSON = 415
    RATE_LIMITED = 429
    SERVER_ERROR = 500
    UNAVAILABLE = 503
    # Two more ways to be a 400; negative so that they stay apart from it.
    MALFORMED_JSON = -1
    INVALID_FIELD = -2

    @property
    def status(self) -> int:
        return int(self) if self > 0 else 400


class Problem(Exception):
    """A refusal that no business verb says: it is about the request itself.

    `message` is a sentence for a person and may be empty; `field` names the field or parameter of an INVALID_FIELD.
    """

    def __init__(
        self, kind: Kind, message: str = "", *, field: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self.kind = kind
        self.message = message
        self.field = field
        self.headers = dict(headers or {})
        super().__init__(message or kind.name)


# What an answer holds: an object, or where a contract has bare lists, an array.
Body = Mapping[str, object] | Sequence[object]


@dataclass(frozen=True)
class Answer:
    """A JSON answer before it becomes a response."""

    status: int
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)


class Envelope(ABC):
    """How one contract words its refusals."""

    # A framework that routes by path *and* method knows no 405: the wrong method is an unknown route, key or no key.
    has_405 = True
    # What a refusal holds, for the contract's document, and what it holds at the statuses that have their own.
    error_body: ClassVar[Shape]
    error_bodies: ClassVar[Mapping[int, Shape]] = {}

    @abstractmethod
    def problem(self, problem: Problem, request: HttpRequest) -> Answer:
        """The contract's answer to what is wrong with the request itself."""

    @abstractmethod
    def refusal(self, refusal: Refusal) -> Answer:
        """The contract's answer to a verb's "no"."""


@dataclass(frozen=True)
class Contract:
    """One line of the table in `api/contracts.py`.

    `paths` matches, from its beginning, every path under a mount that this contract answers for, known or not;
    `mounts` are prefixes without slashes at their ends, "" being the root.
    """

    name: str
    envelope: Envelope
    paths: re.Pattern[str]
    mounts: tuple[str, ...]
    urlpatterns: Sequence[URLPattern]
    manual: Manual

    def speaks_for(self, path: str) -> bool:
        bare = path.removeprefix("/")
        for mount in self.mounts:
            if not mount and self.paths.match(bare):
                return True
            if mount and bare.startswith(f"{mount}/") and self.paths.match(bare[len(mount) + 1 :]):
                return True
        return False


def respond(answer: Answer) -> JsonResponse:
    """The answer as bytes: compact UTF-8 JSON that nobody may keep."""
    response = JsonResponse(
        answer.body,
        safe=False,
        status=answer.status,
        json_dumps_params={"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False},
    )
    response["Cache-Control"] = "no-store"
    for name, value in answer.headers.items():
        response[name] = value
    return response


def path_of(request: HttpRequest) -> str:
    """The path as it may be repeated in an answer: percent-encoded, without the query, which may hold a secret."""
    return str(escape_uri_path(request.path))
