"""What only a browser can tell: accessibility, live refresh, copying, and pages without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from channels.models import EmailAccount
from domains.challenges import open_challenge
from domains.hand_over import create_link
from domains.models import Challenge, DnsRecord, Domain
from inbound.models import Attachment, InboundMessage, SentMessage
from tests.browser.conftest import sign_in
from tests.dashboard.rows import make_attachment, make_domain, make_inbox, make_message
from webhooks.endpoints import create_endpoint
from webhooks.events import emit
from webhooks.models import WebhookEndpoint

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def domain(acme: Organization, globex: Organization) -> Domain:
    """A domain in progress with one wrong record, a verified one with mail, and a challenge of another's."""
    domain = make_domain(acme, claim_started_at=timezone.now())
    domain.records.filter(purpose="inbound").update(
        verdict="wrong", code="target_doubled", message="Your DNS host added the zone.", fix="Add a dot at the end.",
        observed=["inbound-smtp.us-east-1.amazonaws.com.shop.example"], checked_at=timezone.now(),
    )  # fmt: skip
    verified = make_domain(acme, "verified.example", status="active")
    headers = [{"name": "Subject", "value": "Hello"}]
    trace = [{"step": "disposition", "outcome": "delivered", "detail": "Delivered."}]
    message = make_message(
        verified, inbox=make_inbox(verified), html="<p>Hello</p>", dkim_verdict="FAIL", headers=headers, trace=trace
    )
    for status in SentMessage.Status:
        SentMessage.objects.create(
            organization=acme, domain=verified, from_address="test@verified.example",
            to_address="you@elsewhere.example", status=status, error="550 no", actor="test",
        )  # fmt: skip
    make_attachment(message)
    create_endpoint(organization=acme, url="http://127.0.0.1:9/hook", actor="test", now=timezone.now())
    emit(organization=acme, type="inbox.created", key="one", data=lambda: {"id": "one"}, now=timezone.now())
    make_domain(globex, "sold.example", status="active")
    open_challenge(organization=acme, name="sold.example", actor="test", now=timezone.now())
    return domain


def addresses(domain: Domain) -> list[str]:
    verified, message = Domain.objects.get(name="verified.example"), InboundMessage.objects.get()
    message_page = reverse("dashboard:message", args=[message.public_id])
    return [
        reverse("dashboard:domains"),
        reverse("dashboard:add_domain"),
        reverse("dashboard:domain", args=[domain.public_id]),
        reverse("dashboard:domain", args=[verified.public_id]),
        reverse("dashboard:hand_over", args=[create_link(domain=domain, actor="test", now=timezone.now()).token]),
        reverse("dashboard:challenges"),
        reverse("dashboard:new_challenge"),
        reverse("dashboard:challenge", args=[Challenge.objects.get().public_id]),
        reverse("dashboard:messages"),
        message_page,
        f"{message_page}?view=text",
        f"{message_page}?view=headers",
        reverse("dashboard:simulator"),
        f"{reverse('dashboard:simulator')}?address=sales@elsewhere.example",
        reverse("dashboard:test_mails", args=[domain.public_id]),
        reverse("dashboard:test_mails", args=[verified.public_id]),
        reverse("dashboard:webhooks"),
        reverse("dashboard:webhook", args=[WebhookEndpoint.objects.get().public_id]),
        reverse("dashboard:keys"),
        reverse("dashboard:dns_hosts"),
        reverse("dashboard:mail_settings"),
        "/accounts/password/change/",
        "/accounts/2fa/",
    ]


