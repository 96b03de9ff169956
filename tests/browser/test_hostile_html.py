"""Reading a mail is safe: hundreds of hostile ones run nothing, load nothing, lead nowhere and change no page around.

Where the payloads lead, Chromium finds a listener of ours, which must hear nothing, and its own log of requests must
name nothing but our origin. A control shows the payloads are live where nothing stands in their way.
"""

from __future__ import annotations

import re
import shutil
import socket
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from aws.mail_store import ensure_bucket, put_file
from domains.models import Domain
from domains.registration import register_domain
from domains.verification import check_domain
from inbound import display
from inbound.mime import parse_bytes
from inbound.models import Attachment, InboundMessage
from tests.browser.conftest import ARGUMENTS, sign_in
from tests.browser.xss_payloads import EVIL, HostileMail, hostile_mails, raw
from tests.dashboard.rows import NOW, make_domain
from tests.sandbox_process import SandboxProcess

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MAILS = hostile_mails()
BATCH = 24
SLOWEST_MS = 4000
ONE_PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
REFUSED = re.compile("Content Security Policy|Blocked script execution|Blocked form submission")


@dataclass
class Canary:
    """Who tried to reach anything but us: connections that came, requests that Chromium names, and scripts that ran."""

    port: int
    own: str = ""
    connections: list[bytes] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("request", self._asked)
        page.on("console", lambda message: self.ran.append(message.text) if "pwned" in message.text else None)
        page.on("dialog", lambda dialog: (self.ran.append(dialog.message), dialog.dismiss()))
        page.on("popup", lambda popup: self.ran.append(f"a window: {popup.url}"))
        page.on("download", lambda download: self.ran.append(f"a download: {download.url}"))

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((f"{self.own}/", "data:", "about:", "blob:")):
            self.requests.append(request.url)

    def take(self) -> list[str]:
        """All that was noticed since the last time."""
        noticed = [*map(repr, self.connections), *self.requests, *self.ran]
        for each in (self.connections, self.requests, self.ran):
            each.clear()
        return noticed


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    listener = socket.create_server(("127.0.0.1", 0))
    noted = Canary(listener.getsockname()[1])

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(2)
            noted.connections.append(connection.recv(2000))
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    threading.Thread(target=listen, daemon=True).start()
    yield noted
    listener.close()


