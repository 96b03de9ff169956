"""The contracts by address: their documents, each at its mounts, and last what takes what none of them has."""

from __future__ import annotations

from django.urls import include, path, re_path
from django.urls.resolvers import URLPattern, URLResolver

from api.contracts import CONTRACTS
from api.envelopes import Contract
from api.errors import unknown_path
from api.schema_views import urlpatterns as schema_urlpatterns


def mounted(contract: Contract) -> list[URLPattern | URLResolver]:
    routes = list(contract.urlpatterns)
    return [path(f"{mount}/" if mount else "", include(routes)) for mount in contract.mounts]


urlpatterns: list[URLPattern | URLResolver] = [
    *schema_urlpatterns,
    *(route for contract in CONTRACTS for route in mounted(contract)),
    # A route, not handler404 alone: under DEBUG Django would answer a page of its own.
    re_path(r"", unknown_path),
]
