"""What `domains_by_name` takes and answers about what programs use: webhooks and API keys."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from accounts.api_keys import ApiKeyNotFound, BeyondOwnPower
from accounts.permissions import ALIASES, ALL_PERMISSIONS
from api.json_schema import Facets
from api.operations import Operation
from api.schemas.scalars import (
    DomainName,
    InboxId,
    MessageId,
    Milliseconds,
    Moment,
    OrganizationId,
    WebhookId,
    WebhookSecret,
)
from webhooks.endpoints import EndpointNotFound, EndpointQuotaReached
from webhooks.events import BY_NAME_CATALOGUE
from webhooks.trial import TooManyTests

EventType = Annotated[str, Facets(enum=list(BY_NAME_CATALOGUE))]
Scope = Annotated[str, Facets(enum=sorted({*ALL_PERMISSIONS, *ALIASES}))]
Number = Annotated[str, Facets(pattern="^[0-9]+$")]


class Webhook(TypedDict):
    _id: WebhookId
    id: WebhookId
    organizationId: OrganizationId
    url: str
    events: list[str]
    createdAt: Milliseconds
    updatedAt: Milliseconds


class NewWebhook(Webhook):
    secret: WebhookSecret


class WantedWebhook(TypedDict):
    url: Annotated[str, Facets(format="uri", examples=["https://example.com/mail-events"])]
    events: Annotated[list[EventType], Facets(minItems=1)]


class Tested(TypedDict):
    success: Literal[True]


class Attempt(TypedDict):
    """One call of a webhook; an attempt that nobody answered has the status 500."""

    _id: Number
    id: Number
    webhookId: WebhookId
    organizationId: OrganizationId
    inboxId: NotRequired[InboxId]
    messageId: NotRequired[MessageId]
    timestamp: Milliseconds
    payload: dict[str, object]
    status: int
    error: str | None
    response: Annotated[object, Facets(description="As JSON where it is some, else its text.")]
    createdAt: Milliseconds
    updatedAt: Milliseconds


class Key(TypedDict):
    """Without scopes a key may do all that its role may."""

    _id: Number
    id: Number
    organizationId: OrganizationId
    name: str
    active: bool
    scopes: list[str]
    domain: DomainName | None
    expiresAt: Milliseconds | None
    lastUsedAt: Milliseconds | None
    revokedAt: Milliseconds | None
    createdAt: Milliseconds
    updatedAt: Milliseconds


class NewKey(Key):
    key: Annotated[str, Facets(pattern="^[0-9a-f]{96}$", description="Shown this once.")]


class WantedKey(TypedDict):
    """Never stronger than the key that asks; without scopes as strong."""

    name: Annotated[str, Facets(minLength=1)]
    scopes: NotRequired[Annotated[list[Scope] | None, Facets(minItems=1)]]
    domain: NotRequired[Annotated[str | None, Facets(description="The one domain that the key is limited to.")]]
    expiresAt: NotRequired[Moment | None]


LIST_WEBHOOKS = Operation("listWebhooks", "List the webhooks", {200: list[Webhook]})
CREATE_WEBHOOK = Operation(
    "createWebhook",
    "Make a webhook; its secret is shown this once",
    {201: NewWebhook},
    body=WantedWebhook,
    refusals=(EndpointQuotaReached,),
)
READ_WEBHOOK = Operation("getWebhook", "Read a webhook", {200: Webhook}, refusals=(EndpointNotFound,))
DELETE_WEBHOOK = Operation("deleteWebhook", "Delete a webhook", {200: Webhook}, refusals=(EndpointNotFound,))
TEST_WEBHOOK = Operation(
    "testWebhook", "Send a test event now", {200: Tested}, refusals=(EndpointNotFound, TooManyTests)
)
LIST_ATTEMPTS = Operation(
    "listWebhookAttempts", "The last calls of a webhook", {200: list[Attempt]}, refusals=(EndpointNotFound,)
)
LIST_KEYS = Operation("listApiKeys", "List the API keys", {200: list[Key]})
CREATE_KEY = Operation(
    "createApiKey",
    "Make an API key; its secret is shown this once",
    {201: NewKey},
    body=WantedKey,
    refusals=(BeyondOwnPower,),
)
READ_KEY = Operation("getApiKey", "Read an API key", {200: Key}, refusals=(ApiKeyNotFound,))
REVOKE_KEY = Operation("deleteApiKey", "Revoke an API key", {200: Key}, refusals=(ApiKeyNotFound,))
