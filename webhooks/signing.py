"""The signature of Standard Webhooks: secrets, and the headers that prove who sent a body (pure).

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
SECRET_BYTES = 32  # the specification asks for 24 to 64


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(*, event_id: str, body: str, keys: Sequence[str], now: datetime) -> dict[str, str]:
    """The three headers of one attempt, with a signature for each key in `keys`: two while a secret is replaced."""
    signatures = [Webhook(key).sign(msg_id=event_id, timestamp=now, data=body) for key in keys]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
