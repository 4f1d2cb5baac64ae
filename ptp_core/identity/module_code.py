"""One module of the package, taken apart: its names, what importing it does, and what each of its parts refers to."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from ptp_core.identity.statement import Statement, write

PACKAGE = "ptp_core"
_PLAIN_DECORATORS = {
    "abstractmethod", "asynccontextmanager", "cache", "cached_property", "classmethod", "computed_field",
    "contextmanager", "dataclass", "deleter", "field_serializer", "field_validator", "final", "getter",
    "inference_mode", "lru_cache", "model_serializer", "model_validator", "no_grad", "overload", "override",
    "property", "setter", "staticmethod", "total_ordering", "wraps",
}  # fmt: skip
"""Decorators of libraries that change only what they decorate. Any other may put it on a list somewhere."""
_CHANGES = re.compile(
    "(add|append|configure|disable|enable|extend|insert|install|manual|patch|register|seed|set|setdefault|update|use)(_|$)"
)
"""Methods and functions of libraries that are called for what they do, also where their value is kept."""
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Imported:
    """A name bound by an import: a module (``name`` None), or something inside one, which may be a module."""

    module: str
    name: str | None

    @property
    def own(self) -> bool:
        """Whether it comes from this package."""
        return is_own(self.module)


@dataclass
class ModuleCode:
    """Names and effects of one module; parts are digested when they are first asked for."""

    is_future: bool
    """Whether annotations are left unevaluated."""
    names: dict[str, list[Statement | Imported]] = field(default_factory=dict)
    effects: list[Statement] = field(default_factory=list)
    """Statements that importing the module executes for what they do, not for the name that they bind."""
    main: list[Statement] = field(default_factory=list)
    """What only ``python -m`` executes."""
    imports: set[str] = field(default_factory=set)
    """Modules of this package that importing this one may import; a name that is no module among them is no harm."""
    stars: list[str] = field(default_factory=list)

    @cached_property
    def effect_digest(self) -> str | None:
        """One digest of all effects, in their order; None without any."""
        return digest_of("\n".join(effect.digest for effect in self.effects)) if self.effects else None


def is_own(module: str) -> bool:
    """Whether a module is one of this package."""
    return module == PACKAGE or module.startswith(PACKAGE + ".")


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def take_apart(source: str) -> ModuleCode:
    """Sort the statements of a module. Raises SyntaxError, and ValueError for what hides code from this analysis."""
    tree = ast.parse(source)
    code = ModuleCode(any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in tree.body))
    own = _own_names(tree)
    for node in tree.body:
        _sort(node, code, own, source)
    return code


def imported_by(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Imported]]:
    """The names that an import binds. Raises ValueError for relative imports."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield (
                alias.asname or alias.name.split(".")[0],
                Imported(alias.name if alias.asname else alias.name.split(".")[0], None),
            )
        return
    if node.level or node.module is None:
        raise ValueError("relative imports hide a stage's code from its fingerprint; write them out")
    for alias in node.names:
        if node.module != "__future__":
            yield alias.asname or alias.name, Imported(node.module, alias.name)


