"""`make run` where it can not: one line that says why, nothing of make's own, and exit code 1."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.running_product import ROOT, environment_in

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None or not (ROOT / ".venv/installed").exists(), reason="make has installed nothing here"
)


def refused(environment: dict[str, str], *arguments: str) -> str:
    """What it says on its way out."""
    # A make that runs the tests would have its own flags be taken for ours.
    environment = {name: value for name, value in environment.items() if not name.startswith("MAKE")}
    run = ["make", "run", *arguments]
    done = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return environment_in(tmp_path / "var")


@pytest.mark.parametrize("name", ["WEB_PORT", "AWS_PORT", "DNS_PORT", "SMTP_PORT"])
def test_a_taken_port_is_named(environment: dict[str, str], name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} can not be used" in refused(environment | {name: str(port)})


def test_a_port_that_is_no_number_is_named(environment: dict[str, str]) -> None:
    assert "WEB_PORT is 'x'" in refused(environment | {"WEB_PORT": "x"})


def test_a_python_that_is_not_there_is_named(environment: dict[str, str]) -> None:
    assert "there is no /no/python3" in refused(environment, "PYTHON=/no/python3")


def test_a_python_that_is_too_old_is_named_with_its_version(environment: dict[str, str], tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$*" in *version_info*) exit 1;; -V) echo Python 3.9.1;; esac\n')
    old.chmod(0o755)
    assert f"{old} is Python 3.9.1" in refused(environment, f"PYTHON={old}")


def test_a_data_folder_that_is_a_file_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert f"{tmp_path / 'file'} can not be used" in refused(environment | {"POSTERN_VAR": str(tmp_path / "file")})
