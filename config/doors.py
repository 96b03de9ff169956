"""The paths that machines knock at: load balancers' probes, and Amazon SNS."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from config.health import healthz, readyz
from inbound.sns_view import receive_sns

DOORS: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/inbound/sns": receive_sns,
}


class DoorMiddleware:
    """Answers machines before anybody looks at the Host header or for a session.

    Load balancers ask by address, not by name, and a 400 would make Amazon SNS give a mail up.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        door = DOORS.get(request.path_info)
        return door(request) if door else self.get_response(request)
