"""Message ids of mail as names that can be compared (pure)."""

from __future__ import annotations

import re

# A region has a host of its own, and us-east-1 has `email`; the local part is the same id that SES answered with.
_SES_HOST = re.compile(r"(?:email|[a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2})\.amazonses\.com(?:\.cn)?")
MAX_BYTES = 998


def reference_name(message_id: str) -> str:
    """Return one name for all ways to write a Message-ID; "" for what is none (RFC 5322 section 3.6.4).

    Brackets and the case of the host mean nothing. Amazon SES replaces the Message-ID of what it sends by an id of its
    own at one of its hosts, which are taken as one. At most 998 bytes: what an index of PostgreSQL takes.
    """
    local, at, host = "".join(message_id.split()).strip("<>").rpartition("@")
    host = host.lower() if at else host
    if at and _SES_HOST.fullmatch(host):
        host = "amazonses.com"
    return f"{local}{at}{host}".encode(errors="ignore")[:MAX_BYTES].decode(errors="ignore") if local or host else ""
