"""What a fuzzed request may name: real things of one organization, made over the API and by mail."""

from __future__ import annotations

import json
import smtplib
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

PATIENCE_SECONDS = 60
# What the check of a domain answers that is not verified yet.
NOT_YET = 422
DOMAINS = 3
# So many registrations may succeed; the emulated SES has no limit of its own below it.
NEW_NAMES = 60


@dataclass(frozen=True)
class Installation:
    """Where `make run` listens, and the key of the organization that asks."""

    url: str
    aws_url: str
    smtp: tuple[str, int]
    key: str
    workspace_id: str

    def call(self, method: str, path: str, body: object = None) -> Any:
        return self._send(method, self.url + path, body, {"Authorization": f"Bearer {self.key}"})

    def control(self, path: str, body: object) -> Any:
        return self._send("POST", f"{self.aws_url}/_sandbox/{path}", body, {})

    def _send(self, method: str, url: str, body: object, headers: dict[str, str]) -> Any:
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            url, data=sent, method=method, headers={"Content-Type": "application/json", **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            if error.code != NOT_YET:
                raise RuntimeError(f"{method} {url}: {error.code} {error.read().decode()}") from error
            return {}


def build(at: Installation, prefix: str) -> dict[str, list[str]]:
    """Ids by the name of the parameter or field that takes them; the domains are named after `prefix`."""
    names = [f"{prefix}-{number}.example" for number in range(DOMAINS)]
    setups = [_set_up(at, name) for name in names]
    listed = at.call("GET", "/api/email/domains?limit=100")["domains"]
    ids = {each["domain"]: each["id"] for each in listed}
    hooks = [at.call("POST", "/api/email/webhooks", {"url": f"{at.aws_url}/_sandbox/hook"}) for _ in names]
    inboxes = [at.call("POST", "/api/email/inboxes", {"email": f"info@{name}"}) for name in names]
    uses = [
        at.call("POST", f"/v1/{at.workspace_id}/use-cases", _use_case(name, id))
        for name, id in zip(names, setups, strict=True)
    ]
    channels = [
        at.call("POST", "/channels/email/custom/setup-receiving", {"domain": f"channel-{name}"}) for name in names
    ]
    keys = [at.call("POST", "/v1/api_keys", {"name": name}) for name in names]
    messages = [_mail(at, inbox) for inbox in inboxes]
    deliveries = at.call("GET", f"/api/email/webhooks/{hooks[0]['id']}/deliveries")["deliveries"]
    threads = at.call("GET", f"/v1/inboxes/{inboxes[0]['id']}/threads")
    fresh = [f"new-{prefix}-{number}.example" for number in range(NEW_NAMES)]
    return {
        "workspace_id": [at.workspace_id],
        "domain_id": [ids[name] for name in names],
        "name": [*names, *fresh],
        "email": [f"new-{number}@{name}" for number in range(10) for name in names],
        "setup_id": setups,
        "use_case_id": [each["id"] for each in uses],
        "channel_id": [str(each["connectedChannelId"]) for each in channels],
        "account_id": [_account(at, channel) for channel in channels[:2]],
        "webhook_id": [each["id"] for each in hooks],
        "inbox_id": [each["id"] for each in inboxes],
        "message_id": [each["id"] for each in messages],
        "attachment_id": [each["attachments"][0]["id"] for each in messages],
        "delivery_id": [each["id"] for each in deliveries],
        "thread_id": [each["id"] for each in threads],
        "key_id": [each["id"] for each in keys],
        "url": [f"{at.aws_url}/_sandbox/hook"],
    }


def _set_up(at: Installation, name: str) -> str:
    """A tenant and a verified domain; the id of the setup."""
    wanted = {"tenant_name": name.replace(".", "-"), "domain_identity": name}
    setup = at.call("POST", f"/v1/{at.workspace_id}/channels/ses-setup", wanted)
    listed = at.call("GET", "/api/email/domains?limit=100")["domains"]
    id = next(each["id"] for each in listed if each["domain"] == name)
    _verify(at, id)
    return str(setup["id"])


def _verify(at: Installation, id: str) -> None:
    at.control("publish", at.call("GET", f"/api/email/domains/{id}"))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while at.call("POST", f"/api/email/domains/{id}/verify").get("status") != "active":
        at.control("check", {})
        assert time.monotonic() < deadline, f"{id} was not verified"


def _account(at: Installation, channel: dict[str, Any]) -> str:
    """The number of the e-mail account that a channel has once it is verified."""
    listed = at.call("GET", "/api/email/domains?limit=100")["domains"]
    _verify(at, next(each["id"] for each in listed if each["domain"] == channel["domain"]))
    verified = at.call("POST", f"/channels/email/custom/{channel['connectedChannelId']}/verify-receiving")
    return str(verified["emailAccounts"][0]["id"])


def _use_case(name: str, setup_id: str) -> dict[str, str]:
    return {
        "channel": "email", "entity_name": "Fuzz", "name": "Fuzz", "setup_id": setup_id,
        "sender_email_address": f"orders@{name}", "email_type": "transactional",
    }  # fmt: skip


def _mail(at: Installation, inbox: dict[str, Any]) -> Any:
    """The message that a stranger's mail with an attachment became."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "sam@elsewhere.example", inbox["email"], "Hello"
    mail.set_content("Hello there.")
    mail.add_attachment(b"a,b", maintype="text", subtype="csv", filename="a.csv")
    with smtplib.SMTP(*at.smtp, timeout=10) as server:
        server.send_message(mail)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := at.call("GET", f"/api/email/messages?inbox={inbox['id']}")["messages"]):
        assert time.monotonic() < deadline, f"the mail to {inbox['email']} did not come"
        time.sleep(0.2)
    return at.call("GET", f"/api/email/messages/{found[0]['id']}")
