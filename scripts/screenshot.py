"""Makes docs/domain-page.png: the page of a domain with some mistakes in its DNS, from a running `make run`.

make run &          # in another terminal
.venv/bin/python scripts/screenshot.py
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def call(method: str, url: str, body: object | None = None, key: str = "") -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read())


def domain_with_mistakes(run: dict[str, Any]) -> None:
    """A domain whose mail still goes to Google, with the ownership value in lower case."""
    key = run["organizations"][0]["api_key"]
    name = f"brightwater-{int(time.time())}.example"
    domain = call("POST", f"{run['web']}/api/email/domains", {"domain": name}, key)
    records = domain["dnsRecords"]
    for record in records:
        if record["purpose"] == "inbound":
            record["value"], record["priority"] = "aspmx.l.google.com", 1
        if record["purpose"] == "ownership":
            record["value"] = record["value"].lower()
    good = [record for record in records if record["purpose"] != "dkim"]
    call("POST", f"{run['aws']}/_sandbox/publish", {"records": good})


def main() -> int:
    var = Path(os.environ.get("POSTERN_VAR", ROOT / "var"))
    run = json.loads((var / "sandbox.json").read_text())
    domain_with_mistakes(run)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{run['web']}/app/")
        page.fill("input[type=email]", run["customer"]["email"])
        page.fill("input[type=password]", run["customer"]["password"])
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="brightwater-").first.click()
        page.get_by_role("button", name="Check now").first.click()
        page.get_by_text("Needs fixing").first.wait_for()
        page.screenshot(path=str(ROOT / "docs" / "domain-page.png"))
        page.set_viewport_size({"width": 390, "height": 1400})
        page.screenshot(path=str(var / "domain-page-phone.png"))
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
