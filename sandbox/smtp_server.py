"""SMTP on loopback: takes what the active receipt rules take, refuses what SES refuses."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.receipts import Bounced, Receiver

logger = logging.getLogger("sandbox.smtp")
MOST_BYTES = 40 * 1024 * 1024
# RFC 5321 allows 1,000 octets a line; SES takes what real senders send.
SMTP.line_length_limit = 1024 * 1024


class Door:
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        taken = await asyncio.to_thread(self._receiver.matches, [address], is_encrypted=bool(session.ssl))
        if not taken:
            return f"550 5.1.1 Requested action not taken: mailbox unavailable ({address})"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode()
        try:
            ids = await asyncio.to_thread(
                self._receiver.receive,
                envelope.mail_from or "",
                list(envelope.rcpt_tos),
                raw,
                is_encrypted=bool(session.ssl),
            )
        except Bounced as bounce:
            return str(bounce)
        except Exception:
            logger.exception("a mail could not be stored")
            return "451 4.3.0 Requested action aborted: local error in processing"
        return f"250 OK {ids[0]}" if ids else "550 5.1.1 Requested action not taken: mailbox unavailable"


def controller(receiver: Receiver, port: int, *, certificate: Path, key: Path) -> Controller:
    """Not started yet; `start()` raises OSError for a taken port. Offers STARTTLS, as SES does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return Controller(
        Door(receiver),
        hostname="127.0.0.1",
        port=port,
        data_size_limit=MOST_BYTES,
        decode_data=False,
        enable_SMTPUTF8=True,
        tls_context=context,
        ident="sandbox inbound-smtp",
    )
