"""Publish for me: what would change at the domain's DNS host, applying it, and undoing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import Refusal
from accounts.permissions import CREATE, DELETE
from dashboard.access import MemberRequest, member_page, render_page
from dashboard.chips import Chip
from domains import written_values
from domains.dns_hosts import HOSTS
from domains.dns_hosts.host import HostZone
from domains.models import Domain, Publication
from domains.names import DomainName, relative_name
from domains.publishing import Applied, Failure, Wishes, apply_records, plan_records
from domains.registration import access_domain
from domains.taking_back import plan_undoing, undo_records
from domains.zone_access import NoWritableZone, has_way_into_a_zone
from domains.zone_plan import THERE_ALREADY, Action, HostSet, Step, ZoneChange, zone_value

Found = TypeVar("Found")
Values = tuple[str, ...]

CHIPS = {
    Action.CREATE: Chip(gettext_lazy("Create"), "good", "plus"),
    Action.ADD: Chip(gettext_lazy("Add"), "good", "plus"),
    Action.REPLACE: Chip(gettext_lazy("Replace"), "waiting", "refresh-cw"),
    Action.KEEP: Chip(gettext_lazy("Keep"), "idle", "check"),
    Action.CONFLICT: Chip(gettext_lazy("Conflict"), "bad", "triangle-alert"),
}
REMOVED = Chip(gettext_lazy("Remove"), "waiting", "trash-2")
RESTORED = Chip(gettext_lazy("Restore"), "good", "refresh-cw")


@dataclass(frozen=True)
class PublishingCard:
    """What the domain's page says of publishing, without asking any host."""

    is_open: bool
    host: str
    publication: Publication | None
    can_undo: bool


@dataclass(frozen=True)
class Row:
    """One set before and after: what goes, what comes, what stays; `seen` is an MX that may give way to `ours`."""

    type: str
    name: str
    chip: Chip
    gone: tuple[str, ...]
    fresh: tuple[str, ...]
    kept: tuple[str, ...]
    reason: str = ""
    owner_name: str = ""
    ours: str = ""
    seen: tuple[str, ...] = ()


def publishing_card(domain: Domain) -> PublishingCard:
    publication = Publication.objects.filter(domain=domain).first()
    return PublishingCard(
        is_open=has_way_into_a_zone(organization=domain.organization),
        host=HOSTS[publication.host].label if publication is not None and publication.host in HOSTS else "",
        publication=publication,
        can_undo=written_values.standing(domain=domain).exists(),
    )


@require_safe
@member_page(CREATE)
def preview(request: MemberRequest, public_id: str) -> HttpResponseBase:
    domain = access_domain(organization=request.organization, public_id=public_id)
    return _show_preview(request, domain)


@require_POST
@member_page(CREATE)
def apply(request: MemberRequest, public_id: str) -> HttpResponseBase:
    """Write the plan; an MX set of others gives way where it was ticked and stands as it was shown."""
    domain = access_domain(organization=request.organization, public_id=public_id)
    confirmed = {name: request.POST.getlist(f"seen:{name}") for name in request.POST.getlist("replace")}
    wishes = Wishes(merges_spf=True, confirmed=confirmed)
    try:
        applied = apply_records(domain=domain, wishes=wishes, actor=request.user.email, now=timezone.now())
    except Refusal as refusal:
        return _show_preview(request, domain, refusal)
    if applied.failures:
        return _show_preview(request, applied.domain, failures=applied.failures, done=_count_of(applied))
    messages.success(request, _in_words(_count_of(applied)))
    return redirect("dashboard:domain", public_id=public_id)


@member_page(DELETE)
def undo(request: MemberRequest, public_id: str) -> HttpResponseBase:
    domain = access_domain(organization=request.organization, public_id=public_id)
    if request.method == "POST":
        try:
            undone = undo_records(domain=domain, actor=request.user.email, now=timezone.now())
        except Refusal as refusal:
            return _show_undo(request, domain, refusal)
        count = len(undone.changes) if undone is not None else 0
        told = ngettext("One record is as it was before.", "%(count)s records are as they were before.", count)
        messages.success(request, told % {"count": count} if count else _("There was nothing of ours to take back."))
        return redirect("dashboard:domain", public_id=public_id)
    return _show_undo(request, domain)


