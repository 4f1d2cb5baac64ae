"""How a global batch is split over processes and in time; it changes nothing but the order of additions."""

from __future__ import annotations

from typing import NamedTuple

from ptp_core.errors import UserError


class Layout(NamedTuple):
    """A global batch of ``processes · accumulation · rows`` rows."""

    processes: int = 1
    accumulation: int = 1
    """Micro-batches that a process adds up before the weights move."""
    rows: int = 1
    """Rows of a micro-batch."""

    def first_row(self, rank: int, micro: int) -> int:
        """Where in the global batch a process's micro-batch begins."""
        return (micro * self.processes + rank) * self.rows

    def describe(self, length: int) -> str:
        """For people: ``2 processes × 4 micro-batches × 8 rows of 128 tokens``."""
        parts = ((self.processes, "process", "es"), (self.accumulation, "micro-batch", "es"), (self.rows, "row", "s"))
        words = (f"{count} {name}{plural if count != 1 else ''}" for count, name, plural in parts)
        return " × ".join(words) + f" of {length} tokens"


def layout_of(batch_rows: int, length: int, processes: int, micro_batch_tokens: int) -> Layout:
    """The split with the largest micro-batch of at most ``micro_batch_tokens`` tokens, and of one row at least.

    Raises UserError if the rows of the global batch cannot be shared evenly.
    """
    if batch_rows % processes:
        raise UserError(
            f"a batch of {batch_rows} rows cannot be shared by {processes} processes",
            subject="execution.devices", fix="use a number of processes that divides batch_tokens / sequence_length",
        )  # fmt: skip
    share = batch_rows // processes
    rows = max(n for n in range(1, share + 1) if share % n == 0 and (n == 1 or n * length <= micro_batch_tokens))
    return Layout(processes, share // rows, rows)
