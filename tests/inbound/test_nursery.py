"""The processes that fork the parser: kept between mails, replaced when they die, and gone with their worker."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from inbound import nursery
from inbound.parsing import parse_in_child

from .nasty_mails import GROWING, head

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

ROOT = Path(nursery.__file__).parent.parent


@pytest.fixture(autouse=True)
def none_from_before() -> None:
    nursery._end_idle()


def subject_of(folder: Path, number: int, raw: bytes = b"") -> tuple[str, tuple[str, ...]]:
    own = folder / str(number)
    (own / "attachments").mkdir(parents=True)
    (own / "mail").write_bytes(raw or head(b"Subject: %d" % number))
    parsed = parse_in_child(own / "mail", attachments_folder=own / "attachments")
    return parsed.subject, parsed.defects


def idle_pids() -> list[int]:
    return [each._process.pid for each in nursery._idle]


def test_one_process_serves_one_mail_after_the_other(tmp_path: Path) -> None:
    assert [subject_of(tmp_path, number)[0] for number in range(5)] == ["0", "1", "2", "3", "4"]
    assert len(idle_pids()) == 1


def test_mails_at_once_get_each_its_own_answer(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: subject_of(tmp_path, number), range(60)))
    assert found == [(str(number), ()) for number in range(60)]
    assert 1 <= len(idle_pids()) <= 4


def test_one_that_was_killed_while_it_waited_is_replaced(tmp_path: Path) -> None:
    subject_of(tmp_path, 1)
    (pid,) = idle_pids()
    os.kill(pid, signal.SIGKILL)
    assert subject_of(tmp_path, 2) == ("2", ())
    assert idle_pids() not in ([], [pid])


def test_one_that_is_killed_at_work_fails_its_mail_alone(tmp_path: Path) -> None:
    ended = threading.Event()

    def kill_what_comes() -> None:
        # Each that is started for this mail, the second try's as well.
        while not ended.wait(0.01):
            for pid in children_of(os.getpid()):
                os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_what_comes)
    killer.start()
    try:
        _, defects = subject_of(tmp_path, 1, GROWING["delimiters of nobody"](20_000_000))
    finally:
        ended.set()
        killer.join()
    assert defects == ("parser_died",)
    assert subject_of(tmp_path, 2) == ("2", ())


def test_a_fork_does_not_use_its_parents(tmp_path: Path) -> None:
    subject_of(tmp_path, 1)
    assert idle_pids()
    pid = os.fork()
    if pid == 0:
        os._exit(len(nursery._idle))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert subject_of(tmp_path, 2) == ("2", ())


def test_it_ends_with_its_worker(tmp_path: Path) -> None:
    (tmp_path / "mail").write_bytes(head(b"Subject: x"))
    words = f"from inbound.parsing import *; parse_in_child('{tmp_path}/mail', attachments_folder='{tmp_path}'); "
    words += "from inbound import nursery; print(nursery._idle[0]._process.pid, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", words], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout
        pid = int(worker.stdout.readline())
        assert is_alive(pid)
        worker.kill()
    deadline = time.monotonic() + 20
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    """Those that parse, of all threads."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            with contextlib.suppress(OSError):  # it ended meanwhile
                if b"parsing_child" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
