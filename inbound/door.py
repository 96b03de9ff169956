"""The door of mail in: is a message of SNS ours and genuine, and if so keep it, once, for the worker."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from accounts.doorbell import ring
from aws.pacing import person
from aws.topics import confirm_subscription
from domains.installation import allowed_topics
from domains.models import Installation
from inbound.certificates import public_key_for
from inbound.inserting import insert_unless_there
from inbound.models import SnsNotification
from inbound.ses_events import message_id_of
from inbound.sns import NOTIFICATION, SUBSCRIPTION_CONFIRMATION, SnsMessage, verify

logger = logging.getLogger(__name__)

# SNS retries for an hour, a queue keeps for 14 days: what is older may be genuine, and may be somebody's replay.
OLDEST = timedelta(days=15)
FURTHEST_AHEAD = timedelta(minutes=15)
TOPICS_KEPT_SECONDS = 30.0
CONFIRM_SECONDS = 8.0
TOO_OLD = "It is older than SNS and its queues keep any: late, or a replay. Run it again if it is wanted."

State = SnsNotification.State

# As WSGI names them.
_HEADERS = {
    "HTTP_X_AMZ_SNS_MESSAGE_TYPE": "type",
    "HTTP_X_AMZ_SNS_MESSAGE_ID": "message_id",
    "HTTP_X_AMZ_SNS_TOPIC_ARN": "topic_arn",
}


class NotOurs(Exception):
    """Certainly not a message for us: it is refused for good and nothing is stored."""


class NotNow(Exception):
    """It may be genuine, but can not be judged now: SNS shall try again."""


class _Topics:
    """The allow-list, kept for some seconds; a topic that is not on it is looked for anew before it is refused.

    `setup_aws` may have made it a moment ago, and a 403 would make SNS give the subscription up for good.
    """

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()
        self._read_at = float("-inf")

    def __contains__(self, topic_arn: str) -> bool:
        if topic_arn not in self._known or time.monotonic() - self._read_at > TOPICS_KEPT_SECONDS:
            self._known = allowed_topics()
            self._read_at = time.monotonic()
        return topic_arn in self._known

    def forget(self) -> None:
        self._read_at = float("-inf")


topics = _Topics()


@lru_cache(maxsize=4)
def _trusted(path: str, changed_at: float) -> Mapping[str, str]:
    loaded = json.loads(Path(path).read_text())
    return {str(url): str(pem) for url, pem in loaded.items()}


def trusted_certificates() -> Mapping[str, str]:
    """The certificates of an emulator; never any where AWS itself is the other side."""
    path = settings.SNS_TRUSTED_CERTIFICATES
    if not path or not settings.AWS_ENDPOINT_URL:
        return {}
    try:
        return _trusted(path, Path(path).stat().st_mtime)
    except (OSError, ValueError, AttributeError) as error:
        raise NotNow(f"SNS_TRUSTED_CERTIFICATES can not be read: {error}") from error


def check_headers(message: SnsMessage, environ: Mapping[str, object]) -> None:
    """The headers that SNS repeats parts of the body in must agree with it, where they are there; raises NotOurs."""
    for header, field in _HEADERS.items():
        said = environ.get(header)
        if said is not None and said != getattr(message, field):
            raise NotOurs(f"{header} disagrees with the body")


def believe(message: SnsMessage, *, now: datetime) -> None:
    """Raise NotOurs unless an allowed topic sent this and Amazon signed it; cheap checks first.

    Raises NotNow or CertificateUnavailable for what may be our own fault.
    """
    if message.topic_arn not in topics:
        raise NotOurs(f"the topic {message.topic_arn} is not allowed")
    if message.signature_version not in ("1", "2"):
        raise NotOurs("the signature is of an unknown version")
    key = public_key_for(message.signing_cert_url, topic_arn=message.topic_arn, trusted=trusted_certificates())
    if not verify(message, key):
        raise NotOurs("the signature is not right")
    if message.timestamp - now > FURTHEST_AHEAD:
        raise NotNow("the message is from the future, or our clock is behind")


def take_in(message: SnsMessage, *, source: str, now: datetime) -> None:
    """Keep a believed notification, or confirm a believed subscription; raises AwsError, DatabaseError."""
    if message.type == NOTIFICATION:
        keep(message, source=source, now=now)
    elif now - message.timestamp > OLDEST:
        # Its token has long ended, and a replayed end of an old subscription must not end today's.
        logger.warning("ignored a %s that is older than SNS keeps any", message.type)
    elif message.type == SUBSCRIPTION_CONFIRMATION:
        # By the API and with our own credentials, never by fetching the SubscribeURL that the message names.
        arn = confirm_subscription(topic_arn=message.topic_arn, token=message.token, caller=person(CONFIRM_SECONDS))
        Installation.objects.filter(topic_arn=message.topic_arn).update(subscription_arn=arn, confirmed_at=now)
        logger.info("confirmed the subscription %s", arn)
    else:
        logger.error("SNS says that we were unsubscribed from %s; run `manage.py setup_aws`", message.topic_arn)
        Installation.objects.filter(topic_arn=message.topic_arn).update(subscription_arn="", confirmed_at=None)


def keep(message: SnsMessage, *, source: str, now: datetime) -> None:
    """One row a SNS message id, committed on return; the same message again changes nothing, nor does another.

    What is older than any queue keeps has no effect by itself: it is parked, and staff may run it.
    """
    is_too_old = now - message.timestamp > OLDEST
    is_new = insert_unless_there(
        SnsNotification,
        sns_message_id=message.message_id,
        topic_arn=message.topic_arn,
        source=source,
        message=message.message,
        ses_message_id=message_id_of(message.message),
        sent_at=message.timestamp,
        received_at=now,
        next_attempt_at=now,
        **({"state": State.PARKED, "done_at": now, "last_error": TOO_OLD} if is_too_old else {}),
    )
    if not is_new:
        first = SnsNotification.objects.filter(sns_message_id=message.message_id)
        if first.exclude(message=message.message).exists():
            logger.error("SNS message %s came again with other contents: the first stays", message.message_id)
    if not is_too_old:
        ring("inbound.tasks.ingest_due")
