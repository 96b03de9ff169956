"""A process of the product on the tests' own database, to be killed in the middle of what it does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from django.db import connection

from tests.sandbox_process import ROOT, SandboxProcess
from tests.settings import FOLDER

READY_SECONDS = 60.0
# For a fault: long enough to be killed in, shorter than the 7 s that a client waits for an answer.
SLOW_SECONDS = 3.0
PROGRAM = """
import sys
import django
django.setup()
exec(sys.argv[1])
"""


def database_url() -> str:
    """The database that this test works on, as a process of its own is told of it."""
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{known['NAME']}"
    password = f":{quote(known['PASSWORD'])}" if known["PASSWORD"] else ""
    return f"postgres://{known['USER']}{password}@{known['HOST']}:{known['PORT']}/{known['NAME']}"


class DoomedProcess:
    """Runs `code` with the product's settings. What it does is seen by a test of committed data alone."""

    def __init__(self, code: str) -> None:
        self._said = Path(FOLDER) / "doomed.log"
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": database_url()}
        command = [sys.executable, "-c", PROGRAM, code]
        with self._said.open("wb") as file:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file)

    def __enter__(self) -> DoomedProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait(10)

    def die_at(self, sandbox: SandboxProcess, operation: str) -> None:
        """kill -9 while AWS still works on a call of this operation, the one that a fault makes slow.

        Returns when AWS has done what it was asked, as it does for a client that is gone.
        """
        self._wait_until(lambda: bool(_calls(sandbox, operation)), f"it never called {operation}")
        assert self._process.poll() is None, f"it had ended before {operation} did"
        self._process.kill()
        self._process.wait(10)
        _until(lambda: "status" in _calls(sandbox, operation)[0])

    def _wait_until(self, is_so: Callable[[], bool], complaint: str) -> None:
        try:
            _until(lambda: is_so() or self._process.poll() is not None)
            assert is_so()
        except AssertionError as error:
            raise AssertionError(f"{complaint}:\n{self._said.read_text()[-3000:]}") from error


def _calls(sandbox: SandboxProcess, operation: str) -> list[dict[str, Any]]:
    logged = sandbox.control("GET", "/_sandbox/calls")["calls"]
    return [call for call in logged if call["operation"] == operation and "fault" in call]


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
