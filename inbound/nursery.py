"""The processes that fork a child for each mail to be parsed: kept between mails, one for each mail at a time."""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import nh3

from inbound.parsing_child import DIED, TOO_SLOW

# Beyond the child's own deadline, for the nursery to see that it has passed.
GRACE_SECONDS = 5.0

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
            start_new_session=True,
        )

    def ask(self, job: dict[str, Any]) -> str:
        """A word for why the job came to nothing, or ""; raises _Ended."""
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        try:
            asked.write(json.dumps(job).encode() + b"\n")
        except BrokenPipeError as error:
            raise _Ended(DIED) from error
        if not select.select([answers], [], [], job["seconds"] + GRACE_SECONDS)[0]:
            raise _Ended(TOO_SLOW)
        line: bytes = answers.readline()
        if not line.endswith(b"\n"):
            raise _Ended(DIED)
        return line.strip().decode()

    def end(self) -> None:
        self._process.kill()
        # Closes its pipes as well.
        self._process.communicate()


_idle: list[_Nursery] = []


def run_job(job: dict[str, Any]) -> str:
    """Have one mail parsed within the limits of `job`; a word for why that came to nothing, or "".

    Raises OSError where no process can be started.
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
        except BaseException:
            # Its answer would be taken for that to the next job.
            nursery.end()
            raise
        else:
            _idle.append(nursery)
            return word


def _end_idle() -> None:
    while _idle:
        _idle.pop().end()


atexit.register(_end_idle)
# A fork has the same pipes: two that ask at once would take each other's answers.
os.register_at_fork(after_in_child=_idle.clear)
