"""The buttons beside what was right once and is not now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from django.contrib import messages
from django.http import Http404, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.errors import Refusal
from accounts.permissions import CREATE
from dashboard.access import MemberRequest, member_page
from dashboard.record_groups import RecordGroup, RecordRow
from dashboard.watches import Watches
from domains import drift
from domains.registration import access_domain

VERBS = {"acknowledge": drift.acknowledge, "mute": drift.mute, "unmute": drift.unmute}
SAID: Mapping[str, str | Promise] = {
    "acknowledge": _("Noted. Nothing more is said of it until it is right again."),
    "mute": _("Muted. You hear nothing about it until you unmute it."),
    "unmute": _("Watched again. If it is still wrong, you hear of it after the next look."),
}


def watched_groups(groups: Iterable[RecordGroup], watches: Watches) -> list[RecordGroup]:
    """The records of a page with what is watched beside each."""

    def watched(row: RecordRow) -> RecordRow:
        watch = watches.of_record(row.record)
        return replace(row, watch=watch, chip=watch.chip) if watch else row

    return [replace(group, rows=tuple(watched(row) for row in group.rows)) for group in groups]


@require_POST
@member_page(CREATE)
def act(request: MemberRequest, public_id: str, drift_id: str, verb: str) -> HttpResponseBase:
    """Acknowledge, mute or unmute; `verb` is one of VERBS."""
    domain = access_domain(organization=request.organization, public_id=public_id)
    if verb not in VERBS:
        raise Http404
    try:
        row = drift.access_drift(domain=domain, public_id=drift_id)
        VERBS[verb](drift=row, actor=request.user.email, now=timezone.now())
    except drift.DriftNotFound as refusal:
        raise Http404 from refusal
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, str(SAID[verb]))
    return redirect("dashboard:domain", public_id=public_id)
