"""How long the law of a mixture takes, everything included: forms chosen, networks, baselines, bands, searches."""

from __future__ import annotations

import os
import time

# Before numpy: the work goes side by side in two threads, each of which needs a core of its own.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from ptp_core.predict.scaling.mixture.law import mixture_law
from ptp_core.predict.scaling.mixture.network import train_networks
from ptp_core.predict.scaling.points import Points
from ptp_core.spec.scaling import MixtureLaw, Scaling

STUDIES = ((2, 40, 2, 4), (4, 60, 6, 6), (17, 200, 13, 0))
"""Sources, fitted runs, domains, scores."""
RESTARTS, POINTS, DOMAINS = 50, 200, 13
GOAL = 20


def main() -> None:
    print("| what | wall s | CPU s | goal |")
    print("|---|---:|---:|---|")
    rng = np.random.default_rng(0)
    losses, score = rng.normal(size=(POINTS, DOMAINS)), rng.uniform(size=(RESTARTS, POINTS))
    even = np.full((RESTARTS, POINTS), 1 / POINTS)
    began, used = time.perf_counter(), time.process_time()
    train_networks(losses, score, even, 0)
    row(f"one network, {RESTARTS} starts, {POINTS} checkpoints, {DOMAINS} domains, torch loaded", began, used, GOAL)
    for sources, runs, domains, scores in STUDIES:
        points, spec = study(sources, runs, domains, scores)
        began, used = time.perf_counter(), time.process_time()
        mixture_law(points, spec, points.runs[:runs], points.runs[runs:])
        label = f"{sources} sources, {runs} runs, {domains} domains, {scores} scores × {RESTARTS} starts"
        row(label, began, used, GOAL if scores else None)


def row(label: str, began: float, used: float, goal: float | None) -> None:
    """Print one line of the table."""
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    verdict = f"≤ {goal} s: {'yes' if seconds <= goal else 'NO'}" if goal else ""
    print(f"| {label} | {seconds:.1f} | {cpu:.1f} | {verdict} |", flush=True)


def study(sources: int, runs: int, domains: int, scores: int) -> tuple[Points, Scaling]:
    """A made-up study; half as many runs again are held out."""
    rng, n = np.random.default_rng(0), runs + runs // 2
    shares, compute = rng.dirichlet(np.ones(sources), n), 10 ** rng.uniform(17, 19, n)
    useful = shares @ rng.uniform(0.05, 1, (sources, domains))
    noise = np.exp(0.01 * rng.normal(size=(n, domains)))
    losses = (1 + 1.5 * (compute[:, None] / 1e18) ** -0.1 * useful**-0.15) * noise
    # Sigmoids of the mean loss, as scores are.
    values = {f"loss{d}": losses[:, d] for d in range(domains)}
    values |= {f"score{s}": 1 / (1 + np.exp((2 + s) * (losses.mean(axis=1) - 2.7))) for s in range(scores)}
    params = np.sqrt(compute / 120)
    higher = {name: name.startswith("score") for name in values}
    points = Points(
        tuple(f"r{i}" for i in range(n)), ("",) * n, np.arange(n), params, 20 * params, compute, values, higher, shares
    )
    mixture = MixtureLaw(sources=tuple(f"s{i}" for i in range(sources)), restarts=RESTARTS)
    return points, Scaling(losses=("loss*",), targets=("score*",) if scores else (), mixture=mixture)


if __name__ == "__main__":
    main()
