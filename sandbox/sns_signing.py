"""The key that the sandbox's SNS signs with, and its certificate, made once in the data folder."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID


class Signer:
    """The sandbox's RSA key and certificate, made once in the folder."""

    def __init__(self, folder: Path, aws_url: str) -> None:
        self.certificate_file = folder / "sns-certificate.pem"
        self.key_file = key_file = folder / "sns-key.pem"
        if not key_file.is_file() or not self.certificate_file.is_file():
            self._make(key_file)
        loaded = serialization.load_pem_private_key(key_file.read_bytes(), None)
        assert isinstance(loaded, rsa.RSAPrivateKey)
        self._key = loaded
        self.pem = self.certificate_file.read_bytes()
        certificate = x509.load_pem_x509_certificate(self.pem)
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex()[:32]
        self.path = f"/SimpleNotificationService-{fingerprint}.pem"
        self.url = aws_url + self.path
        (folder / "trusted_certificates.json").write_text(
            json.dumps({self.url: str(self.certificate_file.resolve())}, indent=2)
        )

    def _make(self, key_file: Path) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.sandbox.invalid")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=3650))
            .sign(key, hashes.SHA256())
        )
        key_file.touch(0o600)
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def sign(self, message: dict[str, Any], version: str) -> dict[str, Any]:
        """The message with SignatureVersion, Signature and SigningCertURL; the signed fields are the guide's."""
        names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        text = "".join(f"{name}\n{message[name]}\n" for name in names if message.get(name) is not None)
        digest = hashes.SHA1() if version == "1" else hashes.SHA256()
        signature = self._key.sign(text.encode(), padding.PKCS1v15(), digest)
        return {
            **message,
            "SignatureVersion": version,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": self.url,
        }
