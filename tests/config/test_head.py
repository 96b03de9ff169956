"""HEAD through the WSGI application itself: Django's test client would take the body away unseen."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory

PAGES = ["/api/schema/email_domains", "/api/schema/email_domains.json", "/api/email/domains", "/accounts/login/"]


def answer(method: str, path: str) -> tuple[str, dict[str, str], bytes]:
    """Status, headers and body as the server gets them."""
    told: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        told.update(status=status, headers=dict(headers))

    body = b"".join(WSGIHandler()(RequestFactory().generic(method, path).environ, start_response))
    return told["status"], told["headers"], body


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_head_has_the_headers_of_get_and_no_body(path: str) -> None:
    status, headers, body = answer("GET", path)
    assert body
    bare_status, bare_headers, bare_body = answer("HEAD", path)
    assert (bare_status, bare_body) == (status, b"")
    assert bare_headers["Content-Type"] == headers["Content-Type"]
    assert int(bare_headers["Content-Length"]) > 0
