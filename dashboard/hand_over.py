"""The page for the colleague who owns the DNS: no account, one domain's records in the words of its DNS host.

Who has the link sees these records and their state, and nothing else of the organization.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import Refusal
from accounts.permissions import CREATE
from dashboard.access import MemberRequest, member_page
from dashboard.chips import Chip, record_chip
from dashboard.dns_today import what_moving_ends
from dashboard.domains import show_domain
from dashboard.knocks import address_of, seconds_to_wait
from dashboard.pace import fingerprint, is_look_near, poll_seconds
from dashboard.record_groups import Found, found_of
from domains.dns.summary import part_of
from domains.dns_hosts.form_fields import FormField, form_fields, words_of
from domains.export_plan import ExportPlan
from domains.facts import current_records, dns_host_of, is_needless, plan_of
from domains.hand_over import (
    HandOverLinkNotFound,
    access_link,
    check_from_link,
    create_link,
    note_opened,
    revoke_link,
)
from domains.mail_choices import mail_today_sentence
from domains.models import DnsRecord, Domain, HandOverLink
from domains.names import DomainName
from domains.records import Purpose
from domains.registration import access_domain

# A page that is looked at asks every 5 s at most; an office may share one address.
MOST_LOOKS_A_MINUTE = 120
MOST_CHECKS_A_MINUTE = 12
# In the address after "Check now".
LOOKED = "looked"


@dataclass(frozen=True)
class HandedRecord:
    """One record to set: its state, and the fields of the host's form."""

    record: DnsRecord
    chip: Chip
    fields: tuple[FormField, ...]
    found: tuple[Found, ...]


LinkView = Callable[[HttpRequest, HandOverLink], HttpResponse]


def link_page(*, door: str, most: int) -> Callable[[LinkView], Callable[[HttpRequest, str], HttpResponse]]:
    """Let pass who has an open link; nothing of it is kept in a cache or an index."""

    def decorate(view: LinkView) -> Callable[[HttpRequest, str], HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, token: str) -> HttpResponse:
            response = _answer(view, request, token, door=door, most=most)
            response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
            add_never_cache_headers(response)
            return response

        return guarded

    return decorate


def _answer(view: LinkView, request: HttpRequest, token: str, *, door: str, most: int) -> HttpResponse:
    wait = seconds_to_wait(request, door=door, most=most)
    if wait:
        response = render(request, "dashboard/hand_over_busy.html", {"seconds": wait}, status=429)
        response["Retry-After"] = str(wait)
        return response
    try:
        return view(request, access_link(token=token, now=timezone.now()))
    except HandOverLinkNotFound:
        return render(request, "dashboard/hand_over_ended.html", status=404)


@require_safe
@link_page(door="hand-over", most=MOST_LOOKS_A_MINUTE)
def page(request: HttpRequest, link: HandOverLink) -> HttpResponse:
    if request.method == "GET" and LOOKED not in request.GET:
        note_opened(link=link, address=address_of(request), now=timezone.now())
    return render(request, "dashboard/hand_over.html", _context(request, link.domain))


@require_safe
@link_page(door="hand-over", most=MOST_LOOKS_A_MINUTE)
def live(request: HttpRequest, link: HandOverLink) -> HttpResponse:
    """The records as they are now: 204 while the page shows that."""
    context = _context(request, link.domain)
    if request.GET.get("seen") == context["seen"]:
        return HttpResponse(status=204)
    return render(request, "dashboard/_hand_over_live.html", context)


@require_POST
@link_page(door="hand-over-check", most=MOST_CHECKS_A_MINUTE)
def check(request: HttpRequest, link: HandOverLink) -> HttpResponse:
    """Look now, and show the page again, which is no other opening of it."""
    check_from_link(link=link, now=timezone.now())
    return redirect(f"{reverse('dashboard:hand_over', args=[_token(request)])}?{LOOKED}")


def _token(request: HttpRequest) -> str:
    return request.resolver_match.kwargs["token"] if request.resolver_match else ""


def _context(request: HttpRequest, domain: Domain) -> dict[str, object]:
    token, now = _token(request), timezone.now()
    records, seconds = current_records(domain), poll_seconds(domain, now)
    host = dns_host_of(domain)
    plan = plan_of(domain, records)
    handed = _handed(domain, records, plan)
    return {
        "token": token,
        "domain": domain,
        "spoken_name": DomainName(domain.name).unicode,
        "zone": plan.zone,
        "host": host,
        "words": words_of(host) if host and host.words else None,
        # The MX last: it moves the mail, which the others make ready for.
        "open": sorted(
            (each for each in handed if not each.record.is_ok), key=lambda each: each.record.purpose == Purpose.INBOUND
        ),
        "done": [each for each in handed if each.record.is_ok],
        "notes": plan.notes,
        "mail_today": mail_today_sentence(part_of(domain.dns_summary, "mail_today")),
        "choices": what_moving_ends(domain),
        "poll_seconds": seconds,
        "is_look_near": is_look_near(domain, now),
        "seen": fingerprint(domain, records, seconds),
    }


def _handed(domain: Domain, records: Sequence[DnsRecord], plan: ExportPlan) -> list[HandedRecord]:
    """The records of the plan, merged with what is there, each with what the last look said of it."""
    rows = {(row.purpose, row.type, row.name): row for row in records}
    words = words_of(dns_host_of(domain))
    handed: list[HandedRecord] = []
    for planned in plan.records:
        row = rows[(planned.purpose, planned.type, planned.name)]
        if is_needless(domain, row):
            continue
        fields = form_fields(
            type_=planned.type,
            name=planned.name,
            value=planned.value,
            priority=planned.priority,
            zone=plan.zone,
            words=words,
        )
        handed.append(HandedRecord(row, record_chip(row), fields, found_of(row, planned.value)))
    return handed


@require_POST
@member_page(CREATE)
def create(request: MemberRequest, public_id: str) -> HttpResponseBase:
    """Make a link; it is shown in this answer and kept nowhere."""
    domain = access_domain(organization=request.organization, public_id=public_id)
    try:
        issued = create_link(domain=domain, actor=request.user.email, now=timezone.now())
    except Refusal as refusal:
        return show_domain(request, domain, {"hand_over_error": refusal.message}, status=422)
    address = request.build_absolute_uri(reverse("dashboard:hand_over", args=[issued.token]))
    return show_domain(request, domain, {"hand_over_address": address})


@require_POST
@member_page(CREATE)
def revoke(request: MemberRequest, public_id: str, link_id: str) -> HttpResponseBase:
    domain = access_domain(organization=request.organization, public_id=public_id)
    revoke_link(domain=domain, public_id=link_id, actor=request.user.email, now=timezone.now())
    return redirect(reverse("dashboard:domain", args=[public_id]) + "#hand-over")
