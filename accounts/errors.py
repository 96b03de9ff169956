"""Refusal: the root of every "no" that a business verb can say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class Refusal(Exception):
    """A verb declines, for a reason that a person or a program can act on.

    A subclass is named for what it says and defined beside the verb that raises it. Faces translate it into
    their own words; `code` is the stable word in ours.
    """

    code: ClassVar[str] = "refused"
    default_message: ClassVar[str] = "The request was refused."

    def __init__(self, message: str = "", *, field: str = "", details: Mapping[str, object] | None = None) -> None:
        self.message = message or self.default_message
        self.field = field
        self.details: Mapping[str, object] = dict(details or {})
        super().__init__(self.message)


class UpstreamRefusal(Refusal):
    """A service that we depend on could not do its part; the caller may try again."""

    code = "upstream_failed"
    default_message = "The mail provider could not be reached."


class UpstreamTimedOut(UpstreamRefusal):
    """A service that we depend on did not answer in time."""

    code = "upstream_timed_out"
    default_message = "The mail provider did not answer in time."


class UpstreamBusy(UpstreamTimedOut):
    """A service that we depend on takes no more calls for now, and the caller's patience ended before it did."""

    code = "upstream_busy"
    default_message = "The mail provider takes no more calls at the moment."


class UpstreamRejected(UpstreamRefusal):
    """A service that we depend on does not take what the caller gave for what it should be."""

    code = "upstream_rejected"
    default_message = "The mail provider does not accept this."


class UpstreamLimitReached(UpstreamRefusal):
    """The installation's account at the service is full."""

    code = "upstream_limit"
    default_message = "The mail provider's limit is reached."
