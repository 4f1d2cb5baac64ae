"""The code that a stage can reach inside ptp_core, as a digest that comments and formatting do not change."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

import ptp_core

PACKAGE = "ptp_core"
ROOT = Path(ptp_core.__file__).parent


def closure(entry_module: str) -> dict[str, str]:
    """Module or data file → digest, for all that importing ``entry_module`` can reach inside ptp_core.

    Imports inside functions count as reached; so do the ``__init__`` files of packages on the way, and files beside a
    reached module that are not Python (templates).
    """
    seen: dict[str, str] = {}
    queue = [entry_module, *_parents(entry_module)]
    while queue:
        module = queue.pop()
        if module in seen:
            continue
        path = module_path(module)
        if path is None:
            raise ModuleNotFoundError(module)
        seen[module], imported = _read(path, path.stat().st_mtime_ns)
        queue += [name for name in imported if name not in seen]
        seen |= _data_files(path.parent)
    return dict(sorted(seen.items()))


def closure_digest(entry_module: str) -> str:
    """One digest for the whole closure."""
    text = "\n".join(f"{name} {value}" for name, value in closure(entry_module).items())
    return hashlib.sha256(text.encode()).hexdigest()


def module_path(module: str) -> Path | None:
    """The file of a module of this package, or None if there is no such module."""
    if module != PACKAGE and not module.startswith(PACKAGE + "."):
        return None
    base = ROOT.joinpath(*module.split(".")[1:])
    candidates = (base / "__init__.py", base.with_suffix(".py") if base != ROOT else base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


@cache
def _read(path: Path, _mtime_ns: int) -> tuple[str, frozenset[str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = frozenset(_imports(tree))
    _drop_docstrings(tree)
    return hashlib.sha256(ast.dump(tree, annotate_fields=False).encode()).hexdigest(), imported


def _imports(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from package import name` may name a module or something inside one.
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise ValueError("relative imports hide a stage's code from its fingerprint; write them out")
    own = {name for name in names if module_path(name) is not None}
    return own.union(*(_parents(name) for name in own))


def _parents(module: str) -> list[str]:
    """The packages around a module, whose ``__init__`` files run before it."""
    parts = module.split(".")
    return [".".join(parts[:i]) for i in range(1, len(parts))]


def _drop_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body
            # Any bare string is without effect, also the ones under a constant.
            node.body = [n for n in body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]


def _data_files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(ROOT.parent).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix in (".html", ".css", ".js", ".json", ".txt")
    }
