"""What `custom_email` takes and answers."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from api.json_schema import Facets
from api.operations import UPSTREAM, Manual, Operation
from api.schemas.scalars import DomainName, Milliseconds, WantedName
from channels.connecting import AccountNotFound, ChannelNotFound, DomainNotVerified
from domains.names import InvalidDomainName
from domains.registration import DomainAlreadyRegistered, DomainNotFound, DomainQuotaReached, RestartsExhausted

ChannelStatus = Literal["pending_verification", "verified", "failed"]

MANUAL = Manual(
    title="Custom email",
    text="Connect a domain as an e-mail channel and receive mail on it. Every route is a POST.",
    path={"channel_id": int},
)


class Refused(TypedDict):
    """Every refusal: the status, a sentence, and for most the status in words."""

    statusCode: int
    message: str
    error: NotRequired[str]


class MxRecord(TypedDict):
    """The name is relative to the registrable domain, `@` at its apex."""

    type: Literal["MX"]
    name: str
    value: str
    priority: int
    ttl: int


class TxtRecord(TypedDict):
    type: Literal["TXT"]
    name: str
    value: str
    ttl: int


class DnsRecords(TypedDict):
    mx: list[MxRecord]
    txt: list[TxtRecord]


class WantedChannel(TypedDict):
    domain: WantedName


class NewChannel(TypedDict):
    success: Literal[True]
    message: str
    connectedChannelId: int
    domain: DomainName
    status: ChannelStatus
    dnsRecords: DnsRecords
    instructions: str


class EmailAccount(TypedDict):
    id: int
    email: str
    canReceive: bool
    canSend: bool


class VerifiedChannel(TypedDict):
    success: Literal[True]
    message: str
    connectedChannelId: int
    domain: DomainName
    status: ChannelStatus
    emailAccounts: list[EmailAccount]
    verifiedAt: Milliseconds | None


class NotReadyDetails(TypedDict):
    domain: DomainName
    missingRecords: list[str]
    suggestion: str


class NotReady(Refused):
    """The DNS is not as it must be yet."""

    details: NotRequired[NotReadyDetails]


class Activated(TypedDict):
    message: str
    provider: Literal["custom"]


class WantedDisconnection(TypedDict):
    accountId: Annotated[int | str, Facets(description="A whole number, or its digits.", examples=[7])]


class Disconnected(TypedDict):
    success: Literal[True]
    message: str


SET_UP = Operation(
    "setUpReceiving",
    "Connect a domain and get the DNS records to publish",
    {201: NewChannel},
    body=WantedChannel,
    refusals=(
        InvalidDomainName("scheme"),
        DomainAlreadyRegistered,
        DomainQuotaReached,
        RestartsExhausted,
        *UPSTREAM,
    ),
)
VERIFY = Operation(
    "verifyReceiving",
    "Check the domain of a channel now and make its e-mail account",
    {200: VerifiedChannel},
    refusals=(ChannelNotFound, *UPSTREAM),
    own_refusals={400: NotReady},
)
ACTIVATE = Operation(
    "activateReceiving",
    "Let the mail of a verified channel in",
    {200: Activated},
    refusals=(ChannelNotFound, DomainNotVerified, *UPSTREAM),
)
DISCONNECT = Operation(
    "disconnectAccount",
    "Disconnect an e-mail account, and with its last one the channel",
    {200: Disconnected},
    body=WantedDisconnection,
    refusals=(AccountNotFound, ChannelNotFound, DomainNotFound),
)
