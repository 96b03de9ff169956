"""Conversations: a message joins the thread of what it refers to, or is referred to by, within its own organization.

Mail comes in any order, and a mail that is answered need never have come here: so a thread has not only messages but
also names, the message ids that these have or refer to, and whoever shares one of them belongs to it.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from accounts.models import Organization
from inbound.message_ids import reference_name
from inbound.models import InboundMessage, Thread, ThreadReference

MOST_REFERENCES = 50


def reference_names(message_id: str, in_reply_to: str, references: Sequence[str]) -> list[str]:
    """What a mail is called and refers to, the nearest first and each once; at most MOST_REFERENCES (pure)."""
    nearest_first = (message_id, in_reply_to, *reversed(references))
    names = dict.fromkeys(reference_name(each) for each in nearest_first[:MOST_REFERENCES])
    return [name for name in names if name]


def place(message: InboundMessage, organization: Organization) -> Thread:
    """Put the message into the thread that knows one of its names, else into a new one. Call it in a transaction.

    Where several threads know them they are one conversation: the oldest takes the others in.
    """
    names = reference_names(message.message_id_header, message.in_reply_to, message.references)
    # One mail of an organization at a time: of two that come at once, the second finds the names of the first.
    Organization.objects.select_for_update(no_key=True).only("pk").get(pk=organization.pk)
    known = dict(
        ThreadReference.objects.filter(organization=organization, name__in=names).values_list("name", "thread_id")
    )
    found = list(Thread.objects.filter(pk__in=set(known.values())).order_by("pk"))
    thread = found[0] if found else Thread.objects.create(organization=organization, subject=message.subject)
    if found[1:]:
        _merge(found[1:], into=thread)
    if found and _is_late_root(message, thread, names):
        Thread.objects.filter(pk=thread.pk).update(subject=message.subject)
        thread.subject = message.subject
    ThreadReference.objects.bulk_create(
        ThreadReference(organization=organization, thread=thread, name=name) for name in names if name not in known
    )
    InboundMessage.objects.filter(pk=message.pk).update(thread=thread)
    message.thread = thread
    return thread


def _is_late_root(message: InboundMessage, thread: Thread, names: Sequence[str]) -> bool:
    """The mail that began the conversation comes after its replies: its subject is the one without a `Re:`."""
    refers_to_none = [reference_name(message.message_id_header)] == names
    return refers_to_none and not thread.messages.filter(message_id_header=message.message_id_header).exists()


def _merge(threads: Sequence[Thread], *, into: Thread) -> None:
    """Move all that the threads have; their ids lead to the one that takes them in, however often that goes on."""
    InboundMessage.objects.filter(thread__in=threads).update(thread=into)
    ThreadReference.objects.filter(thread__in=threads).update(thread=into)
    pks = [thread.pk for thread in threads]
    Thread.objects.filter(Q(pk__in=pks) | Q(merged_into__in=pks)).update(merged_into=into)


def with_id(threads: QuerySet[Thread], public_id: str) -> QuerySet[Thread]:
    """The one of `threads` that has this id, or that took in the one that had it."""
    merged = Thread.objects.filter(public_id=public_id, merged_into__isnull=False).values("merged_into")
    return threads.filter(Q(public_id=public_id) | Q(pk__in=merged), merged_into=None)
