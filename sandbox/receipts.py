"""Receiving: the active receipt rules applied to one mail, into S3 and on to SNS, as SES does."""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.deposits import Deposits
from sandbox.identities import Identities
from sandbox.internet import NoServerAnswers
from sandbox.receipt_messages import VERDICTS, Received, headers_of_ses, notification
from sandbox.receipt_rules import RECEIVING_REGIONS
from sandbox.ses_v1 import SesV1
from sandbox.sns import Sns
from sandbox.wire import AwsProblem
from sandbox.zones import plain

logger = logging.getLogger("sandbox.receipts")
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
INBOUND_HOST = re.compile(r"inbound-smtp\.([a-z0-9-]+)\.amazonaws\.com")
SUBJECT = "Amazon SES Email Receipt Notification"
# SES bounces what is larger than a message of SNS can carry; the S3 action is for that.
MOST_BYTES_BY_SNS = 150 * 1024


class Bounced(ValueError):
    """A rule sends the mail back; the text is the SMTP reply."""


@dataclass(frozen=True)
class Match:
    """A rule, in its region, with the recipients that it takes."""

    region: str
    rule: dict[str, Any]
    recipients: tuple[str, ...]


class Receiver:
    def __init__(
        self,
        *,
        identities: Identities,
        rules: SesV1,
        sns: Sns,
        deposits: Deposits,
        mail_exchangers: Callable[[str, str], list[str]],
    ) -> None:
        self.identities, self.rules, self.sns, self.deposits = identities, rules, sns, deposits
        self._values = mail_exchangers

    def matches(self, recipients: Sequence[str], *, is_encrypted: bool = True) -> list[Match]:
        """The enabled rules in order, each with what it matches; a StopAction ends the line for its recipients.

        A rule that requires TLS takes nothing from a connection without it.
        """
        self.identities.look(older_than=1.0)
        found: list[Match] = []
        left = list(recipients)
        for region in sorted(RECEIVING_REGIONS & set(self.rules.state.tree["active_rule_set"])):
            here = [each for each in left if self._is_received(region, each)]
            matched = self._matches_of(region, here, is_encrypted=is_encrypted)
            taken = {each for match in matched for each in match.recipients}
            # A mail comes in once: through the region whose host a sender would have found.
            left = [each for each in left if each not in taken]
            found += matched
        return found

    def _matches_of(self, region: str, recipients: Sequence[str], *, is_encrypted: bool) -> list[Match]:
        found: list[Match] = []
        left = list(recipients)
        for rule in self.rules.active_rules(region):
            is_on = rule["Enabled"] and (is_encrypted or rule["TlsPolicy"] != "Require")
            taken = [each for each in left if is_on and matches(rule["Recipients"], each)]
            if not taken:
                continue
            found.append(Match(region, rule, tuple(taken)))
            if any(action.get("StopAction") for action in rule["Actions"]):
                left = [each for each in left if each not in taken]
        return found

    def _is_received(self, region: str, recipient: str) -> bool:
        """A verified name whose MX, where it has one of SES's, is that of this region."""
        if self.identities.covering(region, recipient) is None:
            return False
        try:
            hosts = self._values(plain(recipient.rpartition("@")[2]), "MX")
        except NoServerAnswers:
            return True
        regions = {found[1] for host in hosts if (found := INBOUND_HOST.search(host.lower()))}
        return not regions or region in regions

    def receive(
        self,
        sender: str,
        recipients: Sequence[str],
        raw: bytes,
        *,
        is_encrypted: bool = True,
        verdicts: Mapping[str, str] | None = None,
        is_announced: bool = True,
        duplicates: int = 0,
    ) -> list[str]:
        """Store and announce one mail; its SES message ids, one a region, none without a rule. Raises Bounced."""
        ids: dict[str, str] = {}
        found = self.matches(recipients, is_encrypted=is_encrypted)
        for match in found:
            ids.setdefault(match.region, "".join(secrets.choice(ALPHABET) for _ in range(40)))
            mail = Received(
                message_id=ids[match.region],
                region=match.region,
                sender=sender,
                recipients=match.recipients,
                envelope=tuple(each for other in found if other.region == match.region for each in other.recipients),
                raw=raw,
                verdicts=dict(VERDICTS) | dict(verdicts or {}),
                at=time.time(),
            )
            self._act(match.rule["Actions"], mail, copies=(1 + duplicates) * is_announced)
        return list(ids.values())

    def _act(self, actions: Sequence[dict[str, Any]], mail: Received, *, copies: int) -> None:
        added = b""
        for action in actions:
            if "AddHeaderAction" in action:
                header = action["AddHeaderAction"]
                added += f"{header['HeaderName']}: {header['HeaderValue']}\r\n".encode()
            elif "S3Action" in action:
                self._store(action["S3Action"], mail, headers_of_ses(mail) + added + mail.raw, copies)
            elif "SNSAction" in action:
                self._publish_whole(action["SNSAction"], mail, copies)
            elif "BounceAction" in action:
                bounce = action["BounceAction"]
                status = f" {bounce['StatusCode']}" if bounce.get("StatusCode") else ""
                self._tell(bounce.get("TopicArn"), mail, {"type": "Bounce", **_named(bounce)}, copies)
                raise Bounced(f"{bounce['SmtpReplyCode']}{status} {bounce['Message']}")
            elif "StopAction" not in action:
                logger.warning("the sandbox does not act on %s", ", ".join(action))

    def _store(self, wanted: dict[str, Any], mail: Received, body: bytes, copies: int) -> None:
        key = f"{wanted.get('ObjectKeyPrefix', '')}{mail.message_id}"
        facts = {
            "type": "S3",
            "topicArn": wanted.get("TopicArn", ""),
            "bucketName": wanted["BucketName"],
            "objectKeyPrefix": wanted.get("ObjectKeyPrefix", ""),
            "objectKey": key,
        }
        self.deposits.put(
            wanted["BucketName"], key, body, lambda: self._tell(wanted.get("TopicArn"), mail, facts, copies)
        )

    def _publish_whole(self, wanted: dict[str, Any], mail: Received, copies: int) -> None:
        if len(mail.raw) > MOST_BYTES_BY_SNS:
            raise Bounced("552 5.3.4 Message too large")
        encoding = wanted.get("Encoding", "UTF-8")
        facts = {"type": "SNS", "topicArn": wanted["TopicArn"], "encoding": encoding}
        self._tell(wanted["TopicArn"], mail, facts, copies, is_whole=True)

    def _tell(
        self, topic: str | None, mail: Received, action: dict[str, Any], copies: int, *, is_whole: bool = False
    ) -> None:
        if not topic:
            return
        note = json.dumps(notification(mail, action, is_whole=is_whole))
        try:
            for _ in range(copies):
                self.sns.publish(topic, note, SUBJECT)
        except AwsProblem as problem:
            # SES alarms by its metric PublishFailure; the mail itself is kept.
            self.deposits.counts["publish_failures"] += 1
            logger.warning("mail %s could not be announced on %s: %s", mail.message_id, topic, problem)


def _named(bounce: dict[str, Any]) -> dict[str, Any]:
    """A bounce action in the words of the notification."""
    return {
        "topicArn": bounce.get("TopicArn", ""),
        "smtpReplyCode": bounce["SmtpReplyCode"],
        "statusCode": bounce.get("StatusCode", ""),
        "message": bounce["Message"],
        "sender": bounce.get("Sender", ""),
    }


def matches(conditions: Sequence[str], recipient: str) -> bool:
    """SES's recipient conditions: none is all; user@d takes user+label@d; d is d alone; .d is what lies below it."""
    if not conditions:
        return True
    local, _, domain = recipient.lower().rpartition("@")
    for condition in (each.lower() for each in conditions):
        if "@" in condition:
            wanted, _, at = condition.rpartition("@")
            if at == domain and wanted in (local, local.partition("+")[0]):
                return True
        elif condition.startswith("."):
            if domain.endswith(condition):
                return True
        elif condition == domain:
            return True
    return False
