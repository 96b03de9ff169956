"""`make run` as a process that tests start: on free ports, in a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOT_OURS = ("AWS_", "CELERY_", "DATABASE_URL", "CACHE_URL", "SES_", "SNS_", "DNS_", "DJANGO_", "POSTERN_", "PUBLIC_URL")


def free_ports() -> dict[str, str]:
    with socket.socket() as a, socket.socket() as b, socket.socket() as c, socket.socket() as d:
        for probe in (a, b, c, d):
            probe.bind(("127.0.0.1", 0))
        names = ("WEB_PORT", "AWS_PORT", "DNS_PORT", "SMTP_PORT")
        return {name: str(probe.getsockname()[1]) for name, probe in zip(names, (a, b, c, d), strict=True)}


def start(environment: dict[str, str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "config.local"], cwd=ROOT, env=environment, stdout=file, stderr=file
        )


def wait_for(text: str, output: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 90
    while text not in output.read_text():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.1)
    return output.read_text()


def environment_in(folder: Path) -> dict[str, str]:
    """A stranger's environment: nothing of the tests' own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)}
    return {**kept, **free_ports(), "POSTERN_VAR": str(folder)}


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=10)
