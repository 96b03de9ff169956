"""Contract `email_domains`, the home API's first half: an organization's e-mail domains (REST, `dom_` ids)."""

from __future__ import annotations

import re

from django.conf import settings
from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request

from accounts.permissions import CREATE, DELETE, VIEW
from api.authentication import LIMITED_TO_ONE_DOMAIN
from api.envelopes import Contract, Kind, Problem
from api.home import challenges, diagnosis, inboxes, messages, publishing, webhooks
from api.home.manners import HomeView, boolean, error, one_of, text
from api.home.unverified import flags_body, not_verified, zone_value
from api.idempotency import once
from api.pagination import limit_of, offset_of
from api.schemas import email_domains as schemas
from api.timestamps import seconds, seconds_or_none
from channels.models import EmailAccount
from channels.removal import remove_domain
from domains.changes import make_default, resume_domain, suspend_domain
from domains.facts import current_records
from domains.models import DnsRecord, Domain
from domains.models.domain import DomainQuerySet
from domains.registration import register_domain
from domains.states import Status
from domains.verification import check_domain

DMARC_VALUE = "v=DMARC1; p=quarantine; rua=mailto:dmarc@{name}"
STATUSES = tuple(status.value for status in Status)


def with_inbox_count(rows: DomainQuerySet) -> DomainQuerySet:
    """`inbox_count` on every row, whichever contract made the inboxes."""
    live = EmailAccount.objects.live().filter(domain=OuterRef("pk")).order_by().values("domain")
    counted = Subquery(live.annotate(count=Count("pk")).values("count"), output_field=IntegerField())
    return rows.annotate(inbox_count=Coalesce(counted, 0))


class DomainList(HomeView):
    permissions = {"GET": VIEW, "POST": CREATE}
    operations = {"GET": schemas.LIST_DOMAINS, "POST": schemas.REGISTER_DOMAIN}

    def get(self, request: Request) -> HttpResponse:
        limit, offset = limit_of(self.query), offset_of(self.query)
        rows = self.caller.domains()
        if "status" in self.query:
            rows = rows.filter(status=one_of(self.query["status"], "status", STATUSES))
        page = with_inbox_count(rows).order_by("-created_at", "-id")[offset : offset + limit]
        return self.answer(
            200,
            {
                "domains": [summary(domain) for domain in page],
                "total": rows.count(),
                "limit": limit,
                "offset": offset,
            },
        )

    @once
    def post(self, request: Request) -> HttpResponse:
        body = self.body
        self.caller.demand_name(body.get("domain"))
        is_default = boolean(body, "isDefault", default=False)
        if is_default and self.caller.only_domain:
            raise Problem(Kind.FORBIDDEN, LIMITED_TO_ONE_DOMAIN)
        region = one_of(text(body, "region", default=settings.SES_REGIONS[0]), "region", settings.SES_REGIONS)
        domain = register_domain(
            organization=self.caller.organization,
            name=body.get("domain"),
            region=region,
            is_default=is_default,
            dmarc_value=DMARC_VALUE,
            actor=self.caller.actor,
            now=self.caller.now,
        )
        return self.answer(
            201,
            {
                "id": domain.public_id,
                "domain": domain.name,
                "status": domain.status,
                "isDefault": domain.is_default,
                "region": domain.region,
                "dnsRecords": [record_body(record) for record in current_records(domain)],
                "createdAt": seconds(domain.created_at),
                "updatedAt": seconds(domain.updated_at),
            },
        )