def violations(page: Page) -> list[str]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page).response["violations"]
    return [f"{page.url} {rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_on_any_page(
    browser: Browser, live_server: Any, owner: User, domain: Domain, scheme: Any, width: int
) -> None:
    viewport: Any = {"width": width, "height": 900}
    context = browser.new_context(base_url=live_server.url, color_scheme=scheme, viewport=viewport)
    page = context.new_page()
    page.goto("/accounts/login/")
    found = violations(page)
    sign_in(page, owner)
    for address in addresses(domain):
        page.goto(address)
        found += violations(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{address} scrolls sideways"
    context.close()
    assert found == []


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_where_mail_is_suspect_or_has_images(
    browser: Browser, live_server: Any, owner: User, acme: Organization, width: int
) -> None:
    domain = make_domain(acme, status="active")
    suspect = make_message(domain, virus_verdict="FAIL", spam_verdict="FAIL", is_text_from_html=True)
    file = make_attachment(suspect)
    html = "<img src='cid:a' alt=a><img src='https://elsewhere.example/b.png' alt=b>"
    pictured = make_message(domain, 1, html=html, virus_verdict="GRAY")
    picture = make_message(domain, 2, html=html)
    Attachment.objects.create(message=picture, position=0, content_type="image/png", content_id="a", size=1, key="k")
    context = browser.new_context(base_url=live_server.url, viewport={"width": width, "height": 900})
    page, found = context.new_page(), list[str]()
    sign_in(page, owner)
    for address in (
        reverse("dashboard:messages"),
        *(reverse("dashboard:message", args=[each.public_id]) for each in (suspect, pictured, picture)),
        reverse("dashboard:attachment", args=[suspect.public_id, file.public_id]),
    ):
        page.goto(address)
        found += violations(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{address} scrolls sideways"
    context.close()
    assert found == []


def test_axe_finds_nothing_on_the_empty_pages(page: Page, owner: User) -> None:
    sign_in(page, owner)
    found = violations(page)
    page.goto(reverse("dashboard:messages"))
    assert found + violations(page) == []


def test_the_page_of_a_domain_refreshes_itself(page: Page, owner: User, domain: Domain) -> None:
    sign_in(page, owner)
    page.goto(reverse("dashboard:domain", args=[domain.public_id]))
    page.locator("#copy-name-1").focus()
    DnsRecord.objects.filter(domain=domain, purpose="inbound").update(verdict="ok")
    page.get_by_role("row", name="MX").get_by_text("Verified").wait_for(timeout=9_000)
    assert page.evaluate("document.activeElement.id") == "copy-name-1"
    assert page.locator("#domain-chip").inner_text() == "Not checked"


def test_new_mail_is_announced_without_moving_the_list(page: Page, owner: User, domain: Domain) -> None:
    sign_in(page, owner)
    page.goto(reverse("dashboard:messages"))
    make_message(Domain.objects.get(name="verified.example"), -1, subject="Just in")
    page.get_by_role("link", name="1 new message").wait_for(timeout=15_000)
    assert page.get_by_text("Just in").count() == 0
    page.get_by_role("link", name="1 new message").click()
    page.get_by_text("Just in").wait_for()


def test_without_a_clipboard_the_text_is_selected(page: Page, owner: User, domain: Domain) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    sign_in(page, owner)
    page.goto(reverse("dashboard:domain", args=[domain.public_id]))
    page.get_by_role("button", name="Copy the MX value").click()
    page.get_by_text("Press Ctrl+C").first.wait_for()
    assert page.evaluate("getSelection().toString()") == "inbound-smtp.us-east-1.amazonaws.com"


def test_a_form_that_works_says_so_on_its_button(page: Page, owner: User, domain: Domain) -> None:
    sign_in(page, owner)
    verified = Domain.objects.get(name="verified.example")
    page.goto(reverse("dashboard:test_mails", args=[verified.public_id]))
    page.evaluate("document.addEventListener('submit', (event) => event.preventDefault())")
    page.get_by_role("button", name="Send a test mail").click()
    assert page.locator("button[aria-busy=true]").inner_text() == "Sending…"
    assert page.locator("#said").inner_text() == "Sending…"


def test_forms_work_without_javascript(browser: Browser, live_server: Any, owner: User, domain: Domain) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, owner)
    verified = Domain.objects.get(name="verified.example")
    page.goto(reverse("dashboard:domain", args=[verified.public_id]))
    page.get_by_label("Address").fill("orders")
    page.get_by_role("button", name="Create inbox").click()
    page.get_by_role("link", name="orders@verified.example").wait_for()
    assert EmailAccount.objects.filter(email="orders@verified.example").exists()
    context.close()


def test_a_hostile_mail_runs_nothing_and_asks_nobody(page: Page, owner: User, domain: Domain) -> None:
    html = (
        "<img src='http://127.0.0.1:1/pixel.gif' onerror=alert(1)><script>alert(1)</script>"
        "<a href='javascript:alert(1)'>Click me</a><form action='http://127.0.0.1:1/'><button>Send</button></form>"
        "<style>@import 'http://127.0.0.1:1/x.css'</style><meta http-equiv=refresh content='0;url=http://127.0.0.1:1/'>"
        "<p>Harmless</p>"
    )
    message = make_message(Domain.objects.get(name="verified.example"), 7, html=html)
    asked, dialogs = list[str](), list[str]()
    sign_in(page, owner)
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.goto(reverse("dashboard:message", args=[message.public_id]))
    page.frame_locator("iframe").get_by_text("Harmless").wait_for()
    assert dialogs == []
    assert [url for url in asked if "127.0.0.1:1/" in url] == []
