"""Contract `ses_setups`: a workspace's tenants and identities, and their use cases (REST, UUIDs, FastAPI manners)."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request

from accounts.permissions import CREATE, DELETE, VIEW
from api.envelopes import Contract
from api.field_errors import Fields
from api.pagination import HIGHEST_OFFSET
from api.schemas import ses_setups as schemas
from api.timestamps import seconds, seconds_or_none
from api.workspaces import use_cases
from api.workspaces.manners import NOT_WORKSPACES, WorkspaceView
from channels.models import SesSetup
from channels.setups import create_setup, delete_setup, look_at_setup
from domains.facts import current_records
from domains.models import DnsRecord
from domains.names import InvalidDomainName
from domains.records import Purpose

DMARC_VALUE = "v=DMARC1; p=quarantine;"
TENANT_NAME = "^[A-Za-z0-9_-]+$"
# What the contract lists, in its order; the ownership TXT and SPF are none of it.
ORDER = (
    Purpose.DKIM,
    Purpose.INBOUND,
    Purpose.MAIL_FROM_MX,
    Purpose.MAIL_FROM_SPF,
    Purpose.DMARC,
    Purpose.CLAIM,
)


class SetupList(WorkspaceView):
    permissions = {"GET": VIEW, "POST": CREATE}
    operations = {"GET": schemas.LIST_SETUPS, "POST": schemas.CREATE_SETUP}

    def get(self, request: Request, workspace_id: str) -> HttpResponse:
        fields = Fields("query", self.query)
        limit = fields.whole_number("limit", default=10, above=0, highest=20)
        start = min(fields.whole_number("continuation_token", default=0, lowest=0), HIGHEST_OFFSET)
        fields.check()
        rows = self.caller.setups()
        total = rows.count()
        page = rows.prefetch_related("domain__records")[start : start + limit]
        items = [item_body(setup) for setup in page]
        end = start + len(items)
        has_more = bool(items) and end < total
        return self.answer(
            200,
            {
                "items": items,
                "has_more": has_more,
                "continuation_token": end if has_more else None,
                "total": total,
            },
        )

    def post(self, request: Request, workspace_id: str) -> HttpResponse:
        fields = self.body_fields()
        tenant_name = fields.text("tenant_name", shortest=1, longest=64, pattern=TENANT_NAME)
        name = fields.text("domain_identity", shortest=1, longest=255)
        fields.check()
        with self.refused_as({InvalidDomainName: "domain_identity"}):
            self.caller.demand_name(name)
            setup = create_setup(
                organization=self.caller.organization,
                tenant_name=tenant_name,
                name=name,
                dmarc_value=DMARC_VALUE,
                actor=self.caller.actor,
                now=self.caller.now,
            )
        return self.answer(201, detail_body(setup))


class SetupDetail(WorkspaceView):
    permissions = {"GET": VIEW, "DELETE": DELETE}
    operations = {"GET": schemas.READ_SETUP, "DELETE": schemas.DELETE_SETUP}

    def get(self, request: Request, workspace_id: str, setup_id: str) -> HttpResponse:
        setup = self.caller.access_setup(self.ids["setup_id"])
        return self.answer(200, detail_body(look_at_setup(setup=setup, actor=self.caller.actor, now=self.caller.now)))

    def delete(self, request: Request, workspace_id: str, setup_id: str) -> HttpResponse:
        setup = self.caller.access_setup(self.ids["setup_id"], is_for_deletion=True)
        delete_setup(setup=setup, actor=self.caller.actor, now=self.caller.now)
        return self.no_content()


class SetupVerify(WorkspaceView):
    """The same as GET, on purpose; only that a failed claim starts again."""

    permissions = {"POST": VIEW}
    operations = {"POST": schemas.VERIFY_SETUP}

    def post(self, request: Request, workspace_id: str, setup_id: str) -> HttpResponse:
        setup = self.caller.access_setup(self.ids["setup_id"])
        looked_at = look_at_setup(setup=setup, actor=self.caller.actor, now=self.caller.now, may_restart=True)
        return self.answer(200, detail_body(looked_at))


def listed_records(setup: SesSetup) -> list[DnsRecord]:
    records = current_records(setup.domain)
    return [record for purpose in ORDER for record in records if record.purpose == purpose]


def detail_body(setup: SesSetup) -> dict[str, object]:
    return {
        "id": str(setup.domain.uuid),
        "tenant_name": setup.tenant.tenant_name,
        "domain_identity": setup.domain.name,
        "dns_checked_at": seconds_or_none(setup.domain.dns_checked_at),
        "dns_records": [record_body(record) for record in listed_records(setup)],
        "created_at": seconds(setup.created_at),
        "updated_at": seconds(setup.domain.updated_at),
    }


def item_body(setup: SesSetup) -> dict[str, object]:
    records = listed_records(setup)
    return {
        "id": str(setup.domain.uuid),
        "tenant_name": setup.tenant.tenant_name,
        "domain_identity": setup.domain.name,
        "dns_verified": bool(records) and all(record.is_ok for record in records),
        "dns_checked_at": seconds_or_none(setup.domain.dns_checked_at),
        "created_at": seconds(setup.created_at),
        "updated_at": seconds(setup.domain.updated_at),
    }


def record_body(record: DnsRecord) -> dict[str, object]:
    """An MX with its preference in front, as a zone file has it."""
    value = record.value if record.priority is None else f"{record.priority} {record.value}"
    return {"address": record.name, "record": value, "type": record.type, "verified": record.is_ok}


urlpatterns = [
    path("v1/<workspace:workspace_id>/channels/ses-setup", SetupList.as_view()),
    path("v1/<workspace:workspace_id>/channels/ses-setup/<str:setup_id>", SetupDetail.as_view()),
    path("v1/<workspace:workspace_id>/channels/ses-setup/<str:setup_id>/verify", SetupVerify.as_view()),
    *use_cases.urlpatterns,
]

# A workspace's every path is this contract's; what stands for a workspace and is none, where the rest is ours.
UUID = "[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}"
CONTRACT = Contract(
    name="ses_setups",
    envelope=WorkspaceView.envelope,
    paths=re.compile(
        rf"v1/(?:{UUID}(?:/|$)|(?!(?:{NOT_WORKSPACES})(?:/|$))[^/]+/(?:channels|ses-setup|use-cases)(?:/|$))"
    ),
    mounts=(settings.SES_SETUPS_PREFIX,),
    urlpatterns=urlpatterns,
    manual=schemas.MANUAL,
)
