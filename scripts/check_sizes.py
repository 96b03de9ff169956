"""Say which files and functions have outgrown their cap; exit 1 if any has.

A file above 300 lines or a function above 50 asks to be split by idea. Migrations are generated and tests are lists,
so neither is measured. An exception is named here with a ceiling of its own and its reason.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES, FUNCTION_LINES = 300, 50
NOT_MEASURED = {"migrations", "tests", "node_modules", "var", "staticfiles"}

# path, or path:function -> (ceiling, why)
EXCEPTIONS: dict[str, tuple[int, str]] = {}


def measured_files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*.py")):
        folders = path.relative_to(root).parts[:-1]
        if not NOT_MEASURED.intersection(folders) and not any(folder.startswith(".") for folder in folders):
            yield path


def sizes(root: Path) -> Iterator[tuple[str, int, int]]:
    """(name, lines, cap) of every file and function; a function's lines run from its `def` to its end."""
    for path in measured_files(root):
        name, text = path.relative_to(root).as_posix(), path.read_text()
        yield name, len(text.splitlines()), FILE_LINES
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1, FUNCTION_LINES


def complaints(root: Path, exceptions: dict[str, tuple[int, str]]) -> list[str]:
    found, needed = [], set()
    for name, lines, cap in sizes(root):
        if lines <= cap:
            continue
        ceiling, _ = exceptions.get(name, (cap, ""))
        needed.add(name)
        if lines > ceiling:
            found.append(f"{name} has {lines} lines; its cap is {ceiling}")
    found += [
        f"{name} is within the usual cap: take it off the exceptions" for name in sorted(set(exceptions) - needed)
    ]
    return found


if __name__ == "__main__":
    lines = complaints(ROOT, EXCEPTIONS)
    print("\n".join(lines) or "Every file and function is within its cap.")
    sys.exit(bool(lines))
