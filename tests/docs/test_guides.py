"""The sessions of the guides, pasted into a shell as they are printed: every line of them works."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.running_product import ROOT, environment_in, start, stop, wait_for

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
GUIDES = sorted(guide.name for guide in (ROOT / "docs").glob("*.md") if "## A session" in guide.read_text())
pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the sessions use curl")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Turns a printed session into one for the product that runs on this test's ports."""
    folder = tmp_path_factory.mktemp("var")
    environment = environment_in(folder)
    process = start(environment, folder / "output.txt")
    printed = {"8000": "WEB_PORT", "4566": "AWS_PORT", "5354": "DNS_PORT", "2525": "SMTP_PORT"}

    def moved(session: str) -> str:
        for file in ("sandbox.json", "environment"):
            session = session.replace(f"var/{file}", str(folder / file))
        return re.sub(r"(127\.0\.0\.1[: ])(\d{4})\b", lambda m: m[1] + environment[printed[m[2]]], session)

    try:
        wait_for("Postern is ready", folder / "output.txt", process)
        yield moved
    finally:
        stop(process)


@pytest.mark.parametrize("guide", GUIDES)
def test_the_session_of_a_guide_runs_to_its_end(guide: str, here: Callable[[str], str], tmp_path: Path) -> None:
    text = (ROOT / "docs" / guide).read_text()
    session = text[text.index("## A session") :].split("\n## ")[0]
    script = here("\n".join(BLOCK.findall("\n" + session)))
    assert "curl" in script
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [], "the session leaves files behind"


def test_the_five_lines_of_the_readme_work_pasted_at_once_into_any_shell(
    here: Callable[[str], str], tmp_path: Path
) -> None:
    five_lines, command_line = BLOCK.findall((ROOT / "README.md").read_text())
    assert len(five_lines.splitlines()) == 5
    script = here(five_lines).replace("/tmp/domain.json", str(tmp_path / "domain.json"))
    # The command is given in the folder of the product.
    script += f"cd {ROOT}\n" + here(command_line).replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        env=environment_in(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert '"status":"active"' in done.stdout
    assert '"subject":"Hello"' in done.stdout
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verified and in use." in done.stdout
