"""Contract `domains_service`: domains by RPC, with records written at Route 53 and test mails (POST, protobuf JSON)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import Q
from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request

from accounts.permissions import CREATE, DELETE, VIEW
from api.base import ContractView
from api.domains_service_errors import ServiceEnvelope
from api.domains_service_messages import (
    DMARC_POLICY,
    MESSAGE_CLASS,
    PROVIDER,
    SPF_MODE,
    TEST_TYPE,
    apply_state_body,
    domain_body,
    validation_body,
    with_publication,
)
from api.envelopes import Contract, Problem
from api.pagination import Position, read_cursor, write_cursor
from api.protobuf_json import Field, boolean, int32, invalid, mailbox, matching, read_message, render, text
from api.schemas import domains_service as schemas
from channels.removal import remove_domain
from domains.choices import Choices
from domains.dns.dmarc import compose_dmarc
from domains.models import Domain
from domains.names import normalise_name
from domains.options import change_options
from domains.publishing import Wishes, apply_records
from domains.records import Purpose, SpfMode
from domains.registration import register_domain
from domains.ses_check import check_or_last_values
from domains.taking_back import take_back
from domains.zone_access import find_zone
from inbound.sending import SenderNotOurs, TrialMail, send_test_mail

Message = dict[str, Any]

# What this contract's clients know of: the TXT record of ownership is not needed where DKIM verifies the domain.
PUBLISHED = (Purpose.DKIM, Purpose.CLAIM, Purpose.INBOUND, Purpose.DMARC, Purpose.SPF)
ID = Field(matching(r"^dom_[a-zA-Z0-9_-]{21}$"))
OPTIONS = {
    "dmarc_policy": Field(DMARC_POLICY.read),
    "dmarc_report_email": Field(mailbox),
    "send_enabled": Field(boolean),
    "receive_enabled": Field(boolean),
    "dmarc_enabled": Field(boolean),
    "spf_mode": Field(SPF_MODE.read),
    "spf_value": Field(text),
}


class Method(ContractView):
    """One method of the service: `fields` are its request message, `call` answers with its response message."""

    envelope = ServiceEnvelope()
    fields: ClassVar[Mapping[str, Field]] = {"id": ID}

    def post(self, request: Request) -> HttpResponse:
        given = read_message(self.body, self.fields)
        return self.answer(200, render(self.call(given), case=settings.C4_JSON_CASE))

    def call(self, given: Message) -> Message:
        raise NotImplementedError

    def domain_of(self, given: Message) -> Domain:
        """The domain that `id` names; raises Problem without one, DomainNotFound."""
        return self.caller.access_domain(demanded(given, "id"), among=with_publication(self.caller.domains()))


def demanded(given: Message, field: str) -> Any:
    if field not in given:
        raise invalid(field, "value is required")
    return given[field]


class AddDomain(Method):
    permissions = {"POST": CREATE}
    operations = schemas.ADD_DOMAIN
    fields = {"domain": Field(text)} | OPTIONS

    def call(self, given: Message) -> Message:
        name = demanded(given, "domain")
        self.caller.demand_name(name)
        policy = given.get("dmarc_policy", "NONE").lower()
        domain = register_domain(
            organization=self.caller.organization,
            name=name,
            is_receiving=given.get("receive_enabled", False),
            dmarc_value=compose_dmarc(policy=policy, report_address=str(given.get("dmarc_report_email", ""))),
            choices=Choices(
                is_sending=given.get("send_enabled", True),
                is_dmarc_wanted=given.get("dmarc_enabled", True),
                spf_mode=SpfMode(given.get("spf_mode", "CREATE_IF_MISSING").lower()),
                spf_value=given.get("spf_value", ""),
            ),
            actor=self.caller.actor,
            now=self.caller.now,
        )
        return {"domain": domain_body(domain)}


class GetDomain(Method):
    permissions = {"POST": VIEW}
    operations = schemas.GET_DOMAIN
    # The service's own guide calls the field includeValidation.
    fields = {"id": ID, "include_dns_validation": Field(boolean, ("include_validation", "includeValidation"))}

    def call(self, given: Message) -> Message:
        with_dns = given.get("include_dns_validation", False)
        domain = check_or_last_values(
            domain=self.domain_of(given), with_dns=with_dns, actor=self.caller.actor, now=self.caller.now
        )
        return {"domain": domain_body(domain, with_validation=with_dns)}


class ListDomains(Method):
    permissions = {"POST": VIEW}
    operations = schemas.LIST_DOMAINS
    fields = {"page_size": Field(int32), "page_token": Field(text)}

    def call(self, given: Message) -> Message:
        size = given.get("page_size", 50)
        if not 1 <= size <= 100:
            raise invalid("page_size", "value must be from 1 to 100")
        list_name = f"domains_service:{self.caller.organization.pk}"
        rows = with_publication(self.caller.domains()).order_by("created_at", "id")
        after = page_position(given.get("page_token"), list_name=list_name)
        if after is not None:
            rows = rows.filter(Q(created_at__gt=after.at) | Q(created_at=after.at, pk__gt=after.pk))
        page = list(rows[: size + 1])
        token = ""
        if len(page) > size:
            last = page[size - 1]
            token = write_cursor(Position(last.created_at, last.pk), list_name=list_name)
        return {"domains": [domain_body(domain) for domain in page[:size]], "next_page_token": token}


def page_position(token: str | None, *, list_name: str) -> Position | None:
    try:
        # An empty token is what the last page gives: it begins anew.
        return read_cursor(token or None, list_name=list_name)
    except Problem as problem:
        raise invalid("page_token", "value is not a token of this list") from problem


class UpdateDomain(Method):
    permissions = {"POST": CREATE}
    operations = schemas.UPDATE_DOMAIN
    fields = {"id": ID} | OPTIONS

    def call(self, given: Message) -> Message:
        domain = self.domain_of(given)
        policy, address, mode = (given.get(name) for name in ("dmarc_policy", "dmarc_report_email", "spf_mode"))
        changed = change_options(
            domain=domain,
            actor=self.caller.actor,
            now=self.caller.now,
            is_receiving=given.get("receive_enabled"),
            is_sending=given.get("send_enabled"),
            is_dmarc_wanted=given.get("dmarc_enabled"),
            dmarc_policy=policy.lower() if policy else None,
            dmarc_report_address=str(address) if address else None,
            spf_mode=SpfMode(mode.lower()) if mode else None,
            spf_value=given.get("spf_value"),
        )
        return {"domain": domain_body(changed)}


class RemoveDomain(Method):
    permissions = {"POST": DELETE}
    operations = schemas.REMOVE_DOMAIN

    def call(self, given: Message) -> Message:
        remove_domain(domain=self.domain_of(given), actor=self.caller.actor, now=self.caller.now)
        return {}


class CheckDNSProvider(Method):
    permissions = {"POST": VIEW}
    operations = schemas.CHECK_DNS_PROVIDER

    def call(self, given: Message) -> Message:
        zone = find_zone(domain=self.domain_of(given))
        if zone is None:
            return {"has_access": False}
        if zone.host not in PROVIDER:
            return {"has_access": True}
        hosted = {"id": zone.zone_id, "name": zone.name, "record_count": zone.record_count}
        return {"has_access": True, "provider_type": PROVIDER[zone.host], "route53": hosted}


class ApplyDomainRecords(Method):
    permissions = {"POST": CREATE}
    operations = schemas.APPLY_DOMAIN_RECORDS

    def call(self, given: Message) -> Message:
        domain = self.domain_of(given)
        applied = apply_records(domain=domain, wishes=Wishes(PUBLISHED), actor=self.caller.actor, now=self.caller.now)
        return {
            "dns_apply_state": apply_state_body(applied.domain),
            "dns_validation": validation_body(applied.domain),
            "records_failed": applied.failed_names,
        }


class DeleteDomainRecord(Method):
    permissions = {"POST": DELETE}
    operations = schemas.DELETE_DOMAIN_RECORD
    fields = {
        "id": ID,
        "record_name": Field(matching(r"[^\x00-\x20\x7f]{1,254}")),
        "record_type": Field(matching("TXT|CNAME|MX")),
    }

    def call(self, given: Message) -> Message:
        name, type_ = demanded(given, "record_name"), demanded(given, "record_type")
        is_removed = take_back(
            domain=self.domain_of(given),
            name=normalise_name(name),
            type_=type_,
            actor=self.caller.actor,
            now=self.caller.now,
        )
        return {"deleted": is_removed}


class SendTestEmail(Method):
    permissions = {"POST": CREATE}
    operations = schemas.SEND_TEST_EMAIL
    fields = {
        "from_email": Field(mailbox),
        "id": ID,
        "to_email": Field(mailbox),
        "test_type": Field(TEST_TYPE.read),
        "message_class": Field(MESSAGE_CLASS.read),
    }

    def call(self, given: Message) -> Message:
        kind = TrialMail(demanded(given, "test_type").lower())
        if kind is TrialMail.NORMAL:
            demanded(given, "to_email")
        sent = send_test_mail(
            organization=self.caller.organization,
            domain=self.sending_domain(given),
            sender=given.get("from_email"),
            recipient=given.get("to_email"),
            kind=kind,
            message_class=given.get("message_class", "TRANSACTIONAL").lower(),
            actor=self.caller.actor,
            now=self.caller.now,
        )
        return {"message_id": sent.message.ses_message_id, "note": sent.note}

    def sending_domain(self, given: Message) -> Domain:
        if "id" in given:
            return self.domain_of(given)
        if "from_email" not in given:
            raise invalid("from_email", "one of from_email, id must be given")
        domain = self.caller.domains().filter(name=given["from_email"].domain).first()
        if domain is None:
            raise SenderNotOurs
        return domain


METHODS: tuple[type[Method], ...] = (
    AddDomain,
    GetDomain,
    ListDomains,
    UpdateDomain,
    RemoveDomain,
    CheckDNSProvider,
    ApplyDomainRecords,
    DeleteDomainRecord,
    SendTestEmail,
)

CONTRACT = Contract(
    name="domains_service",
    envelope=Method.envelope,
    paths=re.compile(r"domains(/|$)"),
    mounts=(settings.DOMAINS_SERVICE_PREFIX,),
    manual=schemas.MANUAL,
    urlpatterns=[path(f"domains/{method.__name__}", method.as_view()) for method in METHODS],
)
