"""Publish for me, as a person does it: connect the host, look, tick, apply, undo; accessible on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from domains.registration import register_domain
from tests.browser.conftest import sign_in
from tests.browser.test_pages import violations
from tests.domains.test_dns_host_providers import MERGED, OTHER_MX, OTHER_SPF, SES_MX, CloudflareConsole
from tests.sandbox_process import SandboxProcess

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
D = "acme.example"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_records_are_published_and_taken_back_by_hand(
    browser: Browser,
    live_server: Any,
    owner: User,
    acme: Organization,
    installation: SandboxProcess,
    width: int,
    scheme: Any,
) -> None:
    domain = register_domain(organization=acme, name=D, actor="test", now=timezone.now())
    console = CloudflareConsole(installation)
    zone_id = console.make(D)
    console.put(zone_id, D, "MX", OTHER_MX)
    console.put(zone_id, D, "TXT", OTHER_SPF)
    before = console.records(zone_id)
    viewport: Any = {"width": width, "height": 900}
    context = browser.new_context(base_url=live_server.url, color_scheme=scheme, viewport=viewport)
    context.set_default_timeout(40_000)
    page = context.new_page()
    sign_in(page, owner)

    page.goto(reverse("dashboard:dns_hosts"))
    page.get_by_role("button", name="Show the ExternalId and the policies").click()
    page.get_by_text("Your ExternalId").wait_for()
    found = violations(page)
    page.get_by_label("API token").fill(console.token)
    page.get_by_role("button", name="Connect").first.click()
    page.get_by_text("Cloudflare lets us in.").wait_for()
    found += violations(page)

    page.goto(reverse("dashboard:domain", args=[domain.public_id]))
    page.get_by_role("link", name="Show the changes").click()
    page.get_by_text(MERGED).wait_for()
    found += violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_label("Replace it with ours").check()
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("7 records are written.").wait_for()
    assert console.records(zone_id)[(D, "MX")] == [SES_MX]

    page.get_by_role("link", name="Undo").click()
    page.get_by_role("button", name="Undo").wait_for()
    found += violations(page)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("7 records are as they were before.").wait_for()
    assert console.records(zone_id) == before
    context.close()
    assert found == []
