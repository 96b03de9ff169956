"""What `email_domains` takes and answers about domains."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from api.json_schema import Facets
from api.operations import UPSTREAM, Manual, Operation
from api.schemas.scalars import (
    AttachmentId,
    Count,
    DeliveryId,
    DomainId,
    DomainName,
    InboxId,
    Limit,
    MessageId,
    Offset,
    Seconds,
    WantedName,
    WebhookId,
)
from channels.removal import DomainInUse, UseCasesExist
from domains.changes import NotSuspended, SuspendedByStaff
from domains.names import InvalidDomainName
from domains.registration import (
    DomainAlreadyRegistered,
    DomainNotFound,
    DomainQuotaReached,
    RegionNotOffered,
    RestartsExhausted,
)

DomainStatus = Literal["pending", "active", "failed", "suspended"]
RecordType = Literal["MX", "TXT", "CNAME"]
Purpose = Literal["inbound", "ownership", "claim", "spf", "dkim", "dmarc", "mail_from_mx", "mail_from_spf"]

MANUAL = Manual(
    title="Email domains",
    text=(
        "An organization's e-mail domains, and what belongs to them: inboxes, messages, webhooks, history. Times are "
        "UTC to the second; ids are opaque. Fields of a request that are not named here are ignored."
    ),
    path={
        "domain_id": DomainId,
        "inbox_id": InboxId,
        "message_id": MessageId,
        "attachment_id": AttachmentId,
        "webhook_id": WebhookId,
        "delivery_id": DeliveryId,
    },
)


class Refused(TypedDict):
    """Every refusal: a word for programs, a sentence for people."""

    error: Error


class Error(TypedDict):
    code: Annotated[str, Facets(pattern="^[A-Z_]+$")]
    message: str
    details: NotRequired[dict[str, object]]


class Record(TypedDict):
    """A DNS record to publish; an MX has its priority in its value too, as zone files write it."""

    type: RecordType
    name: str
    value: str
    priority: NotRequired[int]
    verified: bool
    required: bool
    purpose: Purpose
    ttl: int


class VerificationStatus(TypedDict):
    mx: bool
    dkim: bool
    spf: bool
    dmarc: bool


class Domain(TypedDict):
    id: DomainId
    domain: DomainName
    status: DomainStatus
    isDefault: bool
    createdAt: Seconds
    updatedAt: Seconds
    verifiedAt: Seconds | None
    inboxCount: Count
    sentCount: Count


class DomainPage(TypedDict):
    domains: list[Domain]
    total: Annotated[Count, Facets(description="Of all pages.")]
    limit: int
    offset: int


class DomainQuery(TypedDict):
    status: NotRequired[DomainStatus]
    limit: NotRequired[Limit]
    offset: NotRequired[Offset]


class WantedDomain(TypedDict):
    domain: WantedName
    isDefault: NotRequired[bool]
    region: NotRequired[Annotated[str, Facets(description="Where its mail is received; one of the installation's.")]]


class NewDomain(TypedDict):
    id: DomainId
    domain: DomainName
    status: DomainStatus
    isDefault: bool
    region: str
    dnsRecords: list[Record]
    createdAt: Seconds
    updatedAt: Seconds


class Stats(TypedDict):
    inboxCount: Count
    sentCount: Count
    receivedCount: Count


class DomainInFull(NewDomain):
    verificationStatus: VerificationStatus
    verifiedAt: Seconds | None
    stats: Stats


class DomainChange(TypedDict):
    """One of the two at least."""

    isDefault: NotRequired[bool]
    status: NotRequired[Annotated[Literal["active", "suspended"], Facets(description="Switched off, and on again.")]]


class ChangedDomain(TypedDict):
    id: DomainId
    domain: DomainName
    isDefault: bool
    status: DomainStatus
    updatedAt: Seconds


class Removed(TypedDict):
    success: Literal[True]
    message: str
    deletedAt: Seconds


class VerifiedDomain(TypedDict):
    id: DomainId
    domain: DomainName
    status: DomainStatus
    verificationStatus: VerificationStatus
    verifiedAt: Seconds | None


class MissingRecord(TypedDict):
    type: RecordType
    name: str
    value: str


class NotVerified(TypedDict):
    domainId: DomainId
    domain: DomainName
    status: DomainStatus
    verificationStatus: VerificationStatus
    missingRecords: list[MissingRecord]


class NotVerifiedError(TypedDict):
    code: Literal["VERIFICATION_FAILED"]
    message: str
    details: NotVerified


class VerificationRefused(TypedDict):
    """The DNS is not as it must be yet."""

    error: NotVerifiedError


LIST_DOMAINS = Operation("listDomains", "List the domains, the newest first", {200: DomainPage}, query=DomainQuery)
REGISTER_DOMAIN = Operation(
    "createDomain",
    "Register a domain and get the DNS records to publish",
    {201: NewDomain},
    body=WantedDomain,
    refusals=(
        InvalidDomainName("scheme"),
        RegionNotOffered,
        DomainAlreadyRegistered,
        DomainQuotaReached,
        *UPSTREAM,
    ),
)
READ_DOMAIN = Operation(
    "getDomain", "Read a domain as it was last checked", {200: DomainInFull}, refusals=(DomainNotFound,)
)
CHANGE_DOMAIN = Operation(
    "updateDomain",
    "Make a domain the default, switch it off or on again",
    {200: ChangedDomain},
    body=DomainChange,
    refusals=(DomainNotFound, NotSuspended, SuspendedByStaff),
)
REMOVE_DOMAIN = Operation(
    "deleteDomain",
    "Remove a domain that has no inboxes",
    {200: Removed},
    refusals=(DomainNotFound, DomainInUse, UseCasesExist),
)
VERIFY_DOMAIN = Operation(
    "verifyDomain",
    "Check a domain now",
    {200: VerifiedDomain},
    refusals=(DomainNotFound, DomainAlreadyRegistered, RestartsExhausted, *UPSTREAM),
    own_refusals={422: VerificationRefused},
)
