"""The home API's inboxes: the same rows as every other contract's accounts and inboxes."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request

from accounts.permissions import CREATE, DELETE, VIEW
from api.home.manners import HomeView, invalid, text
from api.home.unverified import not_verified
from api.idempotency import once
from api.pagination import limit_of, offset_of
from api.schemas import home as schemas
from api.timestamps import seconds
from channels.inboxes import DomainNotActive, create_inbox, delete_inbox, parse_inbox_address
from channels.telling import inbox_body
from domains.facts import current_records
from domains.models import Domain


class InboxList(HomeView):
    permissions = {"GET": VIEW, "POST": CREATE}
    operations = {"GET": schemas.LIST_INBOXES, "POST": schemas.CREATE_INBOX}

    def get(self, request: Request) -> HttpResponse:
        limit, offset = limit_of(self.query), offset_of(self.query)
        rows = self.caller.inboxes()
        page = rows.order_by("-created_at", "-id")[offset : offset + limit]
        return self.answer(
            200,
            {
                "inboxes": [inbox_body(inbox) for inbox in page],
                "total": rows.count(),
                "limit": limit,
                "offset": offset,
            },
        )

    @once
    def post(self, request: Request) -> HttpResponse:
        name = text(self.body, "name", default="")
        local_part, domain = self._wanted_address()
        try:
            inbox = create_inbox(
                organization=self.caller.organization,
                domain=domain,
                local_part=local_part,
                name=name,
                actor=self.caller.actor,
                now=self.caller.now,
            )
        except DomainNotActive as refusal:
            domain.refresh_from_db()
            raise DomainNotActive(details=not_verified(domain, current_records(domain))) from refusal
        return self.answer(201, inbox_body(inbox))

    def _wanted_address(self) -> tuple[object, Domain]:
        """`email`, or `username` with `domainId`; another organization's domain is *not found* either way."""
        body = self.body
        if "email" in body:
            local_part, name = parse_inbox_address(body["email"])
            return local_part, self.caller.access_domain_by_name(name)
        if "domainId" not in body:
            raise invalid("email", "must be given, or username with domainId")
        return body.get("username"), self.caller.access_domain(text(body, "domainId"))


class InboxDetail(HomeView):
    permissions = {"GET": VIEW, "DELETE": DELETE}
    operations = {"GET": schemas.READ_INBOX, "DELETE": schemas.DELETE_INBOX}

    def get(self, request: Request, inbox_id: str) -> HttpResponse:
        return self.answer(200, inbox_body(self.caller.access_inbox(inbox_id)))

    def delete(self, request: Request, inbox_id: str) -> HttpResponse:
        delete_inbox(inbox=self.caller.access_inbox(inbox_id), actor=self.caller.actor, now=self.caller.now)
        return self.answer(
            200,
            {"success": True, "message": "Inbox removed successfully", "deletedAt": seconds(self.caller.now)},
        )


urlpatterns = [
    path("api/email/inboxes", InboxList.as_view()),
    path("api/email/inboxes/<str:inbox_id>", InboxDetail.as_view()),
]
