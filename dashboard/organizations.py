"""The switch between the organizations of a person who is in several."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.memberships import NotAMember, access_organization
from accounts.permissions import VIEW
from dashboard.access import SESSION_ORGANIZATION, MemberRequest, member_page, not_found


@require_POST
@member_page(VIEW)
def switch(request: MemberRequest) -> HttpResponseBase:
    """Work in another organization from now on; the pages start at the list, since ids belong to one organization."""
    try:
        membership = access_organization(user=request.user, public_id=request.POST.get("organization", ""))
    except NotAMember:
        return not_found()
    request.session[SESSION_ORGANIZATION] = membership.organization.public_id
    return redirect("dashboard:domains")
