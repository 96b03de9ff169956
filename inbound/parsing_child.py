"""The child that parses one mail and may be killed for it: `python -m inbound.parsing_child MAIL FOLDER ANSWER ...`.

It starts without site-packages and Django, for a fast start: nothing but the standard library may be imported here.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from dataclasses import asdict
from datetime import datetime

from inbound.mime import parse_file


def main(arguments: list[str]) -> int:
    """Parse MAIL within MEMORY bytes, SECONDS of processor time and files of FILE bytes, and write JSON to ANSWER."""
    mail, folder, answer, memory, seconds, file_bytes = arguments
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(file_bytes), int(file_bytes)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # macOS refuses an address-space limit; the deadline still holds there.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    parsed = asdict(parse_file(mail, folder))
    with open(answer, "w", encoding="utf-8") as file:
        json.dump(parsed, file, ensure_ascii=False, default=datetime.isoformat)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
