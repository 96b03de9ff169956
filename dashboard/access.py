"""The door of every page: who is signed in, in which organization, and whether their role may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers

from accounts.memberships import NotAMember, access_organization, memberships_of
from accounts.models import Membership, Organization, User
from accounts.permissions import CREATE, DELETE, MESSAGE_DELETE, ORGANIZATION_MANAGE, permissions_for
from channels.inboxes import InboxNotFound
from domains.challenges import ChallengeNotFound
from domains.hand_over import HandOverLinkNotFound
from domains.host_credentials import DnsHostNotFound
from domains.registration import DomainNotFound
from inbound.reading import AttachmentNotFound, MessageNotFound, RawNotKept
from webhooks.endpoints import DeliveryNotFound, EndpointNotFound

NOT_THERE = (
    Http404,
    ChallengeNotFound,
    DeliveryNotFound,
    DomainNotFound,
    EndpointNotFound,
    DnsHostNotFound,
    HandOverLinkNotFound,
    InboxNotFound,
    MessageNotFound,
    AttachmentNotFound,
    RawNotKept,
)
SESSION_ORGANIZATION = "organization"
Arguments = ParamSpec("Arguments")


class MemberRequest(HttpRequest):
    """A request whose person is signed in and works in an organization (what the views below the door see)."""

    user: User
    membership: Membership
    organization: Organization
    permissions: frozenset[str]


def member_page(
    permission: str,
) -> Callable[
    [Callable[Concatenate[MemberRequest, Arguments], HttpResponseBase]],
    Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase],
]:
    """Let members pass whose role has `permission`; others get the sign-in page, 403, or 404 for what is not theirs."""

    def decorate(
        view: Callable[Concatenate[MemberRequest, Arguments], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            membership = current_membership(request, request.user)
            if membership is None:
                response: HttpResponseBase = render(request, "dashboard/no_organization.html", status=403)
            else:
                member_request = cast("MemberRequest", request)
                member_request.membership = membership
                member_request.organization = membership.organization
                member_request.permissions = permissions_for(membership.role)
                if permission in member_request.permissions:
                    response = _answer_or_not_found(view, member_request, *args, **kwargs)
                else:
                    response = forbidden(member_request)
            add_never_cache_headers(cast("HttpResponse", response))
            return response

        return guarded

    return decorate


def current_membership(request: HttpRequest, user: User) -> Membership | None:
    """The membership chosen in the session; the first one when none is, or when the chosen one has ended."""
    chosen = request.session.get(SESSION_ORGANIZATION)
    for public_id in (chosen, None) if isinstance(chosen, str) else (None,):
        try:
            return access_organization(user=user, public_id=public_id)
        except NotAMember:
            continue
    return None


def asked(request: HttpRequest, key: str) -> str:
    """A parameter of the address as plain text; PostgreSQL refuses NUL in a comparison."""
    return request.GET.get(key, "").replace("\x00", "").strip()


def render_page(
    request: MemberRequest, template: str, context: Mapping[str, object] | None = None, *, status: int = 200
) -> HttpResponse:
    """A page with what every page shows: the organization, the others to switch to, and what the role may do."""
    frame: dict[str, object] = {
        "membership": request.membership,
        "organization": request.organization,
        "memberships": memberships_of(request.user),
        "may_create": CREATE in request.permissions,
        "may_delete": DELETE in request.permissions,
        "may_delete_messages": MESSAGE_DELETE in request.permissions,
        "may_manage": ORGANIZATION_MANAGE in request.permissions,
    }
    return render(request, template, frame | dict(context or {}), status=status)


def forbidden(request: MemberRequest) -> HttpResponse:
    return render_page(request, "dashboard/forbidden.html", status=403)


def not_found() -> HttpResponse:
    """The same bytes for whatever is not there, is removed, or is another organization's."""
    return HttpResponse(render_to_string("404.html"), status=404)


def _answer_or_not_found(
    view: Callable[Concatenate[MemberRequest, Arguments], HttpResponseBase],
    request: MemberRequest,
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> HttpResponseBase:
    try:
        return view(request, *args, **kwargs)
    except NOT_THERE:
        return not_found()


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        # A fragment would be filled with the sign-in page: the whole page has to go there.
        response = HttpResponse(status=204)
        response["HX-Redirect"] = resolve_url("account_login")
        return response
    return redirect_to_login(request.get_full_path())
