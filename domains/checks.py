"""System checks: settings that are missing or contradict each other, each with an id and a hint."""

from __future__ import annotations

import ipaddress
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.exceptions import ImproperlyConfigured
from kombu.transport import resolve_transport

from aws.regions import RECEIVING_REGIONS
from domains.shapes import SECRET, SHAPES

TAG = "postern"
# Where the product itself answers, and the first labels of the contracts' paths.
OWN_PATHS = frozenset({"app", "accounts", "healthz", "inbound", "readyz", "static"})
CONTRACT_PATHS = frozenset({"api", "channels", "v1", "workspaces"})
PREFIXES = tuple(shape.setting for shape in SHAPES if shape.setting.endswith("_PREFIX") and shape.id == "postern.E026")


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@register(TAG)
def check_secrets(**kwargs: Any) -> Iterable[CheckMessage]:
    try:
        secret_key = settings.SECRET_KEY
    except ImproperlyConfigured:
        yield Error(
            "SECRET_KEY is not set.",
            hint="Set it to 50 random characters or more; to work on what `make run` runs: set -a; . var/environment",
            id="postern.E001",
        )
    else:
        if len(secret_key) < 32:
            yield Error("SECRET_KEY is short.", hint="Use 50 random characters or more.", id="postern.E002")
    if not settings.ENCRYPTION_KEYS:
        yield checks.Warning(
            "ENCRYPTION_KEYS is not set: stored secrets are encrypted with a key derived from SECRET_KEY.",
            hint="Set it to a comma-separated list of Fernet keys; the first encrypts, all decrypt.",
            id="postern.W001",
        )


@register(TAG)
def check_public_url(**kwargs: Any) -> Iterable[CheckMessage]:
    if not settings.PUBLIC_URL:
        yield checks.Warning(
            "PUBLIC_URL is not set: SNS has no address to announce mail at, and links in mails have no host.",
            hint="Set it to the address of this service, such as https://mail.example.com.",
            id="postern.W002",
        )
        return
    url = urlsplit(settings.PUBLIC_URL)
    if url.scheme not in ("http", "https") or not url.hostname or url.path or url.query or url.fragment:
        yield Error(
            "PUBLIC_URL is not an http(s) address without a path.",
            hint="Such as https://mail.example.com; a host of its own, not a folder of one.",
            id="postern.E003",
        )
    elif url.scheme == "http" and not settings.DEBUG and not is_loopback(url.hostname):
        yield checks.Warning(
            "PUBLIC_URL is plain http: sessions and keys travel in the clear.",
            hint="Serve it over https.",
            id="postern.W003",
        )


@register(TAG)
def check_sandbox_trust(**kwargs: Any) -> Iterable[CheckMessage]:
    """Trust in an emulator's certificate may never reach a production that talks to AWS."""
    if not settings.SNS_TRUSTED_CERTIFICATES:
        return
    if not settings.AWS_ENDPOINT_URL:
        yield Error(
            "SNS_TRUSTED_CERTIFICATES is set without AWS_ENDPOINT_URL.",
            hint="It is for an AWS emulator; remove it, or set AWS_ENDPOINT_URL to the emulator.",
            id="postern.E004",
        )
        return
    host = urlsplit(settings.AWS_ENDPOINT_URL).hostname or ""
    if not settings.DEBUG and not is_loopback(host):
        yield Error(
            "SNS_TRUSTED_CERTIFICATES is set, DEBUG is off and AWS_ENDPOINT_URL is not on loopback.",
            hint="Trust an emulator's certificates only on the machine that it runs on.",
            id="postern.E005",
        )
    try:
        trusted = json.loads(Path(settings.SNS_TRUSTED_CERTIFICATES).read_text())
    except FileNotFoundError:
        yield checks.Warning(
            "The file that SNS_TRUSTED_CERTIFICATES names is not there.",
            hint="An emulator may write it when it starts; until then its notifications are answered with 503.",
            id="postern.W006",
        )
        return
    except (OSError, ValueError) as error:
        yield Error(
            f"SNS_TRUSTED_CERTIFICATES can not be read: {error}",
            hint='It names a JSON file of {"certificate URL": "path to its PEM"}.',
            id="postern.E006",
        )
        return
    if not isinstance(trusted, dict) or not all(isinstance(path, str) for path in trusted.values()):
        yield Error(
            "SNS_TRUSTED_CERTIFICATES is not an object of strings.",
            hint='{"certificate URL": "path to its PEM"}',
            id="postern.E006",
        )


