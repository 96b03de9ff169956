"""Where a mail lies on disk while it is worked on; what a killed worker left there goes with the next one's work."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

logger = logging.getLogger(__name__)

PREFIX = "postern-mail-"
# Longer than any worker holds a mail (`leasing.LONGEST_HOLD`) or a person waits for a page.
LEFT_OVER_SECONDS = 2 * 3600.0
LOOK_SECONDS = 3600.0


class _Look:
    """When this process looked for left-overs, the first time before its first mail: each machine has its own."""

    lock = threading.Lock()
    next_at = float("-inf")

    @classmethod
    def is_due(cls) -> bool:
        with cls.lock:
            is_due = time.monotonic() >= cls.next_at
            if is_due:
                cls.next_at = time.monotonic() + LOOK_SECONDS
            return is_due


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that nobody else reads and that is gone afterwards."""
    if _Look.is_due():
        remove_left_over(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        yield Path(folder)


def remove_left_over(parent: Path) -> int:
    """Remove the folders of ours that nobody can be working in any more; how many."""
    removed = 0
    for folder in parent.glob(f"{PREFIX}*"):
        # Another process may be removing the same.
        with contextlib.suppress(FileNotFoundError):
            if _is_left_over(folder):
                shutil.rmtree(folder, onerror=_say)
                removed += not folder.exists()
    if removed:
        logger.warning("removed %s folders that killed workers had left behind", removed)
    return removed


def _is_left_over(folder: Path) -> bool:
    """Ours, a folder and no link to one, and older than any work; raises FileNotFoundError."""
    found = folder.lstat()
    age = time.time() - found.st_mtime
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and age > LEFT_OVER_SECONDS


def _say(_: object, path: str, failure: tuple[type[BaseException], BaseException, object]) -> None:
    if not isinstance(failure[1], FileNotFoundError):
        logger.warning("could not remove %s: %s", path, failure[1])
