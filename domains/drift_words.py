"""What people are told of a domain that was right once and is not now: sentences and mails (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domains.drift_rules import IDENTITY, WARNING
from domains.records import Purpose
from domains.states import Health

# The stable words for machines, in webhooks and the history, by what was lost.
IDENTITY_WARNING = "identity_warning"
REASONS: dict[str, str] = {
    Purpose.INBOUND: "mx_lost",
    IDENTITY: "identity_lost",
    Purpose.DKIM: "dkim_lost",
    Purpose.SPF: "spf_lost",
    Purpose.DMARC: "dmarc_lost",
    Purpose.MAIL_FROM_MX: "mail_from_lost",
    Purpose.MAIL_FROM_SPF: "mail_from_lost",
}
REASON_SENTENCES: dict[str, str] = {
    "mx_lost": "The MX record is gone or wrong",
    "identity_lost": "Amazon SES no longer holds the name as verified",
    IDENTITY_WARNING: "Amazon SES no longer finds the records of the name",
    "dkim_lost": "A DKIM record is gone or wrong",
    "spf_lost": "The SPF record is gone or wrong",
    "dmarc_lost": "The DMARC record is gone or wrong",
    "mail_from_lost": "A record of the MAIL FROM domain is gone or wrong",
}
_SUBJECTS = {
    "mx_lost": "mail does not come here any more",
    "identity_lost": "Amazon SES no longer holds it as verified",
    IDENTITY_WARNING: "Amazon SES no longer finds its records",
    "dkim_lost": "a DKIM record is gone or wrong",
    "spf_lost": "the SPF record is gone or wrong",
    "dmarc_lost": "the DMARC record is gone or wrong",
    "mail_from_lost": "a record of its MAIL FROM domain is gone or wrong",
}
_MEANINGS = {
    "mx_lost": "Senders deliver to whatever the MX record says now. What they send meanwhile does not reach you here.",
    "identity_lost": "Without it Amazon SES neither takes mail in nor sends it for this name.",
    IDENTITY_WARNING: (
        "Everything still works. If Amazon SES does not see the ownership or the DKIM records again within 72 hours, "
        "it gives the name up, and mail stops."
    ),
    "dkim_lost": "Mail that you send through us may land in spam folders: receivers can no longer check its signature.",
    "spf_lost": "Receivers may doubt mail that you send through us.",
    "dmarc_lost": "Receivers no longer know what to do with mail that only claims to be yours.",
    "mail_from_lost": "Amazon SES uses a bounce address of its own until the record is back.",
}
_REMEDIES = {
    "identity_lost": "Put the ownership and DKIM records back as the page of the domain shows them.",
    IDENTITY_WARNING: "Put the ownership or the DKIM records back as the page of the domain shows them.",
}
_TO_DO = {
    "identity_lost": "put the ownership and DKIM records in place as they are shown below",
    IDENTITY_WARNING: "put the ownership or the DKIM records back within 72 hours, or mail stops",
}


@dataclass(frozen=True)
class Loss:
    """One thing that is lost; `message` and `fix` are the record's own diagnosis, empty for the SES identity."""

    purpose: str
    code: str
    type: str = ""
    name: str = ""
    message: str = ""
    fix: str = ""
    missed_since: datetime | None = None

    @property
    def reason(self) -> str:
        return IDENTITY_WARNING if self.purpose == IDENTITY and self.code == WARNING else REASONS[self.purpose]

    @property
    def title(self) -> str:
        return f"{self.type} {self.name}" if self.type else "The identity at Amazon SES"


@dataclass(frozen=True)
class Mail:
    subject: str
    body: str


def mail_of_losses(*, name: str, losses: Sequence[Loss], url: str, is_over: bool) -> Mail:
    """`losses` begins with the gravest; `is_over` when the domain has failed by it."""
    first = losses[0]
    parts = []
    for loss in losses:
        lines = [f"{loss.title}: {REASON_SENTENCES[loss.reason]}."]
        if loss.missed_since and loss.reason != IDENTITY_WARNING:
            lines.append(f"It has not been right at any look since {_moment(loss.missed_since)}.")
        lines += [line for line in (loss.message, loss.fix or _REMEDIES.get(loss.reason, "")) if line]
        parts.append("\n".join(lines))
    parts += [f"What it means: {meaning}" for meaning in dict.fromkeys(_MEANINGS[loss.reason] for loss in losses)]
    if is_over:
        parts.append(f"The domain is switched to failed. Start it again here once the records are back:\n{url}")
    else:
        parts.append(f"All of it, and what to change:\n{url}")
        parts.append(
            "We look again every three hours and tell you once when it is right. If you know of it, say so on that "
            "page, and you hear nothing more until then."
        )
    return Mail(f"{name}: {_SUBJECTS[first.reason]}", "\n\n".join(parts) + "\n")


def mail_of_recovery(*, name: str, url: str, has_known_losses: bool) -> Mail:
    """`has_known_losses`: something is still wrong that the owner has said to know of."""
    what = "What we told you of is right again."
    rest = "What you said you know of is as it was." if has_known_losses else "There is nothing to do."
    return Mail(f"{name}: right again", f"{what} {rest}\n\n{url}\n")


def health_sentence(health: Health, losses: Sequence[Loss]) -> str:
    """One sentence for the page, and what to do; empty where all is well. `losses` is what is missing now."""
    if health is Health.HEALTHY or not losses:
        return ""
    reason = losses[0].reason
    if health is Health.SUSPECT:
        what = _and_others(f"{losses[0].title} was not as it should be at our last look", losses)
        return f"{what}. We look again every three hours before we call it lost; put it back if you did not mean it."
    return f"{_and_others(REASON_SENTENCES[reason], losses)}: {_TO_DO.get(reason, 'put it back as it is shown below')}."


def _and_others(text: str, losses: Sequence[Loss]) -> str:
    return f"{text} ({len(losses) - 1} more below)" if len(losses) > 1 else text


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