@pytest.fixture(scope="module")
def chromium(browser: Browser, canary: Canary) -> Iterator[Browser]:
    """A second Chromium, for which the canary is the one place where every payload leads."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    rules = f"--host-resolver-rules=MAP evil.test 127.0.0.1:{canary.port}"
    launched = browser.browser_type.launch(executable_path=path, args=[*ARGUMENTS, rules])
    yield launched
    launched.close()


@pytest.fixture
def reader(chromium: Browser, canary: Canary, live_server: Any, owner: User) -> Iterator[BrowserContext]:
    """Somebody signed in, watched."""
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    sign_in(page := context.new_page(), owner)
    page.close()
    canary.own = live_server.url
    canary.take()
    yield context
    context.close()


def stored(mail: HostileMail, domain: Domain) -> InboundMessage:
    """Taken apart as the worker does it; a mail without HTML is shown all the same, as a text."""
    parsed = parse_bytes(raw(mail))
    return InboundMessage(
        organization=domain.organization,
        domain=domain,
        ses_message_id=mail.name,
        received_at=NOW,
        subject=parsed.subject,
        from_name=parsed.from_.name if parsed.from_ else "",
        from_email=parsed.from_.email if parsed.from_ else "",
        text=parsed.text,
        html=parsed.html,
        headers=[{"name": name, "value": value} for name, value in parsed.headers],
    )


@pytest.fixture
def messages(acme: Organization) -> list[InboundMessage]:
    domain = make_domain(acme, status="active")
    return InboundMessage.objects.bulk_create(stored(mail, domain) for mail in MAILS)


def surroundings(page: Page, message: InboundMessage) -> str:
    """The page around the frame, without what differs from mail to mail, or by the clock."""
    return str(
        page.evaluate(
            """() => {
                const copy = document.documentElement.cloneNode(true)
                copy.querySelectorAll("iframe").forEach(frame => frame.remove())
                const mails = "title, h1, .envelope dd, details bdi, .images-note, time, [name=csrfmiddlewaretoken]"
                copy.querySelectorAll(mails)
                    .forEach(each => { each.textContent = ""; each.removeAttribute("value") })
                return copy.outerHTML
            }"""
        )
    ).replace(message.public_id, "ID")


def frame_of(message: InboundMessage) -> str:
    return reverse("dashboard:message_frame", args=[message.public_id])


def show_all(page: Page, addresses: list[str]) -> None:
    """Frames like the one that the page has, one an address; returns when all have loaded what they load, or hang."""
    page.evaluate(
        """([addresses, most]) => Promise.all(addresses.map(address => new Promise(resolve => {
            const first = document.querySelector("iframe"), frame = first.cloneNode()
            frame.addEventListener("load", resolve, {once: true})
            setTimeout(resolve, most)
            frame.src = address
            first.parentElement.append(frame)
        })))""",
        [addresses, SLOWEST_MS],
    )


def batches() -> Iterator[range]:
    return (range(start, min(start + BATCH, len(MAILS))) for start in range(0, len(MAILS), BATCH))


def test_the_table_is_large_and_live_where_nothing_stands_in_its_way(chromium: Browser, canary: Canary) -> None:
    """The control: most of the payloads that Chromium still knows run or load in a frame without our walls."""
    live, page = set[str](), chromium.new_page()
    page.on("console", lambda message: live.add(message.location["url"]) if "pwned" in message.text else None)
    page.on("request", lambda request: live.add(request.frame.url) if "evil.test" in request.url else None)

    def answer(route: Route) -> None:
        number = route.request.url.rpartition("/")[2]
        body = MAILS[int(number)].body if number.isdigit() else b"<iframe></iframe>"
        route.fulfill(body=body, content_type="text/html; charset=utf-8")

    page.route("http://unprotected.example/*", answer)
    for batch in batches():
        page.goto("http://unprotected.example/")
        show_all(page, [f"/{number}" for number in batch])
    page.close()
    canary.take()
    assert len(MAILS) >= 200
    assert sum(url.startswith("http://unprotected.example/") for url in live) >= 120


def test_hostile_mails_run_nothing_load_nothing_and_change_nothing_around(
    reader: BrowserContext, canary: Canary, messages: list[InboundMessage]
) -> None:
    page = reader.new_page()
    canary.watch(page)
    found: dict[str, list[str]] = {}
    expected = ""
    for batch in batches():
        first, *others = (messages[number] for number in batch)
        url = reverse("dashboard:message", args=[first.public_id])
        page.goto(url + "?view=html", wait_until="load")
        around = surroundings(page, first)
        expected = expected or around
        noticed = [] if around == expected else ["the page around it has changed"]
        if first.html:
            show_all(page, [frame_of(each) for each in others])
            if surroundings(page, first) != around:
                noticed.append("the page around them has changed")
            shown = [frame.url for frame in page.frames[1:]]
            if sorted(shown) != sorted(canary.own + frame_of(messages[number]) for number in batch):
                noticed.append(f"frames were led away, or have frames: {shown}")
        noticed += canary.take()
        if url not in page.url or not page.title().startswith(first.ses_message_id):
            noticed.append(f"{page.url} {page.title()}")
        if noticed:
            found[f"{first.ses_message_id} and {len(others)} more"] = noticed
    assert sum(bool(message.html) for message in messages) >= 300
    assert found == {}


def test_the_frames_document_is_harmless_on_its_own(
    reader: BrowserContext, canary: Canary, messages: list[InboundMessage]
) -> None:
    """Opened in a tab, where no iframe's sandbox holds it."""
    page = reader.new_page()
    canary.watch(page)
    found: dict[str, list[str]] = {}
    for message in messages[::7]:
        page.goto(frame_of(message), wait_until="load")
        noticed = canary.take()
        if not page.url.endswith(frame_of(message)) or page.title() != "Message":
            noticed.append(f"{page.url} {page.title()}")
        if noticed:
            found[message.ses_message_id] = noticed
    assert found == {}


