"""`make run` as a stranger meets it: it starts, its five lines work when pasted, it stops, and nothing is left."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.running_product import ROOT, environment_in, start, stop, wait_for


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment_in(tmp_path_factory.mktemp("var"))


@pytest.fixture(scope="module")
def running(environment: dict[str, str]) -> Iterator[str]:
    """What a running `make run` has printed."""
    output = Path(environment["POSTERN_VAR"]) / "output.txt"
    process = start(environment, output)
    try:
        yield wait_for("Postern is ready", output, process)
    finally:
        stop(process)


def sandbox_json(environment: dict[str, str]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((Path(environment["POSTERN_VAR"]) / "sandbox.json").read_text())
    return read


@pytest.mark.skipif(shutil.which("curl") is None, reason="the lines to paste use curl")
@pytest.mark.parametrize("is_one_shell", [True, False], ids=["pasted into one shell", "each into its own"])
def test_the_five_lines_end_with_the_mail(running: str, is_one_shell: bool) -> None:
    lines = [line for line in running.splitlines() if "curl -sS" in line]
    assert len(lines) == 5
    scripts = ["\n".join(lines)] if is_one_shell else lines
    for script in scripts:
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True)
        assert done.stderr == ""
    messages = json.loads(done.stdout.splitlines()[-1])["messages"]
    assert [message["subject"] for message in messages] == ["Hello"]


def test_a_program_finds_all_it_needs_in_sandbox_json(running: str, environment: dict[str, str]) -> None:
    file = sandbox_json(environment)
    assert file["web"] == f"http://127.0.0.1:{environment['WEB_PORT']}"
    assert file["aws"] == f"http://127.0.0.1:{environment['AWS_PORT']}"
    assert file["dns"] == f"127.0.0.1:{environment['DNS_PORT']}"
    assert file["smtp"] == f"127.0.0.1:{environment['SMTP_PORT']}"
    for organization in file["organizations"]:
        request = urllib.request.Request(
            f"{file['web']}/api/email/domains", headers={"Authorization": f"Bearer {organization['api_key']}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200


def test_the_logins_are_printed(running: str, environment: dict[str, str]) -> None:
    file = sandbox_json(environment)
    for path, login in (("app", file["customer"]), ("admin", file["admin"])):
        assert re.search(
            rf"{file['web']}/{path}/\s+{re.escape(login['email'])}\s+{re.escape(login['password'])}", running
        )


def test_a_second_start_says_so_in_one_line(running: str, environment: dict[str, str]) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "config.local"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30
    )
    assert (second.returncode, second.stdout) == (1, "")
    assert re.fullmatch(r"make run: Postern already runs on .* \(process \d+\)\.\n", second.stderr)


def test_a_start_on_a_taken_port_leaves_no_folder_behind(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "var"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environment = environment_in(folder) | {"SMTP_PORT": str(taken.getsockname()[1])}
        start = [sys.executable, "-m", "config.local"]
        done = subprocess.run(start, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (1, "")
    assert "make run SMTP_PORT=" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_mail_that_brings_a_password_lies_in_the_folder_that_is_printed(
    running: str, environment: dict[str, str]
) -> None:
    file = sandbox_json(environment)
    page = f"{file['web']}/accounts/password/reset/"
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.open(page, timeout=10).read().decode())
    assert token is not None
    form = {"csrfmiddlewaretoken": token[1], "email": file["customer"]["email"]}
    browser.open(urllib.request.Request(page, urlencode(form).encode(), {"Referer": page}), timeout=10)

    outbox = Path(environment["POSTERN_VAR"]) / "outbox"
    assert f" {outbox}\n" in running
    (written,) = outbox.iterdir()
    mail = message_from_bytes(written.read_bytes())
    assert (mail["To"], mail["Subject"]) == (file["customer"]["email"], "Postern: choose a password")
    assert f"{file['web']}/accounts/password/reset/key/" in mail.get_payload()
    assert f"new password for {file['customer']['email']} at Postern" in mail.get_payload()


def test_a_command_without_settings_names_the_line_that_reads_those_of_make_run(
    running: str, environment: dict[str, str]
) -> None:
    bare = {"PATH": environment["PATH"], "READ_DOT_ENV": "0", "POSTERN_VAR": environment["POSTERN_VAR"]}
    command = [sys.executable, "manage.py", "check_domain", "nice.example"]
    done = subprocess.run(command, cwd=ROOT, env=bare, capture_output=True, text=True, timeout=30)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    line = last.partition(" runs: ")[2]
    assert line.startswith("set -a; . ")

    again = subprocess.run(
        ["sh", "-c", f"{line}; exec {shlex.join(command)}"],
        cwd=ROOT,
        env={"PATH": environment["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "nice.example is not registered here." in again.stderr


def test_it_stops_at_once_keeps_its_data_and_starts_again(tmp_path: Path) -> None:
    environment = environment_in(tmp_path)
    seen = []
    for number in range(2):
        output = tmp_path / f"output-{number}.txt"
        process = start(environment, output)
        wait_for("Postern is ready", output, process)
        seen.append(sandbox_json(environment))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == 0
        assert listening(environment) == []
    assert seen[0] == seen[1]


def listening(environment: dict[str, str]) -> list[str]:
    """Which of the ports somebody still listens on."""
    found = []
    for name in ("WEB_PORT", "AWS_PORT", "SMTP_PORT"):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(environment[name]))) == 0:
                found.append(name)
    return found
