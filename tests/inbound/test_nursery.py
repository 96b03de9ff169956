"""The processes that fork the parser: kept between mails, replaced when they die, and gone with their worker."""

from __future__ import annotations

import contextlib
import os
import resource
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

from .nasty_mails import GROWING, head, one_part

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

ROOT = Path(nursery.__file__).parent.parent


@pytest.fixture(autouse=True)
def none_from_before() -> None:
    nursery.end_idle()


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


SLOW = GROWING["delimiters of nobody"](20_000_000)


def test_one_that_is_killed_at_work_fails_its_mail_alone_and_takes_its_fork_along(tmp_path: Path) -> None:
    ended = threading.Event()
    forks: set[int] = set()

    def kill_what_works() -> None:
        while not ended.wait(0.005):
            for pid in children_of(os.getpid()):
                working = children_of(pid)
                forks.update(working)
                if working:
                    os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_what_works)
    killer.start()
    try:
        _, defects = subject_of(tmp_path, 1, SLOW)
    finally:
        ended.set()
        killer.join()
    assert defects == ("parser_died",)
    assert forks
    wait_until_gone(forks, seconds=0.5)
    assert subject_of(tmp_path, 2) == ("2", ())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_mail_at_work_is_finished_though_everything_is_asked_to_end(tmp_path: Path, number: signal.Signals) -> None:
    asked = threading.Event()

    def ask() -> None:
        while not asked.wait(0.005):
            for pid in children_of(os.getpid()):
                if children_of(pid):
                    os.killpg(pid, number)
                    asked.set()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        _, defects = subject_of(tmp_path, 1, SLOW)
    finally:
        was_asked = asked.is_set()
        asked.set()
        asking.join()
    assert was_asked
    assert "parser_died" not in defects


def test_where_there_is_no_process_or_no_room_the_mail_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/bin/false")
        with pytest.raises(OSError, match="can not be started"):
            subject_of(tmp_path, 1)
    for word in ("no_child", "no_room"):
        with monkeypatch.context() as patch:
            patch.setattr(nursery._Nursery, "ask", lambda self, job, word=word: word)
            with pytest.raises(OSError, match=word):
                subject_of(tmp_path, len(word))
    assert subject_of(tmp_path, 4) == ("4", ())


def test_a_full_disk_is_not_the_mails_fault(tmp_path: Path) -> None:
    (tmp_path / "mail").write_bytes(one_part(b"application/pdf", b"x"))
    # Where a file of the attachment's should be lies what no file can be written to.
    (tmp_path / "0").symlink_to("/dev/full")
    with pytest.raises(OSError, match="no_room"):
        parse_in_child(tmp_path / "mail", attachments_folder=tmp_path)


def test_many_open_files_are_no_hindrance(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        nursery.end_idle()
        assert subject_of(tmp_path, 1) == ("1", ())
    finally:
        for each in files:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_worker_that_ignores_its_childrens_end_has_its_mail_parsed(tmp_path: Path) -> None:
    (tmp_path / "mail").write_bytes(head(b"Subject: x"))
    words = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); from inbound.parsing import parse_in_child; "
    words += f"print(parse_in_child('{tmp_path}/mail', attachments_folder='{tmp_path}').status)"
    done = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "ok", done.stderr


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
    wait_until_gone({pid}, seconds=20)


def children_of(pid: int) -> list[int]:
    """Those that parse, of all threads."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            with contextlib.suppress(OSError):  # it ended meanwhile
                if b"parsing_child" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return found


def wait_until_gone(pids: set[int], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(map(is_alive, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
