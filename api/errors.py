"""What an error outside any view of ours is answered with: the path's contract, the dashboard's page, or plain JSON."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from api.base import answer_to
from api.contracts import contract_of
from api.envelopes import Answer, Kind, Problem, respond

# Where people look with a browser; the rest is for programs.
PAGES = ("/app", "/accounts", "/" + settings.ADMIN_PATH.rstrip("/"))


@csrf_exempt
def unknown_path(request: HttpRequest) -> HttpResponse:
    """The last route: whatever no other one took."""
    return not_found(request)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _is_page(request):
        return defaults.page_not_found(request, exception or Exception())
    return _answer(request, Problem(Kind.UNKNOWN_PATH))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _is_page(request):
        return defaults.bad_request(request, exception or Exception())
    return _answer(request, Problem(Kind.BAD_REQUEST))


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _is_page(request):
        return defaults.permission_denied(request, exception or Exception())
    return _answer(request, Problem(Kind.FORBIDDEN))


def server_error(request: HttpRequest) -> HttpResponse:
    if _is_page(request):
        return defaults.server_error(request)
    return _answer(request, Problem(Kind.SERVER_ERROR))


def _is_page(request: HttpRequest) -> bool:
    return any(request.path == page or request.path.startswith(f"{page}/") for page in PAGES)


def _answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    contract = contract_of(request.path)
    if contract is not None:
        return respond(answer_to(problem, envelope=contract.envelope, request=request))
    words = problem.kind.name.lower().replace("_", " ").replace("unknown path", "not found")
    return respond(Answer(problem.kind.status, {"error": words.capitalize()}))
