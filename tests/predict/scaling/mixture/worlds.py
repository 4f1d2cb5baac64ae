"""Made-up worlds whose law of the mixture is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ptp_core.predict.scaling.points import Floats, Points
from ptp_core.spec.scaling import MixtureLaw, Scaling

Law = Callable[[Floats, Floats], dict[str, Floats]]
"""(runs, sources) shares and (runs,) compute → values by name: losses, and "acc", which is a score."""


def two_sources(shares: Floats, compute: Floats) -> dict[str, Floats]:
    """Text and code, each of some use to the other."""
    size = np.log(compute / 1e18)
    text, code = shares.T
    losses = {
        "text": 1.5 + 1.5 * np.exp(-0.15 * size) * (text + 0.1 * code + 0.02) ** -0.12,
        "code": 0.6 + 1.2 * np.exp(-0.18 * size) * (code + 0.15 * text + 0.02) ** -0.2,
    }
    return {**losses, "acc": accuracy(losses)}


def four_sources(shares: Floats, compute: Floats) -> dict[str, Floats]:
    """Four domains with a source each, all of some use to the others."""
    size = np.log(compute / 1e18)
    useful = shares @ (0.85 * np.eye(4) + 0.15) + 0.01
    losses = {f"d{d}": 1 + 0.2 * d + 1.3 * np.exp(-0.16 * size) * useful[:, d] ** (-0.1 - 0.03 * d) for d in range(4)}
    return {**losses, "acc": accuracy(losses)}


def accuracy(losses: dict[str, Floats]) -> Floats:
    """From a guesser's quarter upwards as the mean loss falls."""
    return np.asarray(0.25 + 0.7 / (1 + np.exp(3 * (np.mean([*losses.values()], axis=0) - 2.2))))


def make_world(law: Law, shares: Floats, compute: Floats, *, noise: float, seed: int) -> Points:
    """One point a run; noise is relative for losses, absolute for a score."""
    rng = np.random.default_rng([seed, 1])
    values = {}
    for name, value in law(shares, compute).items():
        error = noise * rng.normal(size=len(value))
        values[name] = value + error if name == "acc" else value * np.exp(error)
    n, params = len(shares), np.sqrt(compute / 120)  # twenty tokens a parameter
    return Points(
        runs=tuple(f"r{i}" for i in range(n)),
        groups=("",) * n,
        run=np.arange(n),
        params=params,
        tokens=20 * params,
        compute=compute,
        values=values,
        higher_is_better={name: name == "acc" for name in values},
        shares=shares,
    )


def spec_of(points: Points, *, restarts: int = 5) -> Scaling:
    """A section for all the values in the points."""
    losses = tuple(name for name, better in points.higher_is_better.items() if not better)
    scores = tuple(name for name, better in points.higher_is_better.items() if better)
    sources = tuple(f"s{i}" for i in range(points.shares.shape[1]))
    return Scaling(losses=losses, targets=scores, mixture=MixtureLaw(sources=sources, restarts=restarts))