class DomainDetail(HomeView):
    permissions = {"GET": VIEW, "PATCH": CREATE, "DELETE": DELETE}
    operations = {"GET": schemas.READ_DOMAIN, "PATCH": schemas.CHANGE_DOMAIN, "DELETE": schemas.REMOVE_DOMAIN}

    def get(self, request: Request, domain_id: str) -> HttpResponse:
        domain = self.caller.access_domain(domain_id, among=with_inbox_count(self.caller.domains()))
        records = current_records(domain)
        return self.answer(
            200,
            {
                "id": domain.public_id,
                "domain": domain.name,
                "status": domain.status,
                "isDefault": domain.is_default,
                "region": domain.region,
                "dnsRecords": [record_body(record) for record in records],
                "verificationStatus": flags_body(domain, records),
                "createdAt": seconds(domain.created_at),
                "updatedAt": seconds(domain.updated_at),
                "verifiedAt": seconds_or_none(domain.verified_at),
                "stats": {
                    "inboxCount": inbox_count(domain),
                    "sentCount": domain.sent_count,
                    "receivedCount": domain.received_count,
                },
            },
        )

    def patch(self, request: Request, domain_id: str) -> HttpResponse:
        domain = self.caller.access_domain(domain_id)
        body = self.body
        if not {"isDefault", "status"} & body.keys():
            raise Problem(Kind.INVALID_FIELD, "one of isDefault, status must be given")
        is_default = boolean(body, "isDefault", default=domain.is_default)
        status = text(body, "status", default="") if "status" in body else ""
        if is_default and not domain.is_default and self.caller.only_domain:
            # It would take the default from another domain.
            raise Problem(Kind.FORBIDDEN, LIMITED_TO_ONE_DOMAIN)
        if "status" in body:
            # First: it is the only one of the two that can be refused.
            domain = self._set_status(domain, status)
        if is_default != domain.is_default:
            domain = make_default(domain=domain, is_default=is_default, actor=self.caller.actor, now=self.caller.now)
        return self.answer(
            200,
            {
                "id": domain.public_id,
                "domain": domain.name,
                "isDefault": domain.is_default,
                "status": domain.status,
                "updatedAt": seconds(domain.updated_at),
            },
        )

    def _set_status(self, domain: Domain, status: str) -> Domain:
        one_of(status, "status", (Status.ACTIVE.value, Status.SUSPENDED.value))
        if status == domain.status:
            return domain
        if status == Status.SUSPENDED:
            return suspend_domain(domain=domain, actor=self.caller.actor, now=self.caller.now)
        return resume_domain(domain=domain, actor=self.caller.actor, now=self.caller.now)

    def delete(self, request: Request, domain_id: str) -> HttpResponse:
        removed = remove_domain(
            domain=self.caller.access_domain(domain_id), actor=self.caller.actor, now=self.caller.now
        )
        return self.answer(
            200,
            {"success": True, "message": "Domain removed successfully", "deletedAt": seconds(removed.removed_at)},
        )


class DomainVerify(HomeView):
    permissions = {"POST": VIEW}
    operations = {"POST": schemas.VERIFY_DOMAIN}

    def post(self, request: Request, domain_id: str) -> HttpResponse:
        domain = self.caller.access_domain(domain_id)
        _ = self.body
        domain = check_domain(domain=domain, actor=self.caller.actor, now=self.caller.now, may_restart=True)
        records = current_records(domain)
        if domain.status not in (Status.ACTIVE, Status.SUSPENDED):
            failure = error(422, "VERIFICATION_FAILED", "DNS verification failed", not_verified(domain, records))
            return self.answer(failure.status, failure.body)
        return self.answer(
            200,
            {
                "id": domain.public_id,
                "domain": domain.name,
                "status": domain.status,
                "verificationStatus": flags_body(domain, records),
                "verifiedAt": seconds_or_none(domain.verified_at),
            },
        )


def summary(domain: Domain) -> dict[str, object]:
    return {
        "id": domain.public_id,
        "domain": domain.name,
        "status": domain.status,
        "isDefault": domain.is_default,
        "createdAt": seconds(domain.created_at),
        "updatedAt": seconds(domain.updated_at),
        "verifiedAt": seconds_or_none(domain.verified_at),
        "inboxCount": inbox_count(domain),
        "sentCount": domain.sent_count,
    }


def inbox_count(domain: Domain) -> int:
    """The annotation of `with_inbox_count`."""
    return int(getattr(domain, "inbox_count"))  # noqa: B009 - an annotation is no attribute of the class


def record_body(record: DnsRecord) -> dict[str, object]:
    body: dict[str, object] = {"type": record.type, "name": record.name, "value": zone_value(record)}
    if record.priority is not None:
        body["priority"] = record.priority
    return body | {
        "verified": record.is_ok,
        "required": record.is_required,
        "purpose": record.purpose,
        "ttl": record.ttl,
    }


urlpatterns = [
    path("api/email/domains", DomainList.as_view()),
    path("api/email/domains/<str:domain_id>", DomainDetail.as_view()),
    path("api/email/domains/<str:domain_id>/verify", DomainVerify.as_view()),
    *challenges.urlpatterns,
    *diagnosis.urlpatterns,
    *inboxes.urlpatterns,
    *messages.urlpatterns,
    *publishing.urlpatterns,
    *webhooks.urlpatterns,
]

CONTRACT = Contract(
    name="email_domains",
    envelope=HomeView.envelope,
    paths=re.compile(r"api/email(/|$)"),
    mounts=(settings.EMAIL_DOMAINS_PREFIX,),
    urlpatterns=urlpatterns,
    manual=schemas.MANUAL,
)
