"""The product's settings as production has them, with the sandbox in place of AWS and DNS."""

from __future__ import annotations

import os
import socket
import tempfile


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# Each pytest process (xdist worker) has a sandbox of its own; mypy's plugin imports this module too and needs none.
AWS_PORT, DNS_PORT, SMTP_PORT = _free_port(), _free_port(), _free_port()
# Nobody listens there: no test may reach an installation that happens to run on this machine.
WEB_PORT = _free_port()
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
FOLDER = tempfile.mkdtemp(prefix="postern-tests-")

os.environ.update(
    {
        "READ_DOT_ENV": "0",
        "SECRET_KEY": "tests-only-tests-only-tests-only-tests-only-tests-only",
        "PUBLIC_URL": f"http://127.0.0.1:{WEB_PORT}",
        "ALLOWED_HOSTS": "127.0.0.1,localhost,testserver",
        "POSTERN_VAR": FOLDER,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{AWS_PORT}",
        "CLOUDFLARE_API_URL": f"http://127.0.0.1:{AWS_PORT}/client/v4",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": "us-east-1",
        "SES_REGIONS": "us-east-1,eu-west-1",
        "SES_CALLS_PER_SECOND": "1000",
        "INBOUND_BUCKET": "postern-tests",
        "SNS_TRUSTED_CERTIFICATES": f"{FOLDER}/sandbox/trusted_certificates.json",
        "DNS_RESOLVERS": f"127.0.0.1:{DNS_PORT}",
        "DNS_AUTHORITATIVE_PORT": str(DNS_PORT),
        "WEBHOOK_ALLOWED_TARGETS": "127.0.0.0/8",
        "EMAIL_URL": "memorymail://",
        "API_RATE_LIMIT": "100000/min",
    }
)
os.environ.setdefault("CELERY_BROKER_URL", "memory://")
if "CACHE_URL" in os.environ:
    # Each process empties its cache between tests, so each has a Redis database of its own.
    base, _, number = os.environ["CACHE_URL"].rpartition("/")
    os.environ["CACHE_URL"] = f"{base}/{int(number) + WORKER}"
os.environ.setdefault("DATABASE_URL", f"sqlite:///{FOLDER}/tests.sqlite3")

from config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    # A file, not memory: threads of a live server and of the tests share it as processes do.
    DATABASES["default"]["TEST"] = {"NAME": f"{FOLDER}/tests-run.sqlite3"}  # noqa: F405
