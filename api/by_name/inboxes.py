"""Inboxes: at an address of a verified domain, or at one that is made up at the organization's default domain."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request

from accounts.permissions import CREATE, DELETE, VIEW
from api.by_name.manners import ByNameView, InvalidValue, both_ids, trimmed
from api.by_name.pages import newest
from api.schemas import domains_by_name as schemas
from api.timestamps import milliseconds
from channels.inboxes import (
    DomainNotActive,
    InvalidAddress,
    create_inbox,
    home_of_new_inboxes,
    made_up_local_part,
    parse_inbox_address,
)
from channels.models import EmailAccount
from domains.facts import is_dkim_verified
from domains.models import Domain
from domains.names import InvalidDomainName
from domains.registration import DomainNotFound
from inbound.clearing import delete_inbox_and_mail

MOST_INBOXES = 10_000
# Well-formed names that nobody can have here: unknown domains, not typing errors.
NOBODYS_NAMES = ("reserved", "special_use", "public_suffix")


class InboxList(ByNameView):
    permissions = {"GET": VIEW, "POST": CREATE}
    operations = {"GET": schemas.LIST_INBOXES, "POST": schemas.CREATE_INBOX}

    def get(self, request: Request) -> HttpResponse:
        page = newest(
            self.caller.inboxes().select_related("organization"),
            by="created_at",
            query=self.query,
            list_name=f"by_name.inboxes:{self.caller.organization.pk}",
            most=MOST_INBOXES,
        )
        response = self.answer(200, [inbox_body(inbox) for inbox in page.rows])
        return page.announce(response, self.request._request)

    def post(self, request: Request) -> HttpResponse:
        name = trimmed(self.body, "name") if "name" in self.body else ""
        local_part, domain = self._wanted_address(name)
        inbox = create_inbox(
            organization=self.caller.organization,
            domain=domain,
            local_part=local_part,
            name=name,
            is_ready=is_dkim_verified,
            actor=self.caller.actor,
            now=self.caller.now,
        )
        return self.answer(201, inbox_body(inbox))

    def _wanted_address(self, name: str) -> tuple[str, Domain]:
        """Raises InvalidValue, and DomainNotActive for a domain that is not verified or not the caller's."""
        if "email" not in self.body:
            return made_up_local_part(name), home_of_new_inboxes(domains=self.caller.domains())
        email = self.body["email"]
        try:
            local_part, domain_name = parse_inbox_address(email)
            return local_part, self.caller.access_domain_by_name(domain_name)
        except DomainNotFound as refusal:
            raise DomainNotActive from refusal
        except InvalidDomainName as refusal:
            if refusal.reason in NOBODYS_NAMES:
                raise DomainNotActive from refusal
            raise InvalidValue("email", email) from refusal
        except InvalidAddress as refusal:
            raise InvalidValue("email", email) from refusal


class InboxDetail(ByNameView):
    permissions = {"GET": VIEW, "DELETE": DELETE}
    operations = {"GET": schemas.READ_INBOX, "DELETE": schemas.DELETE_INBOX}

    def get(self, request: Request, inbox_id: str) -> HttpResponse:
        return self.answer(200, inbox_body(self.caller.access_inbox(inbox_id)))

    def delete(self, request: Request, inbox_id: str) -> HttpResponse:
        inbox = self.caller.access_inbox(inbox_id)
        body = inbox_body(inbox)
        delete_inbox_and_mail(inbox=inbox, actor=self.caller.actor, now=self.caller.now)
        return self.answer(200, body)


def inbox_body(inbox: EmailAccount) -> dict[str, object]:
    """A name that was not given is absent, not null; so is the domain of an inbox that outlived it."""
    return {
        **both_ids(inbox.public_id),
        "organizationId": inbox.organization.public_id,
        **({"domainId": inbox.domain.public_id} if inbox.is_active else {}),
        **({"name": inbox.name} if inbox.name else {}),
        "email": inbox.email,
        "createdAt": milliseconds(inbox.created_at),
        "updatedAt": milliseconds(inbox.created_at),
    }


urlpatterns = [
    path("v1/inboxes", InboxList.as_view()),
    path("v1/inboxes/<str:inbox_id>", InboxDetail.as_view()),
]
