"""What one method of one route takes and answers: the declaration from which its contract's document is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from accounts.errors import (
    Refusal,
    UpstreamBusy,
    UpstreamLimitReached,
    UpstreamRefusal,
    UpstreamRejected,
    UpstreamTimedOut,
)
from api.json_schema import Shape

# What a call of AWS may come to, for the refusals of a route that makes one.
UPSTREAM = (UpstreamRefusal, UpstreamTimedOut, UpstreamBusy, UpstreamRejected, UpstreamLimitReached)


@dataclass(frozen=True)
class Bytes:
    """An answer that is no JSON but a file of this type; `*/*` for any."""

    media_type: str


@dataclass(frozen=True)
class Operation:
    """One method of one route.

    `name` is what generators of clients call it. `answers` is what it says yes with, by status; None is no content.
    `query` is a TypedDict whose fields are the parameters of the query. `refusals` are the verbs' ways to say no; what
    HTTP itself may have against a request is the same for every route and stands nowhere.
    """

    name: str
    summary: str
    answers: Mapping[int, Shape | Bytes | None]
    body: Shape | None = None
    query: type | None = None
    # A refusal that can not be made without its particulars stands here as an example of itself.
    refusals: tuple[type[Refusal] | Refusal, ...] = ()
    # Refusals with a body of this route's own, by status.
    own_refusals: Mapping[int, Shape] = field(default_factory=dict)
    # Headers of the good answers, with what they say.
    headers: Mapping[str, str] = field(default_factory=dict)
    # What it can say yes with instead of JSON, where the query asks for a file.
    files: tuple[Bytes, ...] = ()
    # An empty request will do.
    is_body_optional: bool = False
    # Whatever is sent along is not even looked at.
    ignores_body: bool = False


@dataclass(frozen=True)
class Manual:
    """The front page of a contract's document; `path` gives the shapes of what stands in its paths, by name."""

    title: str
    text: str
    path: Mapping[str, Shape] = field(default_factory=dict)
    # How a field of a body is spelled on the wire.
    spell: Callable[[str], str] = str
