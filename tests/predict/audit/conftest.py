"""Random tables in which nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ptp_core.predict.quantities import Floats, Measured, Quantity

MakeHonest = Callable[..., Measured]

DRAWS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "long tails": lambda rng, n: rng.standard_t(3, size=n),
    "two humps": lambda rng, n: rng.normal(size=n) + 6 * rng.integers(0, 2, size=n),
}


@pytest.fixture(scope="session")
def make_honest() -> MakeHonest:
    """Indicators and outcomes that correlate, and configuration columns that have nothing to do with them."""

    def make(rng: np.random.Generator, n: int, r: float, numbers: str = "normal") -> Measured:
        """Five indicators and three outcomes that share one cause and correlate by ``r``; five unrelated columns."""
        draw = DRAWS[numbers]
        cause = draw(rng, n)

        def made(name: str) -> Quantity:
            return _quantity(name, 50 + 5 * (np.sqrt(r) * cause + np.sqrt(1 - r) * draw(rng, n)))

        return Measured(
            variants=tuple(map(str, range(n))),
            indicators={name: made(name) for name in ("i0", "i1", "i2", "i3", "i4")},
            outcomes={name: made(name) for name in ("o0", "o1", "o2")},
            numbers={
                "lr": rng.choice([1e-4, 2.5e-4, 5e-4, 7.5e-4, 1e-3], n),
                "tokens": rng.choice([1.0, 2.0, 4.0], n),
                "weight": rng.normal(size=n),
            },
            words={"objective": tuple(rng.choice(list("abcdefg"), n)), "mix": tuple(rng.choice(list("xyz"), n))},
            notes=(),
        )

    return make


def _quantity(name: str, values: Floats) -> Quantity:
    n = len(values)
    return Quantity(name, True, values, np.ones(n, dtype=np.int64), np.zeros(n), np.full(n, np.nan))
