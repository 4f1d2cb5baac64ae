"""What code refers to, across the modules of the package: nodes, and the nodes that each of them leads to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from ptp_core.identity.module_code import PACKAGE, Imported, ModuleCode, digest_of, imported_by, modules_of, take_apart
from ptp_core.identity.statement import Chain, Statement

_DYNAMIC = {"globals", "vars", "dir", "eval", "exec", "__import__", "importlib", "import_module"}
"""Who uses one of these may reach anything of its own module; other modules are named as text."""

Node = tuple[str, str]
"""(module, name); the name is empty for what importing the module executes, and * for all that is in it."""
IMPORT, ALL = "", "*"


class Package:
    """The package as its files are now; what is found out once serves every stage."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.modules: dict[str, ModuleCode | None] = {}
        self.stamps: dict[Path, int] = {root: root.stat().st_mtime_ns}
        self._targets: dict[Node, tuple[Node, ...]] = {}

    def is_current(self) -> bool:
        """Whether all files and folders that were looked at are as they were."""
        try:
            return all(path.stat().st_mtime_ns == stamp for path, stamp in self.stamps.items())
        except OSError:
            return False

    def module(self, name: str) -> ModuleCode | None:
        """A module's parts; None if there is no such module."""
        if name not in self.modules:
            path = module_path(self.root, name)
            self.modules[name] = None
            if path is not None:
                self.stamps[path] = path.stat().st_mtime_ns
                self.stamps[path.parent] = path.parent.stat().st_mtime_ns
                self.modules[name] = _parsed(path, self.stamps[path])
        return self.modules[name]

    def reached(self, start: Node) -> set[Node]:
        """All nodes that one leads to. Raises ModuleNotFoundError or AttributeError if it is not there."""
        module = self.module(start[0])
        if module is None:
            raise ModuleNotFoundError(start[0])
        if start[1] != ALL and start[1] not in module.names:
            raise AttributeError(f"{start[0]} has no {start[1]}")
        # What the start is handed was made by others; all else is made by code that is reached by its name.
        handed = [part for part in module.names.get(start[1], ()) if isinstance(part, Statement)]
        first = {t for part in handed for t in self._of_chains(start[0], part.annotations)}
        found, waiting = {start, *first}, [start, *first]
        while waiting:
            for target in self.targets(waiting.pop()):
                if target not in found:
                    found.add(target)
                    waiting.append(target)
        return found

    def digest(self, node: Node) -> str | None:
        """What a node is; None for one that has nothing of its own."""
        module, name = self._known(node[0]), node[1]
        if name == IMPORT:
            return module.effect_digest
        if name == ALL:
            return digest_of("\n".join(part.digest for part in module.main)) if module.main else None
        return digest_of(
            "\n".join(
                f"import {part.module} {part.name}" if isinstance(part, Imported) else part.digest
                for part in module.names[name]
            )
        )

    def targets(self, node: Node) -> tuple[Node, ...]:
        """The nodes that one refers to."""
        if node not in self._targets:
            self._targets[node] = tuple(set(self._find_targets(*node)))
        return self._targets[node]

    def _known(self, name: str) -> ModuleCode:
        module = self.module(name)
        assert module is not None, "only modules that are there become nodes"
        return module

    def _find_targets(self, module: str, name: str) -> Iterator[Node]:
        code = self._known(module)
        if name == IMPORT:
            yield from self._imports({*_parents(module), *code.imports})
            for effect in code.effects:
                yield from self._of_statement(module, effect)
            return
        yield (module, IMPORT)
        if name == ALL:
            yield from ((module, other) for other in code.names)
            for star in code.stars:
                yield (star, ALL)
            for statement in code.main:
                yield from self._of_statement(module, statement)
            return
        for part in code.names[name]:
            if isinstance(part, Statement):
                yield from self._of_statement(module, part)
            elif part.own:
                yield from self._of_import(part)

    def _of_import(self, found: Imported) -> Iterator[Node]:
        """What a name that is bound by an import is; of a module, who uses the name says what."""
        if found.name is None:
            yield from self._imports({found.module})
        else:
            yield from self._imports({f"{found.module}.{found.name}"})
            known = self.module(found.module)
            if known is not None and (found.name in known.names or known.stars):
                yield from self._follow(found.module, (found.name,), frozenset(), of_import=True)

    def _imports(self, modules: Iterable[str]) -> Iterator[Node]:
        return ((module, IMPORT) for module in modules if self.module(module) is not None)

    def _of_statement(self, module: str, part: Statement) -> Iterator[Node]:
        local: dict[str, list[Imported]] = {}
        for node in part.imports:
            yield from self._imports(modules_of(node))
            for name, found in imported_by(node):
                if name == "*" or found.own:
                    local.setdefault(name, []).append(found)
        for chain in part.chains:
            for bound in local.get(chain[0], ()):
                yield from self._through(bound, chain[1:], frozenset())
        yield from self._of_chains(module, part.chains)
        for text in part.texts:
            yield from self._of_text(text)

    def _of_chains(self, module: str, chains: Iterable[Chain]) -> Iterator[Node]:
        """What chains are that begin with a name of the module."""
        code = self._known(module)
        for chain in chains:
            if chain[0] in code.names or code.stars:
                yield from self._follow(module, chain, frozenset(), is_root=True)
            if chain[0] in _DYNAMIC:
                yield (module, ALL)

    def _of_text(self, text: str) -> Iterator[Node]:
        """``module:function``, a module that is run, or the beginning of names that are put together."""
        module, _, name = text.partition(":")
        if module.endswith("."):
            yield from ((below, ALL) for below in _modules_below(self.root, module[:-1]))
        elif self.module(module) is not None:
            yield from self._follow(module, (name,) if name else (), frozenset())
        elif "." in module:
            yield from self._of_text(f"{module.rpartition('.')[0]}:{module.rpartition('.')[2]}")

    def _through(self, bound: Imported, rest: Chain, seen: frozenset[Node]) -> Iterator[Node]:
        """What ``rest`` is of an imported name."""
        if bound.own:
            chain = rest if bound.name is None else (bound.name, *rest)
            yield from self._follow(bound.module, chain, seen)

    def _follow(
        self, module: str, chain: Chain, seen: frozenset[Node], is_root: bool = False, of_import: bool = False
    ) -> Iterator[Node]:
        """What a chain of attributes of a module is; ``is_root``: it may as well be a builtin or a local name."""
        code = self.module(module)
        if code is None:
            return
        yield (module, IMPORT)
        if not chain:
            yield (module, ALL)
            return
        head, rest = chain[0], chain[1:]
        if (module, head) in seen:
            return
        seen, known = seen | {(module, head)}, head.startswith("__")
        if head in code.names:
            known = True
            yield (module, head)
            for part in code.names[head]:
                # Of a name that is only passed on, who uses it says which part of it counts.
                if isinstance(part, Imported) and not of_import:
                    yield from self._through(part, rest, seen)
        if not is_root and self.module(f"{module}.{head}") is not None:
            known = True
            yield from self._follow(f"{module}.{head}", rest, seen)
        for star in () if known else code.stars:
            source = self.module(star)
            if source is not None and (head in source.names or source.stars):
                known = True
                yield from self._follow(star, chain, seen, is_root, of_import)
        if not known and not is_root:
            yield (module, ALL)


@cache
def _parsed(path: Path, _mtime_ns: int) -> ModuleCode:
    return take_apart(path.read_text(encoding="utf-8"))


def module_path(root: Path, module: str) -> Path | None:
    """The file of a module of this package, or None if there is no such module."""
    if module != PACKAGE and not module.startswith(PACKAGE + "."):
        return None
    base = os.path.join(root, *module.split(".")[1:])  # noqa: PTH118 (asked for every name that is imported)
    for path in (f"{base}/__init__.py", f"{base}.py"):
        if os.path.isfile(path):  # noqa: PTH113
            return Path(path)
    return None


def _modules_below(root: Path, package: str) -> Iterator[str]:
    start = root.joinpath(*package.split(".")[1:])
    for path in sorted(start.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        yield ".".join((PACKAGE, *(parts[:-1] if parts[-1] == "__init__" else parts)))


def _parents(module: str) -> list[str]:
    """The packages around a module, whose ``__init__`` files run before it."""
    parts = module.split(".")
    return [".".join(parts[:i]) for i in range(1, len(parts))]
