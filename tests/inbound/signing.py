"""A signer that does what Amazon SNS does, with a key and a certificate of its own."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import NameOID

TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:postern-mail"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-" + "0123456789abcdef" * 2 + ".pem"

SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


@dataclass(frozen=True)
class Signer:
    key: rsa.RSAPrivateKey

    def body(self, *, kind: str = "Notification", version: str = "2", **fields: Any) -> bytes:
        return json.dumps(self.envelope(kind=kind, version=version, **fields)).encode()

    def envelope(self, *, kind: str = "Notification", version: str = "2", **fields: Any) -> dict[str, Any]:
        envelope: dict[str, Any] = {
            "Type": kind,
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": TOPIC_ARN,
            "Message": "Grüße \N{PARTY POPPER}\nsecond line",
            "Timestamp": "2026-11-21T07:00:00.123Z",
            "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE_URL,
        }
        if kind != "Notification":
            envelope |= {"Token": "2336412f37fb", "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Confirm"}
        envelope |= fields
        text = "".join(f"{name}\n{envelope[name]}\n" for name in SIGNED[kind] if envelope.get(name) is not None)
        algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), algorithm)
        return envelope | {"Signature": base64.b64encode(signature).decode()}


def certificate(
    key: CertificateIssuerPrivateKeyTypes,
    *,
    starts: datetime | None = None,
    ends: datetime | None = None,
    host: str = "sns.amazonaws.com",
) -> bytes:
    """A self-signed certificate in PEM, from yesterday till tomorrow unless said otherwise."""
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts or now - timedelta(days=1))
        .not_valid_after(ends or now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
