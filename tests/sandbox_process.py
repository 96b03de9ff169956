"""Starts the sandbox as the program that it is, for tests."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 30.0


class SandboxProcess:
    """`start()` returns once it is ready; addresses are (host, port)."""

    def __init__(
        self, *, aws_port: int, dns_port: int, smtp_port: int, folder: str | Path, options: tuple[str, ...] = ()
    ) -> None:
        self.aws_url = f"http://127.0.0.1:{aws_port}"
        self.dns = ("127.0.0.1", dns_port)
        self.smtp = ("127.0.0.1", smtp_port)
        self.folder = Path(folder)
        ports = ("--aws-port", aws_port, "--dns-port", dns_port, "--smtp-port", smtp_port, "--folder", self.folder)
        self._command = [sys.executable, "-m", "sandbox", *map(str, ports), *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "log"
        with log.open("ab") as file:
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=file, stderr=file)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                self.control("GET", "/_sandbox/ready")
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise RuntimeError(f"the sandbox did not start:\n{log.read_text()[-3000:]}")

    def stop(self) -> int:
        """The exit code."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait(5)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(5)

    def reset(self) -> None:
        self.control("POST", "/_sandbox/reset")

    def control(self, method: str, path: str, body: object | None = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.aws_url + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.status} {error.read().decode()}") from error

    def client(self, service: str, region: str = "us-east-1") -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.aws_url,
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=10),
        )
