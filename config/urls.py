"""The site map: staff, sign-in, dashboard and the contracts; the doors of machines are served by `config/doors.py`."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config.health import health
from inbound.sns_view import receive_sns

urlpatterns = [
    path(f"{settings.DOMAINS_BY_NAME_PREFIX}/health".lstrip("/"), health),
    path("inbound/sns", receive_sns, name="inbound_sns"),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("app/", include("dashboard.urls")),
    path("app", RedirectView.as_view(url="/app/")),
    path("", RedirectView.as_view(url="/app/"), name="home"),
    path("", include("api.urls")),
]

handler400 = "api.errors.bad_request"
handler403 = "api.errors.permission_denied"
handler404 = "api.errors.not_found"
handler500 = "api.errors.server_error"
