"""What a storm is made of: mails, how each is announced, and forgeries; all of it from one seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from tests.inbound.signing import Signer

TOPIC = "arn:aws:sns:us-east-1:123456789012:storm"
FOREIGN_TOPIC = "arn:aws:sns:us-east-1:999999999999:storm"
FORGED = "forged"


class Announcing(StrEnum):
    """How a mail's notifications come. NEVER is for the sweeper to find."""

    ONCE = "once"
    TWICE_AT_ONCE = "twice at once"
    TWICE_APART = "twice apart"
    TWICE_UNDER_TWO_IDS = "twice under two ids"
    BY_BOTH_WAYS = "at the door and in the queue"
    QUEUE_ALONE = "in the queue alone"
    NEVER = "never"


class Forgery(StrEnum):
    OTHER_KEY = "another key"
    CHANGED_MESSAGE = "a changed message"
    FOREIGN_TOPIC = "a foreign topic"
    NO_SIGNATURE = "no signature"
    FOREIGN_CERTIFICATE = "a foreign certificate"


@dataclass(frozen=True)
class Mail:
    """One mail; `domains` are those of its recipients, of an organization each; `late_seconds` its object's delay."""

    ses_message_id: str
    recipients: tuple[str, ...]
    domains: tuple[str, ...]
    announcing: Announcing
    late_seconds: float

    @property
    def subject(self) -> str:
        return f"Storm {self.ses_message_id}"

    def raw(self) -> bytes:
        """As SES stores it: with its own Received header on top, which names the recipient where there is one."""
        clause = f"\r\n for {self.recipients[0]}" if len(self.recipients) == 1 else ""
        return (
            f"Received: from sender.example (sender.example [192.0.2.1])\r\n by inbound-smtp.us-east-1.amazonaws.com"
            f" with SMTP id {self.ses_message_id}{clause};\r\n Sat, 21 Nov 2026 07:00:00 +0000 (UTC)\r\n"
            f"From: Sam <sam@elsewhere.example>\r\nTo: {self.recipients[0]}\r\nSubject: {self.subject}\r\n"
            f"Message-ID: <{self.ses_message_id}@elsewhere.example>\r\n\r\nHello {self.ses_message_id}.\r\n"
        ).encode()


def mails(count: int, domains: Sequence[str], rng: random.Random, *, prefix: str) -> Iterator[Mail]:
    """`count` mails: 5 % never announced, 5 % in the queue alone, 10 % twice, 10 % late, 5 % to two organizations."""
    for number in range(count):
        chance = rng.random()
        announcing = Announcing.ONCE
        if chance < 0.05:
            announcing = Announcing.NEVER
        elif chance < 0.10:
            announcing = Announcing.TWICE_AT_ONCE
        elif chance < 0.15:
            announcing = rng.choice((Announcing.TWICE_APART, Announcing.TWICE_UNDER_TWO_IDS, Announcing.BY_BOTH_WAYS))
        elif chance < 0.20:
            announcing = Announcing.QUEUE_ALONE
        is_for_two = announcing is not Announcing.NEVER and rng.random() < 0.05
        to = rng.sample(list(domains), 2 if is_for_two else 1)
        yield Mail(
            ses_message_id=f"{prefix}{number:07d}",
            recipients=tuple(f"u{rng.randrange(50)}@{domain}" for domain in to),
            domains=tuple(to),
            announcing=announcing,
            late_seconds=rng.uniform(1, 8) if rng.random() < 0.10 else 0.0,
        )


def notification(mail: Mail, *, bucket: str) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    action = {"type": "S3", "topicArn": TOPIC, "bucketName": bucket, "objectKey": f"incoming/{mail.ses_message_id}"}
    return json.dumps(
        {
            "notificationType": "Received",
            "mail": {"timestamp": now, "source": "sam@elsewhere.example", "messageId": mail.ses_message_id},
            "receipt": {"timestamp": now, "recipients": list(mail.recipients), "action": action},
        }
    )


def signed(signer: Signer, message: str, *, message_id: str) -> bytes:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return signer.body(MessageId=message_id, TopicArn=TOPIC, Message=message, Timestamp=now)


def forged(kind: Forgery, ours: Signer, theirs: Signer, message: str, *, message_id: str) -> bytes:
    """A delivery that must leave nothing behind."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    fields = {"MessageId": message_id, "TopicArn": TOPIC, "Message": message, "Timestamp": now}
    if kind is Forgery.OTHER_KEY:
        return theirs.body(**fields)
    if kind is Forgery.FOREIGN_TOPIC:
        return ours.body(**(fields | {"TopicArn": FOREIGN_TOPIC}))
    envelope = ours.envelope(**fields)
    if kind is Forgery.CHANGED_MESSAGE:
        envelope["Message"] = message.replace("elsewhere.example", "elsewhere.test")
    elif kind is Forgery.NO_SIGNATURE:
        envelope["Signature"] = ""
    else:
        envelope["SigningCertURL"] = "https://bucket.s3.amazonaws.com/SimpleNotificationService-0.pem"
    return json.dumps(envelope).encode()
