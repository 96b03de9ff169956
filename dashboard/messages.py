"""The pages of mail: the list, and one message."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages as flashes
from django.db.models import Q, QuerySet
from django.db.models.functions import Left
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import MESSAGE_DELETE, MESSAGE_VIEW
from channels.inboxes import visible_inboxes
from dashboard.access import MemberRequest, asked, member_page, render_page
from dashboard.message_parts import wanted_images
from dashboard.ways import way_lines
from domains.models import Domain
from domains.registration import visible_domains
from inbound.display import has_blocked_images, sanitise_html
from inbound.inline_images import images_to_show
from inbound.models import InboundMessage, Recipient
from inbound.reading import access_message, came_for, delete_message, is_suspect, visible_messages
from inbound.searching import search

PAGE_SIZE = 50
SNIPPET_LENGTH = 160
VIEWS = ("html", "text", "headers")

VERDICT_WORDS: dict[str, tuple[str | Promise, str, str]] = {
    "PASS": (gettext_lazy("passed"), "good", "circle-check"),
    "FAIL": (gettext_lazy("failed"), "bad", "circle-x"),
    "GRAY": (gettext_lazy("unclear"), "idle", "circle-minus"),
    "PROCESSING_FAILED": (gettext_lazy("not checked"), "idle", "circle-dashed"),
    "": (gettext_lazy("not known"), "idle", "circle-dashed"),
}


@dataclass(frozen=True)
class Listing:
    """What a list of messages shows: the filters as they came, and the messages that pass them."""

    messages: QuerySet[InboundMessage]
    domain: str
    inbox: str
    wanted: str

    @property
    def query(self) -> str:
        """The filters as a query string, for links that keep them."""
        chosen = {"domain": self.domain, "inbox": self.inbox, "q": self.wanted}
        return urlencode({key: value for key, value in chosen.items() if value})

    def _at(self, public_id: str) -> InboundMessage | None:
        return self.messages.filter(public_id=public_id).only("received_at", "id").first()

    def older_than(self, public_id: str) -> QuerySet[InboundMessage]:
        """Keyset paging: what comes after this message in the list; all of it when there is no such message."""
        edge = self._at(public_id)
        if edge is None:
            return self.messages
        return self.messages.filter(
            Q(received_at__lt=edge.received_at) | Q(received_at=edge.received_at, id__lt=edge.id)
        )

    def newer_than(self, public_id: str) -> QuerySet[InboundMessage]:
        edge = self._at(public_id)
        if edge is None:
            return self.messages
        return self.messages.filter(
            Q(received_at__gt=edge.received_at) | Q(received_at=edge.received_at, id__gt=edge.id)
        )


def listing_of(request: MemberRequest) -> Listing:
    """The messages that the request's filters ask for; a filter that names nothing of ours finds nothing."""
    domain, inbox, wanted = asked(request, "domain"), asked(request, "inbox"), asked(request, "q")
    found = visible_messages(organization=request.organization)
    if domain:
        found = came_for(found, Domain.objects.filter(organization=request.organization, public_id=domain))
    if inbox:
        named = Recipient.objects.filter(inbox__public_id=inbox).values("message")
        found = found.filter(Q(inbox__public_id=inbox) | Q(pk__in=named))
    return Listing(search(found, wanted, organization=request.organization), domain, inbox, wanted)


@require_safe
@member_page(MESSAGE_VIEW)
def message_list(request: MemberRequest) -> HttpResponseBase:
    listing = listing_of(request)
    before = asked(request, "before")
    newest_first = (
        listing.older_than(before)
        .order_by("-received_at", "-id")
        .annotate(snippet=Left("text", SNIPPET_LENGTH))
        .defer("text", "html", "headers", "references", "defects")
        .select_related("inbox", "domain")
        .prefetch_related("recipients")
    )
    page = list(newest_first[: PAGE_SIZE + 1])
    return render_page(
        request,
        "dashboard/messages.html",
        {
            "listing": listing,
            "page": page[:PAGE_SIZE],
            "before": page[PAGE_SIZE - 1].public_id if len(page) > PAGE_SIZE else "",
            "is_first_page": not before,
            "newest": page[0].public_id if page else "",
            "domains": visible_domains(organization=request.organization).order_by("name"),
            "inboxes": visible_inboxes(organization=request.organization).order_by("email"),
        },
    )


@require_safe
@member_page(MESSAGE_VIEW)
def message_page(request: MemberRequest, public_id: str) -> HttpResponseBase:
    message = access_message(organization=request.organization, public_id=public_id)
    sanitised = sanitise_html(message.html)
    default = "html" if message.html else "text"
    wanted = request.GET.get("view", default)
    view = wanted if wanted in VIEWS else default
    return render_page(
        request,
        "dashboard/message.html",
        {
            "message": message,
            "view": view,
            "has_remote_images": view == "html" and has_blocked_images(sanitised),
            "has_own_images": view == "html" and bool(images_to_show(message, sanitised)),
            "images": wanted_images(request),
            "is_suspect": is_suspect(message),
            "verdicts": _verdicts(message),
            "attachments": list(message.attachments.all()),
            "recipients": list(message.recipients.all()),
            "way": way_lines(message.trace),
        },
    )


def _verdicts(message: InboundMessage) -> list[tuple[str | Promise, str | Promise, str, str]]:
    """(what was judged, the word, tone, icon), as Amazon SES said it in the signed notification."""
    said: list[tuple[str | Promise, str]] = [
        ("SPF", message.spf_verdict),
        ("DKIM", message.dkim_verdict),
        ("DMARC", message.dmarc_verdict),
        (gettext_lazy("Spam check"), message.spam_verdict),
        (gettext_lazy("Virus check"), message.virus_verdict),
    ]
    return [(what, *VERDICT_WORDS.get(verdict.upper(), (verdict, "idle", "circle-dashed"))) for what, verdict in said]


@require_POST
@member_page(MESSAGE_DELETE)
def delete(request: MemberRequest, public_id: str) -> HttpResponseBase:
    message = access_message(organization=request.organization, public_id=public_id)
    delete_message(message=message, actor=request.user.email, now=timezone.now())
    flashes.success(request, _("The message is deleted."))
    return redirect("dashboard:messages")
