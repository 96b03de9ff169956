"""What `ses_setups` takes and answers; its bounds are those that the views read the fields with."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from accounts.errors import UpstreamBusy, UpstreamRefusal, UpstreamTimedOut
from api.json_schema import Facets
from api.operations import Manual, Operation
from api.schemas.scalars import Count, DomainName, Seconds
from channels.inboxes import DomainNotActive, InboxExists
from channels.removal import UseCasesExist
from channels.setups import SetupNotFound, UseCaseNotFound
from domains.registration import DomainAlreadyRegistered, DomainQuotaReached
from domains.tenants import TenantNameTaken

Id = Annotated[str, Facets(format="uuid")]
TenantName = Annotated[str, Facets(minLength=1, maxLength=64, pattern="^[A-Za-z0-9_-]+$")]
Name = Annotated[str, Facets(minLength=1, maxLength=31, pattern=r"^[A-Za-z\- ]+$")]
EmailType = Literal["transactional", "marketing"]
# Of an invalid field SES may be the judge too; that is a 422 like any other.
FROM_SES = (UpstreamRefusal, UpstreamBusy, UpstreamTimedOut)

MANUAL = Manual(
    title="SES setups",
    text=(
        "A workspace's setups, each a tenant and an identity at Amazon SES, and the use cases of each. The workspace "
        "is the organization's own; fields of a request that are not named here are ignored."
    ),
    path={"workspace_id": Id, "setup_id": Id, "use_case_id": Id},
)


class Refused(TypedDict):
    """Every refusal but of an invalid field."""

    detail: str


class FieldError(TypedDict):
    """What is wrong with one field: where it is, what was given there, and the rule that it breaks."""

    type: str
    loc: list[str | int]
    msg: str
    input: object
    ctx: NotRequired[dict[str, object]]


class Invalid(TypedDict):
    detail: list[FieldError]


class Record(TypedDict):
    """A DNS record to publish; an MX has its priority in front."""

    address: str
    record: str
    type: Literal["CNAME", "MX", "TXT"]
    verified: bool


class Setup(TypedDict):
    id: Id
    tenant_name: str
    domain_identity: DomainName
    dns_checked_at: Seconds | None
    dns_records: list[Record]
    created_at: Seconds
    updated_at: Seconds


class SetupItem(TypedDict):
    id: Id
    tenant_name: str
    domain_identity: DomainName
    dns_verified: bool
    dns_checked_at: Seconds | None
    created_at: Seconds
    updated_at: Seconds


class SetupPage(TypedDict):
    items: list[SetupItem]
    has_more: bool
    continuation_token: Annotated[int | None, Facets(description="For the next page; null on the last one.")]
    total: Count


class SetupQuery(TypedDict):
    limit: NotRequired[Annotated[int, Facets(minimum=1, maximum=20, default=10)]]
    continuation_token: NotRequired[Annotated[int, Facets(minimum=0, default=0)]]


class WantedSetup(TypedDict):
    tenant_name: TenantName
    domain_identity: Annotated[str, Facets(minLength=1, maxLength=255, examples=["mail.example.com"])]


class UseCase(TypedDict):
    id: Id
    channel: Literal["email"]
    entity_name: str
    name: str
    description: str | None
    setup_id: Id
    configuration_set_name: str | None
    sender_email_address: str
    email_type: EmailType
    tier: None
    created_at: Seconds
    updated_at: Seconds


class UseCaseList(TypedDict):
    items: list[UseCase]


class UseCaseQuery(TypedDict):
    entity_name: NotRequired[str]
    channel: NotRequired[Literal["email"]]
    setup_id: NotRequired[Id]


class WantedUseCase(TypedDict):
    channel: Literal["email"]
    entity_name: Name
    name: Name
    description: NotRequired[Annotated[str | None, Facets(maxLength=2000)]]
    setup_id: Id
    sender_email_address: Annotated[str, Facets(format="email", description="At the domain of the setup.")]
    email_type: EmailType


LIST_SETUPS = Operation("listSesSetups", "List the setups", {200: SetupPage}, query=SetupQuery)
CREATE_SETUP = Operation(
    "createSesSetup",
    "Make a tenant and an identity at SES and get the DNS records to publish",
    {201: Setup},
    body=WantedSetup,
    refusals=(TenantNameTaken, DomainAlreadyRegistered, DomainQuotaReached, *FROM_SES),
)
READ_SETUP = Operation(
    "getSesSetup", "Look at a setup's DNS now and read it", {200: Setup}, refusals=(SetupNotFound, *FROM_SES)
)
DELETE_SETUP = Operation(
    "deleteSesSetup",
    "Delete a setup that has no use cases",
    {204: None},
    refusals=(SetupNotFound, UseCasesExist, *FROM_SES),
)
VERIFY_SETUP = Operation(
    "verifySesSetup",
    "Look at a setup's DNS now; a failed one starts again",
    {200: Setup},
    refusals=(SetupNotFound, *FROM_SES),
    ignores_body=True,
)
LIST_USE_CASES = Operation("listUseCases", "List the use cases", {200: UseCaseList}, query=UseCaseQuery)
CREATE_USE_CASE = Operation(
    "createUseCase",
    "Make a use case of a verified setup",
    {201: UseCase},
    body=WantedUseCase,
    refusals=(SetupNotFound, DomainNotActive, InboxExists),
)
DELETE_USE_CASE = Operation("deleteUseCase", "Delete a use case", {204: None}, refusals=(UseCaseNotFound,))
