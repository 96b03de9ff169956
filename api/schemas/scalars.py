"""The small shapes that several contracts have in common: times, names, numbers of a page."""

from __future__ import annotations

from typing import Annotated

from api.json_schema import Facets

# 2026-01-31T12:00:00Z, and the same with its milliseconds.
Seconds = Annotated[
    str,
    Facets(
        format="date-time",
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        examples=["2026-01-31T12:00:00Z"],
    ),
]
Milliseconds = Annotated[
    str,
    Facets(
        format="date-time",
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        examples=["2026-01-31T12:00:00.000Z"],
    ),
]
# What a request may give as a time: with its offset.
Moment = Annotated[str, Facets(format="date-time", examples=["2026-01-31T12:00:00Z"])]

# As it is given, in any spelling, and as it is answered: lower-case A-labels.
WantedName = Annotated[str, Facets(examples=["mail.example.com"])]
DomainName = Annotated[str, Facets(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", examples=["mail.example.com"])]

Count = Annotated[int, Facets(minimum=0)]
Limit = Annotated[int, Facets(minimum=1, maximum=100, default=20)]
Offset = Annotated[int, Facets(minimum=0, maximum=2**31 - 1, default=0)]
Cursor = Annotated[str, Facets(description="What the page before gave for the one after it; worth nothing elsewhere.")]
NextCursor = Annotated[str | None, Facets(description="Null on the last page.")]

PublicId = "^{}_[A-Za-z0-9_-]{{21}}$"
DomainId = Annotated[str, Facets(pattern=PublicId.format("dom"))]
InboxId = Annotated[str, Facets(pattern=PublicId.format("inb"))]
MessageId = Annotated[str, Facets(pattern=PublicId.format("msg"))]
ThreadId = Annotated[str, Facets(pattern=PublicId.format("thr"))]
AttachmentId = Annotated[str, Facets(pattern=PublicId.format("att"))]
WebhookId = Annotated[str, Facets(pattern=PublicId.format("whk"))]
DeliveryId = Annotated[str, Facets(pattern=PublicId.format("dlv"))]
EventId = Annotated[str, Facets(pattern=PublicId.format("evt"))]
OrganizationId = Annotated[str, Facets(pattern=PublicId.format("org"))]
WebhookSecret = Annotated[str, Facets(pattern="^whsec_", description="Shown this once.")]
