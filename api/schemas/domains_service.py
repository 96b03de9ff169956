"""What `domains_service` takes and answers: the messages of its proto, in the case that the installation chose."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from django.conf import settings

from accounts.errors import Refusal
from api.domains_service_messages import (
    APPLY_STATUS,
    DMARC_POLICY,
    MESSAGE_CLASS,
    PROVIDER_TYPE,
    RECORD_TYPE,
    REQUIREMENT,
    SPF_MODE,
    TEST_TYPE,
    VERIFICATION,
)
from api.json_schema import Facets, Shape
from api.operations import UPSTREAM, Manual, Operation
from api.protobuf_json import ProtoEnum, camel
from api.schemas.scalars import Count, DomainId, DomainName, Seconds
from channels.removal import DomainInUse, UseCasesExist
from domains.choices import InvalidSpfValue
from domains.names import InvalidDomainName
from domains.publishing import HostRefusedChange
from domains.registration import DomainAlreadyRegistered, DomainNotFound, DomainQuotaReached, RestartsExhausted
from domains.zone_access import NoWritableZone
from inbound.sending import DomainCanNotSend, MailRefused, SenderNotOurs, TestMailsExhausted

CODES = (
    "invalid_argument",
    "failed_precondition",
    "unauthenticated",
    "permission_denied",
    "not_found",
    "already_exists",
    "resource_exhausted",
    "unimplemented",
    "internal",
    "unavailable",
    "deadline_exceeded",
)


def spelled(name: str) -> str:
    return camel(name) if settings.C4_JSON_CASE == "camel" else name


def answered(enum: ProtoEnum) -> Facets:
    """The full names; nothing is ever answered as unspecified."""
    return Facets(enum=[enum.full(word) for word in enum.words[1:]])


def taken(enum: ProtoEnum) -> Facets:
    """The full names, those without their prefix, and the numbers; null is the same as not given."""
    full = [enum.full(word) for word in enum.words]
    return Facets(enum=[*full, *enum.words, *range(len(enum.words)), None])


MANUAL = Manual(
    title="Domains service",
    text=(
        "Domains by remote calls: every method is a POST of one JSON object, its message, and answers with another. "
        "Fields may be spelled `snake_case` or `lowerCamelCase`, null is the same as not given, and a field that the "
        "message does not have is refused."
    ),
    spell=spelled,
)


class Refused(TypedDict):
    """Every refusal, in the words of Connect."""

    code: Annotated[str, Facets(enum=list(CODES))]
    message: str


class Empty(TypedDict):
    """Nothing."""


class DnsRecord(TypedDict):
    """`exists` is any value at this name and type, `valid` the right one; an MX has its preference in front."""

    name: str
    record_type: Annotated[str, answered(RECORD_TYPE)]
    value: str
    ttl: int
    exists: bool
    valid: bool
    requirement: Annotated[str, answered(REQUIREMENT)]


class DnsValidation(TypedDict):
    dkim_records: list[DnsRecord]
    mx_record: NotRequired[DnsRecord]
    dmarc_record: NotRequired[DnsRecord]
    spf_record: NotRequired[DnsRecord]
    required_valid: bool
    recommended_valid: bool


class DnsApplyState(TypedDict):
    status: Annotated[str, answered(APPLY_STATUS)]
    provider_type: NotRequired[Annotated[str, answered(PROVIDER_TYPE)]]
    last_attempt_at: NotRequired[Seconds]
    last_success_at: NotRequired[Seconds]
    last_error: NotRequired[str]
    applied_record_names: list[str]


class Domain(TypedDict):
    id: DomainId
    name: DomainName
    verification_status: Annotated[str, answered(VERIFICATION)]
    dkim_status: Annotated[str, answered(VERIFICATION)]
    dkim_enabled: Literal[True]
    mail_from_domain: str
    send_enabled: bool
    receive_enabled: bool
    dmarc_enabled: bool
    spf_mode: Annotated[str, answered(SPF_MODE)]
    spf_value: NotRequired[str]
    dmarc_policy: Annotated[str, answered(DMARC_POLICY)]
    dmarc_report_email: NotRequired[str]
    dns_apply_state: DnsApplyState
    dns_validation: NotRequired[DnsValidation]
    created_at: Seconds
    updated_at: Seconds


class OneDomain(TypedDict):
    domain: Domain


class _Options(TypedDict):
    dmarc_policy: NotRequired[Annotated[str | int | None, taken(DMARC_POLICY)]]
    dmarc_report_email: NotRequired[str | None]
    send_enabled: NotRequired[bool | None]
    receive_enabled: NotRequired[bool | None]
    dmarc_enabled: NotRequired[bool | None]
    spf_mode: NotRequired[Annotated[str | int | None, taken(SPF_MODE)]]
    spf_value: NotRequired[Annotated[str | None, Facets(description="For the mode that forces a value.")]]


class AddDomainRequest(_Options):
    domain: Annotated[str, Facets(examples=["mail.example.com"])]


class ById(TypedDict):
    id: DomainId


class GetDomainRequest(ById):
    include_dns_validation: NotRequired[Annotated[bool | None, Facets(description="Look at the DNS now.")]]


class ListDomainsRequest(TypedDict):
    page_size: NotRequired[Annotated[int | str | None, Facets(minimum=1, maximum=100, pattern="^[0-9]+$", default=50)]]
    page_token: NotRequired[Annotated[str | None, Facets(description="What the page before gave.")]]


class ListDomainsResponse(TypedDict):
    domains: list[Domain]
    next_page_token: Annotated[str, Facets(description="Empty on the last page.")]


class UpdateDomainRequest(_Options):
    """Only what is given changes."""

    id: DomainId


class Route53HostedZone(TypedDict):
    id: str
    name: DomainName
    record_count: Count


class CheckDnsProviderResponse(TypedDict):
    has_access: bool
    provider_type: NotRequired[Annotated[str, answered(PROVIDER_TYPE)]]
    route53: NotRequired[Route53HostedZone]


class ApplyDomainRecordsResponse(TypedDict):
    """`records_failed` names the records that stand as they were."""

    dns_apply_state: DnsApplyState
    dns_validation: DnsValidation
    records_failed: list[str]


class DeleteDomainRecordRequest(ById):
    record_name: Annotated[str, Facets(minLength=1)]
    record_type: Literal["TXT", "CNAME", "MX"]


class DeleteDomainRecordResponse(TypedDict):
    deleted: bool


class SendTestEmailRequest(TypedDict):
    """`from_email`, or the `id` of the domain to send from; a normal test needs `to_email`."""

    from_email: NotRequired[str | None]
    id: NotRequired[Annotated[str | None, Facets(pattern="^dom_[a-zA-Z0-9_-]{21}$")]]
    to_email: NotRequired[str | None]
    test_type: Annotated[str | int, taken(TEST_TYPE)]
    message_class: NotRequired[Annotated[str | int | None, taken(MESSAGE_CLASS)]]


class SendTestEmailResponse(TypedDict):
    message_id: str
    note: str


def method(
    name: str, summary: str, takes: Shape, gives: Shape, *refusals: type[Refusal] | Refusal
) -> dict[str, Operation]:
    return {"POST": Operation(name, summary, {200: gives}, body=takes, refusals=refusals)}


AT_HOST = (NoWritableZone, HostRefusedChange, *UPSTREAM)
ADD_DOMAIN = method(
    "AddDomain",
    "Register a domain",
    AddDomainRequest,
    OneDomain,
    InvalidDomainName("scheme"),
    InvalidSpfValue,
    DomainAlreadyRegistered,
    DomainQuotaReached,
    *UPSTREAM,
)
GET_DOMAIN = method(
    "GetDomain", "Ask SES for a domain's status and read it", GetDomainRequest, OneDomain, DomainNotFound
)
LIST_DOMAINS = method("ListDomains", "List the domains, the oldest first", ListDomainsRequest, ListDomainsResponse)
UPDATE_DOMAIN = method(
    "UpdateDomain", "Change a domain's options", UpdateDomainRequest, OneDomain, DomainNotFound, InvalidSpfValue
)
REMOVE_DOMAIN = method(
    "RemoveDomain", "Remove a domain that has no inboxes", ById, Empty, DomainNotFound, DomainInUse, UseCasesExist
)
CHECK_DNS_PROVIDER = method(
    "CheckDNSProvider", "Whether the domain's zone can be written", ById, CheckDnsProviderResponse, DomainNotFound
)
APPLY_DOMAIN_RECORDS = method(
    "ApplyDomainRecords",
    "Write the domain's records into its zone",
    ById,
    ApplyDomainRecordsResponse,
    DomainNotFound,
    DomainAlreadyRegistered,
    RestartsExhausted,
    *AT_HOST,
)
DELETE_DOMAIN_RECORD = method(
    "DeleteDomainRecord",
    "Take back a record that was written here",
    DeleteDomainRecordRequest,
    DeleteDomainRecordResponse,
    DomainNotFound,
    *AT_HOST,
)
SEND_TEST_EMAIL = method(
    "SendTestEmail",
    "Send a test mail from a domain, to a person or to SES's simulator",
    SendTestEmailRequest,
    SendTestEmailResponse,
    DomainNotFound,
    SenderNotOurs,
    DomainCanNotSend,
    TestMailsExhausted,
    MailRefused,
    *UPSTREAM,
)
