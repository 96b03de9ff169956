"""Mail in and the little that goes out, one module an idea."""

from __future__ import annotations

from inbound.models.mail import (
    Attachment,
    DeletedMessage,
    InboundMessage,
    MailPolicy,
    Recipient,
    Thread,
    ThreadReference,
)
from inbound.models.notifications import SnsNotification, SweepTurn
from inbound.models.sent import SendingFeedback, SentMessage

__all__ = [
    "Attachment",
    "DeletedMessage",
    "InboundMessage",
    "MailPolicy",
    "Recipient",
    "SendingFeedback",
    "SentMessage",
    "SnsNotification",
    "SweepTurn",
    "Thread",
    "ThreadReference",
]
