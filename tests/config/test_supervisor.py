"""The supervisor, with small real children."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from config.supervisor import Service, StartFailed, Supervisor, answers_200
from tests.config.supervised import CHILD

SERVER = """
import http.server, os, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ready" else 503)
        self.end_headers()
    def log_message(self, *args):
        pass
open(sys.argv[2], "a").write(f"{os.getpid()}\\n")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""
FOR_EVER = "import time; time.sleep(600)"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def python(script: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script, *arguments)


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def supervised(folder: Path, story: Callable[[Supervisor], Awaitable[None]]) -> list[str]:
    """Run the story with a supervisor, stop it, and return what it said."""
    said: list[str] = []

    async def run() -> None:
        supervisor = Supervisor(environment=os.environ, folder=folder, log_folder=folder / "log", say=said.append)
        try:
            await story(supervisor)
        finally:
            await supervisor.stop(seconds=2.0)

    asyncio.run(run())
    return said


def pids(file: Path) -> list[int]:
    return [int(word) for word in file.read_text().split()] if file.exists() else []


def test_a_service_is_ready_when_it_answers_200_and_gone_after_stop(tmp_path: Path) -> None:
    port = free_port()

    async def story(supervisor: Supervisor) -> None:
        command = python(SERVER, str(port), str(tmp_path / "pids"))
        await supervisor.start(Service("page", command, f"http://127.0.0.1:{port}/ready"))
        assert await answers_200(f"http://127.0.0.1:{port}/ready")

    supervised(tmp_path, story)
    assert not is_alive(pids(tmp_path / "pids")[0])


def test_an_answer_other_than_200_is_not_ready(tmp_path: Path) -> None:
    port = free_port()

    async def story(supervisor: Supervisor) -> None:
        command = python(SERVER, str(port), str(tmp_path / "pids"))
        with pytest.raises(StartFailed, match=r"was not ready in 0\.5 s"):
            await supervisor.start(Service("page", command, f"http://127.0.0.1:{port}/no"), ready_seconds=0.5)

    supervised(tmp_path, story)


def test_a_child_that_is_killed_is_started_again(tmp_path: Path) -> None:
    file = tmp_path / "pids"

    async def story(supervisor: Supervisor) -> None:
        await supervisor.start(Service("page", python(SERVER, str(free_port()), str(file))))
        await until(lambda: len(pids(file)) == 1)
        os.kill(pids(file)[0], signal.SIGKILL)
        await until(lambda: len(pids(file)) == 2)
        assert is_alive(pids(file)[1])

    said = supervised(tmp_path, story)
    assert "ended (SIGKILL)" in said[0]


def test_a_child_that_ends_before_it_is_ready_fails_the_start_with_its_last_words(tmp_path: Path) -> None:
    async def story(supervisor: Supervisor) -> None:
        with pytest.raises(StartFailed, match=r"page ended before it was ready\.\n    no such table"):
            await supervisor.start(
                Service("page", python("raise SystemExit('no such table')"), f"http://127.0.0.1:{free_port()}/")
            )

    supervised(tmp_path, story)


def test_a_command_that_fails_fails_the_start(tmp_path: Path) -> None:
    async def story(supervisor: Supervisor) -> None:
        with pytest.raises(StartFailed, match=r"migrate failed \(exit 3\)"):
            await supervisor.run("migrate", python("raise SystemExit(3)"))

    supervised(tmp_path, story)


def test_a_command_that_does_not_end_in_time_is_ended(tmp_path: Path) -> None:
    async def story(supervisor: Supervisor) -> None:
        with pytest.raises(StartFailed, match=r"migrate did not end in 0.3 s"):
            await supervisor.run("migrate", python(FOR_EVER), seconds=0.3)

    supervised(tmp_path, story)


def test_all_is_logged_and_only_warnings_and_errors_are_said(tmp_path: Path) -> None:
    script = "print('INFO all is well'); print('ERROR the disk is full'); print('x' * 200_000)"

    async def story(supervisor: Supervisor) -> None:
        await supervisor.run("job", python(script))

    assert supervised(tmp_path, story) == ["     job | ERROR the disk is full"]
    assert (tmp_path / "log" / "job.log").read_text() == f"INFO all is well\nERROR the disk is full\n{'x' * 200_000}\n"


def test_stop_kills_a_child_that_ignores_sigterm_and_its_children(tmp_path: Path) -> None:
    async def story(supervisor: Supervisor) -> None:
        await supervisor.start(Service("stubborn", python(CHILD, str(tmp_path / "pids"))))
        await until(lambda: len(pids(tmp_path / "pids")) == 2)

    supervised(tmp_path, story)
    assert [is_alive(pid) for pid in pids(tmp_path / "pids")] == [False, False]


def test_groups_are_ended_in_order(tmp_path: Path) -> None:
    script = (
        "import signal, sys, time\n"
        "def end(*args):\n    open(sys.argv[2], 'a').write(sys.argv[1] + ' ')\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\nopen(sys.argv[2] + sys.argv[1], 'w')\ntime.sleep(600)\n"
    )
    file = tmp_path / "order"

    async def story(supervisor: Supervisor) -> None:
        for name in ("sandbox", "web"):
            await supervisor.start(Service(name, python(script, name, str(file))))
        await until(lambda: Path(f"{file}web").exists() and Path(f"{file}sandbox").exists())
        await supervisor.stop({"web"}, seconds=4.0)

    supervised(tmp_path, story)
    assert file.read_text() == "web sandbox "


def test_nothing_is_left_of_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    supervisor = subprocess.Popen([sys.executable, "-m", "tests.config.supervised", str(tmp_path)])

    async def story() -> None:
        await until(lambda: len(pids(tmp_path / "pids")) == 2)
        supervisor.kill()
        supervisor.wait()
        await until(lambda: not any(is_alive(pid) for pid in pids(tmp_path / "pids")))

    asyncio.run(story())


def test_a_terminal_that_nobody_reads_holds_nothing_up() -> None:
    script = (
        "from config.supervisor import Terminal\nterminal = Terminal()\n"
        "for _ in range(20_000):\n    terminal.say('x' * 100)\n"
    )
    reading, writing = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", script], stdout=writing)
    assert process.wait(timeout=30) == 0
    os.close(reading)
    os.close(writing)
