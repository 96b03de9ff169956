"""The processes that fork a child for each mail to be parsed: kept between mails, one for each mail at a time."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import nh3

from inbound.parsing_child import DIED, NO_CHILD, NO_ROOM, TOO_SLOW

# Beyond the child's own deadline, for the nursery to see that it has passed.
GRACE_SECONDS = 5.0
START_SECONDS = 30.0

_ROOT = Path(__file__).resolve().parent.parent
_LIBRARY = Path(nh3.__file__ or "").resolve().parent.parent


class _Ended(Exception):
    """The nursery is gone or does not answer; what it was asked has not been done, or only in part."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class _Nursery:
    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - every word of the command is ours
            # No site-packages, and none of our settings or secrets in its environment.
            [sys.executable, "-E", "-s", "-S", "-m", "inbound.parsing_child", str(_LIBRARY)],
            cwd=_ROOT,
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            # A group of its own, with its forks: they are ended together.
            start_new_session=True,
        )
        try:
            self._line(START_SECONDS)
        except _Ended as end:
            self.end()
            raise OSError("the process that parses mail can not be started") from end

    def ask(self, job: dict[str, Any]) -> str:
        """A word for why the job came to nothing, or ""; raises _Ended."""
        asked = self._process.stdin
        assert asked is not None
        try:
            asked.write(json.dumps(job).encode() + b"\n")
        except BrokenPipeError as error:
            raise _Ended(DIED) from error
        return self._line(job["seconds"] + GRACE_SECONDS)

    def _line(self, seconds: float) -> str:
        """What it says within so many seconds; raises _Ended."""
        answers = self._process.stdout
        assert answers is not None
        # Not select, which takes no descriptor beyond 1,023.
        poll = select.poll()
        poll.register(answers, select.POLLIN)
        if not poll.poll(seconds * 1000):
            raise _Ended(TOO_SLOW)
        line: bytes = answers.readline()
        if not line.endswith(b"\n"):
            raise _Ended(DIED)
        return line.strip().decode()

    def end(self) -> None:
        """It and its forks, which would otherwise write on into the folder of their mail."""
        # Its number, and with it the group's, is nobody else's until it has been waited for.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()


_idle: list[_Nursery] = []


def run_job(job: dict[str, Any]) -> str:
    """Have one mail parsed within the limits of `job`; a word for why that came to nothing, or "".

    Raises OSError where no process can be started, or there is no room for what the mail contains.
    """
    while True:
        try:
            nursery, is_new = _idle.pop(), False
        except IndexError:
            nursery, is_new = _Nursery(), True
        try:
            word = nursery.ask(job)
        except _Ended as end:
            nursery.end()
            # One that waited here may have been killed long ago: that says nothing of this mail.
            if is_new or end.word != DIED:
                return end.word
            continue
        except BaseException:
            # Its answer would be taken for that to the next job.
            nursery.end()
            raise
        _idle.append(nursery)
        if word in (NO_CHILD, NO_ROOM):
            raise OSError(f"the mail could not be parsed now: {word}")
        return word


def end_idle() -> None:
    """End those that wait for the next mail."""
    while _idle:
        _idle.pop().end()


atexit.register(end_idle)
# A fork has the same pipes: two that ask at once would take each other's answers.
os.register_at_fork(after_in_child=_idle.clear)
