"""The events of SES in our words, as frozen dataclasses (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .ses_fields import Object


class UnknownEvent(Exception):
    """A well-formed event of a type that we have no use for (`event_type`: Send, Open, Click, ...)."""

    def __init__(self, event_type: str) -> None:
        super().__init__(f"no use for events of type {event_type}")
        self.event_type = event_type


@dataclass(frozen=True, slots=True)
class SetupNotice:
    """SES only tries whether the topic or the bucket works; there is no mail behind it."""

    text: str


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What SES found out about a mail: a member of VERDICTS each, or None where SES did not look."""

    spam: str | None = None
    virus: str | None = None
    spf: str | None = None
    dkim: str | None = None
    dmarc: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A mail came in and lies in S3.

    `recipients` are the envelope recipients that our rule matched: the only ground for routing. `destination` is what
    the header says, and forgeable. `key_candidates` are the places to look for the object, likeliest first.
    """

    ses_message_id: str
    source: str
    received_at: datetime
    recipients: tuple[str, ...]
    destination: tuple[str, ...]
    verdicts: Verdicts
    dmarc_policy: str | None
    bucket: str
    key: str
    key_candidates: tuple[str, ...]
    headers_truncated: bool
    raw: Object


@dataclass(frozen=True, slots=True)
class SentMail:
    """The mail of ours that an event is about; `tags` are those of the sending, each with its values."""

    ses_message_id: str
    source: str
    sent_at: datetime
    destination: tuple[str, ...]
    tags: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a mail that we sent, for these recipients, at this moment."""

    mail: SentMail
    recipients: tuple[str, ...]
    occurred_at: datetime
    raw: Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Fate):
    """The recipients' server took the mail and said `smtp_response`."""

    smtp_response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDelay(Fate):
    """SES goes on trying; `delay_type` is SES's word for the reason."""

    delay_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce(Fate):
    """The mail came back; `bounce_type` is Undetermined, Permanent or Transient; one diagnostic a recipient."""

    bounce_type: str
    bounce_subtype: str
    diagnostics: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint(Fate):
    """A recipient called the mail unwanted: the provider's word and SES's own for it, each may be empty."""

    feedback_type: str
    feedback_subtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject(Fate):
    """SES refused to send the mail, for `reason`."""

    reason: str


SesEvent = Received | Bounce | Complaint | Delivery | DeliveryDelay | Reject | SetupNotice
