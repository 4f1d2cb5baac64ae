"""The code that a stage can reach inside ptp_core, as digests that comments and formatting do not change.

Reached are, from the stage's function on: the functions, classes and constants that reached code names, directly, as an
attribute of a module, by a re-export, or as text ("module:function"); and what importing their modules executes for its
effect. A class counts whole. Where names do not tell, as with ``globals()`` or a module that is handed on, the whole
module counts. So does every data file beside a module that is imported.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ptp_core
from ptp_core.identity.reach import ALL, IMPORT, Node, Package, module_path
from ptp_core.identity.remembered import remembered

ROOT = Path(ptp_core.__file__).parent
_DATA = (".html", ".css", ".js", ".json", ".txt", ".yaml", ".yml", ".toml", ".csv", ".tsv")


def closure(entry: str) -> dict[str, str]:
    """Symbol or data file → digest, for all that ``module:function`` can reach inside ptp_core.

    A symbol is ``module:name``; a bare module stands for the statements that its import executes for their effect.
    Raises ModuleNotFoundError or AttributeError for an entry that is not there.
    """
    package = _package()
    with _no_garbage():
        found = package.reached(_node(entry))
        symbols = {f"{m}:{n}" if n else m: value for m, n in found if (value := package.digest((m, n))) is not None}
    folders = {path.parent for m, n in found if n == IMPORT and (path := module_path(ROOT, m))}
    for folder in folders:
        symbols |= _data_files(folder)
    return dict(sorted(symbols.items()))


def imported_modules(entry: str) -> set[str]:
    """The modules of this package whose import the entry may cause."""
    return {module for module, name in _package().reached(_node(entry)) if name == IMPORT}


def closure_digest(entry: str) -> str:
    """One digest for the whole closure."""
    return remembered(ROOT, entry, lambda: digest_of_closure(closure(entry)))


def digest_of_closure(symbols: dict[str, str]) -> str:
    """The digest of a closure that has been written down."""
    return hashlib.sha256("\n".join(f"{name} {value}" for name, value in symbols.items()).encode()).hexdigest()


_packages: dict[Path, Package] = {}


def _package() -> Package:
    known = _packages.get(ROOT)
    if known is None or not known.is_current():
        known = _packages[ROOT] = Package(ROOT)
    return known


def _node(entry: str) -> Node:
    module, _, name = entry.partition(":")
    return module, name or ALL


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Syntax trees are many objects, none of them garbage: looking for garbage would double what they cost."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _data_files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(ROOT.parent).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix in _DATA
    }
