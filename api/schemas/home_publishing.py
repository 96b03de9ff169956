"""What the home API takes and answers about writing records at a domain's DNS host."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from api.json_schema import Facets
from api.operations import UPSTREAM, Operation
from domains.publishing import HostRefusedChange
from domains.registration import DomainNotFound, RestartsExhausted
from domains.zone_access import NoWritableZone

Values = Annotated[
    list[str] | None,
    Facets(
        examples=[["10 inbound-smtp.us-east-1.amazonaws.com"]],
        description="All values of this type at this name, an MX with its preference in front; null for none.",
    ),
]


class Change(TypedDict):
    """What happens to one record. What is kept, or in conflict, stays as it is; `reason` says why."""

    action: Literal["create", "replace", "keep", "conflict"]
    type: str
    name: str
    before: Values
    after: Values
    reason: NotRequired[str]


class Preview(TypedDict):
    """`host` is null, and nothing can be applied, where no DNS host is connected that has the domain's zone."""

    host: Annotated[str | None, Facets(enum=["route53", "cloudflare", None])]
    canApply: bool
    changes: list[Change]


class NotWritten(TypedDict):
    type: str
    name: str
    reason: str


class Published(TypedDict):
    """`applied` is what stands now, by what was done for it; `failed` could not be written and is left as it was."""

    applied: list[Change]
    failed: list[NotWritten]


class Undone(TypedDict):
    type: str
    name: str
    before: Values
    after: Values


class Unpublished(TypedDict):
    """Nothing is undone where nothing of ours stands any more."""

    success: Literal[True]
    undone: list[Undone]


PREVIEW_PUBLISHING = Operation(
    "getDomainPublishing",
    "What would be written at the connected DNS host",
    {200: Preview},
    refusals=(DomainNotFound, HostRefusedChange, *UPSTREAM),
)
PUBLISH_RECORDS = Operation(
    "publishDomainRecords",
    "Write a domain's records at its DNS host",
    {200: Published},
    refusals=(DomainNotFound, NoWritableZone, HostRefusedChange, RestartsExhausted, *UPSTREAM),
    ignores_body=True,
)
UNDO_PUBLISHING = Operation(
    "undoDomainPublishing",
    "Take back what was written and nobody changed since, and put back what it replaced",
    {200: Unpublished},
    refusals=(DomainNotFound, NoWritableZone, HostRefusedChange, *UPSTREAM),
)