def test_the_policy_and_the_sandbox_hold_where_the_sanitiser_is_not_there(
    reader: BrowserContext, canary: Canary, messages: list[InboundMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second wall by itself: frames of the mails as they came. They run nothing and reach nobody."""
    monkeypatch.setattr(display, "sanitise_html", lambda html: html)
    page = reader.new_page()
    canary.watch(page)
    found: dict[str, list[str]] = {}
    for batch in batches():
        first, *others = (messages[number] for number in batch)
        page.goto(reverse("dashboard:message", args=[first.public_id]) + "?view=html", wait_until="load")
        if first.html:
            show_all(page, [frame_of(each) for each in others])
        # A request that the policy refuses is in the log all the same; and its complaint repeats the script.
        canary.requests.clear()
        canary.ran[:] = [each for each in canary.ran if not REFUSED.search(each)]
        if noticed := canary.take():
            found[f"{first.ses_message_id} and {len(others)} more"] = noticed
        assert page.title().startswith(first.ses_message_id)
    assert found == {}


def test_images_load_after_the_deliberate_click_and_nothing_else_does(
    reader: BrowserContext, canary: Canary, acme: Organization
) -> None:
    html = (
        f"<img src={EVIL}/one.png><img src={EVIL}/two.png onerror=console.log(/pwned/)>"
        f"<style>@import '{EVIL}/a.css'</style>"
        f"<div style='background:url({EVIL}/b.png)'>x</div><iframe src={EVIL}/c></iframe><script src={EVIL}/d></script>"
        f"<link rel=preload as=image href={EVIL}/e><video poster={EVIL}/f></video><img srcset='{EVIL}/g 1x'>"
    )
    mail = HostileMail("images", html.encode())
    message = stored(mail, make_domain(acme, status="active"))
    message.save()
    page = reader.new_page()
    canary.watch(page)
    page.goto(reverse("dashboard:message", args=[message.public_id]))
    page.frame_locator("iframe").get_by_text("x").wait_for()
    assert canary.take() == []
    page.get_by_role("link", name="Show images").click()
    page.get_by_role("link", name="Hide images").wait_for()
    page.wait_for_load_state("networkidle")
    assert sorted(set(canary.requests)) == [f"{EVIL}/one.png", f"{EVIL}/two.png"]
    assert canary.ran == []
    # Who is asked for an image learns neither which message was read, nor where.
    assert len(canary.connections) == 2
    assert not any(b"referer" in each.lower() or b"cookie" in each.lower() for each in canary.connections)
    canary.take()
    page.get_by_role("link", name="Hide images").click()
    page.get_by_role("link", name="Show images").wait_for()
    assert canary.take() == []


def test_images_of_the_mail_itself_are_shown_after_a_click_and_nothing_is_requested(
    reader: BrowserContext, canary: Canary, acme: Organization, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    """A picture is seen, an SVG that says it is one is not, and the remote ones wait for a click of their own."""
    html = f"<p>Hi</p><img id=own src=cid:logo@x><img id=svg src=cid:svg><img src={EVIL}/one.png>"
    message = stored(HostileMail("inline", html.encode()), make_domain(acme, status="active"))
    message.region, message.bucket = "us-east-1", "postern-tests"
    message.save()
    ensure_bucket(region=message.region, bucket=message.bucket, prefix="incoming/")
    svg = f"<svg xmlns='http://www.w3.org/2000/svg'><image href='{EVIL}/a.png'/><script>pwned()</script></svg>"
    for position, (content_id, content) in enumerate({"logo@x": ONE_PIXEL, "svg": svg.encode()}.items()):
        (tmp_path / "part").write_bytes(content)
        key = f"mail/inline/{position}"
        put_file(region=message.region, bucket=message.bucket, key=key, path=tmp_path / "part")
        Attachment.objects.create(
            message=message,
            position=position,
            content_type="image/png",
            content_id=content_id,
            size=len(content),
            key=key,
        )
    page = reader.new_page()
    canary.watch(page)
    page.goto(reverse("dashboard:message", args=[message.public_id]))
    frame = page.frame_locator("iframe")
    frame.get_by_text("Hi").wait_for()
    # Only pages and frames of ours: the picture stands in the document.
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.resource_type == "image" else None)
    page.get_by_role("link", name="Show images").click()
    page.get_by_role("link", name="Hide images").wait_for()
    frame.get_by_text("Hi").wait_for()
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if not url.startswith("data:")] == []
    assert canary.take() == []
    widths = "frames => frames.map(each => each.naturalWidth)"
    assert page.frames[1].eval_on_selector_all("img", widths) == [1, 0, 0]
    page.get_by_role("link", name="Load those of the sender too").click()
    page.get_by_text("loaded from the sender's servers").wait_for()
    page.wait_for_load_state("networkidle")
    assert sorted(set(canary.requests)) == [f"{EVIL}/one.png"]


def test_a_link_opens_outside_and_says_nothing_of_where_it_stood(
    reader: BrowserContext, canary: Canary, acme: Organization
) -> None:
    mail = HostileMail(
        "link", f"<base target=_top><a href={EVIL}/away target=_parent ping={EVIL}/ping>away</a>".encode()
    )
    message = stored(mail, make_domain(acme, status="active"))
    message.save()
    page = reader.new_page()
    page.goto(reverse("dashboard:message", args=[message.public_id]))
    with page.expect_popup() as opened:
        page.frame_locator("iframe").get_by_text("away").click()
    opened.value.wait_for_load_state()
    assert page.url.endswith(message.public_id)
    assert opened.value.evaluate("window.opener") is None
    assert [each.split(b" ")[1] for each in canary.connections if b"favicon" not in each] == [b"/away"]
    assert not any(b"referer" in each.lower() for each in canary.connections)


def test_a_hostile_mail_that_came_all_the_way_is_shown_harmless(
    reader: BrowserContext,
    canary: Canary,
    installation: Any,
    acme: Organization,
    publish: Callable[[Domain], None],
    take_in_mail: Callable[[], int],
) -> None:
    """Through SMTP, SES, S3, SNS, SQS and the parser's child, to the page."""
    publish(register_domain(organization=acme, name="shop.example", actor="test", now=timezone.now()))
    assert check_domain(domain=Domain.objects.get(), actor="test", now=timezone.now()).status == "active"
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "sam@elsewhere.example", "help@shop.example", "<script>x</script>"
    mail.set_content("plain")
    mail.add_alternative(
        "<p>Harmless</p>" + "".join(m.body.decode(errors="replace") for m in MAILS[:63]), subtype="html"
    )
    given = {"from": "sam@elsewhere.example", "to": ["help@shop.example"], "raw": mail.as_string()}
    installation.control("POST", "/_sandbox/mail", given)
    take_in_mail()
    page = reader.new_page()
    canary.watch(page)
    page.goto(reverse("dashboard:message", args=[InboundMessage.objects.get().public_id]))
    page.frame_locator("iframe").get_by_text("Harmless").wait_for()
    assert page.get_by_role("heading", level=1).inner_text() == "<script>x</script>"
    assert canary.take() == []
