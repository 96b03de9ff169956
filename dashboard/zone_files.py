"""The records of a domain as a file for its DNS host or a tool."""

from __future__ import annotations

from django.http import Http404, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.permissions import VIEW
from dashboard.access import MemberRequest, asked, member_page
from domains.export_plan import export_file
from domains.exports import FORMATS
from domains.facts import current_records, plan_of
from domains.registration import access_domain


@require_safe
@member_page(VIEW)
def zone_file(request: MemberRequest, public_id: str) -> HttpResponseBase:
    domain = access_domain(organization=request.organization, public_id=public_id)
    format_ = asked(request, "format") or "bind"
    if format_ not in FORMATS:
        raise Http404
    file = export_file(plan_of(domain, current_records(domain)), domain=domain.name, format_=format_)
    response = HttpResponse(file.text, content_type=file.media_type)
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return response