def modules_of(node: ast.Import | ast.ImportFrom) -> set[str]:
    """Names in this package that may be modules which an import executes."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names if is_own(alias.name)}
    module = node.module or ""
    return {module, *(f"{module}.{alias.name}" for alias in node.names)} if is_own(module) else set()


def _sort(node: ast.stmt, code: ModuleCode, own: set[str], source: str) -> None:
    if isinstance(node, ast.Import | ast.ImportFrom):
        _sort_import(node, code, source)
    elif isinstance(node, _DEFINITIONS):
        part = write([node], code.is_future)
        code.names.setdefault(node.name, []).append(part)
        if _registers(node, own):
            code.effects.append(part)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        pass
    elif isinstance(node, ast.If) and _mentions(node.test, "TYPE_CHECKING") and not node.orelse:
        # Never executed, and what is imported there is not at hand when annotations are evaluated.
        pass
    elif isinstance(node, ast.If) and _mentions(node.test, "__name__"):
        code.main.append(write([node], code.is_future))
    elif (names := _constants(node)) is not None:
        part = write([node], code.is_future)
        for name in names:
            code.names.setdefault(name, []).append(part)
        if "__all__" in names or _calls(node, own):
            code.effects.append(part)
    else:
        _sort_effect(node, code, source)


def _sort_import(node: ast.Import | ast.ImportFrom, code: ModuleCode, source: str) -> None:
    code.imports |= modules_of(node)
    for name, found in imported_by(node):
        if name != "*":
            code.names.setdefault(name, []).append(found)
            # What nothing in the file mentions again is imported for what importing it does.
            if not found.own and len(list(islice(re.finditer(rf"\b{name}\b", source), 2))) < 2:
                code.effects.append(write([node], code.is_future))
        elif found.own:
            code.stars.append(found.module)
        else:
            code.effects.append(write([node], code.is_future))


def _sort_effect(node: ast.stmt, code: ModuleCode, source: str) -> None:
    part = write([node], code.is_future)
    code.effects.append(part)
    for inner in _outside_functions(node):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            _sort_import(inner, code, source)
        elif isinstance(inner, _DEFINITIONS):
            code.names.setdefault(inner.name, []).append(part)
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            code.names.setdefault(inner.id, []).append(part)


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement that its own execution passes; of definitions only the head."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        if not isinstance(found, (*_DEFINITIONS, ast.Lambda)):
            waiting += ast.iter_child_nodes(found)


def _own_names(tree: ast.Module) -> set[str]:
    """Names at module level that stand for code of this package."""
    own: set[str] = set()
    for node in tree.body:
        if isinstance(node, _DEFINITIONS):
            own.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            own |= {name for name, found in imported_by(node) if found.own}
        else:
            own.update(_constants(node) or ())
    return own


def _constants(node: ast.stmt) -> list[str] | None:
    """The names that an assignment binds; None if it is none, or also changes something that is there already."""
    if isinstance(node, ast.AnnAssign):
        targets: list[ast.expr] = [node.target]
    elif isinstance(node, ast.Assign):
        targets = [part for target in node.targets for part in _parts(target)]
    elif type(node).__name__ == "TypeAlias":
        targets = [node.name]  # type: ignore[attr-defined]
    else:
        return None
    return [t.id for t in targets if isinstance(t, ast.Name)] if all(isinstance(t, ast.Name) for t in targets) else None


def _parts(target: ast.expr) -> list[ast.expr]:
    return target.elts if isinstance(target, ast.Tuple | ast.List) else [target]


def _registers(node: _Definition, own: set[str]) -> bool:
    """Whether a definition may do more than bind its name: by a decorator, a metaclass, or calls in a class body."""
    if any(_root(d) in own or _last(d) not in _PLAIN_DECORATORS for d in node.decorator_list):
        return True
    if not isinstance(node, ast.ClassDef):
        return any(_calls(default, own) for default in (*node.args.defaults, *node.args.kw_defaults) if default)
    if any(isinstance(n, ast.FunctionDef) and n.name == "__init_subclass__" for n in node.body):
        raise ValueError(f"{node.name}.__init_subclass__ hides a stage's code from its fingerprint; write a list")
    if any(keyword.arg in (None, "metaclass") for keyword in node.keywords):
        return True
    # The fields of a model are declared by calls (`x: int = identity(...)`), which register nothing.
    return any(
        _registers(n, own) if isinstance(n, _DEFINITIONS) else not isinstance(n, ast.AnnAssign) and _calls(n, own)
        for n in node.body
    )


def _calls(node: ast.AST, own: set[str]) -> bool:
    """Whether executing it calls a function of this package, or one of a library that by its name changes something.

    A class makes a value, and lists it nowhere.
    """
    return any(_does_something(n.func, own) for n in _outside_functions(node) if isinstance(n, ast.Call))


def _does_something(function: ast.expr, own: set[str]) -> bool:
    name = _last(function) or "x"
    own_function = _root(function) in own and not name.lstrip("_")[:1].isupper()
    return own_function or (isinstance(function, ast.Attribute) and bool(_CHANGES.match(name)))


def _root(node: ast.expr) -> str | None:
    """Of ``a.b(c)``, a."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _last(node: ast.expr) -> str | None:
    """Of ``a.b(c)``, b."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None


def _mentions(test: ast.expr, name: str) -> bool:
    """Whether a condition is about a name: ``TYPE_CHECKING``, ``typing.TYPE_CHECKING``, ``__name__ == "__main__"``."""
    subject = test.left if isinstance(test, ast.Compare) else test
    return isinstance(subject, ast.Name | ast.Attribute) and _last(subject) == name
