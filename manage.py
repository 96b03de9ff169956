#!/usr/bin/env python
"""Django's command line for Postern."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from django.core.management import execute_from_command_line


def name_local_settings() -> None:
    """Where a command failed for want of settings and `make run` has written some: the line that reads them."""
    folder = os.environ.get("POSTERN_VAR") or "var"
    file = Path(__file__).parent / folder / "environment"
    if not os.environ.get("DATABASE_URL") and file.is_file():
        line = f"set -a; . {shlex.quote(os.path.relpath(file))}; set +a"
        print(f"\nThere are no settings here. To work on what `make run` runs: {line}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except SystemExit as end:
        if end.code:
            name_local_settings()
        raise
