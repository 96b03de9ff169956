"""The pages of domains: the list, one domain, and what can be done to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import Refusal
from accounts.permissions import CREATE, DELETE, VIEW
from channels.inboxes import visible_inboxes
from channels.removal import DomainInUse, UseCasesExist, remove_domain
from dashboard.access import MemberRequest, asked, member_page, render_page
from dashboard.challenges import banners_of
from dashboard.chips import HEALTH_WORDS, Chip, domain_chip, health_chip
from dashboard.dns_today import dns_today
from dashboard.drift import watched_groups
from dashboard.forms import AddDomainForm, InboxForm, RemoveDomainForm
from dashboard.pace import fingerprint, is_look_near, poll_seconds
from dashboard.publishing import publishing_card
from dashboard.record_groups import record_groups
from dashboard.timeline import timeline
from dashboard.watches import watches_of
from domains.challenges import visible_challenges
from domains.changes import resume_domain, suspend_domain
from domains.facts import current_records, is_needless, missing_required, next_step_sentence
from domains.hand_over import open_links
from domains.models import DnsRecord, Domain
from domains.models.domain import DomainQuerySet
from domains.names import DomainName, normalise_name
from domains.registration import access_domain, visible_domains
from domains.states import Health, Status
from domains.verification import check_now
from inbound.reading import visible_recipients

PAGE_SIZE = 50
ROW_POLL_SECONDS = 15
# The file formats of domains.exports, as people know them.
FILE_FORMATS = {
    "bind": "BIND zone file",
    "terraform-route53": "Terraform, Route 53",
    "terraform-cloudflare": "Terraform, Cloudflare",
    "octodns": "octoDNS",
    "csv": "CSV",
}


@dataclass(frozen=True)
class Tab:
    """A filter of the list by status, with how many domains it holds."""

    key: str
    word: str | Promise
    statuses: frozenset[str]
    count: int = 0
    is_here: bool = False


TABS = (
    Tab("", gettext_lazy("All"), frozenset(Status)),
    Tab("verified", gettext_lazy("Verified"), frozenset({Status.ACTIVE})),
    Tab("waiting", gettext_lazy("In progress"), frozenset({Status.PENDING})),
    Tab("failed", gettext_lazy("Failed"), frozenset({Status.FAILED})),
    Tab("suspended", gettext_lazy("Suspended"), frozenset({Status.SUSPENDED})),
)


@dataclass(frozen=True)
class Row:
    """A line of the list."""

    domain: Domain
    chip: Chip
    right: int
    total: int
    poll_seconds: int | None
    health_chip: Chip | None

    @property
    def health_words(self) -> str | Promise:
        return HEALTH_WORDS.get(Health(self.domain.health), "") if self.health_chip else ""

    @property
    def spoken_name(self) -> str:
        return DomainName(self.domain.name).unicode


@require_safe
@member_page(VIEW)
def domain_list(request: MemberRequest) -> HttpResponseBase:
    wanted = asked(request, "q")
    mine = visible_domains(organization=request.organization)
    found = mine.filter(name__contains=wanted.lower()) if wanted else mine
    tabs = _tabs(found, asked(request, "status"))
    here = next(tab for tab in tabs if tab.is_here)
    shown = found.filter(status__in=here.statuses, name__gt=asked(request, "after")).order_by("name")
    page = list(_with_last_mail(request, shown)[: PAGE_SIZE + 1])
    return render_page(
        request,
        "dashboard/domains.html",
        {
            "rows": [row_of(domain) for domain in page[:PAGE_SIZE]],
            "after": page[PAGE_SIZE - 1].name if len(page) > PAGE_SIZE else "",
            "tabs": tabs,
            "here": here,
            "wanted": wanted,
            "has_any": mine.exists(),
            "has_challenges": visible_challenges(organization=request.organization).exists(),
            "form": AddDomainForm(),
        },
    )


def _tabs(found: DomainQuerySet, key: str) -> list[Tab]:
    counts = dict(found.order_by().values_list("status").annotate(Count("pk")))
    chosen = key if key in {tab.key for tab in TABS} else ""
    return [
        Tab(
            tab.key,
            tab.word,
            tab.statuses,
            sum(counts.get(str(status), 0) for status in tab.statuses),
            tab.key == chosen,
        )
        for tab in TABS
    ]


def _with_last_mail(request: MemberRequest, shown: DomainQuerySet) -> DomainQuerySet:
    here = visible_recipients(organization=request.organization).filter(domain=OuterRef("pk"))
    newest = here.order_by("-message__received_at").values("message__received_at")
    return shown.prefetch_related("records").annotate(last_mail_at=Subquery(newest[:1]))


def row_of(domain: Domain) -> Row:
    records = [record for record in current_records(domain) if not is_needless(domain, record)]
    return Row(
        domain=domain,
        chip=domain_chip(domain, records),
        right=sum(record.is_ok for record in records),
        total=len(records),
        poll_seconds=ROW_POLL_SECONDS if domain.status == Status.PENDING else None,
        health_chip=health_chip(domain),
    )


def live_row(request: MemberRequest, public_id: str) -> Row:
    """One line of the list as it is now; raises DomainNotFound."""
    domain = access_domain(organization=request.organization, public_id=public_id)
    return row_of(_with_last_mail(request, visible_domains(organization=request.organization)).get(pk=domain.pk))


@require_safe
@member_page(VIEW)
def domain_page(request: MemberRequest, public_id: str) -> HttpResponseBase:
    return show_domain(request, access_domain(organization=request.organization, public_id=public_id))


def show_domain(
    request: MemberRequest, domain: Domain, extra: Mapping[str, object] | None = None, *, status: int = 200
) -> HttpResponse:
    """A domain's page; `extra` brings back a form that was refused."""
    context = domain_context(request, domain) | {
        "inboxes": visible_inboxes(organization=request.organization).filter(domain=domain).order_by("email"),
        "inbox_form": InboxForm(),
        "challenges": banners_of(domain),
        "hand_over_links": open_links(domain=domain, now=timezone.now()),
        "remove_form": RemoveDomainForm(),
        "publishing": publishing_card(domain),
    }
    return render_page(request, "dashboard/domain.html", context | dict(extra or {}), status=status)


