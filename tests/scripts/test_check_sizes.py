"""The size gate finds what has outgrown its cap."""

from __future__ import annotations

from pathlib import Path

from scripts.check_sizes import complaints

LONG_FUNCTION = "def long():\n" + "    pass\n" * 50


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_file_of_300_lines_and_a_function_of_50_pass(tmp_path: Path) -> None:
    write(tmp_path / "domains/names.py", "def long():\n" + "    pass\n" * 49 + "\n" * 250)
    assert complaints(tmp_path, {}) == []


def test_a_longer_file_is_named(tmp_path: Path) -> None:
    write(tmp_path / "domains/names.py", "\n" * 301)
    assert complaints(tmp_path, {}) == ["domains/names.py has 301 lines; its cap is 300"]


def test_a_longer_function_is_named(tmp_path: Path) -> None:
    write(tmp_path / "domains/names.py", LONG_FUNCTION)
    assert complaints(tmp_path, {}) == ["domains/names.py:long has 51 lines; its cap is 50"]


def test_tests_migrations_and_hidden_folders_are_not_measured(tmp_path: Path) -> None:
    for folder in ("tests/domains", "domains/migrations", ".venv/lib"):
        write(tmp_path / folder / "names.py", LONG_FUNCTION)
    assert complaints(tmp_path, {}) == []


def test_an_exception_has_a_ceiling_of_its_own(tmp_path: Path) -> None:
    write(tmp_path / "domains/names.py", "\n" * 320)
    assert complaints(tmp_path, {"domains/names.py": (320, "a table")}) == []
    assert complaints(tmp_path, {"domains/names.py": (310, "a table")}) != []


def test_an_exception_that_nothing_needs_is_a_complaint(tmp_path: Path) -> None:
    write(tmp_path / "domains/names.py", "\n")
    assert "take it off" in complaints(tmp_path, {"domains/names.py": (310, "a table")})[0]
