"""The batch at step s as a pure function of (seed, s): no state, so resume and restart see the same tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ptp_core.data.shards import Tokens
from ptp_core.errors import UserError


class Sampler:
    """Rows of ``length + 1`` tokens drawn from several streams by weight.

    Which stream a row comes from is drawn at random by the mixture's weights. Inside a stream, rows are windows that
    tile it without overlap, in an order that is shuffled anew at each pass, with a new offset, so that every window of
    a pass is seen before the next pass begins.
    """

    def __init__(
        self, streams: Mapping[str, Tokens], weights: Mapping[str, float], seed: int, length: int, rows: int
    ) -> None:
        """``rows``: how many rows the whole run draws. Raises UserError if a stream is shorter than two rows."""
        self.names = sorted(weights)
        self.streams, self.seed, self.length = streams, seed, length
        for name in self.names:
            found, least = len(streams[name]), 2 * length + 1
            if found < least:
                raise UserError(
                    f'domain "{name}" is too short', expected=f"at least {least} tokens", got=found,
                    fix="give it more text or shorten sequence_length",
                )  # fmt: skip
        shares = np.cumsum([weights[name] for name in self.names])
        draws = np.random.default_rng([seed, 1]).random(rows)
        self.domain_of_row = np.searchsorted(shares[:-1] / shares[-1], draws, side="right").astype(np.uint16)
        # How often the row's domain was drawn before it: its place in the domain's own order.
        self.place_of_row = np.zeros(rows, dtype=np.int64)
        for d in range(len(self.names)):
            mine = self.domain_of_row == d
            self.place_of_row[mine] = np.arange(mine.sum())
        self._orders: dict[int, tuple[int, int, NDArray[np.int64]]] = {}

    def rows(self, start: int, count: int) -> NDArray[np.int64]:
        """Rows ``start … start + count - 1``, shape (count, length + 1)."""
        return np.stack([self._row(i) for i in range(start, start + count)])

    def places(self, start: int, count: int) -> NDArray[np.int64]:
        """(domain, place) of the same rows, shape (count, 2)."""
        part = slice(start, start + count)
        return np.stack([self.domain_of_row[part].astype(np.int64), self.place_of_row[part]], axis=1)

    def tokens(self) -> dict[str, int]:
        """Domain → tokens drawn from it."""
        drawn = np.bincount(self.domain_of_row, minlength=len(self.names))
        return {name: int(drawn[d]) * self.length for d, name in enumerate(self.names)}

    def epochs(self) -> dict[str, float]:
        """Domain → passes over its stream in the whole run."""
        drawn = np.bincount(self.domain_of_row, minlength=len(self.names))
        return {name: float(drawn[d] / self._windows(d)) for d, name in enumerate(self.names)}

    def _row(self, i: int) -> NDArray[np.int64]:
        domain, place = int(self.domain_of_row[i]), int(self.place_of_row[i])
        windows = self._windows(domain)
        offset, order = self._order(domain, place // windows)
        begin = offset + int(order[place % windows]) * self.length
        return np.asarray(self.streams[self.names[domain]][begin : begin + self.length + 1], dtype=np.int64)

    def _windows(self, domain: int) -> int:
        # One window is given up so that an offset of up to a window's length always fits.
        return (len(self.streams[self.names[domain]]) - 1) // self.length - 1

    def _order(self, domain: int, epoch: int) -> tuple[int, NDArray[np.int64]]:
        # Only the last pass asked for is kept: an order takes eight bytes a window.
        if domain not in self._orders or self._orders[domain][0] != epoch:
            name = int.from_bytes(hashlib.sha256(self.names[domain].encode()).digest()[:4], "big")
            rng = np.random.default_rng([self.seed, 2, name, epoch])
            self._orders[domain] = (epoch, int(rng.integers(self.length)), rng.permutation(self._windows(domain)))
        return self._orders[domain][1:]
