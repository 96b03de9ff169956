"""The file-system broker: what several processes send at once, several workers do once each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SENDERS, MESSAGES = 3, 100
APP = "tests.config.safefs_app"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    # Celery prefers a broker that the environment names, and the tests' settings name one.
    kept = {name: value for name, value in os.environ.items() if name != "CELERY_BROKER_URL"}
    return {**kept, "SAFEFS_FOLDER": str(tmp_path)}


@pytest.fixture
def workers(environment: dict[str, str]) -> Iterator[None]:
    command = [sys.executable, "-m", "celery", "-A", APP, "worker", "--pool", "threads", "--concurrency", "4"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"]
    started = [
        subprocess.Popen([*command, *quiet, "-n", f"w{number}"], env=environment, start_new_session=True)
        for number in range(2)
    ]
    yield
    for worker in started:
        worker.send_signal(signal.SIGTERM)
    for worker in started:
        assert worker.wait(timeout=20) == 0


def numbers_done(folder: Path) -> list[int]:
    return [int(line) for file in folder.glob("done-*.txt") for line in file.read_text().splitlines()]


def wait_until_done(folder: Path, count: int) -> list[int]:
    deadline = time.monotonic() + 60
    while len(numbers_done(folder)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return numbers_done(folder)


@pytest.mark.usefixtures("workers")
def test_two_workers_do_what_three_senders_send_each_message_once(environment: dict[str, str], tmp_path: Path) -> None:
    senders = [
        subprocess.Popen([sys.executable, "-m", APP, str(number * MESSAGES), str(MESSAGES)], env=environment)
        for number in range(SENDERS)
    ]
    assert [sender.wait(timeout=60) for sender in senders] == [0] * SENDERS
    assert sorted(wait_until_done(tmp_path, SENDERS * MESSAGES)) == list(range(SENDERS * MESSAGES))
    assert not list(tmp_path.glob("*.msg"))


def test_a_message_that_is_still_being_written_is_not_taken(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".half.part").write_text("{")
    script = (
        f"from {APP} import app\n"
        "with app.connection() as connection:\n"
        "    queue = connection.SimpleQueue('celery')\n"
        "    try:\n        queue.get(block=False)\n    except queue.Empty:\n        print('empty')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=30)
    assert done.stdout == "empty\n", done.stderr
    assert (tmp_path / ".half.part").exists()
