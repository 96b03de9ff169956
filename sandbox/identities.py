"""SES identities: random tokens that stay the same for a name, and a verification that is earned in DNS."""

from __future__ import annotations

import base64
import re
import secrets
import time
from typing import Any

from sandbox.internet import Internet, NoServerAnswers
from sandbox.state import State
from sandbox.wire import AwsProblem
from sandbox.zones import plain, txt_value

HOURS_72 = 72 * 3600.0
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
DKIM_ZONE = "dkim.amazonses.com"
V1_WORDS = {
    "PENDING": "Pending",
    "SUCCESS": "Success",
    "FAILED": "Failed",
    "TEMPORARY_FAILURE": "TemporaryFailure",
    "NOT_STARTED": "NotStarted",
}
MOST_IDENTITIES = 10_000
NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])")


def is_name(name: str) -> bool:
    """Whether SES takes this for a domain: ASCII labels, two at least."""
    return NAME.fullmatch(name.lower().rstrip(".")) is not None


def kind_of(name: str) -> str:
    """SES's IdentityType."""
    return "EMAIL_ADDRESS" if "@" in name else "DOMAIN"


class Identities:
    """Reads and writes `state.tree["identities"]`; a look at DNS moves the statuses."""

    def __init__(self, state: State, internet: Internet) -> None:
        self._state, self._internet = state, internet
        self._looked_at, self._looked_at_version = float("-inf"), -1

    def key(self, region: str, name: str) -> str:
        return f"{region} {name.lower().rstrip('.')}"

    def find(self, region: str, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._state.tree["identities"].get(self.key(region, name))
        return found

    def get(self, region: str, name: str) -> dict[str, Any]:
        found = self.find(region, name)
        if found is None:
            raise AwsProblem("NotFoundException", f"Email identity {name} does not exist.", 404)
        return found

    def covering(self, region: str, address: str) -> dict[str, Any] | None:
        """The verified identity that lets the address be used: itself, its domain, or a domain above that."""
        labels = address.rpartition("@")[2].lower().split(".")
        names = [address, *(".".join(labels[index:]) for index in range(len(labels)))]
        found = (self.find(region, name) for name in names)
        return next((each for each in found if each and each["status"] in ("SUCCESS", "TEMPORARY_FAILURE")), None)

    def of_region(self, region: str) -> list[dict[str, Any]]:
        return [each for key, each in self._state.tree["identities"].items() if key.startswith(region + " ")]

    def tokens(self, region: str, name: str) -> dict[str, Any]:
        """The same account gets the same tokens for a name again, also after the identity was deleted."""
        made: dict[str, Any] = self._state.tree["tokens"].setdefault(
            self.key(region, name),
            {
                "ownership": base64.b64encode(secrets.token_bytes(32)).decode(),
                "dkim": ["".join(secrets.choice(ALPHABET) for _ in range(32)) for _ in range(3)],
            },
        )
        return made

    def create(self, region: str, name: str, tags: list[dict[str, str]], *, by_v1: bool = False) -> dict[str, Any]:
        if len(self.of_region(region)) >= MOST_IDENTITIES:
            raise AwsProblem("LimitExceededException", "You have reached the limit of identities.")
        now = self._state.now()
        identity = {
            "name": name.lower().rstrip("."),
            "tags": tags,
            "status": "PENDING",
            "started_at": now,
            "ownership_started": by_v1,
            "dkim_status": "NOT_STARTED" if by_v1 else "PENDING",
            "dkim_started_at": now,
            "lost_at": None,
            "dkim_lost_at": None,
            "last_checked": None,
            "last_success": None,
            "error_type": "",
            "dkim_enabled": not by_v1,
            "selector": "",
            "mail_from": "",
            "mail_from_behaviour": "USE_DEFAULT_VALUE",
            "mail_from_status": "",
            "mail_from_started_at": now,
        }
        self._state.tree["identities"][self.key(region, name)] = identity
        self._state.changed()
        return identity

    def delete(self, region: str, name: str) -> bool:
        gone = self._state.tree["identities"].pop(self.key(region, name), None)
        self._state.changed()
        return gone is not None

    def look(self, *, older_than: float = 0.0) -> None:
        """Look at DNS for every identity, unless it has not changed since a look less than `older_than` seconds ago."""
        with self._state.lock:
            # Not the sandbox's clock, which jumps: forward when it is advanced, back when it is reset.
            moment, version = time.monotonic(), self._state.zones_version
            if moment - self._looked_at < older_than and version == self._looked_at_version:
                return
            self._looked_at, self._looked_at_version, now = moment, version, self._state.now()
            for key, identity in self._state.tree["identities"].items():
                self._look_at(key.split(" ", 1)[0], identity, now)

    def _look_at(self, region: str, identity: dict[str, Any], now: float) -> None:
        before = dict(identity)
        has_dkim, has_token, error = self._seen_in_dns(region, identity)
        identity["last_checked"] = now
        if error == "DNS_SERVER_ERROR":
            # Silence is no proof that the records are gone: what was earned stays.
            has_dkim, has_token = identity["dkim_status"] == "SUCCESS", identity["status"] == "SUCCESS"
        identity["dkim_status"], identity["dkim_started_at"], identity["dkim_lost_at"] = _moved(
            identity["dkim_status"], has_dkim, identity["dkim_started_at"], identity["dkim_lost_at"], now
        )
        identity["status"], identity["started_at"], identity["lost_at"] = _moved(
            identity["status"], has_dkim or has_token, identity["started_at"], identity["lost_at"], now
        )
        if identity["status"] == "SUCCESS" and error != "DNS_SERVER_ERROR":
            identity["last_success"], identity["error_type"] = now, ""
        else:
            identity["error_type"] = error
        self._look_at_mail_from(region, identity, now)
        changed = {field for field in identity if identity[field] != before[field]} - {"last_checked", "last_success"}
        if changed:
            self._state.changed()

    def _seen_in_dns(self, region: str, identity: dict[str, Any]) -> tuple[bool, bool, str]:
        """Whether all DKIM CNAMEs are there, whether the token is, and SES's word for what is wrong (ErrorType)."""
        name, tokens = identity["name"], self.tokens(region, identity["name"])
        if "@" in name:
            # An address is verified by a link in a mail, which nobody here clicks.
            return False, False, ""
        try:
            is_signed, has_any = self._dkim_in_dns(identity, tokens["dkim"])
            texts = self._internet.values(f"_amazonses.{name}", "TXT")
        except NoServerAnswers:
            return False, False, "DNS_SERVER_ERROR"
        has_dkim = is_signed and identity["dkim_status"] != "NOT_STARTED"
        has_token = bool(identity["ownership_started"]) and txt_value(tokens["ownership"]) in texts
        if texts or has_any:
            return has_dkim, has_token, "INVALID_VALUE"
        return has_dkim, has_token, "TYPE_NOT_FOUND" if self._internet.exists(name) else "HOST_NOT_FOUND"

    def _dkim_in_dns(self, identity: dict[str, Any], tokens: list[str]) -> tuple[bool, bool]:
        """Whether DKIM is published as wanted, and whether anything is there; raises NoServerAnswers."""
        name, selector = identity["name"], identity.get("selector")
        if selector:
            # A key of the customer's own: its public half stands in a TXT at the selector.
            keys = self._internet.values(f"{selector}._domainkey.{name}", "TXT")
            return any("p=" in each for each in keys), bool(keys)
        found = [self._internet.values(f"{token}._domainkey.{name}", "CNAME") for token in tokens]
        wanted = [[f"{token}.{DKIM_ZONE}"] for token in tokens]
        return [[plain(value) for value in each] for each in found] == wanted, any(found)

    def _look_at_mail_from(self, region: str, identity: dict[str, Any], now: float) -> None:
        """Exactly one MX, to SES's feedback host; FAILED after 72 h, until it is set again."""
        if not identity["mail_from"] or identity["mail_from_status"] == "FAILED":
            return
        try:
            found = [value.lower() for value in self._internet.values(identity["mail_from"], "MX")]
        except NoServerAnswers:
            found = []
        if found == [f"10 feedback-smtp.{region}.amazonses.com."]:
            identity["mail_from_status"] = "SUCCESS"
        elif now - identity["mail_from_started_at"] >= HOURS_72:
            identity["mail_from_status"] = "FAILED"
        else:
            is_lost = identity["mail_from_status"] in ("SUCCESS", "TEMPORARY_FAILURE")
            identity["mail_from_status"] = "TEMPORARY_FAILURE" if is_lost else "PENDING"


def _moved(
    status: str, is_there: bool, started_at: float, lost_at: float | None, now: float
) -> tuple[str, float, float | None]:
    """The next status: 72 h to become Success, 72 h of TemporaryFailure before what was Success is Failed."""
    if status in ("NOT_STARTED", "FAILED"):
        return status, started_at, lost_at
    if is_there:
        return "SUCCESS", started_at, None
    if status in ("SUCCESS", "TEMPORARY_FAILURE"):
        lost_at = now if lost_at is None else lost_at
        return ("FAILED" if now - lost_at >= HOURS_72 else "TEMPORARY_FAILURE"), started_at, lost_at
    return ("FAILED" if now - started_at >= HOURS_72 else "PENDING"), started_at, None
