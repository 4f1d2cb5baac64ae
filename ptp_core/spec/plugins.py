"""Indicators that users write: what a file of theirs declares, read without running it.

@indicator(higher_is_better=False)
def embedding_norm(probe: Probe) -> float:
    '''Mean norm of the token embeddings.'''
"""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from ptp_core.errors import UserError, UserErrors, Where
from ptp_core.spec.fields import NAME_LENGTH, NAME_PATTERN, Name, Section, identity

MODULE, DECORATOR = "ptp_core.indicators", "indicator"
ARGUMENT = "higher_is_better"
EXAMPLE = f"@{DECORATOR}({ARGUMENT}=True)"
BUILT_IN: tuple[Literal["ppl", "kshot", "tuned"], ...] = ("ppl", "kshot", "tuned")
"""The kinds of our own indicators; their names begin with them and ``_``."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class PluginSettings(Section):
    """All that decides a user's indicator of one checkpoint, beside the checkpoint, the data and the user's file."""

    name: Name = identity("which of the file's indicators")


class Declared(NamedTuple):
    """An indicator as its file declares it."""

    name: str
    higher_is_better: bool
    description: str
    """The first paragraph of the docstring, in one line."""
    line: int
    """Where the function begins, from 1."""


def declared(path: Path) -> dict[str, Declared]:
    """Name → indicator, for every function that the file decorates as one, in the file's order; nothing is executed.

    Raises UserError with file and line (UserErrors for several): a file that is not Python or declares nothing; a
    function without docstring, without the one parameter, or below the top level; arguments of the decorator other
    than a literal ``higher_is_better``; a name that is taken or cannot name a column of the table.
    """
    tree = _parse(path)
    names = _names_of_the_decorator(tree)
    errors: list[UserError] = []
    found: dict[str, Declared] = {}
    for node, call in _decorated(tree, names):
        mistakes = [*_mistakes(node, call, tree)]
        errors += [UserError(what, where=Where(path, line), subject=node.name, fix=fix) for what, line, fix in mistakes]
        if not mistakes:
            found[node.name] = _declared(node, call)
    if errors:
        raise UserErrors(errors)
    if not found:
        fix = f"write `from {MODULE} import {DECORATOR}` and {EXAMPLE} above a function"
        raise UserError("no function of this file is an indicator", where=Where(path), fix=fix)
    return found


def _parse(path: Path) -> ast.Module:
    try:
        with warnings.catch_warnings():
            # What Python has to say about style is said when the file is run.
            warnings.simplefilter("ignore")
            return ast.parse(path.read_bytes())
    except OSError as error:
        raise UserError("this file cannot be read", where=Where(path), got=error.strerror) from None
    except SyntaxError as error:
        raise UserError(f"this is not Python: {error.msg}", where=Where(path, error.lineno)) from None
    except (ValueError, RecursionError, MemoryError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise UserError(f"this is not Python: {lines[0]}", where=Where(path)) from None


def _names_of_the_decorator(tree: ast.Module) -> set[str]:
    """What the file calls the decorator: ``indicator``, ``indicators.indicator``, …"""
    package, module = MODULE.rsplit(".", 1)
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            own = {alias.name: alias.asname or alias.name for alias in node.names}
            names |= {own[DECORATOR]} if node.module == MODULE and DECORATOR in own else set()
            names |= {f"{own[module]}.{DECORATOR}"} if node.module == package and module in own else set()
        elif isinstance(node, ast.Import):
            names |= {f"{alias.asname or MODULE}.{DECORATOR}" for alias in node.names if alias.name == MODULE}
    return names


def _decorated(tree: ast.Module, names: set[str]) -> Iterator[tuple[Function, ast.expr]]:
    """(function, its decorator) of all indicators, wherever they stand."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            for decorator in node.decorator_list:
                if ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator) in names:
                    yield node, decorator


def _mistakes(node: Function, decorator: ast.expr, tree: ast.Module) -> Iterator[tuple[str, int, str]]:
    """(what is wrong, line, how to mend it) of one indicator."""
    if node not in tree.body or isinstance(node, ast.AsyncFunctionDef):
        yield "an indicator is a plain function at the top level of the file", node.lineno, ""
    named = (other for other in tree.body if isinstance(other, Function | ast.ClassDef))
    twice = [other.lineno for other in named if other.name == node.name and other is not node]
    if twice:
        yield f"this name is used on line {twice[0]} as well", node.lineno, "rename one of the two"
    if not re.fullmatch(NAME_PATTERN, node.name):
        fix = f"use letters A-Z, digits and _, at most {NAME_LENGTH}, and begin with a letter"
        yield "this name cannot be a column of the table", node.lineno, fix
    taken = tuple(f"{kind}_" for kind in BUILT_IN)
    if node.name.startswith(taken):
        yield f"names that begin with {', '.join(taken)} are those of our own indicators", node.lineno, "rename it"
    if not (ast.get_docstring(node) or "").strip():
        yield "there is no docstring", node.lineno, "say in a sentence what is measured"
    given = node.args
    needed = len([*given.posonlyargs, *given.args]) - len(given.defaults)
    if needed > 1 or not [*given.posonlyargs, *given.args] or None in given.kw_defaults:
        yield "an indicator takes one argument, the probe", node.lineno, ""
    if _answer(decorator) is None:
        yield f"{ARGUMENT} must be written out", decorator.lineno, f"write {EXAMPLE}, or False"


def _answer(decorator: ast.expr) -> bool | None:
    """The literal ``higher_is_better`` of a decorator, or None if it is anything else."""
    if not isinstance(decorator, ast.Call) or decorator.args or len(decorator.keywords) != 1:
        return None
    keyword = decorator.keywords[0]
    value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
    return value if keyword.arg == ARGUMENT and isinstance(value, bool) else None


def _declared(node: Function, decorator: ast.expr) -> Declared:
    paragraph = inspect.cleandoc(ast.get_docstring(node) or "").split("\n\n")[0]
    return Declared(node.name, bool(_answer(decorator)), " ".join(paragraph.split()), node.lineno)
