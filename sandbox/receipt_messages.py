"""What SES says of a mail that came in: the headers that it puts before it, and the receipt notification."""

from __future__ import annotations

import base64
import email.header
import email.parser
import email.policy
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.utils import getaddresses
from typing import Any

VERDICTS: Mapping[str, str] = {"spam": "PASS", "virus": "PASS", "spf": "PASS", "dkim": "PASS", "dmarc": "PASS"}
MOST_HEADER_BYTES = 10 * 1024
HEAD_END = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True)
class Received:
    """One mail in one region: `recipients` are those that the rule at hand took, `envelope` all of the region."""

    message_id: str
    region: str
    sender: str
    recipients: tuple[str, ...]
    envelope: tuple[str, ...]
    raw: bytes
    verdicts: dict[str, str]
    at: float


def headers_of_ses(mail: Received) -> bytes:
    """What stands before the mail in S3; the recipient is named where the envelope has no other."""
    at = datetime.fromtimestamp(mail.at, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000 (UTC)")
    single = set(mail.envelope)
    clause = f"\r\n for {mail.envelope[0]}" if len(single) == 1 else ""
    results = "; ".join(f"{kind}={mail.verdicts[kind].lower()}" for kind in ("spf", "dkim", "dmarc"))
    received = (
        "from mail.elsewhere.example (mail.elsewhere.example [127.0.0.1])"
        f"\r\n by inbound-smtp.{mail.region}.amazonaws.com with SMTP id {mail.message_id}{clause};\r\n {at}"
    )
    spf = (
        f"{mail.verdicts['spf'].lower()} (spfCheck: domain of {mail.sender}) client-ip=127.0.0.1;"
        f" envelope-from={mail.sender}; helo=mail.elsewhere.example;"
    )
    lines = [
        f"Return-Path: <{mail.sender}>",
        f"Received: {received}",
        f"X-SES-Spam-Verdict: {mail.verdicts['spam']}",
        f"X-SES-Virus-Verdict: {mail.verdicts['virus']}",
        f"Received-SPF: {spf}",
        f"Authentication-Results: amazonses.com; {results}",
        f"X-SES-RECEIPT: {base64.b64encode(secrets.token_bytes(48)).decode()}",
    ]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8", "replace")


def notification(mail: Received, action: dict[str, Any], *, is_whole: bool = False) -> dict[str, Any]:
    """The notification as the SES guide has it; with `is_whole` (the SNS action) the mail itself is in it."""
    end = HEAD_END.search(mail.raw)
    head = mail.raw[: end.start()] if end else mail.raw
    is_cut = len(head) > MOST_HEADER_BYTES
    # Cut behind a whole line, or the last header would be half a one.
    head = head[:MOST_HEADER_BYTES].rpartition(b"\n")[0] if is_cut else head
    parsed = email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(head)
    headers = [{"name": name, "value": _clean(value)} for name, value in parsed.items()]
    common = _common_headers(mail.sender, headers)
    at = datetime.fromtimestamp(mail.at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    receipt: dict[str, Any] = {
        "timestamp": at,
        "processingTimeMillis": 42,
        "recipients": list(mail.recipients),
        **{f"{kind}Verdict": {"status": mail.verdicts[kind]} for kind in VERDICTS},
        "action": action,
    }
    if mail.verdicts["dmarc"] == "FAIL":
        receipt["dmarcPolicy"] = mail.verdicts.get("dmarc_policy", "none")
    named = [value for field in ("to", "cc") for value in common.get(field, [])]
    found: dict[str, Any] = {
        "notificationType": "Received",
        "mail": {
            "timestamp": at,
            "source": mail.sender,
            "messageId": mail.message_id,
            "destination": [address for _, address in getaddresses(named) if address],
            "headersTruncated": is_cut,
            "headers": headers,
            "commonHeaders": common,
        },
        "receipt": receipt,
    }
    if is_whole:
        is_base64 = str(action.get("encoding", "")).lower() == "base64"
        found["content"] = base64.b64encode(mail.raw).decode() if is_base64 else mail.raw.decode("utf-8", "replace")
    return found


def _common_headers(sender: str, headers: list[dict[str, str]]) -> dict[str, Any]:
    first = {header["name"].lower(): header["value"] for header in reversed(headers)}
    common: dict[str, Any] = {"returnPath": sender}
    for field, name in (("from", "from"), ("to", "to"), ("cc", "cc"), ("reply-to", "replyTo")):
        if field in first:
            pairs = getaddresses([first[field]])
            common[name] = [
                f"{_decoded(shown)} <{address}>" if shown else address for shown, address in pairs if address
            ]
    for field, name in (("message-id", "messageId"), ("date", "date"), ("subject", "subject")):
        if field in first:
            common[name] = _decoded(first[field])
    return common


def _clean(value: object) -> str:
    """Unfolded, and bytes that are no UTF-8 replaced: JSON carries characters, not bytes."""
    text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return re.sub(r"\r?\n[ \t]*", " ", text).strip()


def _decoded(text: str) -> str:
    try:
        return _clean(email.header.make_header(email.header.decode_header(text)))
    except (HeaderParseError, LookupError, ValueError):
        return text
