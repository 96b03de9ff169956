"""The main job by clicking: sign in, add a domain, set its records, have it verified, read its first mail."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import User
from domains.models import Domain
from inbound.models import InboundMessage
from tests.browser.conftest import sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WITHIN_SECONDS = 30


def click_until_verified(page: Page) -> None:
    """Press the button as an impatient person would; a check of the last five seconds is reused."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while page.locator("#domain-chip").inner_text() != "Verified":
        assert time.monotonic() < deadline, page.locator("#domain-live").inner_text()
        page.locator("#check-now").click()
        page.wait_for_load_state("load")


def wait_for_mail(take_in_mail: Callable[[], int]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not InboundMessage.objects.exists():
        assert time.monotonic() < deadline
        take_in_mail()


def test_from_signing_in_to_reading_the_first_mail(
    page: Page,
    owner: User,
    installation: Any,
    publish: Callable[[Domain], None],
    send_mail: Callable[..., None],
    take_in_mail: Callable[[], int],
) -> None:
    sign_in(page, owner)
    page.get_by_label("Domain name").fill("https://shop.example/contact")
    page.get_by_role("button", name="Add domain").click()

    page.wait_for_url("**/app/domains/dom_*")
    assert page.get_by_role("heading", level=1).inner_text() == "shop.example"
    assert "we took shop.example" in page.locator(".flashes").inner_text()
    assert page.locator("#domain-chip").inner_text() == "Not checked"

    page.get_by_role("button", name="Copy the MX value").click()
    assert page.evaluate("navigator.clipboard.readText()") == "inbound-smtp.us-east-1.amazonaws.com"

    publish(Domain.objects.get())
    click_until_verified(page)
    page.get_by_label("Address").fill("support")
    page.get_by_role("button", name="Create inbox").click()
    page.get_by_role("link", name="support@shop.example").wait_for()

    send_mail("support@shop.example", subject="Where is my parcel?", text="It has not arrived.")
    wait_for_mail(take_in_mail)
    page.get_by_role("link", name="Messages").first.click()
    page.get_by_role("link", name="Where is my parcel?").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Where is my parcel?"
    assert "It has not arrived." in page.locator("pre").inner_text()
    raw = page.context.request.get(page.get_by_role("link", name="Raw").get_attribute("href") or "")
    assert raw.headers["content-disposition"].startswith("attachment")
    assert b"Where is my parcel?" in raw.body()
