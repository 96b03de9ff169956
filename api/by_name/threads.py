"""An inbox's conversations, the newest first, each with its messages of this inbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request

from accounts.permissions import MESSAGE_VIEW
from api.authentication import PUBLIC_ID
from api.by_name.manners import ByNameView, both_ids
from api.by_name.messages import HEAVIEST_LIST, HEAVIEST_MESSAGE, MOST_MESSAGES, in_full, message_body, message_summary
from api.by_name.pages import newest
from api.schemas import by_name_mail as schemas
from api.timestamps import milliseconds
from channels.models import EmailAccount
from inbound.models import InboundMessage, Thread
from inbound.reading import ThreadNotFound, messages_of_inbox, threads_of_inbox
from inbound.threads import with_id

MOST_THREADS = 200
# A list shows so many of each; the thread itself has all.
MOST_IN_A_LIST = 20
SUMMARY_FIELDS = ("public_id", "thread", "from_email", "mail_from", "to", "cc", "subject", "received_at")


class ThreadView(ByNameView):
    def subject_of(self, thread: Any) -> str:
        """A key of one domain is not told the subject of a mail to another."""
        return str(thread.subject_here if self.caller.only_domain else thread.subject)


class ThreadList(ThreadView):
    permissions = {"GET": MESSAGE_VIEW}
    operations = {"GET": schemas.LIST_THREADS}

    def get(self, request: Request, inbox_id: str) -> HttpResponse:
        inbox = self.caller.access_inbox(inbox_id)
        page = newest(
            threads_of_inbox(inbox),
            by="last_received_at",
            query=self.query,
            list_name=f"by_name.threads:{inbox.pk}",
            most=MOST_THREADS,
        )
        newest_of = newest_messages(inbox, page.rows)
        threads: list[dict[str, object]] = [
            thread_body(thread, newest_of[thread.pk], inbox=inbox, subject=self.subject_of(thread))
            | {"messages": [message_summary(message, inbox=inbox) for message in newest_of[thread.pk]]}
            for thread in page.rows
        ]
        return page.announce(self.answer(200, threads), self.request._request)


class ThreadDetail(ThreadView):
    permissions = {"GET": MESSAGE_VIEW}
    operations = {"GET": schemas.READ_THREAD}

    def get(self, request: Request, inbox_id: str, thread_id: str) -> HttpResponse:
        inbox = self.caller.access_inbox(inbox_id)
        rows = threads_of_inbox(inbox)
        thread = with_id(rows, thread_id).first() if PUBLIC_ID.fullmatch(thread_id) else None
        if thread is None:
            raise ThreadNotFound
        page = newest(
            messages_of_inbox(inbox).filter(thread=thread).only("pk", "received_at", "size"),
            by="received_at",
            query=self.query,
            list_name=f"by_name.thread:{inbox.pk}:{thread.pk}",
            most=MOST_MESSAGES,
            weight=lambda row: min(row.size, HEAVIEST_MESSAGE),
            heaviest=HEAVIEST_LIST,
        )
        messages = in_full(page.rows)
        body = thread_body(thread, messages, inbox=inbox, subject=self.subject_of(thread)) | {
            "messages": [message_body(message, inbox=inbox) for message in messages]
        }
        return page.announce(self.answer(200, body), self.request._request)


def newest_messages(inbox: EmailAccount, threads: Sequence[Thread]) -> Mapping[int, list[InboundMessage]]:
    """By thread its newest messages of this inbox, without their texts."""
    found: dict[int, list[InboundMessage]] = {thread.pk: [] for thread in threads}
    newest_first = (F("received_at").desc(), F("pk").desc())
    place = Window(RowNumber(), partition_by="thread", order_by=newest_first)
    rows = messages_of_inbox(inbox).filter(thread__in=list(found)).select_related("thread")
    rows = rows.annotate(place=place).filter(place__lte=MOST_IN_A_LIST)
    for message in rows.only(*SUMMARY_FIELDS, "thread__public_id").order_by(*newest_first):
        if message.thread_id is not None:
            found[message.thread_id].append(message)
    return found


def thread_body(
    thread: Thread, messages: Sequence[InboundMessage], *, inbox: EmailAccount, subject: str
) -> dict[str, object]:
    newest_at = messages[0].received_at if messages else thread.created_at
    return {
        **both_ids(thread.public_id),
        "organizationId": inbox.organization.public_id,
        "inboxId": inbox.public_id,
        "subject": subject,
        # A row is made when its first mail is stored, which is a moment after that came.
        "createdAt": milliseconds(min(thread.created_at, newest_at)),
        "updatedAt": milliseconds(newest_at),
    }


urlpatterns = [
    path("v1/inboxes/<str:inbox_id>/threads", ThreadList.as_view()),
    path("v1/inboxes/<str:inbox_id>/threads/<str:thread_id>", ThreadDetail.as_view()),
]
