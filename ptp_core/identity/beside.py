"""The Python files beside one that it imports: what it computes is decided by them too."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path


def imported_beside(path: Path) -> list[Path]:
    """Modules in the folder of a file that it reaches by imports, in the order of their names; nothing is executed.

    Python finds them only where the file puts its folder on the import path. A file that cannot be read or is not
    Python has none: whoever runs it says so.
    """
    found: dict[Path, None] = {}
    waiting = [path]
    while waiting:
        for module in sorted(_imported(waiting.pop())):
            place = path.parent.joinpath(*module.split("."))
            for file in (place.with_suffix(".py"), place / "__init__.py"):
                if file.is_file() and file != path and file not in found:
                    found[file] = None
                    waiting.append(file)
    return sorted(found)


def _imported(path: Path) -> set[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {name for node in ast.walk(tree) for name in _names(node)}


def _names(node: ast.AST) -> Iterator[str]:
    """Of ``import a.b`` and ``from a.b import c``: a, a.b, and a.b.c, which may be a module."""
    if isinstance(node, ast.Import):
        whole = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        front = f"{node.module}." if node.module else ""
        whole = [f"{front}{alias.name}" for alias in node.names]
    else:
        return
    for name in whole:
        parts = name.split(".")
        yield from (".".join(parts[:i]) for i in range(1, len(parts) + 1) if all(parts[:i]))
