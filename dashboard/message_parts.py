"""The bytes of a message: its HTML for the sandboxed frame, the raw mail and the attachments as downloads."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from django.contrib import messages as flashes
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import UpstreamRefusal
from accounts.permissions import MESSAGE_VIEW
from dashboard.access import MemberRequest, member_page, render_page
from inbound.display import frame_csp, frame_document
from inbound.inline_images import inline_images
from inbound.models import InboundMessage
from inbound.reading import Download, access_attachment, access_message, is_suspect, open_attachment, open_raw

LONGEST_FILENAME = 150
# What `?images=` asks for: the images that are parts of the mail, or those and the ones on the sender's servers.
OWN_IMAGES, REMOTE_IMAGES = "inline", "1"
# What a browser may be told about bytes from a stranger; it gets them as a download all the same.
HARMLESS_TYPES = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "application/pdf",
        "text/plain",
        "text/csv",
        "application/zip",
    }
)


@require_safe
@member_page(MESSAGE_VIEW)
def message_frame(request: MemberRequest, public_id: str) -> HttpResponseBase:
    """The sanitised HTML as a document of its own, under a policy that loads nothing from elsewhere."""
    message = access_message(organization=request.organization, public_id=public_id)
    images = wanted_images(request)
    inline = inline_images(message) if images else {}
    response = HttpResponse(frame_document(message.html, allow_images=images == REMOTE_IMAGES, inline=inline))
    response["Content-Security-Policy"] = frame_csp(allow_images=images == REMOTE_IMAGES)
    response["Referrer-Policy"] = "no-referrer"
    return response


def wanted_images(request: HttpRequest) -> str:
    """Which images the reader has asked for: none, those in the mail, or those and the remote ones."""
    wanted = request.GET.get("images", "")
    return wanted if wanted in (OWN_IMAGES, REMOTE_IMAGES) else ""


@require_http_methods(["GET", "HEAD", "POST"])
@member_page(MESSAGE_VIEW)
def raw(request: MemberRequest, public_id: str) -> HttpResponseBase:
    message = access_message(organization=request.organization, public_id=public_id)
    if is_suspect(message) and request.method != "POST":
        return _warning(request, message, _("The raw mail"))
    return _download(
        request,
        lambda: open_raw(message=message),
        message_id=public_id,
        filename=f"{public_id}.eml",
        content_type="message/rfc822",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page(MESSAGE_VIEW)
def attachment(request: MemberRequest, public_id: str, attachment_id: str) -> HttpResponseBase:
    message = access_message(organization=request.organization, public_id=public_id)
    wanted = access_attachment(message=message, public_id=attachment_id)
    if is_suspect(message) and request.method != "POST":
        return _warning(request, message, safe_filename(wanted.filename))
    return _download(
        request,
        lambda: open_attachment(attachment=wanted),
        message_id=public_id,
        filename=safe_filename(wanted.filename),
        content_type=wanted.content_type if wanted.content_type in HARMLESS_TYPES else "application/octet-stream",
    )


def _warning(request: MemberRequest, message: InboundMessage, name: str) -> HttpResponseBase:
    """What stands between a link and a file that may hold a virus; its button is a POST, which no link can be."""
    return render_page(request, "dashboard/suspect_download.html", {"message": message, "name": name})


def safe_filename(claimed: str) -> str:
    """A sender's file name as a mere label: no path, no control or direction marks (`exe.gpj`), no endless length."""
    visible = "".join(character for character in claimed if unicodedata.category(character)[0] != "C")
    label = visible.replace("\\", "/").rpartition("/")[2].strip(". ")
    stem, dot, extension = label.rpartition(".")
    if len(label) > LONGEST_FILENAME:
        label = f"{(stem or label)[: LONGEST_FILENAME - 20]}{dot}{extension[:19]}" if stem else label[:LONGEST_FILENAME]
    return label or "attachment"


def _download(
    request: MemberRequest, opened: Callable[[], Download], *, message_id: str, filename: str, content_type: str
) -> HttpResponseBase:
    try:
        download = opened()
    except UpstreamRefusal as refusal:
        flashes.error(request, refusal.message)
        return redirect("dashboard:message", public_id=message_id)
    response = StreamingHttpResponse(download.chunks, content_type=content_type)
    response["Content-Length"] = str(download.size)
    response["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    return response
