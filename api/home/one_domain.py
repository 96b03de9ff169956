"""What a key of one domain is shown of a mail that came for other domains of its organization too.

It is that domain's mail, with its recipients alone. What the sender wrote, `To:` and all, is everybody's who has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from itertools import chain

from domains.upstream import upstream_refusals
from inbound.models import InboundMessage
from inbound.reading import Download, recipients_in
from inbound.received import without_foreign_recipient

HEAD_BYTES = 64 * 1024
RECEIVED = b"Received: "


def own_addresses(message: InboundMessage, domain: str) -> frozenset[str]:
    """The message's envelope recipients in the domain, in lower case."""
    found = message.recipients.filter(recipients_in(domain)).values_list("address", flat=True)
    return frozenset(address.lower() for address in found)


def own_raw(download: Download, own: Set[str]) -> Download:
    """The raw mail without the `for` clause of SES's own Received header where it names another's address.

    Raises the upstream refusals before the first byte.
    """
    head = b""
    with upstream_refusals():
        for chunk in download.chunks:
            head += chunk
            if len(head) >= HEAD_BYTES:
                break
    cleaned = without_foreign_recipient(head, own)
    return Download(download.size - len(head) + len(cleaned), chain((cleaned,), download.chunks))


def own_headers(headers: Sequence[Mapping[str, str]], own: Set[str]) -> list[Mapping[str, str]]:
    """The headers with that one cleaned in the same way."""
    topmost = next((header for header in headers if header["name"].lower() == "received"), None)
    return [_cleaned(header, own) if header is topmost else header for header in headers]


def _cleaned(header: Mapping[str, str], own: Set[str]) -> Mapping[str, str]:
    written = RECEIVED + header["value"].encode()
    return {**header, "value": without_foreign_recipient(written, own).removeprefix(RECEIVED).decode()}
