"""The child that parses one mail and may be killed for it: `python -m inbound.parsing_child MAIL FOLDER ANSWER ...`.

It starts without site-packages and Django, for a fast start: nothing but the standard library is imported here, and
nh3 only for a mail that has HTML and no text.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from dataclasses import asdict, replace
from datetime import datetime

from inbound.mime import ParsedMessage, parse_file


def main(arguments: list[str]) -> int:
    """Parse MAIL within MEMORY bytes, SECONDS of processor time and files of FILE bytes, and write JSON to ANSWER.

    LIBRARY is the folder where nh3 is installed.
    """
    mail, folder, answer, memory, seconds, file_bytes, library = arguments
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(file_bytes), int(file_bytes)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # macOS refuses an address-space limit; the deadline still holds there.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    parsed = parse_file(mail, folder)
    if parsed.html and not parsed.text.strip():
        parsed = _with_text(parsed, library)
    with open(answer, "w", encoding="utf-8") as file:
        json.dump(asdict(parsed), file, ensure_ascii=False, default=datetime.isoformat)
    return 0


def _with_text(parsed: ParsedMessage, library: str) -> ParsedMessage:
    # What it imports is found only now, and rarely needed.
    sys.path.append(library)
    from inbound.html_text import text_of_html

    return replace(parsed, text_from_html=text_of_html(parsed.html))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
