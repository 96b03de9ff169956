"""What Amazon SNS posts to an HTTPS subscriber: read it strictly, and check that Amazon signed it (pure).

The formats are those of the SNS developer guide, "Parsing Amazon SNS message formats" and "Verifying the signatures
of Amazon SNS messages". A valid signature is not enough: anybody may subscribe a topic of their own to our URL, so
the caller compares `topic_arn` with its allow-list first.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

MAX_BODY_BYTES = 512 * 1024
MIN_KEY_BITS = 2048

NOTIFICATION = "Notification"
SUBSCRIPTION_CONFIRMATION = "SubscriptionConfirmation"
UNSUBSCRIBE_CONFIRMATION = "UnsubscribeConfirmation"
TYPES = (NOTIFICATION, SUBSCRIPTION_CONFIRMATION, UNSUBSCRIBE_CONFIRMATION)

# SNS publishes where each partition's certificates are; a partition that is not listed here is not trusted.
_DNS_SUFFIXES = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}
_TOPIC_ARN = re.compile(
    r"arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}):([0-9]{12}):"
    r"([A-Za-z0-9_-]{1,256}(?:\.fifo)?)"
)
_CERTIFICATE_PATH = r"/SimpleNotificationService-[0-9a-f]{32,64}\.pem"
_MESSAGE_ID = re.compile(r"[A-Za-z0-9-]{1,100}")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,2048}")

# Longest value taken for each field, in characters; Message is bounded by the body itself.
_LONGEST = {"Subject": 1000, "SigningCertURL": 2048, "SubscribeURL": 8192, "Signature": 4096}

_PADDING = PKCS1v15()
_HASHES: Mapping[str, HashAlgorithm] = {"1": SHA1(), "2": SHA256()}  # noqa: S303 - version 1 is defined as SHA1


class MalformedMessage(ValueError):
    """The body is certainly not something that Amazon SNS sends; the text says what is wrong with it."""


class UnsignedMessage(MalformedMessage):
    """It is written as a message of SNS, but bears no signature that could be looked at."""


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """One message of SNS over HTTPS, decoded but not yet believed.

    `type` is one of TYPES. `token` and `subscribe_url` are empty in a Notification. `timestamp_text` is the timestamp
    as it was written, which is what the signature covers.
    """

    type: str
    message_id: str
    topic_arn: str
    message: str
    subject: str | None
    timestamp: datetime
    signature: bytes
    signature_version: str
    signing_cert_url: str
    token: str
    subscribe_url: str
    timestamp_text: str


def parse_message(body: bytes) -> SnsMessage:
    """Read a request body of at most MAX_BODY_BYTES; raise MalformedMessage or UnsignedMessage, never anything else."""
    fields = _load_object(body)
    kind = _text(fields, "Type")
    if kind not in TYPES:
        raise MalformedMessage("Type is not one that SNS sends")
    is_confirmation = kind != NOTIFICATION
    timestamp_text = _matching(fields, "Timestamp", _TIMESTAMP)
    return SnsMessage(
        type=kind,
        message_id=_matching(fields, "MessageId", _MESSAGE_ID),
        topic_arn=_matching(fields, "TopicArn", _TOPIC_ARN),
        message=_text(fields, "Message"),
        # AWS writes no Subject when there is none, some emulators write null: both mean absent.
        subject=None if fields.get("Subject") is None else _text(fields, "Subject"),
        timestamp=_moment(timestamp_text),
        signature=_signature(_of_signature(fields, "Signature")),
        signature_version=_of_signature(fields, "SignatureVersion"),
        signing_cert_url=_of_signature(fields, "SigningCertURL"),
        token=_matching(fields, "Token", _TOKEN) if is_confirmation else "",
        subscribe_url=_text(fields, "SubscribeURL") if is_confirmation else "",
        timestamp_text=timestamp_text,
    )


def canonical_string(message: SnsMessage) -> bytes:
    """Return the bytes that the signature covers: `Name\\nvalue\\n` for each signed field, in byte order of the names.

    A Subject is signed only if present, and even then only in a Notification.
    """
    pairs = [("Message", message.message), ("MessageId", message.message_id)]
    if message.type == NOTIFICATION:
        if message.subject is not None:
            pairs.append(("Subject", message.subject))
        pairs.append(("Timestamp", message.timestamp_text))
    else:
        pairs.append(("SubscribeURL", message.subscribe_url))
        pairs.append(("Timestamp", message.timestamp_text))
        pairs.append(("Token", message.token))
    pairs.append(("TopicArn", message.topic_arn))
    pairs.append(("Type", message.type))
    return "".join(f"{name}\n{value}\n" for name, value in pairs).encode()


def verify(message: SnsMessage, public_key: RSAPublicKey) -> bool:
    """Tell whether the owner of `public_key` signed `message`: version 1 is SHA1, 2 is SHA256, RSA with PKCS #1 v1.5.

    Any other version, a key that is not RSA or shorter than MIN_KEY_BITS, and any other signature give False.
    """
    algorithm = _HASHES.get(message.signature_version)
    if algorithm is None or not isinstance(public_key, RSAPublicKey) or public_key.key_size < MIN_KEY_BITS:
        return False
    try:
        public_key.verify(message.signature, canonical_string(message), _PADDING, algorithm)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=64)
def certificate_url_matches(url: str, topic_arn: str) -> bool:
    """Tell whether `url` is where SNS keeps the certificates for the region of `topic_arn`, in its only spelling."""
    parts = _TOPIC_ARN.fullmatch(topic_arn)
    if parts is None:
        return False
    partition, region = parts[1], parts[2]
    if region.startswith("cn-") != (partition == "aws-cn"):
        return False
    host = f"https://sns.{region}.{_DNS_SUFFIXES[partition]}"
    return re.fullmatch(re.escape(host) + _CERTIFICATE_PATH, url) is not None


def region_of(topic_arn: str) -> str:
    """Return the region of an SNS topic ARN; raise MalformedMessage if it is not one."""
    parts = _TOPIC_ARN.fullmatch(topic_arn)
    if parts is None:
        raise MalformedMessage("TopicArn is not the ARN of a topic")
    return parts[2]


def _load_object(body: bytes) -> dict[str, object]:
    if len(body) > MAX_BODY_BYTES:
        raise MalformedMessage("the body is larger than SNS sends")
    try:
        loaded = orjson.loads(body)
        # orjson is the strict reader (UTF-8, no NaN, no lone surrogate, bounded depth) but lets a name come twice;
        # two readers that disagree on which one counts are how a signature check is talked past.
        json.loads(body, object_pairs_hook=_refuse_repeated_names)
    except RecursionError:
        raise MalformedMessage("the body is nested too deeply") from None
    except ValueError as error:
        raise MalformedMessage(f"the body is not the JSON of SNS: {error}") from None
    if not isinstance(loaded, dict):
        raise MalformedMessage("the body is not a JSON object")
    return loaded


def _refuse_repeated_names(pairs: list[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise MalformedMessage("a name stands twice in the body")


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise MalformedMessage(f"{name} is missing or not a string")
    if len(value) > _LONGEST.get(name, MAX_BODY_BYTES):
        raise MalformedMessage(f"{name} is too long")
    # SNS carries only characters that XML allows, so a NUL is never Amazon's; PostgreSQL could not store it.
    if "\0" in value:
        raise MalformedMessage(f"{name} contains a NUL")
    return value


def _matching(fields: Mapping[str, object], name: str, pattern: re.Pattern[str]) -> str:
    value = _text(fields, name)
    if pattern.fullmatch(value) is None:
        raise MalformedMessage(f"{name} is not written as SNS writes it")
    return value


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise MalformedMessage("Timestamp is not a moment in time") from None


def _of_signature(fields: Mapping[str, object], name: str) -> str:
    try:
        return _text(fields, name)
    except MalformedMessage as error:
        raise UnsignedMessage(str(error)) from None


def _signature(text: str) -> bytes:
    try:
        signature = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UnsignedMessage("Signature is not base64") from None
    if not signature:
        raise UnsignedMessage("Signature is empty")
    return signature
