"""The pages of challenges: saying that a name which another holds is one's own, and how far that is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import Refusal
from accounts.permissions import CREATE, VIEW
from dashboard.access import MemberRequest, asked, member_page, render_page
from dashboard.chips import Chip
from dashboard.forms import ChallengeForm, refuse, trimmed_name
from domains.challenge_looks import look_now
from domains.challenge_notices import incumbent_records
from domains.challenges import (
    access_challenge,
    challenge_record,
    challenges_of,
    decides_at,
    find_incumbent,
    open_challenge,
    visible_challenges,
    withdraw,
)
from domains.models import Challenge, Domain
from domains.names import DomainName, registrable_domain, relative_name
from domains.records import PlannedRecord
from domains.registration import DomainAlreadyRegistered, validated_name, visible_domains

POLL_SECONDS = 15
MOST_LISTED = 100

ENDED: dict[str, Chip] = {
    Challenge.Status.WON: Chip(gettext_lazy("Yours"), "good", "circle-check"),
    Challenge.Status.LOST: Chip(gettext_lazy("Not moved"), "bad", "circle-x"),
    Challenge.Status.WITHDRAWN: Chip(gettext_lazy("Ended"), "idle", "circle-minus"),
}
AWAITING_RECORD = Chip(gettext_lazy("Waiting for the record"), "waiting", "clock")
HELD = Chip(gettext_lazy("Held by the other proof"), "waiting", "circle-pause")
RUNNING = Chip(gettext_lazy("Time is running"), "waiting", "clock")


@dataclass(frozen=True)
class Row:
    """A challenge as lists and its page show it."""

    challenge: Challenge
    chip: Chip

    @property
    def spoken_name(self) -> str:
        return DomainName(self.challenge.name).unicode

    @property
    def decides_at(self) -> object:
        return decides_at(self.challenge)


@dataclass(frozen=True)
class Banner:
    """What the holder of a challenged name sees: that it is challenged, until when, and what keeps it."""

    keeps: PlannedRecord | None
    is_running: bool
    moves_at: object


def banners_of(domain: Domain) -> list[Banner]:
    """One for each challenge that the holder has to know of."""
    challenges = list(challenges_of(domain=domain).order_by("created_at", "pk"))
    keeps = next(iter(incumbent_records(domain)), None) if challenges else None
    return [Banner(keeps, each.incumbent_absent_since is not None, decides_at(each)) for each in challenges]


def challengeable_name(request: MemberRequest, typed: str, refusal: Refusal) -> str:
    """The name that could not be registered because another organization holds it; empty for any other reason."""
    if not isinstance(refusal, DomainAlreadyRegistered):
        return ""
    name = validated_name(typed).ascii
    holder = find_incumbent(name=name)
    return name if holder is not None and holder.organization_id != request.organization.pk else ""


def row_of(challenge: Challenge) -> Row:
    if challenge.status != Challenge.Status.OPEN:
        return Row(challenge, ENDED[challenge.status])
    if challenge.token_seen_at is None:
        return Row(challenge, AWAITING_RECORD)
    return Row(challenge, HELD if challenge.incumbent_absent_since is None else RUNNING)


@require_safe
@member_page(VIEW)
def challenge_list(request: MemberRequest) -> HttpResponseBase:
    mine = visible_challenges(organization=request.organization).order_by("-created_at", "-pk")
    return render_page(
        request, "dashboard/challenges.html", {"rows": [row_of(challenge) for challenge in mine[:MOST_LISTED]]}
    )


@member_page(CREATE)
def new_challenge(request: MemberRequest) -> HttpResponseBase:
    if request.method != "POST":
        form = ChallengeForm(initial={"name": asked(request, "name")[:253]})
        return render_page(request, "dashboard/challenge_new.html", {"form": form})
    form = ChallengeForm(request.POST)
    if form.is_valid():
        try:
            challenge = open_challenge(
                organization=request.organization,
                name=trimmed_name(form.cleaned_data["name"]),
                actor=request.user.email,
                now=timezone.now(),
            )
        except Refusal as refusal:
            refuse(form, refusal, "name")
        else:
            return redirect("dashboard:challenge", public_id=challenge.public_id)
    return render_page(request, "dashboard/challenge_new.html", {"form": form}, status=422)


@require_safe
@member_page(VIEW)
def challenge_page(request: MemberRequest, public_id: str) -> HttpResponseBase:
    challenge = access_challenge(organization=request.organization, public_id=public_id)
    return render_page(request, "dashboard/challenge.html", _context(request, challenge))


@require_safe
@member_page(VIEW)
def challenge_fragment(request: MemberRequest, public_id: str) -> HttpResponseBase:
    """The page's live part: 204 while it shows what is known; the whole page anew once the challenge has ended."""
    challenge = access_challenge(organization=request.organization, public_id=public_id)
    if challenge.status != Challenge.Status.OPEN:
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"
        return response
    context = _context(request, challenge)
    if request.GET.get("seen") == context["seen"]:
        return HttpResponse(status=204)
    return render(request, "dashboard/_challenge_live.html", context)


def _context(request: MemberRequest, challenge: Challenge) -> dict[str, object]:
    row, record = row_of(challenge), challenge_record(challenge)
    is_open = challenge.status == Challenge.Status.OPEN
    zone = registrable_domain(challenge.name)
    mine = visible_domains(organization=request.organization).filter(name=challenge.name)
    return {
        "row": row,
        "challenge": challenge,
        "record": record,
        "zone": zone,
        "short_name": relative_name(record.name, zone),
        "next_step": next_step(challenge, row.chip),
        "is_held": row.chip is HELD,
        "may_create": CREATE in request.permissions,
        "domain": mine.first() if challenge.status == Challenge.Status.WON else None,
        "poll_seconds": POLL_SECONDS if is_open else None,
        "seen": _fingerprint(challenge),
    }


def next_step(challenge: Challenge, chip: Chip) -> str | Promise:
    """One sentence: what to do, or what is waited for."""
    if challenge.status == Challenge.Status.WON:
        return _("The name is yours. Its page lists the records for mail.")
    if challenge.status != Challenge.Status.OPEN:
        return challenge.decision
    if chip is AWAITING_RECORD:
        return _("Publish the record below at your DNS host; we look for it by ourselves.")
    if chip is HELD:
        return _("Your record is there. The name moves only once the former holder's records are no longer in its DNS.")
    return _("Your record is there, and the former holder has been told. Leave it where it is.")


def _fingerprint(challenge: Challenge) -> str:
    """Equal as long as the page would look the same."""
    shown = (challenge.status, challenge.token_seen_at, decides_at(challenge), challenge.leased_until)
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


@require_POST
@member_page(CREATE)
def look(request: MemberRequest, public_id: str) -> HttpResponseBase:
    look_now(challenge=access_challenge(organization=request.organization, public_id=public_id), now=timezone.now())
    return redirect("dashboard:challenge", public_id=public_id)


@require_POST
@member_page(CREATE)
def take_back(request: MemberRequest, public_id: str) -> HttpResponseBase:
    challenge = access_challenge(organization=request.organization, public_id=public_id)
    try:
        withdraw(challenge=challenge, actor=request.user.email, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return redirect("dashboard:challenge", public_id=public_id)
