"""What a setting may be, one by one (pure); what settings say together is for `checks.py`."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

REGION = re.compile(r"[a-z]{2}(-[a-z]+){1,3}-\d{1,2}")
BUCKET = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|(?<!\.)\.){1,61}[a-z0-9]")
# SQS allows a queue's name 80 characters, and ours is the topic's with "-queue" behind it.
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,74}")
TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
INSTALLATION_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")
RATE = re.compile(r"[1-9]\d*/(s|sec|min|hour|day)")
HOST = re.compile(r"\*|\.?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
PATH = re.compile(r"[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*/?")
MAILBOX = re.compile(r"(.*<)?[^@<>\s]+@[^@<>\s]+>?")
OWN_COPIES = "mail/"


@dataclass(frozen=True)
class Shape:
    """A setting, the id of its check, whether a value will do (each item of a list), and what would."""

    setting: str
    id: str
    accepts: Callable[[Any], bool]
    hint: str


def _whole(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: pattern.fullmatch(value) is not None


def _within(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: least <= value <= most


def _or_nothing(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value == "" or accepts(value)


def is_resolver(text: str) -> bool:
    """An address, or address:port with IPv6 in brackets."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, "53"
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return port.isascii() and port.isdigit() and 0 < int(port) < 65536


def is_fernet_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text.encode("ascii"))) == 32
    except (binascii.Error, ValueError):
        return False


def is_incoming_prefix(text: str) -> bool:
    """A folder of its own: our copies of the mail must not lie in it, or the sweeper would take them for new mail."""
    return (
        len(text) > 1
        and text.endswith("/")
        and not text.startswith("/")
        and not text.startswith(OWN_COPIES)
        and text.isascii()
        and text.isprintable()
    )


def is_api_address(text: str) -> bool:
    """A token goes there: encrypted, unless it does not leave the machine."""
    url = urlsplit(text)
    if url.query or url.fragment or url.username is not None or not url.hostname:
        return False
    return url.scheme == "https" or (url.scheme == "http" and url.hostname in ("127.0.0.1", "::1", "localhost"))


SHAPES = (
    Shape("ALLOWED_HOSTS", "postern.E015", _whole(HOST), "Host names without scheme and port, such as example.com."),
    Shape("SES_REGIONS", "postern.E007", _whole(REGION), "Regions of AWS, such as us-east-1."),
    Shape("SES_CALLS_PER_SECOND", "postern.E008", _within(0.001, 100_000), "Above 0; AWS allows 1."),
    Shape("RECEIPT_RULE_RECIPIENTS", "postern.E009", _within(1, 500), "1 to 500; AWS allows 100, or 500."),
    Shape("INSTALLATION_ID", "postern.E010", _whole(INSTALLATION_ID), "Up to 30 of a-z, 0-9 and hyphen."),
    Shape("API_RATE_LIMIT", "postern.E011", _whole(RATE), "A number a second, min, hour or day, such as 600/min."),
    Shape("DNS_RESOLVERS", "postern.E012", is_resolver, "Addresses, with :port where it is not 53; [v6]:port."),
    Shape("INBOUND_BUCKET", "postern.E016", _or_nothing(_whole(BUCKET)), "3 to 63 of a-z, 0-9, hyphen and dot."),
    Shape("INBOUND_PREFIX", "postern.E017", is_incoming_prefix, "A folder such as incoming/, and not mail/."),
    Shape("SNS_TOPIC_NAME", "postern.E018", _whole(TOPIC), "Up to 74 letters, digits, hyphens and underscores."),
    Shape("SNS_ALLOWED_TOPICS", "postern.E019", _whole(TOPIC_ARN), "Such as arn:aws:sns:us-east-1:123456789012:mail."),
    Shape("ENCRYPTION_KEYS", "postern.E020", is_fernet_key, "Fernet keys: 32 random bytes in URL-safe base64."),
    Shape("DNS_AUTHORITATIVE_PORT", "postern.E021", _within(1, 65535), "A port, 1 to 65535."),
    Shape("MAIL_RETENTION_DAYS", "postern.E021", _within(1, 36500), "1 day or more."),
    Shape("SWEEP_AFTER_SECONDS", "postern.E021", _within(0, 86400 * 30), "0 seconds to 30 days."),
    Shape("MAX_PENDING_DOMAINS", "postern.E021", _within(1, 10**9), "1 or more."),
    Shape("MAX_DOMAINS", "postern.E021", _within(1, 10**9), "1 or more."),
    Shape("MAX_RESTARTS_PER_DAY", "postern.E021", _within(0, 10**9), "0 or more."),
    Shape("MAX_TEST_MAILS_PER_DAY", "postern.E021", _within(0, 10**9), "0 or more."),
    Shape("TRUSTED_PROXIES", "postern.E021", _within(0, 20), "How many proxies stand in front, 0 to 20."),
    Shape("ALLOWED_SPECIAL_TLDS", "postern.E022", _whole(LABEL), "Single labels without a dot, such as test."),
    Shape("DEFAULT_LOCAL_PART", "postern.E023", _whole(LOCAL_PART), "What stands in front of the @, such as support."),
    Shape("DEFAULT_FROM_EMAIL", "postern.E024", _whole(MAILBOX), "An e-mail address, with or without a name."),
    Shape("ADMIN_PATH", "postern.E025", _whole(PATH), "A path of its own, such as admin/."),
    *(
        Shape(name, "postern.E026", _or_nothing(_whole(PATH)), "A path such as c1, or nothing.")
        for name in (
            "CUSTOM_EMAIL_PREFIX",
            "EMAIL_DOMAINS_PREFIX",
            "SES_SETUPS_PREFIX",
            "DOMAINS_BY_NAME_PREFIX",
            "DOMAINS_SERVICE_PREFIX",
        )
    ),
    Shape("CLOUDFLARE_API_URL", "postern.E030", is_api_address, "An https address; plain http only on loopback."),
    Shape("C4_JSON_CASE", "postern.E027", lambda value: value in ("snake", "camel"), "snake or camel."),
)
# What is shown of these would be shown in a log.
SECRET = frozenset({"ENCRYPTION_KEYS"})
