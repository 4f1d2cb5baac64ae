"""The one kind of error a user sees: where, what, expected, got, how to fix; no traceback, exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

EXIT_USER_ERROR = 2
EXIT_RETRY = 75
"""The work was asked to stop and can go on: the same code as sendmail's "temporary failure" (sysexits.h)."""
LISTED = 20
"""So many mistakes are listed at once; a longer list is not read."""


@dataclass(frozen=True)
class Where:
    """A place in a file the user wrote; ``line`` counts from 1, None when the whole file is meant."""

    file: Path | str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else str(self.file)


class UserError(Exception):
    """A mistake in what the user gave us (spec, data, table, command line).

    The command line prints ``str(error)`` and exits with ``EXIT_USER_ERROR``. Every message reads
    ``where subject: what; expected …, got …; fix``; parts that do not apply are left out.
    """

    def __init__(
        self,
        what: str,
        *,
        where: Where | None = None,
        subject: str | None = None,
        expected: str | None = None,
        got: object | None = None,
        fix: str | None = None,
    ) -> None:
        self.what, self.where, self.subject = what, where, subject
        self.expected, self.got, self.fix = expected, got, fix
        super().__init__(self._message())

    def _message(self) -> str:
        place = " ".join(str(part) for part in (self.where, self.subject) if part)
        facts = [f"expected {self.expected}"] if self.expected else []
        if self.got is not None:
            facts.append(f"got {shorten(self.got)}")
        clauses = [self.what, ", ".join(facts), self.fix or ""]
        text = "; ".join(clause for clause in clauses if clause)
        return f"{place}: {text}" if place else text


class UserErrors(UserError):  # noqa: N818 (several of them)
    """Several mistakes found in one reading, reported together, one a line."""

    def __init__(self, errors: Iterable[UserError]) -> None:
        self.errors = list(errors)
        lines = [str(error) for error in self.errors[:LISTED]]
        if len(self.errors) > LISTED:
            lines.append(f"… and {len(self.errors) - LISTED:,} more")
        Exception.__init__(self, "\n".join(lines))


def shorten(value: object, limit: int = 80) -> str:
    """``repr`` of a value for a message: control characters escaped, at most ``limit`` characters."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``did you mean "lr"?`` for the nearest known name, else the list of what is known."""
    options = sorted(set(known))
    near = difflib.get_close_matches(name, options, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    return "known: " + ", ".join(options[:20]) + (", …" if len(options) > 20 else "")