def domain_context(request: MemberRequest, domain: Domain) -> dict[str, object]:
    """What the page and its live fragment both show."""
    records = current_records(domain)
    now = timezone.now()
    seconds = poll_seconds(domain, now)
    has_full_names = request.GET.get("names") == "full"
    watches = watches_of(domain)
    return {
        "domain": domain,
        "spoken_name": DomainName(domain.name).unicode,
        "chip": domain_chip(domain, records),
        "health_chip": health_chip(domain),
        "next_step": watches.sentence(Health(domain.health)) or next_step_sentence(domain, records),
        "identity_watch": watches.of_identity,
        "groups": watched_groups(record_groups(domain, records, has_full_names=has_full_names), watches),
        "may_create": CREATE in request.permissions,
        "has_full_names": has_full_names,
        "check_word": _check_word(domain, records),
        "dns_today": dns_today(domain),
        "timeline": timeline(domain),
        "file_formats": FILE_FORMATS,
        "poll_seconds": seconds,
        "is_look_near": is_look_near(domain, now),
        "seen": fingerprint(domain, records, seconds),
    }


def _check_word(domain: Domain, records: Sequence[DnsRecord]) -> str:
    if domain.status == Status.FAILED:
        return _("Start again")
    return _("Check now") if missing_required(domain, records) or not domain.checked_at else _("Check again")


@require_POST
@member_page(CREATE)
def check_domain_now(request: MemberRequest, public_id: str) -> HttpResponseBase:
    domain = access_domain(organization=request.organization, public_id=public_id)
    try:
        fresh = check_now(domain=domain, actor=request.user.email, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        if fresh.status == domain.status == Status.FAILED and fresh.dns_checked_at == domain.dns_checked_at:
            messages.info(request, _("We looked just now. Press “Start again” once more in a moment."))
    return redirect("dashboard:domain", public_id=public_id)


@require_POST
@member_page(CREATE)
def suspend(request: MemberRequest, public_id: str) -> HttpResponseBase:
    domain = access_domain(organization=request.organization, public_id=public_id)
    suspend_domain(domain=domain, actor=request.user.email, now=timezone.now())
    return redirect("dashboard:domain", public_id=public_id)


@require_POST
@member_page(CREATE)
def resume(request: MemberRequest, public_id: str) -> HttpResponseBase:
    domain = access_domain(organization=request.organization, public_id=public_id)
    try:
        resume_domain(domain=domain, actor=request.user.email, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return redirect("dashboard:domain", public_id=public_id)


@require_POST
@member_page(DELETE)
def remove(request: MemberRequest, public_id: str) -> HttpResponseBase:
    """Remove the domain when its name was typed; the page then lists the DNS records to take out."""
    domain = access_domain(organization=request.organization, public_id=public_id)
    form = RemoveDomainForm(request.POST)
    if form.is_valid() and normalise_name(form.cleaned_data["typed_name"]) == domain.name:
        try:
            removed = remove_domain(
                domain=domain,
                actor=request.user.email,
                now=timezone.now(),
                refuses_inboxes=not form.cleaned_data["with_inboxes"],
            )
        except UseCasesExist as refusal:
            form.add_error("typed_name", refusal.message)
        except DomainInUse:
            form.add_error("with_inboxes", _("Tick this box, or delete the inboxes first."))
        else:
            groups = record_groups(domain, removed.records_to_take_out, has_full_names=True)
            return render_page(request, "dashboard/removed.html", {"domain": domain, "groups": groups})
    else:
        form.add_error("typed_name", _("Type %(name)s to remove it.") % {"name": domain.name})
    return show_domain(request, domain, {"remove_form": form}, status=422)
