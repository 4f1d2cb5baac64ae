"""Which tokens row i of a run holds, as a pure function of (seed, i): no state, so any restart sees the same ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ptp_core.data.streams import Ints, Stream
from ptp_core.draws import Bits, Draws, hashed, key, permuted
from ptp_core.errors import UserError

BLOCK = 4096
"""Rows between two stored counts of what was drawn; to place a row takes the draws of its block."""
_BLOCKS_AT_ONCE = 64


class Sampler:
    """Rows of ``length + 1`` tokens drawn from several streams by weight.

    Which stream a row comes from is drawn at random by the mixture's weights. Inside a stream, rows are windows that
    tile it without overlap, in an order that is shuffled anew at each pass, with a new offset, so that every window of
    a pass is seen before the next pass begins.

    Kept in memory is one count a domain for each ``BLOCK`` rows: 100 kB a domain for 50 million rows.
    """

    def __init__(
        self, streams: Mapping[str, Stream], weights: Mapping[str, float], seed: int, length: int, rows: int
    ) -> None:
        """``rows``: how many rows the whole run draws. Raises UserError if a stream is shorter than two rows."""
        self.names = sorted(weights)
        self.streams, self.seed, self.length, self.total = [streams[name] for name in self.names], seed, length, rows
        for name, stream in zip(self.names, self.streams, strict=True):
            found, least = len(stream), 2 * length + 1
            if found < least:
                raise UserError(
                    f'domain "{name}" is too short', expected=f"at least {least} tokens", got=found,
                    fix="give it more text or shorten sequence_length",
                )  # fmt: skip
        shares = np.cumsum([weights[name] for name in self.names])
        self._edges = shares[:-1] / shares[-1]
        # One window is given up so that an offset of up to a window's length always fits.
        self._windows = [(len(stream) - 1) // length - 1 for stream in self.streams]
        self._drawn_before = self._count_blocks(rows)
        self._last: tuple[int, Ints, Ints] | None = None

    def rows(self, start: int, count: int) -> Ints:
        """Rows ``start … start + count - 1``, shape (count, length + 1)."""
        return self.at(np.arange(start, start + count))

    def at(self, numbers: Ints) -> Ints:
        """The rows of these numbers, shape (n, length + 1). Costs least where they lie in few blocks."""
        domains, places = self._places(numbers)
        found = np.empty((len(numbers), self.length + 1), dtype=np.int64)
        for d in np.unique(domains):
            mine = domains == d
            windows, passes = self._window(d, places[mine])
            offsets = (self._keys("offset", d, passes) % np.uint64(self.length)).astype(np.int64)
            found[mine] = self.streams[d].take(offsets + windows * self.length, self.length + 1)
        return found

    def places(self, start: int, count: int) -> Ints:
        """(index of the domain in ``names``, number of the window) of each row, shape (count, 2).

        Windows are numbered through the passes: window w of pass p is ``p * windows + w``, so that no two rows of a run
        have the same pair. What a digest of the order is taken over.
        """
        domains, places = self._places(np.arange(start, start + count))
        for d in np.unique(domains):
            mine = domains == d
            windows, passes = self._window(d, places[mine])
            places[mine] = passes * self._windows[d] + windows
        return np.stack([domains, places], axis=1)

    def epochs(self) -> dict[str, float]:
        """Domain → passes over its stream in the whole run."""
        return {
            name: float(n / self._windows[d]) for d, (name, n) in enumerate(zip(self.names, self._drawn(), strict=True))
        }

    def tokens(self) -> dict[str, int]:
        """Domain → tokens that the whole run draws from it, ``length`` a row."""
        return {name: int(n) * self.length for name, n in zip(self.names, self._drawn(), strict=True)}

    def _drawn(self) -> Ints:
        drawn: Ints = self._drawn_before[-1]
        return drawn

    def _domains(self, numbers: Ints) -> Ints:
        lots = Draws(key(self.seed, "domain"), numbers).uniform(0, 1)[:, 0]
        domains: Ints = np.searchsorted(self._edges, lots, side="right")
        return domains

    def _count_blocks(self, rows: int) -> Ints:
        """How many rows each domain has had before each block, and in the whole run: shape (blocks + 1, domains)."""
        counts = [np.zeros((1, len(self.names)), dtype=np.int64)]
        for first in range(0, rows, BLOCK * _BLOCKS_AT_ONCE):
            numbers = np.arange(first, min(first + BLOCK * _BLOCKS_AT_ONCE, rows))
            blocks = (numbers - first) // BLOCK
            cells = blocks * len(self.names) + self._domains(numbers)
            drawn = np.bincount(cells, minlength=(blocks[-1] + 1) * len(self.names))
            counts.append(drawn.reshape(-1, len(self.names)))
        return np.cumsum(np.concatenate(counts), axis=0)

    def _places(self, numbers: Ints) -> tuple[Ints, Ints]:
        """(domain, how often it was drawn before) of each row: its place in the domain's own order."""
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < self.total:
            raise IndexError(f"rows {numbers.min()} … {numbers.max()} of a run of {self.total}")
        domains, places = np.empty_like(numbers), np.empty_like(numbers)
        blocks = numbers // BLOCK
        for block in np.unique(blocks):
            mine = blocks == block
            within = numbers[mine] - block * BLOCK
            drawn, before = self._block(int(block))
            domains[mine], places[mine] = drawn[within], before[within]
        return domains, places

    def _block(self, block: int) -> tuple[Ints, Ints]:
        """(domain, how often it was drawn before) of each row of a block."""
        # The next step's rows lie in the same block most of the time.
        if self._last is None or self._last[0] != block:
            drawn = self._domains(np.arange(block * BLOCK, (block + 1) * BLOCK))
            before = np.empty_like(drawn)
            for d in range(len(self.names)):
                is_d = drawn == d
                before[is_d] = self._drawn_before[block, d] + np.arange(is_d.sum())
            self._last = block, drawn, before
        return self._last[1:]

    def _window(self, domain: int, places: Ints) -> tuple[Ints, Ints]:
        """(window, pass) at each place of a domain's order."""
        passes, within = np.divmod(places, self._windows[domain])
        return permuted(within, self._windows[domain], self._keys("order", domain, passes)), passes

    def _keys(self, purpose: str, domain: int, passes: Ints) -> Bits:
        return hashed(key(self.seed, purpose, self.names[domain]), passes)