def _count_of(applied: Applied) -> int:
    return sum(step.change is not None for step in applied.steps)


def _in_words(count: int) -> str:
    if not count:
        return _("All records are there already.")
    told = ngettext("One record is written.", "%(count)s records are written.", count)
    return told % {"count": count}


def _show_preview(
    request: MemberRequest,
    domain: Domain,
    refusal: Refusal | None = None,
    *,
    failures: Sequence[Failure] = (),
    done: int = 0,
) -> HttpResponse:
    plan, refusal = _read(lambda: plan_records(domain=domain, wishes=Wishes(merges_spf=True)), refusal)
    steps: Sequence[Step] = plan.steps if plan is not None else ()
    rows = [row_of(step, plan.zone) for step in steps] if plan is not None else []
    context: dict[str, object] = {
        "rows": rows,
        "writes": sum(step.change is not None for step in steps),
        "can_confirm": any(row.seen for row in rows),
        "failures": failures,
        "done": _in_words(done) if done else "",
    }
    return _page(request, domain, "dashboard/publishing.html", plan.zone if plan else None, refusal, context)


def _show_undo(request: MemberRequest, domain: Domain, refusal: Refusal | None = None) -> HttpResponse:
    undoing, refusal = _read(lambda: plan_undoing(domain=domain), refusal)
    zone = undoing.zone if undoing is not None else None
    rows = [undo_row(change, undoing.zone) for change in undoing.changes] if undoing is not None else []
    return _page(request, domain, "dashboard/undo_publishing.html", zone, refusal, {"rows": rows})


def _read(look: Callable[[], Found | None], refusal: Refusal | None) -> tuple[Found | None, Refusal | None]:
    """What the host shows now; the refusal that led here comes before one of looking."""
    try:
        return look(), refusal
    except Refusal as error:
        return None, refusal or error


def _page(
    request: MemberRequest,
    domain: Domain,
    template: str,
    zone: HostZone | None,
    refusal: Refusal | None,
    context: Mapping[str, object],
) -> HttpResponse:
    frame: dict[str, object] = {
        "domain": domain,
        "spoken_name": DomainName(domain.name).unicode,
        "zone": zone,
        "host": HOSTS[zone.host].label if zone is not None else "",
        "led_elsewhere": bool(zone is not None and is_led_elsewhere(domain, zone)),
        "refusal": refusal.message if refusal is not None else "",
        "has_no_zone": isinstance(refusal, NoWritableZone),
    }
    return render_page(request, template, frame | dict(context), status=422 if refusal is not None else 200)


def is_led_elsewhere(domain: Domain, zone: HostZone) -> bool:
    """Whether the last look found the zone at other name servers than this host gave it."""
    seen = {str(server).rstrip(".").lower() for server in domain.name_servers}
    return domain.zone == zone.name and bool(seen and zone.name_servers) and not seen & set(zone.name_servers)


def row_of(step: Step, zone: HostZone) -> Row:
    is_mx_of_others = step.action is Action.CONFLICT and step.record.type == "MX" and step.before is not None
    return Row(
        step.record.type,
        relative_name(step.record.name, zone.name),
        CHIPS[step.action],
        *_difference(step.before, step.after or step.before),
        reason="" if step.reason == THERE_ALREADY else step.reason,
        owner_name=step.record.name,
        ours=zone_value(step.record),
        seen=step.before.values if is_mx_of_others and step.before is not None and step.before.is_plain else (),
    )


def undo_row(change: ZoneChange, zone: HostZone) -> Row:
    either = change.before or change.after
    assert either is not None
    gone, fresh, kept = _difference(change.before, change.after)
    chip = RESTORED if fresh else REMOVED
    return Row(either.type, relative_name(either.name, zone.name), chip, gone, fresh, kept)


def _difference(before: HostSet | None, after: HostSet | None) -> tuple[Values, Values, Values]:
    old = before.values if before is not None else ()
    new = after.values if after is not None else ()
    return (
        tuple(value for value in old if value not in new),
        tuple(value for value in new if value not in old),
        tuple(value for value in old if value in new),
    )