@register(TAG)
def check_aws(**kwargs: Any) -> Iterable[CheckMessage]:
    endpoint = urlsplit(settings.AWS_ENDPOINT_URL)
    if settings.AWS_ENDPOINT_URL and (endpoint.scheme not in ("http", "https") or not endpoint.hostname):
        yield Error(
            "AWS_ENDPOINT_URL is not an http(s) address.",
            hint="It names an emulator, such as http://127.0.0.1:4566; remove it for AWS itself.",
            id="postern.E029",
        )
    if not settings.SES_REGIONS:
        yield Error(
            "SES_REGIONS is empty.", hint="Name at least one region; the first is the default.", id="postern.E007"
        )
    for region in settings.SES_REGIONS:
        if region not in RECEIVING_REGIONS:
            yield checks.Warning(
                f"Amazon SES does not receive mail in {region}.",
                hint="Domains there can send but not receive; see docs for the list of regions.",
                id="postern.W004",
            )
    if not settings.INBOUND_BUCKET:
        yield checks.Warning(
            "INBOUND_BUCKET is not set: no mail can be received.",
            hint="Name the S3 bucket that SES stores mail in, then run `manage.py setup_aws`.",
            id="postern.W005",
        )


@register(TAG)
def check_shapes(**kwargs: Any) -> Iterable[CheckMessage]:
    for shape in SHAPES:
        value = getattr(settings, shape.setting)
        for each in (value,) if isinstance(value, str | int | float) else sorted(value):
            if not shape.accepts(each):
                shown = "has a value that will not do" if shape.setting in SECRET else f"can not be {each!r}"
                yield Error(f"{shape.setting} {shown}.", hint=shape.hint, id=shape.id)


@register(TAG)
def check_paths(**kwargs: Any) -> Iterable[CheckMessage]:
    """A path that is taken would hide pages, and which ones is seen only when somebody misses them."""
    admin = settings.ADMIN_PATH.partition("/")[0]
    if admin in OWN_PATHS | CONTRACT_PATHS:
        yield Error(f"ADMIN_PATH begins with {admin}/, which is taken.", hint="Such as admin/.", id="postern.E025")
    for name in PREFIXES:
        first = getattr(settings, name).partition("/")[0]
        if first in OWN_PATHS | {admin} and first:
            yield Error(f"{name} begins with {first}, which is taken.", hint="Such as c1.", id="postern.E026")


@register(TAG)
def check_stores(**kwargs: Any) -> Iterable[CheckMessage]:
    engine = settings.DATABASES["default"].get("ENGINE", "")
    # Django puts a dummy in place of a database that nobody named.
    if engine in ("", "django.db.backends.dummy"):
        yield Error(
            "DATABASE_URL is not set.",
            hint="Set it to postgres://user:password@host:5432/name; sqlite:////a/file serves one machine.",
            id="postern.E014",
        )
    if engine.rpartition(".")[2] == "postgresql":
        if settings.CACHES["default"]["BACKEND"] == "django.core.cache.backends.locmem.LocMemCache":
            yield checks.Warning(
                "CACHE_URL is not set: each process counts rate limits for itself.",
                hint="Set it to a Redis, such as redis://127.0.0.1:6379/0.",
                id="postern.W007",
            )
        if settings.CELERY_BROKER_URL.startswith("safefs"):
            yield checks.Warning(
                "CELERY_BROKER_URL is not set: a worker on another machine hears no ring.",
                hint="Set it to a Redis, such as redis://127.0.0.1:6379/1; without it POSTERN_VAR must be shared.",
                id="postern.W008",
            )
    if settings.EMAIL_BACKEND == "django.core.mail.backends.console.EmailBackend":
        yield checks.Warning(
            "EMAIL_URL is not set: password resets, invitations and notices are written to the log.",
            hint="Set it to smtp+tls://user:password@host:587.",
            id="postern.W009",
        )
    try:
        resolve_transport(urlsplit(settings.CELERY_BROKER_URL).scheme or settings.CELERY_BROKER_URL)
    except (AttributeError, ImportError, KeyError, ValueError):
        yield Error(
            "CELERY_BROKER_URL names no broker that is known here.",
            hint="Such as redis://127.0.0.1:6379/1.",
            id="postern.E028",
        )


def refuse_to_start_on_errors(*, exit_code: int = 1) -> None:
    """End the process with one line an error: gunicorn and Celery run no system checks of their own."""
    errors = [message for message in run_checks(tags=[TAG]) if message.is_serious()]
    for error in errors:
        print(f"{error.id}: {error.msg} {error.hint}", file=sys.stderr)  # noqa: T201
    if errors:
        raise SystemExit(exit_code)
