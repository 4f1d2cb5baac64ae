"""Statements as a digest that formatting, comments and docstrings do not change, and the names that they refer to."""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Chain = tuple[str, ...]
"""``a.b.c`` as a, b, c; what is behind a call or an index is not followed."""

_LEFT_OUT = {"ctx", "type_comment", "kind", "type_ignores"}
"""Fields of the syntax tree that the rest of it implies, or that no Python executes."""
_FIELDS: dict[type, tuple[str, ...]] = {}
_MODULE_NAME = re.compile(r"ptp_core(\.\w+)+(:\w+|\.)?|ptp_core\.")
_PLAIN = {"property", "cached_property", "classmethod", "staticmethod", "contextmanager", "cache", "overload"}


@dataclass
class Statement:
    """One or several statements; read when they are first asked for, since most of a package is asked for by few."""

    nodes: list[ast.stmt]
    is_future: bool

    @cached_property
    def _read(self) -> _Reader:
        reader = _Reader(self.is_future)
        for node in self.nodes:
            reader.read(node)
        self.nodes = []
        return reader

    @cached_property
    def digest(self) -> str:
        """sha256 over the syntax tree."""
        return hashlib.sha256(" ".join(self._read.words).encode()).hexdigest()

    @property
    def chains(self) -> set[Chain]:
        """Names and attributes that are looked up when the statement, or a function in it, is executed."""
        return self._read.chains

    @property
    def annotations(self) -> set[Chain]:
        """Names in the annotations of functions, which nothing looks up: the kinds of what a function is handed."""
        return self._read.annotations

    @property
    def imports(self) -> list[ast.Import | ast.ImportFrom]:
        """Imports anywhere inside."""
        return self._read.imports

    @property
    def texts(self) -> set[str]:
        """Strings that look like a module of this package, or ``module:function``."""
        return self._read.texts


def write(nodes: list[ast.stmt], is_future: bool) -> Statement:
    """Statements as they stand in a module; ``is_future``: its annotations are not evaluated."""
    return Statement(nodes, is_future)


@dataclass
class _Reader:
    """Walks over a syntax tree once, for the digest and the references together: this is what a closure costs."""

    is_future: bool
    words: list[str] = field(default_factory=list)
    chains: set[Chain] = field(default_factory=set)
    annotations: set[Chain] = field(default_factory=set)
    imports: list[ast.Import | ast.ImportFrom] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)
    in_class: bool = False

    def read(self, node: ast.AST) -> None:
        kind = node.__class__
        special = _SPECIAL.get(kind)
        if special is None:
            self._read_fields(node, kind)
        else:
            special(self, node)

    def _read_fields(self, node: ast.AST, kind: type) -> None:
        fields = _FIELDS.get(kind)
        if fields is None:
            fields = _FIELDS[kind] = tuple(name for name in node._fields if name not in _LEFT_OUT)
        # Every child says where it belongs, and what is absent says nothing: later Pythons may add a field.
        self.words.append("(" + kind.__name__)
        for name in fields:
            self._read_value(name, getattr(node, name, None))
        self.words.append(")")

    def _read_value(self, name: str, value: Any) -> None:
        if value is None or value == []:
            return
        self.words.append(name)
        if value.__class__ is list:
            for item in value:
                if isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant):
                    continue  # docstrings, and any other bare string, are without effect
                if isinstance(item, ast.AST):
                    self.read(item)
                else:
                    self.words.append(repr(item))
        elif isinstance(value, ast.AST):
            self.read(value)
        else:
            self.words.append(repr(value))

    def _name(self, node: ast.Name) -> None:
        self.words.append(node.id)
        self.chains.add((node.id,))

    def _attribute(self, node: ast.Attribute) -> None:
        names: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            names.append(inner.attr)
            inner = inner.value
        self.words.append("(." + ".".join(names))
        if isinstance(inner, ast.Name):
            self.words.append(inner.id)
            self.chains.add((inner.id, *reversed(names)))
        else:
            self.read(inner)
        self.words.append(")")

    def _constant(self, node: ast.Constant) -> None:
        value = node.value
        # The length keeps apart what a string says from what stands around it.
        text = repr(value)
        self.words.append(f"{len(text)}:{text}")
        if isinstance(value, str) and value.startswith("ptp_core.") and _MODULE_NAME.fullmatch(value):
            self.texts.add(value)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.imports.append(node)
        self._read_fields(node, node.__class__)

    def _global(self, node: ast.Global) -> None:
        self.chains.update((name,) for name in node.names)
        self._read_fields(node, ast.Global)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        evaluated = not self.is_future or any(_decorator(d) not in _PLAIN for d in node.decorator_list)
        in_class, self.in_class = self.in_class, False
        self.words.append(f"({node.__class__.__name__} {node.name}")
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        for annotation in (*(a.annotation for a in every if a), node.returns):
            self._annotation(annotation, evaluated)
        for part in ("posonlyargs", "args", "kwonlyargs"):
            self.words.append(f"{part} {' '.join(argument.arg for argument in getattr(arguments, part))}")
        self.words.append(f"{arguments.vararg and arguments.vararg.arg} {arguments.kwarg and arguments.kwarg.arg}")
        # A parameter without a default stands as None among those of keywords.
        self.words.append(" ".join("=" if default else "-" for default in arguments.kw_defaults))
        self._read_value("defaults", [*arguments.defaults, *filter(None, arguments.kw_defaults)])
        for name in ("decorator_list", "type_params", "body"):
            self._read_value(name, getattr(node, name, None))
        self.words.append(")")
        self.in_class = in_class

    def _class(self, node: ast.ClassDef) -> None:
        in_class, self.in_class = self.in_class, True
        self._read_fields(node, ast.ClassDef)
        self.in_class = in_class

    def _annotated(self, node: ast.AnnAssign) -> None:
        self.words.append("(AnnAssign")
        self.read(node.target)
        # Those of a class say what pydantic and dataclasses do with it; those of variables are never evaluated.
        self._annotation(node.annotation, self.in_class or not self.is_future)
        self._read_value("value", node.value)
        self.words.append(")")

    def _annotation(self, node: ast.expr | None, evaluated: bool) -> None:
        if node is None:
            self.words.append("-")
            return
        reader = _Reader(self.is_future)
        reader.read(node)
        self.words += reader.words
        if not evaluated:
            self.annotations |= reader.chains
        else:
            self.chains |= reader.chains | _in_strings(node)
            self.texts |= reader.texts


def _in_strings(annotation: ast.expr) -> set[Chain]:
    """Names in the strings of an annotation: ``list["Item"]``."""
    reader = _Reader(is_future=True)
    for node in ast.walk(annotation):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                reader.read(ast.parse(node.value, mode="eval"))
            except SyntaxError:
                continue
    return reader.chains


def _decorator(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


_SPECIAL: dict[type, Any] = {
    ast.Name: _Reader._name,
    ast.Attribute: _Reader._attribute,
    ast.Constant: _Reader._constant,
    ast.Import: _Reader._import,
    ast.ImportFrom: _Reader._import,
    ast.Global: _Reader._global,
    ast.FunctionDef: _Reader._function,
    ast.AsyncFunctionDef: _Reader._function,
    ast.ClassDef: _Reader._class,
    ast.AnnAssign: _Reader._annotated,
}
