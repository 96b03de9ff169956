"""Ends the children of a supervisor that was killed: a script that reads their process groups from standard input.

A line is `+pid` or `-pid`. End of file means that the supervisor is gone, however it went: what is still in the set is
ended. A pipe, because it works on every POSIX system and, unlike PR_SET_PDEATHSIG, reaches grandchildren too.
"""

from __future__ import annotations

import os
import signal
import sys
import time

PATIENCE_SECONDS = 3.0


def signal_groups(groups: set[int], number: int) -> set[int]:
    """Signal each group; the groups that still exist."""
    alive = set()
    for group in groups:
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            # macOS says "not permitted" of a group that holds nothing but zombies.
            continue
        alive.add(group)
    return alive


def watch() -> set[int]:
    """The groups that were running when the supervisor went."""
    groups: set[int] = set()
    for line in sys.stdin:
        if line.startswith("+"):
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    return groups


def main() -> None:
    # Only the end of the pipe ends this process: the terminal's Ctrl-C is for the supervisor.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups = signal_groups(watch(), signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while groups and time.monotonic() < deadline:
        time.sleep(0.05)
        groups = signal_groups(groups, 0)
    signal_groups(groups, signal.SIGKILL)


if __name__ == "__main__":
    main()
