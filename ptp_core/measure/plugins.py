"""Running an indicator that a user wrote: what it returns as quantities, what it raises as one line."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import math
import numbers
import re
import statistics
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any

from ptp_core.errors import UserError, shorten
from ptp_core.measure.measured import ItemScore, Measured, Quantity
from ptp_core.measure.own_state import own_state
from ptp_core.measure.probe import Probe
from ptp_core.spec.fields import NAME_PATTERN
from ptp_core.spec.plugins import Declared, declared
from ptp_core.stats.clusters import mean_error
from ptp_core.work import Interrupted

MODULE = "_ptp_user_indicators"
VALUE = "value"
"""Name of the quantity of an indicator that returns one number, or those of items."""
LONGEST = 200
"""Characters of a failure's line."""
WANTED = "a number, the numbers of items, or a dict of named numbers"


class PluginFailed(Exception):  # noqa: N818 (a result, as Diverged is)
    """An indicator of a user's came to nothing; says in one line where and why."""


class _WrongResult(Exception):  # noqa: N818 (never leaves this module)
    pass


def run(path: Path, name: str, probe: Probe) -> Measured:
    """Run the indicator ``name`` of the file ``path`` on a checkpoint.

    It gets a probe of its own, so that nothing it does to the model reaches another indicator, and what it changes in
    the process is put back (``own_state``). Random numbers begin at the same seed at every call. Raises PluginFailed
    if the file cannot be run, or the function raises or exits, or returns what is no finite number; the traceback is
    printed from the user's first line on.
    """
    try:
        known = declared(path)
    except UserError as error:
        raise PluginFailed(str(error).splitlines()[0].replace(str(path), path.name)) from None
    if name not in known:
        raise PluginFailed(f"{path.name} has no indicator {shorten(name)}")
    try:
        with own_state():
            return _measured(_function(path, name)(replace(probe)), known[name])
    except (Interrupted, KeyboardInterrupt):
        raise
    except _WrongResult as error:
        raise PluginFailed(f"{path.name}:{known[name].line} {error}") from None
    except BaseException as error:
        # Whatever it is, it is theirs; SystemExit too, which would end the measuring of everything else.
        line, text = _explained(error, path)
        print(text, flush=True)
        raise PluginFailed(f"{path.name}:{line or known[name].line} {_one_line(error)}") from None
    finally:
        sys.modules.pop(MODULE, None)


class _Source(importlib.machinery.SourceFileLoader):
    """Reads the source as it is now, and leaves no compiled file beside it."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def _function(path: Path, name: str) -> Callable[[Probe], Any]:
    """The function of a file that is imported under a name of our own; no import finds it by that name afterwards."""
    loader = _Source(MODULE, str(path))
    spec = importlib.util.spec_from_file_location(MODULE, path, loader=loader)
    assert spec is not None, "a loader is given"
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and the like look up the module of a class while the file runs.
    sys.modules[MODULE] = module
    loader.exec_module(module)
    found: Callable[[Probe], Any] = getattr(module, name)
    return found


def _measured(returned: Any, indicator: Declared) -> Measured:
    value = _plain(returned)
    better = indicator.higher_is_better
    if isinstance(value, dict) and value:
        named = {_checked(key): _number(one, f' for "{key}"') for key, one in value.items()}
        return Measured(next(iter(named)), {key: Quantity(one, None, 1, better) for key, one in named.items()})
    if isinstance(value, list | tuple) and value:
        scores = [_number(one, f" for item {i}") for i, one in enumerate(value)]
        error = mean_error(scores) if len(scores) > 1 else None
        quantity = Quantity(statistics.fmean(scores), error, len(scores), better)
        return Measured(VALUE, {VALUE: quantity}, [ItemScore(str(i), None, one, None) for i, one in enumerate(scores)])
    return Measured(VALUE, {VALUE: Quantity(_number(value, ""), None, 1, better)})


def _plain(value: Any) -> Any:
    """Arrays, tensors and their scalars as Python's lists and numbers."""
    return value.tolist() if hasattr(value, "tolist") else value


def _number(value: Any, where: str) -> float:
    plain = _plain(value)
    if isinstance(plain, bool) or not isinstance(plain, numbers.Real):
        raise _WrongResult(f"returned {shorten(value)}{where}; expected {WANTED}")
    if not math.isfinite(found := float(plain)):
        raise _WrongResult(f"returned {found}{where}")
    return found


def _checked(key: Any) -> str:
    if not isinstance(key, str) or not re.fullmatch(NAME_PATTERN, key):
        raise _WrongResult(f"returned the key {shorten(key)}, which cannot be part of a column's name")
    return key


def _explained(error: BaseException, path: Path) -> tuple[int | None, str]:
    """(the last line of the user's file that it went through, the traceback from their first line on)."""
    mine = [frame for frame in _frames(error.__traceback__) if frame.tb_frame.f_code.co_filename == str(path)]
    shown = mine[0] if mine else None
    line = mine[-1].tb_lineno if mine else error.lineno if isinstance(error, SyntaxError) else None
    return line, "".join(traceback.format_exception(type(error), error, shown)).rstrip()


def _frames(trace: TracebackType | None) -> list[TracebackType]:
    found = []
    while trace is not None:
        found.append(trace)
        trace = trace.tb_next
    return found


def _one_line(error: BaseException) -> str:
    # As a traceback puts it, which copes with exceptions that cannot be printed; further lines are detail.
    said = traceback.TracebackException(type(error), error, None).format_exception_only()
    text = next(line for line in said if not line.startswith(" ")).strip().splitlines()[0]
    # A class of the user's is called after the module, whose name is ours.
    printable = "".join(character if character.isprintable() else "?" for character in text)
    return printable.replace(f"{MODULE}.", "")[:LONGEST]
