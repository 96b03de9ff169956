"""An inbox's messages and conversations, to be read; the routes that send answer that sending is not available."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request

from accounts.permissions import CREATE, MESSAGE_VIEW
from api.authentication import PUBLIC_ID
from api.by_name.manners import ByNameView, InvalidValue, SendingIsOff, both_ids
from api.by_name.pages import newest
from api.schemas import by_name_mail as schemas
from api.timestamps import milliseconds
from channels.models import EmailAccount
from inbound.display import sanitise_html
from inbound.models import InboundMessage
from inbound.reading import MessageNotFound, messages_of_inbox
from inbound.searching import is_text, search

MOST_MESSAGES = 1000
# Text and HTML of a message are kept up to 2 MB each; a list holds at most so much of them, one message at least.
HEAVIEST_MESSAGE = 4 * 1024 * 1024
HEAVIEST_LIST = 8 * HEAVIEST_MESSAGE
LONGEST_QUERY = 200


class MessageList(ByNameView):
    permissions = {"GET": MESSAGE_VIEW}
    operations = {"GET": schemas.LIST_MESSAGES}

    def get(self, request: Request, inbox_id: str) -> HttpResponse:
        inbox = self.caller.access_inbox(inbox_id)
        rows = messages_of_inbox(inbox)
        wanted = self.query.get("query", "")
        if len(wanted) > LONGEST_QUERY or not is_text(wanted):
            raise InvalidValue("query", wanted, location="query")
        page = newest(
            search(rows, wanted, organization=self.caller.organization).only("pk", "received_at", "size"),
            by="received_at",
            query=self.query,
            list_name=f"by_name.messages:{inbox.pk}",
            most=MOST_MESSAGES,
            weight=lambda row: min(row.size, HEAVIEST_MESSAGE),
            heaviest=HEAVIEST_LIST,
        )
        messages = in_full(page.rows)
        response = self.answer(200, [message_body(message, inbox=inbox) for message in messages])
        return page.announce(response, self.request._request)


class MessageDetail(ByNameView):
    permissions = {"GET": MESSAGE_VIEW}
    operations = {"GET": schemas.READ_MESSAGE}

    def get(self, request: Request, inbox_id: str, message_id: str) -> HttpResponse:
        inbox = self.caller.access_inbox(inbox_id)
        return self.answer(200, message_body(access_message(inbox, message_id), inbox=inbox))


class MessageSend(ByNameView):
    permissions = {"POST": CREATE}
    operations = {"POST": schemas.SEND_MESSAGE}

    def post(self, request: Request, inbox_id: str) -> HttpResponse:
        self.caller.access_inbox(inbox_id)
        _ = self.body
        raise SendingIsOff


class MessageReply(ByNameView):
    permissions = {"POST": CREATE}
    operations = {"POST": schemas.REPLY_MESSAGE}

    def post(self, request: Request, inbox_id: str, message_id: str) -> HttpResponse:
        access_message(self.caller.access_inbox(inbox_id), message_id)
        _ = self.body
        raise SendingIsOff


def access_message(inbox: EmailAccount, public_id: str) -> InboundMessage:
    """The message of this id that came for this inbox; anything else is MessageNotFound."""
    rows = messages_of_inbox(inbox).select_related("thread").prefetch_related("attachments")
    message = rows.filter(public_id=public_id).first() if PUBLIC_ID.fullmatch(public_id) else None
    if message is None:
        raise MessageNotFound
    return message


def in_full(heads: Iterable[InboundMessage]) -> list[InboundMessage]:
    """The same messages, in the same order, with all that `message_body` shows."""
    wanted = [head.pk for head in heads]
    rows = InboundMessage.objects.select_related("thread").prefetch_related("attachments").in_bulk(wanted)
    return [rows[pk] for pk in wanted if pk in rows]


def message_summary(message: InboundMessage, *, inbox: EmailAccount) -> dict[str, object]:
    to = [str(each["email"]) for each in message.to]
    return {
        **both_ids(message.public_id),
        "organizationId": inbox.organization.public_id,
        "inboxId": inbox.public_id,
        **({"threadId": message.thread.public_id} if message.thread else {}),
        "from": message.from_email or message.mail_from,
        "toInboxId": inbox.public_id,
        # A blind copy names its recipient nowhere.
        "to": to or [inbox.email],
        "cc": [str(each["email"]) for each in message.cc],
        "bcc": [],
        "labels": [],
        "subject": message.subject,
        "status": "received",
        "createdAt": milliseconds(message.received_at),
        "updatedAt": milliseconds(message.received_at),
    }


def message_body(message: InboundMessage, *, inbox: EmailAccount) -> dict[str, object]:
    return message_summary(message, inbox=inbox) | {
        "text": message.text,
        "html": sanitise_html(message.html) if message.html else "",
        "attachments": [
            {"id": each.public_id, "name": each.filename, "contentType": each.content_type, "size": each.size}
            for each in sorted(message.attachments.all(), key=lambda each: each.position)
        ],
    }


urlpatterns = [
    path("v1/inboxes/<str:inbox_id>/messages", MessageList.as_view()),
    path("v1/inboxes/<str:inbox_id>/messages/send", MessageSend.as_view()),
    path("v1/inboxes/<str:inbox_id>/messages/<str:message_id>", MessageDetail.as_view()),
    path("v1/inboxes/<str:inbox_id>/messages/<str:message_id>/reply", MessageReply.as_view()),
]
