"""What the home API tells of a domain beyond its contract: diagnosis, record plan, history."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from rest_framework.request import Request

from accounts.permissions import VIEW
from api.home.manners import HomeView, one_of
from api.pagination import Position, limit_of, read_cursor, write_cursor
from api.schemas import home as schemas
from api.schemas import home_diagnosis as diagnosis_schemas
from api.timestamps import seconds
from domains.dns.summary import part_of
from domains.export_plan import ExportFile, export_file
from domains.exports import FORMATS
from domains.facts import can_receive, current_records, dns_host_of, plan_of, zone_of
from domains.models import DnsRecord, Domain, DomainEvent
from domains.names import relative_name
from domains.records import PlannedRecord
from domains.verification import check_now


class DomainEvents(HomeView):
    permissions = {"GET": VIEW}
    operations = {"GET": schemas.LIST_EVENTS}

    def get(self, request: Request, domain_id: str) -> HttpResponse:
        domain = self.caller.access_domain(domain_id)
        limit = limit_of(self.query)
        list_name = f"events:{domain.pk}"
        after = read_cursor(self.query.get("cursor"), list_name=list_name)
        rows = domain.events.all()
        if after is not None:
            rows = rows.filter(at__lte=after.at).exclude(at=after.at, pk__gte=after.pk)
        page = list(rows.order_by("-at", "-pk")[: limit + 1])
        has_more, page = len(page) > limit, page[:limit]
        cursor = write_cursor(Position(page[-1].at, page[-1].pk), list_name=list_name) if has_more else None
        return self.answer(200, {"events": [event_body(event) for event in page], "nextCursor": cursor})


class DomainRecords(HomeView):
    permissions = {"GET": VIEW}
    operations = {"GET": diagnosis_schemas.LIST_RECORDS}

    def get(self, request: Request, domain_id: str) -> HttpResponse:
        domain = self.caller.access_domain(domain_id)
        format_ = one_of(self.query.get("format", "json"), "format", ("json", *FORMATS))
        plan = plan_of(domain, current_records(domain))
        if format_ != "json":
            return _download(export_file(plan, domain=domain.name, format_=format_))
        records = [planned_body(record, plan.zone) for record in plan.records]
        return self.answer(
            200, {"domain": domain.name, "zone": plan.zone, "records": records, "notes": list(plan.notes)}
        )


def _download(file: ExportFile) -> HttpResponse:
    response = HttpResponse(file.text, content_type=file.media_type)
    # A domain's name holds nothing that would have to be quoted.
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


class DomainDiagnosis(HomeView):
    permissions = {"GET": VIEW}
    operations = {"GET": diagnosis_schemas.READ_DIAGNOSIS}

    def get(self, request: Request, domain_id: str) -> HttpResponse:
        domain = self.caller.access_domain(domain_id)
        if one_of(self.query.get("refresh", "false"), "refresh", ("true", "false")) == "true":
            # A read restarts nothing, whoever asks for it.
            domain = check_now(domain=domain, actor=self.caller.actor, now=timezone.now(), may_restart=False)
        return self.answer(200, diagnosis_body(domain))


def diagnosis_body(domain: Domain) -> dict[str, object]:
    records = current_records(domain)
    host = dns_host_of(domain)
    spf, dmarc = part_of(domain.dns_summary, "spf"), part_of(domain.dns_summary, "dmarc")
    return {
        "domain": domain.name,
        "status": domain.status,
        "canSend": domain.can_send,
        "canReceive": can_receive(domain, records),
        "checkedAt": _time(domain.dns_checked_at),
        "nextCheckAt": _time(domain.next_check_at),
        "zone": domain.zone or None,
        "nameServers": domain.name_servers,
        "dnsHost": {"code": host.code, "name": host.name} if host else None,
        "mailToday": part_of(domain.dns_summary, "mail_today") or None,
        "records": [diagnosed_body(record, zone_of(domain)) for record in records],
        "spf": {
            "current": spf["current"],
            "proposed": spf["proposed"],
            "lookups": spf["lookups"],
            "voidLookups": spf["void_lookups"],
        }
        if spf
        else None,
        "dmarc": {
            "current": dmarc["current"],
            "proposed": dmarc["proposed"],
            "inheritedFrom": dmarc["inherited_from"],
        }
        if dmarc
        else None,
    }


def diagnosed_body(record: DnsRecord, zone: str) -> dict[str, object]:
    return planned_body(record, zone) | {
        "verdict": record.verdict or None,
        "code": record.code or None,
        "message": record.message or None,
        "fix": record.fix or None,
        "otherFindings": [{"code": code, "message": sentence} for code, sentence in record.other_findings],
        "observed": record.observed,
        "servers": record.servers,
        "publicVerdict": record.public_verdict or None,
        "publicAt": _time(record.checked_at) if record.public_verdict else None,
    }


def _time(moment: datetime | None) -> str | None:
    return seconds(moment) if moment else None


def planned_body(record: DnsRecord | PlannedRecord, zone: str) -> dict[str, object]:
    return {
        "type": record.type,
        "name": record.name,
        "host": relative_name(record.name, zone),
        "value": record.value,
        "priority": record.priority,
        "ttl": record.ttl,
        "purpose": record.purpose,
        "required": record.is_required,
    }


def event_body(event: DomainEvent) -> dict[str, object]:
    return {
        "id": event.public_id,
        "type": event.type,
        "at": seconds(event.at),
        "actor": event.actor,
        "before": event.before or None,
        "after": event.after or None,
        "reason": event.reason or None,
    }


urlpatterns = [
    path("api/email/domains/<str:domain_id>/diagnosis", DomainDiagnosis.as_view()),
    path("api/email/domains/<str:domain_id>/events", DomainEvents.as_view()),
    path("api/email/domains/<str:domain_id>/records", DomainRecords.as_view()),
]
