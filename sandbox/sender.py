"""What becomes of mail sent through the sandbox: the simulator's addresses, told to the topics that asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sandbox.sns import ACCOUNT, Sns
from sandbox.state import State

SIMULATOR = "@simulator.amazonses.com"


class Sender:
    """Tells of each recipient in both dialects: events (`eventType`) and notifications (`notificationType`)."""

    def __init__(self, state: State, sns: Sns) -> None:
        self._state, self._sns = state, sns

    def sent(
        self,
        *,
        region: str,
        message_id: str,
        source: str,
        recipients: Sequence[str],
        identity: str,
        configuration_set: str,
        destinations: Sequence[Mapping[str, Any]],
        tags: Mapping[str, list[str]],
    ) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        mail = {
            "timestamp": now,
            "source": source,
            "sourceArn": f"arn:aws:ses:{region}:{ACCOUNT}:identity/{identity}",
            "sendingAccountId": ACCOUNT,
            "messageId": message_id,
            "destination": list(recipients),
        }
        labels = {**tags, "ses:configuration-set": [configuration_set]}
        for recipient in recipients:
            for kind, facts in _fates(recipient, now):
                told = {kind.lower(): facts}
                for each in destinations:
                    topic = (each.get("SnsDestination") or {}).get("TopicArn")
                    if each.get("Enabled") and topic and kind.upper() in each["MatchingEventTypes"]:
                        self._tell(topic, {"eventType": kind, "mail": {**mail, "tags": labels}, **told})
                topic = self._state.tree["notification_topics"].get(f"{region} {identity} {kind}")
                if topic:
                    self._tell(topic, {"notificationType": kind, "mail": mail, **told})

    def _tell(self, topic: str, event: dict[str, Any]) -> None:
        if topic in self._state.tree["topics"]:
            self._sns.publish(topic, json.dumps(event), "Amazon SES Email Event Notification")


def _fates(recipient: str, now: str) -> list[tuple[str, dict[str, Any]]]:
    """What the mailbox simulator does with its addresses; everybody else takes the mail.

    Who complains, and who is out of the office, has taken it first; an automatic reply is a bounce that may pass.
    """
    local = recipient.partition("@")[0].partition("+")[0] if recipient.endswith(SIMULATOR) else ""
    if local in ("bounce", "suppressionlist"):
        subtype = "General" if local == "bounce" else "Suppressed"
        address = {"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
        return [_bounce(recipient, now, "Permanent", subtype, address)]
    delivery = {"timestamp": now, "recipients": [recipient], "smtpResponse": "250 ok", "processingTimeMillis": 42}
    fates: list[tuple[str, dict[str, Any]]] = [("Delivery", delivery)]
    if local == "ooto":
        fates.append(_bounce(recipient, now, "Transient", "General", {}))
    if local == "complaint":
        complaint = {
            "complainedRecipients": [{"emailAddress": recipient}],
            "timestamp": now,
            "feedbackId": "sandbox",
            "complaintFeedbackType": "abuse",
        }
        fates.append(("Complaint", complaint))
    return fates


def _bounce(recipient: str, now: str, kind: str, subtype: str, facts: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    return "Bounce", {
        "bounceType": kind,
        "bounceSubType": subtype,
        "bouncedRecipients": [{"emailAddress": recipient, **facts}],
        "timestamp": now,
        "feedbackId": "sandbox",
    }
