"""The home API's messages: list, one, its raw mail and attachments, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, JSONField, OuterRef, QuerySet, Subquery, Value
from django.db.models.sql.compiler import SQLCompiler
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils.http import content_disposition_header
from rest_framework.request import Request

from accounts.permissions import MESSAGE_DELETE, MESSAGE_VIEW
from api.authentication import LIMITED_TO_ONE_DOMAIN
from api.envelopes import Kind, Problem
from api.home.manners import HomeView, invalid, one_of, text
from api.home.one_domain import own_addresses, own_headers, own_raw
from api.pagination import Position, limit_of, read_cursor, write_cursor
from api.schemas import home as schemas
from api.timestamps import seconds_or_none
from domains.models import Domain
from inbound.display import sanitise_html
from inbound.models import Attachment, InboundMessage, Recipient
from inbound.reading import (
    Download,
    access_attachment,
    came_for,
    delete_message,
    open_attachment,
    open_raw,
    recipients_in,
)
from inbound.searching import is_text, search
from inbound.telling import summary as told_summary

LONGEST_QUERY = 200
SUMMARY_FIELDS = (
    "public_id",
    "from_name",
    "from_email",
    "subject",
    "received_at",
    "has_attachments",
    "size",
    "spam_verdict",
    "virus_verdict",
    "spf_verdict",
    "dkim_verdict",
    "dmarc_verdict",
    "parse_status",
    "inbox__public_id",
    "thread__public_id",
    "domain__name",
)
# What a browser may be told a file is; anything else, markup above all, is only bytes.
HARMLESS_TYPES = frozenset(
    {
        "application/gzip",
        "application/json",
        "application/pdf",
        "application/zip",
        "audio/mpeg",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "message/rfc822",
        "text/calendar",
        "text/csv",
        "text/plain",
        "video/mp4",
    }
)


class JsonList(Subquery):
    """The one column `address` of a subquery as a JSON array, so that a list of rows needs no further query."""

    output_field: ClassVar[JSONField[Any, Any]] = JSONField()
    template = "(SELECT jsonb_agg(listed.address) FROM (%(subquery)s) AS listed)"

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        template = "(SELECT json_group_array(listed.address) FROM (%(subquery)s) AS listed)"
        return self.as_sql(compiler, connection, template=template)


def with_recipients(rows: QuerySet[InboundMessage], *, only_domain: str = "") -> QuerySet[InboundMessage]:
    """`envelope_recipients` on every row: this organization's only.

    Where the key is for one domain, only that domain's, and with them `limited_to`, its name, and `limited_inbox`.
    """
    recipients = Recipient.objects.filter(message=OuterRef("pk")).order_by("pk")
    if only_domain:
        recipients = recipients.filter(recipients_in(only_domain))
        inboxes = recipients.filter(inbox__domain__name=only_domain).values("inbox__public_id")
        rows = rows.annotate(limited_to=Value(only_domain), limited_inbox=Subquery(inboxes[:1]))
    return rows.select_related("domain", "inbox", "thread").annotate(
        envelope_recipients=JsonList(recipients.values("address"))
    )


class MessageList(HomeView):
    permissions = {"GET": MESSAGE_VIEW}
    operations = {"GET": schemas.LIST_MESSAGES}

    def get(self, request: Request) -> HttpResponse:
        limit = limit_of(self.query)
        list_name = f"messages:{self.caller.organization.pk}"
        after = read_cursor(self.query.get("cursor"), list_name=list_name)
        rows = with_recipients(self._wanted(), only_domain=self.caller.only_domain).only(*SUMMARY_FIELDS)
        if after is not None:
            # One range on the index, and the equal times of its first instant left out.
            rows = rows.filter(received_at__lte=after.at).exclude(received_at=after.at, pk__gte=after.pk)
        page = list(rows.order_by("-received_at", "-pk")[: limit + 1])
        has_more, page = len(page) > limit, page[:limit]
        cursor = write_cursor(Position(page[-1].received_at, page[-1].pk), list_name=list_name) if has_more else None
        return self.answer(200, {"messages": [summary(message) for message in page], "nextCursor": cursor})

    def _wanted(self) -> QuerySet[InboundMessage]:
        rows = self.caller.messages()
        if "domain" in self.query:
            domain = text(self.query, "domain", longest=253)
            rows = self._of_domain(rows, domain)
        if "inbox" in self.query:
            inbox = text(self.query, "inbox", longest=32)
            here = Recipient.objects.filter(message=OuterRef("pk"), inbox__public_id=inbox)
            if self.caller.only_domain:
                here = here.filter(inbox__domain__name=self.caller.only_domain)
            rows = rows.filter(Exists(here))
        if "q" in self.query:
            rows = search(rows, self._words(), organization=self.caller.organization)
        return rows

    def _words(self) -> str:
        wanted = self.query["q"]
        if len(wanted) > LONGEST_QUERY or not is_text(wanted):
            raise invalid("q", f"must be at most {LONGEST_QUERY} characters without control characters")
        return wanted

    def _of_domain(self, rows: QuerySet[InboundMessage], domain: str) -> QuerySet[InboundMessage]:
        """What came for this domain; that it came for another as well is nothing that a key of one domain is told."""
        own = Domain.objects.filter(organization=self.caller.organization)
        if self.caller.only_domain:
            own = own.filter(name=self.caller.only_domain)
        return came_for(rows, own.filter(**{"public_id" if domain.startswith("dom_") else "name": domain}))


class MessageDetail(HomeView):
    permissions = {"GET": MESSAGE_VIEW, "DELETE": MESSAGE_DELETE}
    operations = {"GET": schemas.READ_MESSAGE, "DELETE": schemas.DELETE_MESSAGE}

    def get(self, request: Request, message_id: str) -> HttpResponse:
        rows = with_recipients(self.caller.messages(), only_domain=self.caller.only_domain)
        message = self.caller.access_message(message_id, among=rows)
        if self.caller.only_domain:
            message.headers = own_headers(message.headers, own_addresses(message, self.caller.only_domain))
        return self.answer(200, message_body(message))

    def delete(self, request: Request, message_id: str) -> HttpResponse:
        message = self.caller.access_message(message_id)
        self._demand_all_of(message)
        purge = one_of(self.query.get("purge", "false"), "purge", ("true", "false")) == "true"
        delete_message(message=message, now=self.caller.now, actor=self.caller.actor, purge=purge)
        return self.answer(200, {"success": True})

    def _demand_all_of(self, message: InboundMessage) -> None:
        """A key of one domain deletes what came for that one alone; raises Problem."""
        name = self.caller.only_domain
        if name and message.recipients.exclude(recipients_in(name)).exists():
            raise Problem(Kind.FORBIDDEN, f"{LIMITED_TO_ONE_DOMAIN} The message came for others too.")


class MessageRaw(HomeView):
    permissions = {"GET": MESSAGE_VIEW}
    operations = {"GET": schemas.DOWNLOAD_MESSAGE}

    def get(self, request: Request, message_id: str) -> StreamingHttpResponse:
        message = self.caller.access_message(message_id)
        download = open_raw(message=message)
        if self.caller.only_domain:
            download = own_raw(download, own_addresses(message, self.caller.only_domain))
        response = file_response(download, content_type="message/rfc822", filename=f"{message.public_id}.eml")
        return with_verdict(response, message)


class MessageAttachment(HomeView):
    permissions = {"GET": MESSAGE_VIEW}
    operations = {"GET": schemas.DOWNLOAD_ATTACHMENT}

    def get(self, request: Request, message_id: str, attachment_id: str) -> StreamingHttpResponse:
        message = self.caller.access_message(message_id)
        attachment = access_attachment(message=message, public_id=attachment_id)
        content_type = attachment.content_type.partition(";")[0].strip().lower()
        response = file_response(
            open_attachment(attachment=attachment),
            content_type=content_type if content_type in HARMLESS_TYPES else "application/octet-stream",
            filename=attachment.filename or "attachment",
        )
        return with_verdict(response, message)


def file_response(download: Download, *, content_type: str, filename: str) -> StreamingHttpResponse:
    """A stranger's bytes: to be saved, not shown; powerless where they are shown all the same."""
    response = StreamingHttpResponse(download.chunks, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    if download.size is not None:
        response["Content-Length"] = str(download.size)
    return response


def with_verdict(response: StreamingHttpResponse, message: InboundMessage) -> StreamingHttpResponse:
    """A program gets what it asks for, and is told what SES made of it."""
    if message.virus_verdict:
        response[schemas.VIRUS_VERDICT] = message.virus_verdict
    return response


def summary(message: InboundMessage) -> dict[str, object]:
    """Told by webhooks in the same words; the recipients are the annotation of `with_recipients`."""
    told = told_summary(message, recipients=getattr(message, "envelope_recipients", None) or [])
    limited_to = getattr(message, "limited_to", "")
    if not limited_to:
        return told
    return told | {"domain": limited_to, "inboxId": getattr(message, "limited_inbox", None)}


def message_body(message: InboundMessage) -> dict[str, object]:
    return summary(message) | {
        "to": people(message.to),
        "cc": people(message.cc),
        "replyTo": people(message.reply_to),
        "date": seconds_or_none(message.date),
        "messageIdHeader": message.message_id_header,
        "text": message.text,
        "html": sanitise_html(message.html) if message.html else "",
        "headers": [{"name": each["name"], "value": each["value"]} for each in message.headers],
        "attachments": [attachment_body(each) for each in message.attachments.order_by("position")],
    }


def people(stored: list[Mapping[str, str]]) -> list[dict[str, str]]:
    return [{"name": each["name"], "email": each["email"]} for each in stored]


def attachment_body(attachment: Attachment) -> dict[str, object]:
    return {
        "id": attachment.public_id,
        "filename": attachment.filename,
        "contentType": attachment.content_type,
        "size": attachment.size,
        "sha256": attachment.sha256,
        "isInline": attachment.is_inline,
        "contentId": attachment.content_id or None,
    }


urlpatterns = [
    path("api/email/messages", MessageList.as_view()),
    path("api/email/messages/<str:message_id>", MessageDetail.as_view(), name="api_message"),
    path("api/email/messages/<str:message_id>/raw", MessageRaw.as_view()),
    path("api/email/messages/<str:message_id>/attachments/<str:attachment_id>", MessageAttachment.as_view()),
]
