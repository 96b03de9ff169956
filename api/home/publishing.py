"""The home API's writing of a domain's records at its DNS host: preview, apply, undo.

What others set at an MX, CNAME or DMARC name is never replaced from here; of the MX a person may say so, in the
dashboard.
"""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request

from accounts.permissions import CREATE, DELETE, VIEW
from api.home.manners import HomeView
from api.idempotency import once
from api.schemas import home_publishing as schemas
from domains.publishing import Wishes, apply_records, plan_records
from domains.taking_back import undo_records
from domains.zone_access import NoWritableZone
from domains.zone_plan import Action, HostSet, Step, ZoneChange

WISHES = Wishes(merges_spf=True)
# A value beside those of others is created, as it is where there are none.
ACTIONS = {Action.ADD: "create"}


class DomainPublishing(HomeView):
    permissions = {"GET": VIEW, "POST": CREATE, "DELETE": DELETE}
    operations = {
        "GET": schemas.PREVIEW_PUBLISHING,
        "POST": schemas.PUBLISH_RECORDS,
        "DELETE": schemas.UNDO_PUBLISHING,
    }

    def get(self, request: Request, domain_id: str) -> HttpResponse:
        domain = self.caller.access_domain(domain_id)
        try:
            plan = plan_records(domain=domain, wishes=WISHES)
        except NoWritableZone:
            return self.answer(200, {"host": None, "canApply": False, "changes": []})
        changes = [change_body(step) for step in plan.steps]
        return self.answer(200, {"host": plan.zone.host, "canApply": True, "changes": changes})

    @once
    def post(self, request: Request, domain_id: str) -> HttpResponse:
        domain = self.caller.access_domain(domain_id)
        applied = apply_records(domain=domain, wishes=WISHES, actor=self.caller.actor, now=self.caller.now)
        failed = [
            {"type": failure.type, "name": failure.name, "reason": failure.reason} for failure in applied.failures
        ]
        return self.answer(200, {"applied": [change_body(step) for step in applied.steps], "failed": failed})

    def delete(self, request: Request, domain_id: str) -> HttpResponse:
        domain = self.caller.access_domain(domain_id)
        undone = undo_records(domain=domain, actor=self.caller.actor, now=self.caller.now)
        changes = undone.changes if undone is not None else ()
        return self.answer(200, {"success": True, "undone": [undone_body(change) for change in changes]})


def change_body(step: Step) -> dict[str, object]:
    body: dict[str, object] = {
        "action": ACTIONS.get(step.action, step.action.value),
        "type": step.record.type,
        "name": step.record.name,
        "before": values_of(step.before),
        # What is kept, or in conflict, stays as it is.
        "after": values_of(step.after or step.before),
    }
    return body | ({"reason": step.reason} if step.reason else {})


def undone_body(change: ZoneChange) -> dict[str, object]:
    either = change.before or change.after
    assert either is not None
    return {
        "type": either.type,
        "name": either.name,
        "before": values_of(change.before),
        "after": values_of(change.after),
    }


def values_of(found: HostSet | None) -> list[str] | None:
    return list(found.values) if found is not None else None


urlpatterns = [path("api/email/domains/<str:domain_id>/publishing", DomainPublishing.as_view())]
