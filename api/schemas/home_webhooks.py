"""What the home API takes and answers about webhooks and their deliveries."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from api.json_schema import Facets
from api.operations import Operation
from api.schemas.email_domains import Removed
from api.schemas.scalars import (
    Count,
    Cursor,
    DeliveryId,
    EventId,
    Limit,
    Moment,
    NextCursor,
    Seconds,
    WebhookId,
    WebhookSecret,
)
from webhooks.endpoints import (
    DeliveryNotFound,
    DisabledByStaff,
    EndpointNotFound,
    EndpointQuotaReached,
    InvalidUrl,
    UnknownEventType,
)
from webhooks.events import CATALOGUE
from webhooks.replay import EndpointDisabled, InvalidWindow
from webhooks.trial import TooManyTests

EventType = Annotated[str, Facets(enum=list(CATALOGUE))]
Events = Annotated[list[EventType], Facets(minItems=1)]
EndpointStatus = Literal["enabled", "disabled"]
DeliveryStatus = Literal["pending", "succeeded", "failed", "exhausted"]


class Webhook(TypedDict):
    id: WebhookId
    url: str
    events: list[str]
    status: EndpointStatus
    disabledReason: Annotated[str | None, Facets(enum=["by_owner", "by_staff", "gone", "failing", None])]
    createdAt: Seconds
    lastSuccessAt: Seconds | None


class NewWebhook(Webhook):
    secret: WebhookSecret


class WebhookPage(TypedDict):
    webhooks: list[Webhook]
    nextCursor: NextCursor


class WebhookQuery(TypedDict):
    limit: NotRequired[Limit]
    cursor: NotRequired[Cursor]


class WantedWebhook(TypedDict):
    """Without `events` all are told."""

    url: Annotated[str, Facets(format="uri", examples=["https://example.com/mail-events"])]
    events: NotRequired[Events]


class WebhookChange(TypedDict):
    """One of the three at least."""

    url: NotRequired[Annotated[str, Facets(format="uri")]]
    events: NotRequired[Events]
    status: NotRequired[EndpointStatus]


class Trial(TypedDict):
    """How a test event ended; no status where nobody answered."""

    success: bool
    statusCode: int | None
    error: str | None


class Attempt(TypedDict):
    """One call; `response` is the beginning of what was answered."""

    at: Seconds
    statusCode: int | None
    error: str | None
    durationMs: Count
    response: str


class Delivery(TypedDict):
    id: DeliveryId
    eventId: EventId
    type: str
    status: DeliveryStatus
    nextAttemptAt: Seconds | None
    attempts: list[Attempt]


class DeliveryPage(TypedDict):
    deliveries: list[Delivery]
    nextCursor: NextCursor


class DeliveryQuery(TypedDict):
    status: NotRequired[DeliveryStatus]
    limit: NotRequired[Limit]
    cursor: NotRequired[Cursor]


# A field that is a word of Python's has to be written so.
_From = TypedDict("_From", {"from": Moment})


class Window(_From):
    """The deliveries made from `from` until before `to`; a dry run only counts them."""

    to: Moment
    types: NotRequired[Events]
    dryRun: NotRequired[bool]


class Replayed(TypedDict):
    count: Count


LIST_WEBHOOKS = Operation("listWebhooks", "List the webhooks, the newest first", {200: WebhookPage}, query=WebhookQuery)
CREATE_WEBHOOK = Operation(
    "createWebhook",
    "Make a webhook; its secret is shown this once",
    {201: NewWebhook},
    body=WantedWebhook,
    refusals=(InvalidUrl, UnknownEventType, EndpointQuotaReached),
)
READ_WEBHOOK = Operation("getWebhook", "Read a webhook", {200: Webhook}, refusals=(EndpointNotFound,))
CHANGE_WEBHOOK = Operation(
    "updateWebhook",
    "Change a webhook, switch it off or on again",
    {200: Webhook},
    body=WebhookChange,
    refusals=(EndpointNotFound, InvalidUrl, UnknownEventType, DisabledByStaff),
)
DELETE_WEBHOOK = Operation("deleteWebhook", "Delete a webhook", {200: Removed}, refusals=(EndpointNotFound,))
ROTATE_SECRET = Operation(
    "rotateWebhookSecret",
    "Give a webhook a new secret; the old one signs as well for a day",
    {200: NewWebhook},
    refusals=(EndpointNotFound,),
)
TEST_WEBHOOK = Operation(
    "testWebhook", "Send a test event now", {200: Trial}, refusals=(EndpointNotFound, TooManyTests)
)
LIST_DELIVERIES = Operation(
    "listDeliveries",
    "What was sent to a webhook, the newest first",
    {200: DeliveryPage},
    query=DeliveryQuery,
    refusals=(EndpointNotFound,),
)
REPLAY_WINDOW = Operation(
    "replayDeliveries",
    "Send again what was sent in a stretch of time",
    {200: Replayed},
    body=Window,
    refusals=(EndpointNotFound, EndpointDisabled, InvalidWindow, UnknownEventType),
)
REPLAY_DELIVERY = Operation(
    "replayDelivery", "Send one delivery again", {202: Delivery}, refusals=(DeliveryNotFound, EndpointDisabled)
)
