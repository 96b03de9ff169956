"""The images that are parts of a mail, as `data:` addresses: its frame has no session to fetch them with.

A frame without an origin of its own sends no cookies, and an address that works without is one more secret; so the few
bytes stand in the document itself, and nothing at all is requested.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Sequence

from accounts.errors import UpstreamRefusal
from domains.upstream import upstream_refusals
from inbound.display import inline_ids, sanitise_html
from inbound.models import Attachment, InboundMessage
from inbound.reading import RawNotKept, is_suspect, open_attachment

logger = logging.getLogger(__name__)

MAX_IMAGES = 50
MAX_IMAGE_BYTES = 3 * 1024 * 1024
MAX_BYTES = 8 * 1024 * 1024
# By their first bytes, whatever the sender says they are: no type among them can act.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def images_to_show(message: InboundMessage, sanitised: str) -> list[Attachment]:
    """The parts that the sanitised HTML shows as images, as far as they fit; none of a mail that may hold a virus."""
    if is_suspect(message):
        return []
    wanted = {content_id: number for number, content_id in enumerate(inline_ids(sanitised))}
    found: dict[str, Attachment] = {}
    for part in sorted(message.attachments.all(), key=lambda part: part.position):
        if part.content_id in wanted and part.size <= MAX_IMAGE_BYTES:
            found.setdefault(part.content_id, part)
    return sorted(found.values(), key=lambda part: wanted[part.content_id])[:MAX_IMAGES]


def inline_images(message: InboundMessage) -> dict[str, str]:
    """`data:` addresses by content id of the images that the message's HTML shows, 8 MB of them at most.

    One that is no image of a kind that every browser shows, or is not kept any more, is left out; so are all that
    come after the store has failed to answer.
    """
    addresses: dict[str, str] = {}
    for part in _that_fit(images_to_show(message, sanitise_html(message.html))):
        try:
            with upstream_refusals():
                content = b"".join(open_attachment(attachment=part).chunks)
        except RawNotKept:
            continue
        except UpstreamRefusal as refusal:
            logger.warning("images of %s are not shown: %s", message.public_id, refusal)
            break
        kind = image_type(content)
        if kind:
            addresses[part.content_id] = f"data:{kind};base64,{b64encode(content).decode()}"
    return addresses


def _that_fit(parts: Sequence[Attachment]) -> list[Attachment]:
    fitting, left = [], MAX_BYTES
    for part in parts:
        if part.size <= left:
            left -= part.size
            fitting.append(part)
    return fitting


def image_type(content: bytes) -> str:
    """The type of a PNG, JPEG, GIF or WebP by its first bytes, else ""."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in _SIGNATURES if content.startswith(signature)), "")
