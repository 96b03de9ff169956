"""The product's processes as in production, to be killed without a word and started again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.chaos.traffic import TOPIC
from tests.inbound.signing import CERTIFICATE_URL, Signer, certificate
from tests.running_product import NOT_OURS, ROOT

BUCKET = "storm-mail"
READY_SECONDS = 120.0
# What a late announcement waits for is over long before the sweeper takes an object for forgotten.
SWEEP_AFTER_SECONDS = 20
LIFE_SECONDS = 6.0
COMMANDS = {
    "web": ("gunicorn", "config.wsgi"),
    "worker": ("celery", "-A", "config", "worker", "--pool", "threads", "--concurrency", "8"),
    "beat": ("celery", "-A", "config", "beat"),
}


class Product:
    """Settings from the environment alone; each process leads a group of its own, killed as one."""

    def __init__(self, folder: Path, *, database_url: str, redis_url: str, aws_url: str, dns: str, port: int) -> None:
        self.folder, self.url = folder, f"http://127.0.0.1:{port}"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.signer = Signer(key)
        (folder / "cert.pem").write_bytes(certificate(key))
        (folder / "trusted.json").write_text(json.dumps({CERTIFICATE_URL: str(folder / "cert.pem")}))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)}
        self.environment = kept | {
            "READ_DOT_ENV": "0",
            "SECRET_KEY": "storm-only-storm-only-storm-only-storm-only-storm-only",
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "PUBLIC_URL": self.url,
            "POSTERN_VAR": str(folder),
            "DATABASE_URL": database_url,
            "CELERY_BROKER_URL": f"{redis_url}/0",
            "CACHE_URL": f"{redis_url}/1",
            "AWS_ENDPOINT_URL": aws_url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "SES_REGIONS": "us-east-1",
            "SES_CALLS_PER_SECOND": "1000",
            "INBOUND_BUCKET": BUCKET,
            "SNS_TRUSTED_CERTIFICATES": str(folder / "trusted.json"),
            "SNS_ALLOWED_TOPICS": TOPIC,
            "SWEEP_AFTER_SECONDS": str(SWEEP_AFTER_SECONDS),
            "DNS_RESOLVERS": dns,
            "DNS_AUTHORITATIVE_PORT": dns.rpartition(":")[2],
            "WEBHOOK_ALLOWED_TARGETS": "127.0.0.0/8",
            "EMAIL_URL": "memorymail://",
            "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }

    def run(self, *command: str, timeout: float = 300) -> str:
        """The output of a program in the product's environment."""
        run = [sys.executable, *command]
        done = subprocess.run(run, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=timeout)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr[-3000:]}")
        return done.stdout

    def start(self, name: str) -> None:
        self._started[name] = time.monotonic()
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", *COMMANDS[name]],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def has_worked(self, name: str) -> bool:
        """It has been up for a while, the web process long enough to answer: who dies while starting proves nothing."""
        is_old = time.monotonic() - self._started.get(name, 0.0) > LIFE_SECONDS
        return is_old and (name != "web" or self._answers())

    def kill(self, name: str) -> None:
        """kill -9 of the process and all its children."""
        process = self._running.pop(name, None)
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):  # it died before
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def freeze(self, name: str, seconds: float) -> None:
        """As where a machine is paused or swaps: it holds what it holds, and goes on as if no time had passed."""
        group = self._running[name].pid
        os.killpg(group, signal.SIGSTOP)
        time.sleep(seconds)
        os.killpg(group, signal.SIGCONT)

    def start_again_what_ended(self) -> list[str]:
        """As systemd and Docker do with a process that ends by itself; which did."""
        ended = [name for name, process in self._running.items() if process.poll() is not None]
        for name in ended:
            self.start(name)
        return ended

    def stop(self) -> None:
        for name in list(self._running):
            self.kill(name)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.2)
        raise RuntimeError(f"the web process does not answer:\n{(self.folder / 'web.log').read_text()[-3000:]}")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False
