"""Contract `domains_by_name`: domains that go by their name, with inboxes, messages, webhooks and keys beside them.

Its oddities are kept on purpose: lists are bare arrays, an id is `_id` and `id`, a name that was not given is absent
and not null, a check that finds nothing is no error, and the record names are relative but for those of DKIM.
"""

from __future__ import annotations

import re

from django.conf import settings
from django.db.models import F, Prefetch
from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request

from accounts.permissions import CREATE, DELETE, VIEW
from api.by_name import api_keys, inboxes, messages, threads, webhooks
from api.by_name.manners import ABSENT, ByNameView, InvalidValue, both_ids
from api.envelopes import Contract
from api.schemas import domains_by_name as schemas
from api.timestamps import milliseconds
from channels.removal import remove_domain
from domains.facts import current_records, is_dkim_verified
from domains.models import DnsRecord, Domain
from domains.names import InvalidDomainName, registrable_domain, relative_name
from domains.records import Purpose
from domains.registration import DomainAlreadyRegistered, DomainNotFound, RestartsExhausted, register_domain
from domains.tokens import ensure_dkim_tokens
from domains.verification import check_domain

DMARC_VALUE = "v=DMARC1; p=reject;"
# A contested claim's own TXT comes last, so that the others keep their places.
ORDER_OF_RECORDS = (Purpose.INBOUND, Purpose.DMARC, Purpose.SPF, Purpose.DKIM, Purpose.CLAIM)
ORDER_OF_DNS = (Purpose.INBOUND, Purpose.SPF, Purpose.DMARC, Purpose.DKIM, Purpose.CLAIM)
# Unknown as a first verdict is as good as none; later it never takes the place of one.
RECORD_WORDS = {"": "pending", "unknown": "pending", "ok": "verified"}
PUBLIC_ID_PREFIX = "dom_"

# The words at which this contract begins below /v1/; what is neither one of them nor a workspace's is unknown here.
WORDS = "domains|inboxes|webhooks|api_keys"
UUID = "[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}"
WORKSPACES = rf"(?:{UUID}(?:/|$)|[^/]+/(?:channels|ses-setup|use-cases)(?:/|$))"


class DomainView(ByNameView):
    """A route about one domain, which the path names."""

    def access(self, domain_id: str) -> Domain:
        """By its name in any spelling, or by its id, which can be no name; raises DomainNotFound."""
        if domain_id.startswith(PUBLIC_ID_PREFIX):
            return self.caller.access_domain(domain_id)
        try:
            return self.caller.access_domain_by_name(domain_id)
        except InvalidDomainName as refusal:
            raise DomainNotFound from refusal


class DomainList(ByNameView):
    permissions = {"GET": VIEW, "POST": CREATE}
    operations = {"GET": schemas.LIST_DOMAINS, "POST": schemas.CREATE_DOMAIN}

    def get(self, request: Request) -> HttpResponse:
        current = Prefetch("records", DnsRecord.objects.filter(generation=F("domain__generation")))
        rows = self.caller.domains().prefetch_related(current).order_by("-created_at", "-pk")
        return self.answer(200, [domain_body(domain) for domain in rows])

    def post(self, request: Request) -> HttpResponse:
        name = self.body.get("name")
        try:
            self.caller.demand_name(name)
            domain = register_domain(
                organization=self.caller.organization,
                name=name,
                dmarc_value=DMARC_VALUE,
                actor=self.caller.actor,
                now=self.caller.now,
            )
        except InvalidDomainName as refusal:
            given = self.body.get("name", ABSENT)
            raise InvalidValue("name", given, "Invalid domain name format", code="invalid_domain_name") from refusal
        return self.answer(201, domain_body(domain))


class DomainDetail(DomainView):
    permissions = {"GET": VIEW, "DELETE": DELETE}
    operations = {"GET": schemas.READ_DOMAIN, "DELETE": schemas.DELETE_DOMAIN}

    def get(self, request: Request, domain_id: str) -> HttpResponse:
        return self.answer(200, domain_body(self.access(domain_id)))

    def delete(self, request: Request, domain_id: str) -> HttpResponse:
        removed = remove_domain(
            domain=self.access(domain_id), refuses_inboxes=False, actor=self.caller.actor, now=self.caller.now
        )
        return self.answer(200, domain_body(removed.domain))


class DomainDns(DomainView):
    permissions = {"GET": VIEW}
    operations = {"GET": schemas.READ_DNS}

    def get(self, request: Request, domain_id: str) -> HttpResponse:
        domain = ensure_dkim_tokens(domain=self.access(domain_id), now=self.caller.now)
        return self.answer(200, [dns_body(record, domain) for record in in_order(domain, ORDER_OF_DNS)])


class DomainVerify(DomainView):
    permissions = {"POST": VIEW}
    operations = {"POST": schemas.VERIFY_DOMAIN}

    def post(self, request: Request, domain_id: str) -> HttpResponse:
        domain = self.access(domain_id)
        _ = self.body
        try:
            domain = check_domain(domain=domain, actor=self.caller.actor, now=self.caller.now, may_restart=True)
        except (RestartsExhausted, DomainAlreadyRegistered):
            # A failed claim that can not start again is a domain that is not verified; here that is no error.
            domain.refresh_from_db()
        return self.answer(200, domain_body(domain))


def in_order(domain: Domain, purposes: tuple[Purpose, ...]) -> list[DnsRecord]:
    """The current records of these purposes, in the order of the purposes."""
    records = current_records(domain)
    return [record for purpose in purposes for record in records if record.purpose == purpose]


def domain_body(domain: Domain) -> dict[str, object]:
    return {
        **both_ids(domain.public_id),
        "organizationId": domain.organization.public_id,
        "name": domain.name,
        "verified": is_dkim_verified(domain),
        "records": [
            dns_body(record, domain) | {"status": RECORD_WORDS.get(record.verdict, "failed")}
            for record in in_order(domain, ORDER_OF_RECORDS)
        ],
        "createdAt": milliseconds(domain.created_at),
        "updatedAt": milliseconds(domain.updated_at),
    }


def dns_body(record: DnsRecord, domain: Domain) -> dict[str, object]:
    """Names are relative to the registrable domain, but those of DKIM are full: so the original has them."""
    is_full = record.purpose == Purpose.DKIM
    name = record.name if is_full else relative_name(record.name, registrable_domain(domain.name))
    body: dict[str, object] = {"type": record.type, "name": name, "value": record.value}
    return body if record.priority is None else body | {"priority": record.priority}


urlpatterns = [
    path("v1/domains", DomainList.as_view()),
    path("v1/domains/<str:domain_id>", DomainDetail.as_view()),
    path("v1/domains/<str:domain_id>/dns", DomainDns.as_view()),
    path("v1/domains/<str:domain_id>/verify", DomainVerify.as_view()),
    *inboxes.urlpatterns,
    *messages.urlpatterns,
    *threads.urlpatterns,
    *webhooks.urlpatterns,
    *api_keys.urlpatterns,
]

CONTRACT = Contract(
    name="domains_by_name",
    envelope=ByNameView.envelope,
    paths=re.compile(rf"v1(?:$|/(?:(?:{WORDS})(?:/|$)|(?!{WORKSPACES})))"),
    mounts=(settings.DOMAINS_BY_NAME_PREFIX,),
    urlpatterns=urlpatterns,
    manual=schemas.MANUAL,
)
