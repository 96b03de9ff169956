"""Conversations: a message joins the thread of what it refers to, within its own organization."""

from __future__ import annotations

from accounts.models import Organization
from inbound.models import InboundMessage, Thread

MOST_REFERENCES = 50


def place(message: InboundMessage, organization: Organization) -> Thread:
    """Put the message into the thread of the nearest message that it refers to, else into a new one."""
    wanted = [message.in_reply_to, *reversed(message.references)][:MOST_REFERENCES]
    wanted = [reference for reference in wanted if reference]
    thread: Thread | None = None
    if wanted:
        found = {
            each.message_id_header: each.thread
            for each in InboundMessage.objects.select_related("thread").filter(
                organization=organization, message_id_header__in=wanted, thread__isnull=False
            )
        }
        thread = next((found[reference] for reference in wanted if reference in found), None)
    if thread is None:
        thread = Thread.objects.create(organization=organization, subject=message.subject)
    InboundMessage.objects.filter(pk=message.pk).update(thread=thread)
    message.thread = thread
    return thread
