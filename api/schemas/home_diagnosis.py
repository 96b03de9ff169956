"""What the home API answers about a domain's DNS: the record plan, and the diagnosis of the last check."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from api.json_schema import Facets
from api.operations import Bytes, Operation
from api.schemas.email_domains import DomainStatus, Purpose, RecordType
from api.schemas.scalars import Count, DomainName, Seconds
from domains.exports import FORMATS
from domains.registration import DomainNotFound

Code = Annotated[str | None, Facets(examples=["not_published", "spf_duplicate"], description="Null where all is well.")]
LastVerdict = Annotated[
    str | None,
    Facets(examples=["ok", "missing", "wrong", "conflict", "unknown"], description="Null before the first look."),
]


class PlannedRecord(TypedDict):
    """`host` is the name as it is written at the DNS host: relative to the zone, `@` at its apex."""

    type: RecordType
    name: str
    host: str
    value: str
    priority: int | None
    ttl: int
    purpose: Purpose
    required: bool


class RecordPlan(TypedDict):
    """SPF and DMARC merged with what the last look saw; `notes` say what was left out or takes another's place."""

    domain: DomainName
    zone: DomainName
    records: list[PlannedRecord]
    notes: list[str]


class PlanQuery(TypedDict):
    format: NotRequired[Literal["json", "bind", "terraform-route53", "terraform-cloudflare", "octodns", "csv"]]


class ServerVerdict(TypedDict):
    server: str
    verdict: str


class OtherFinding(TypedDict):
    code: Annotated[str, Facets(examples=["value_truncated", "spf_missing_include"])]
    message: str


class DiagnosedRecord(PlannedRecord):
    """`fix` is the one thing to change; `observed` what the authoritative `servers` gave; `public*` what caches see.

    `otherFindings` are what is wrong besides, behind `code` in the order of precedence.
    """

    verdict: LastVerdict
    code: Code
    message: str | None
    fix: str | None
    otherFindings: list[OtherFinding]
    observed: list[str]
    servers: list[ServerVerdict]
    publicVerdict: LastVerdict
    publicAt: Seconds | None


class DnsHost(TypedDict):
    code: Annotated[str, Facets(examples=["cloudflare", "route53"])]
    name: str


class MailToday(TypedDict):
    """Who the MX records belong to, the most preferred first; `none` where nobody gets mail, `other` for a stranger."""

    code: Annotated[str, Facets(examples=["google", "microsoft", "ses", "other", "none"])]
    name: str
    hosts: list[str]


class SpfDiagnosis(TypedDict):
    """`proposed` is null where nothing can be proposed: a mistake that can not be mended, or too many look-ups."""

    current: str | None
    proposed: str | None
    lookups: Count
    voidLookups: Count


class DmarcDiagnosis(TypedDict):
    """`proposed` is null where the policy of `inheritedFrom` holds, and there is nothing to publish."""

    current: str | None
    proposed: str | None
    inheritedFrom: str | None


class Diagnosis(TypedDict):
    """What the last check saw. Null is what it could not see, or has not looked at yet."""

    domain: DomainName
    status: DomainStatus
    canSend: bool
    canReceive: bool
    checkedAt: Seconds | None
    nextCheckAt: Seconds | None
    zone: str | None
    nameServers: list[str]
    dnsHost: DnsHost | None
    mailToday: MailToday | None
    records: list[DiagnosedRecord]
    spf: SpfDiagnosis | None
    dmarc: DmarcDiagnosis | None


class DiagnosisQuery(TypedDict):
    refresh: NotRequired[Literal["true", "false"]]


READ_DIAGNOSIS = Operation(
    "getDomainDiagnosis",
    "What is right and wrong in a domain's DNS; with `refresh` it is looked at first",
    {200: Diagnosis},
    query=DiagnosisQuery,
    refusals=(DomainNotFound,),
)
LIST_RECORDS = Operation(
    "getDomainRecords",
    "The DNS records to publish, relative to the zone",
    {200: RecordPlan},
    query=PlanQuery,
    refusals=(DomainNotFound,),
    files=tuple(Bytes(media_type) for media_type in dict.fromkeys(each[1] for each in FORMATS.values())),
)
