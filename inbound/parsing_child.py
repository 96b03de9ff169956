"""The process that parses mail, each in a fork of its own that may be killed for it: `python -m inbound.parsing_child`.

It starts without site-packages and Django, and has all that parsing needs in memory before the first mail: a fork is
there within a millisecond or two. A job is a line of JSON on its standard input, its end a line on standard output;
it ends itself when its input does.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import select
import signal
import sys
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, NoReturn

from inbound.mime import parse_file

TOO_SLOW, DIED = "parser_too_slow", "parser_died"
# Not the mail's fault, and gone at another time: no process to be had, no room for what the mail contains.
NO_CHILD, NO_ROOM = "no_child", "no_room"
READY = "ready"
LACKS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO, errno.EROFS})
_NO_ROOM_CODE = 2


def main(library: str) -> int:
    """Serve until the input ends; `library` is the folder where nh3 is installed."""
    for asked in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A worker that is asked to end finishes its mail first; this process goes when the worker has gone.
        signal.signal(asked, signal.SIG_IGN)
    # Whoever started the worker may have it ignore this, and then nobody can wait for a child.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.path.append(library)
    from inbound.html_text import text_of_html  # noqa: F401 - in memory before the first fork

    _say(READY)
    while line := sys.stdin.buffer.readline():
        try:
            _say(_run(json.loads(line)))
        except OSError:
            _say(NO_CHILD)
    return 0


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def _run(job: dict[str, Any]) -> str:
    """Parse in a fork, for at most job["seconds"]; a word for why it came to nothing, or "" where all is well.

    Raises OSError where there can be no fork.
    """
    ended, alive = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(ended)
        os.close(alive)
        raise
    if pid == 0:
        os.close(ended)
        _parse_and_exit(job)
    os.close(alive)
    # The pipe comes to its end when the fork does, whatever it dies of.
    is_over = bool(select.select([ended], [], [], job["seconds"])[0])
    os.close(ended)
    if not is_over:
        os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if not is_over or code == -signal.SIGXCPU:
        return TOO_SLOW
    return {0: "", _NO_ROOM_CODE: NO_ROOM}.get(code, DIED)


def _parse_and_exit(job: dict[str, Any]) -> NoReturn:
    code = 1
    try:
        _limit(job)
        with open(os.devnull, "r+b") as nothing:
            os.dup2(nothing.fileno(), 0)
            os.dup2(nothing.fileno(), 1)
        _parse(job)
        code = 0
    except OSError as error:
        if error.errno in LACKS:
            code = _NO_ROOM_CODE
        raise
    finally:
        # Nothing of the parent's is cleaned up or flushed a second time.
        os._exit(code)


def _limit(job: dict[str, Any]) -> None:
    processor = max(1, round(job["seconds"]))
    resource.setrlimit(resource.RLIMIT_CPU, (processor, processor))
    resource.setrlimit(resource.RLIMIT_FSIZE, (job["file_bytes"], job["file_bytes"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # macOS refuses an address-space limit; the deadline still holds there.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (job["memory_bytes"], job["memory_bytes"]))


def _parse(job: dict[str, Any]) -> None:
    """Parse job["mail"], its attachments into job["folder"], and write JSON to job["answer"]."""
    from inbound.html_text import text_of_html

    parsed = parse_file(job["mail"], job["folder"])
    if parsed.html and not parsed.text.strip():
        parsed = replace(parsed, text_from_html=text_of_html(parsed.html))
    with open(job["answer"], "w", encoding="utf-8") as file:
        json.dump(asdict(parsed), file, ensure_ascii=False, default=datetime.isoformat)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
