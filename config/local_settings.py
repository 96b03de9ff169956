"""The environment that `make run` gives the product: production's settings, the sandbox in place of AWS and DNS."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shlex
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"
# Generous: a person who tries things out, or a load test, should not meet them.
LIMITS = {
    "SES_CALLS_PER_SECOND": "1000",
    "API_RATE_LIMIT": "100000/min",
    "MAX_PENDING_DOMAINS": "100000",
    "MAX_DOMAINS": "100000",
    "MAX_RESTARTS_PER_DAY": "1000",
    "MAX_TEST_MAILS_PER_DAY": "100000",
    "WEBHOOK_ALLOWED_TARGETS": "127.0.0.0/8,::1/128",
}


class CanNotStart(Exception):
    """Something stands in the way; the text is one line for a person."""


@dataclass(frozen=True)
class Ports:
    """Where the four servers listen, all on loopback."""

    web: int
    aws: int
    dns: int
    smtp: int

    @property
    def web_url(self) -> str:
        return f"http://{LOOPBACK}:{self.web}"

    @property
    def aws_url(self) -> str:
        return f"http://{LOOPBACK}:{self.aws}"


def read_ports(environ: Mapping[str, str]) -> Ports:
    """The ports by WEB_PORT, AWS_PORT, DNS_PORT and SMTP_PORT; raises CanNotStart."""
    numbers: dict[str, int] = {}
    for name, usual in (("WEB_PORT", 8000), ("AWS_PORT", 4566), ("DNS_PORT", 5354), ("SMTP_PORT", 2525)):
        text = environ.get(name) or str(usual)
        if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
            raise CanNotStart(f"{name} is {text!r}; it must be a port number, 1 to 65535.")
        if int(text) in numbers.values():
            raise CanNotStart(f"{name} is {text}, which another of WEB_PORT, AWS_PORT, DNS_PORT, SMTP_PORT is already.")
        numbers[name] = int(text)
    return Ports(numbers["WEB_PORT"], numbers["AWS_PORT"], numbers["DNS_PORT"], numbers["SMTP_PORT"])


def refuse_taken_ports(ports: Ports) -> None:
    """Raise CanNotStart for the first port that somebody listens on."""
    stream, datagram = socket.SOCK_STREAM, socket.SOCK_DGRAM
    for name, port, kinds in (
        ("WEB_PORT", ports.web, (stream,)),
        ("AWS_PORT", ports.aws, (stream,)),
        ("DNS_PORT", ports.dns, (stream, datagram)),
        ("SMTP_PORT", ports.smtp, (stream,)),
    ):
        for kind in kinds:
            with socket.socket(socket.AF_INET, kind) as probe:
                if kind == stream:
                    # As the servers do: connections of the last run that still linger are no hindrance.
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((LOOPBACK, port))
                except OSError as error:
                    raise CanNotStart(
                        f"Port {port} can not be used ({error.strerror}); choose another: make run {name}={port + 1}"
                    ) from error


def private_json(path: Path, value: object) -> None:
    """Write a JSON file that only its owner may read, whole or not at all."""
    private_text(path, json.dumps(value, indent=2) + "\n")


def private_text(path: Path, text: str) -> None:
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "w") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def read_json_object(path: Path) -> dict[str, object]:
    """The object in a JSON file; an empty one if there is no such file or it holds something else."""
    try:
        value = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def ensure_secrets(folder: Path) -> dict[str, str]:
    """The secrets of this data folder, made once: keys, and the passwords of the two logins."""
    path = folder / "secrets.json"
    kept = {name: str(value) for name, value in read_json_object(path).items()}
    made = {
        "secret_key": secrets.token_urlsafe(48),
        # The form of a Fernet key.
        "encryption_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "admin_password": secrets.token_urlsafe(12),
        "customer_password": secrets.token_urlsafe(12),
    }
    wanted = {**made, **kept}
    if wanted != kept:
        private_json(path, wanted)
    return wanted


def outbox(folder: Path) -> Path:
    """Where the mail lands that the product itself writes: one file for each process that wrote any."""
    return folder / "outbox"


def environment_file(environment: Mapping[str, str]) -> str:
    """The product's own part of its environment for a shell to read, so that `manage.py` works on what `make run` runs.

    In a shell: set -a; . var/environment; set +a
    """
    ours = product_environment(inherited={}, ports=Ports(0, 0, 0, 0), folder=ROOT, secret_key="", encryption_key="")
    return "".join(f"{name}={shlex.quote(environment[name])}\n" for name in sorted(ours))


def product_environment(
    *, inherited: Mapping[str, str], ports: Ports, folder: Path, secret_key: str, encryption_key: str
) -> dict[str, str]:
    """The environment of every child.

    What the caller's shell says of AWS, stores, mail and Django is dropped, so that `make run` can touch neither a real
    AWS account nor another database, and writes to nobody; limits are only defaults, so that a person can try others.
    """
    foreign = ("AWS_", "DJANGO_", "CELERY_", "DATABASE_", "CACHE_URL", "GUNICORN_", "SNS_", "BOTO_")
    environment = {name: value for name, value in inherited.items() if not name.startswith(foreign)}
    return {**LIMITS, **environment} | {
        "PYTHONUNBUFFERED": "1",
        "WEB_PORT": str(ports.web),
        "AWS_PORT": str(ports.aws),
        "DNS_PORT": str(ports.dns),
        "SMTP_PORT": str(ports.smtp),
        "READ_DOT_ENV": "0",
        "DEBUG": "0",
        "SECRET_KEY": secret_key,
        "ENCRYPTION_KEYS": encryption_key,
        "PUBLIC_URL": ports.web_url,
        "ALLOWED_HOSTS": f"{LOOPBACK},localhost",
        "POSTERN_VAR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'postern.sqlite3'}",
        "EMAIL_URL": f"filemail://{quote(str(outbox(folder)))}",
        "CELERY_BROKER_URL": "safefs://localhost",  # kombu warns of a URL without a host
        "AWS_ENDPOINT_URL": ports.aws_url,
        "CLOUDFLARE_API_URL": f"{ports.aws_url}/client/v4",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SES_REGIONS": "us-east-1,eu-west-1",
        "INBOUND_BUCKET": "postern-inbound",
        "SNS_TRUSTED_CERTIFICATES": str(folder / "sandbox" / "trusted_certificates.json"),
        "DNS_RESOLVERS": f"{LOOPBACK}:{ports.dns}",
        "DNS_AUTHORITATIVE_PORT": str(ports.dns),
        # A proxy of the caller's shell has no way to this machine's loopback.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
