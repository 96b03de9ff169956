"""What `domains_by_name` takes and answers about domains and inboxes; what lies in an inbox stands beside it."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from api.json_schema import Facets
from api.operations import UPSTREAM, Manual, Operation
from api.schemas.scalars import (
    Cursor,
    DomainId,
    DomainName,
    InboxId,
    MessageId,
    Milliseconds,
    OrganizationId,
    ThreadId,
    WantedName,
    WebhookId,
)
from channels.inboxes import DomainNotActive, InboxExists, InboxNotFound
from channels.removal import DomainInUse, UseCasesExist
from domains.registration import DomainAlreadyRegistered, DomainNotFound, DomainQuotaReached
from domains.tokens import DkimUnavailable

MANUAL = Manual(
    title="Domains by name",
    text=(
        "Domains that go by their name, with their inboxes and mail, webhooks and API keys. Lists are bare arrays, the "
        "newest first; where a list has more, a `Link` header names the next page. What was not given is absent, not "
        "null. Fields of a request that are not named here are ignored."
    ),
    path={
        "domain_id": Annotated[str, Facets(description="The domain's name in any spelling, or its id.")],
        "inbox_id": InboxId,
        "message_id": MessageId,
        "thread_id": ThreadId,
        "webhook_id": WebhookId,
        "key_id": Annotated[str, Facets(pattern="^[0-9]{1,18}$")],
    },
)
LINK = {"Link": 'The next page, `<address>; rel="next"`, where there is one (RFC 8288).'}


class FieldError(TypedDict):
    type: Literal["field"]
    value: NotRequired[object]
    msg: str
    path: str
    location: Literal["body", "query"]


class Refused(TypedDict):
    """Every refusal: `error` and `message` are the same sentence, `code` is for programs."""

    error: str
    message: str
    code: Annotated[str, Facets(pattern="^[a-z_]+$")]
    details: dict[str, object]
    errors: NotRequired[list[FieldError]]


class DnsRecord(TypedDict):
    """The name is relative to the registrable domain, but that of a DKIM record is full."""

    type: Literal["MX", "TXT", "CNAME"]
    name: str
    value: str
    priority: NotRequired[int]


class Record(DnsRecord):
    status: Literal["pending", "verified", "failed"]


class Domain(TypedDict):
    _id: DomainId
    id: DomainId
    organizationId: OrganizationId
    name: DomainName
    verified: bool
    records: list[Record]
    createdAt: Milliseconds
    updatedAt: Milliseconds


class WantedDomain(TypedDict):
    name: WantedName


class Inbox(TypedDict):
    """Without `domainId` the inbox has outlived its domain."""

    _id: InboxId
    id: InboxId
    organizationId: OrganizationId
    domainId: NotRequired[DomainId]
    name: NotRequired[str]
    email: str
    createdAt: Milliseconds
    updatedAt: Milliseconds


class InboxQuery(TypedDict):
    limit: NotRequired[Annotated[int, Facets(minimum=1, maximum=10_000, default=10_000)]]
    cursor: NotRequired[Cursor]


class WantedInbox(TypedDict):
    """Without `email` an address at the organization's default domain is made up."""

    email: NotRequired[Annotated[str, Facets(examples=["support@mail.example.com"])]]
    name: NotRequired[Annotated[str, Facets(minLength=1)]]


LIST_DOMAINS = Operation("listDomains", "List the domains", {200: list[Domain]})
CREATE_DOMAIN = Operation(
    "createDomain",
    "Register a domain and get the DNS records to publish",
    {201: Domain},
    body=WantedDomain,
    refusals=(DomainAlreadyRegistered, DomainQuotaReached, *UPSTREAM),
)
READ_DOMAIN = Operation("getDomain", "Read a domain", {200: Domain}, refusals=(DomainNotFound,))
DELETE_DOMAIN = Operation(
    "deleteDomain",
    "Remove a domain; its inboxes stop receiving and stay readable",
    {200: Domain},
    refusals=(DomainNotFound, DomainInUse, UseCasesExist),
)
READ_DNS = Operation(
    "getDomainDns",
    "The DNS records to publish",
    {200: list[DnsRecord]},
    refusals=(DomainNotFound, DkimUnavailable, *UPSTREAM),
)
VERIFY_DOMAIN = Operation(
    "verifyDomain",
    "Check a domain now; one that is not verified is no error",
    {200: Domain},
    refusals=(DomainNotFound, *UPSTREAM),
)
LIST_INBOXES = Operation("listInboxes", "List the inboxes", {200: list[Inbox]}, query=InboxQuery, headers=LINK)
CREATE_INBOX = Operation(
    "createInbox",
    "Make an inbox at a verified domain",
    {201: Inbox},
    body=WantedInbox,
    refusals=(DomainNotActive, InboxExists),
    is_body_optional=True,
)
READ_INBOX = Operation("getInbox", "Read an inbox", {200: Inbox}, refusals=(InboxNotFound,))
DELETE_INBOX = Operation(
    "deleteInbox", "Delete an inbox and its mail", {200: Inbox}, refusals=(InboxNotFound, *UPSTREAM)
)
