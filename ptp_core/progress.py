"""Progress of long work: a bar on a terminal, a line every few seconds in a log file."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

LOG_SECONDS = 5.0


class Progress:
    """``with Progress(total, "tokens", "pretrain clm") as bar: bar.advance(2048, "loss 3.21")``.

    Shows done/total, rate, time left and a note.
    """

    def __init__(self, total: int, unit: str, label: str, done: int = 0, shown: bool = True) -> None:
        self.total, self.unit, self.label, self.done, self.start = total, unit, label, done, done
        self.note = ""
        self.began = self.shown = time.monotonic()
        # One of several processes speaks for all.
        self.silent = not shown
        on_terminal = shown and sys.stderr.isatty()
        self.bar = tqdm(total=total, initial=done, unit=unit, desc=label, unit_scale=True) if on_terminal else None

    def advance(self, amount: int, note: str = "") -> None:
        self.done, self.note = self.done + amount, note
        if self.bar is not None:
            self.bar.set_postfix_str(note, refresh=False)
            self.bar.update(amount)
        elif not self.silent and time.monotonic() - self.shown >= LOG_SECONDS:
            self._print_line()

    def share(self, note: str, share: float) -> None:
        """So much of the whole is done; never goes back."""
        self.advance(max(0, round(self.total * share) - self.done), note)

    def _print_line(self) -> None:
        self.shown = time.monotonic()
        line = tqdm.format_meter(
            self.done, self.total, self.shown - self.began, ncols=0, prefix=self.label, unit=self.unit,
            unit_scale=True, postfix=self.note, initial=self.start,
        )  # fmt: skip
        print(line, file=sys.stderr, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()
        elif kind is None and not self.silent:
            self._print_line()
