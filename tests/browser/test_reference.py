"""The pages of the contracts' documents in a browser: legible, under our policy, without a script of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api.contracts import CONTRACTS
from tests.browser.test_pages import violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_and_the_policy_find_nothing_on_the_pages_of_the_contracts(
    browser: Browser, live_server: Any, width: int
) -> None:
    viewport: Any = {"width": width, "height": 900}
    context = browser.new_context(base_url=live_server.url, viewport=viewport)
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    found = []
    for address in ["/api/schema", *(f"/api/schema/{contract.name}" for contract in CONTRACTS)]:
        page.goto(address)
        page.evaluate("document.querySelectorAll('details.call').forEach(call => { call.open = true })")
        found += violations(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{address} scrolls sideways"
    context.close()
    assert found + refused == []
