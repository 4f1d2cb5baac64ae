"""How long the analysis takes and how much memory it holds, as a user sees it: the whole process, imports included.

The published table (50 variants × 5 indicators × 3 outcomes), a table of 16 variants whose five indicators come with
seven further quantities each, and made-up tables of 10 indicators × 3 outcomes from 50 to 1,000 variants, for the
growth. Everything is on: audit, intervals, tests, learned comparison, decision and report.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SPEC = Path(__file__).parents[1] / "specs" / "zeng2025-published.yaml"
HEADLINES = ("kshot_cms", "kshot_rag", "kshot_cbqa", "ppl_clm", "ppl_sc")
FURTHER = ("", ".margin", ".correct_prob", ".total_prob", ".bits_per_byte", "@facts", "@stories", ".margin@facts")
SIZES = (50, 100, 200, 500, 1000)
OUTCOMES = ("cms", "rag", "cbqa")
ITEMS = 200
"""Indicators are shares of this many items, so that they have ties."""


def main() -> None:
    print("| table | seconds | peak MB | goal |")
    print("|---|---:|---:|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        row("50 variants × 5 indicators × 3 outcomes (published)", SPEC, (60, None))
        many = [head + end for head in HEADLINES for end in FURTHER]
        row("16 variants × 40 indicators × 3 outcomes", made_up(folder, 16, many), (None, None))
        ten = [f"kshot_{i}" for i in range(10)]
        seconds = []
        for n in SIZES:
            goal = (120, 2000) if n == 1000 else (None, None)
            seconds.append(row(f"{n:,} variants × 10 indicators × 3 outcomes", made_up(folder, n, ten), goal))
    growth = math.log(seconds[-1] / seconds[-2]) / math.log(SIZES[-1] / SIZES[-2])
    print(f"\nFrom {SIZES[-2]} to {SIZES[-1]:,} variants time grows as n^{growth:.2f}; pairs grow as n^2.")


def made_up(folder: Path, n: int, indicators: list[str]) -> Path:
    """A spec that reads a made-up table."""
    rng = np.random.default_rng(0)
    skill = rng.normal(size=n)
    objective, rate = rng.choice(["clm", "sc", "plm", "ul2"], n), rng.choice([1e-4, 2.5e-4, 5e-4, 1e-3], n)
    share = 1 / (1 + np.exp(-(skill[:, None] + rng.normal(size=(n, len(indicators))))))
    scores = rng.binomial(ITEMS, share) / ITEMS
    after = skill[:, None] + 0.7 * rng.normal(size=(n, len(OUTCOMES)))
    lines = [",".join(["variant", "lr", "objective", *indicators, *OUTCOMES])]
    for i in range(n):
        numbers = ",".join(f"{value:.6g}" for value in (*scores[i], *after[i]))
        lines.append(f"v{i},{rate[i]:.2e},{objective[i]},{numbers}")
    name = f"made-{n}-{len(indicators)}"
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    names = ", ".join(f'"{indicator}"' for indicator in indicators)
    spec = folder / f"{name}.yaml"
    spec.write_text(
        f"study: {name}\nmeasurements:\n  - path: {name}.csv\n    variant: variant\n    config: [lr, objective]\n"
        f"    indicators: {{{', '.join(f'{n}: {{higher_is_better: true}}' for n in names.split(', '))}}}\n"
        f"    outcomes: [{', '.join(OUTCOMES)}]\n",
        encoding="utf-8",
    )
    return spec


def row(label: str, spec: Path, goal: tuple[float | None, float | None]) -> float:
    """Print one line of the table; returns the seconds."""
    seconds, megabytes = cost_of(spec)
    most_seconds, most_megabytes = goal
    met = seconds <= (most_seconds or math.inf) and megabytes <= (most_megabytes or math.inf)
    wanted = " and ".join(
        text
        for text, limit in ((f"≤ {most_seconds} s", most_seconds), (f"≤ {most_megabytes} MB", most_megabytes))
        if limit
    )
    verdict = f"{wanted}: {'yes' if met else 'NO'}" if wanted else ""
    print(f"| {label} | {seconds:.1f} | {megabytes:,.0f} | {verdict} |", flush=True)
    return seconds


def cost_of(spec: Path) -> tuple[float, float]:
    """(wall seconds, peak resident memory in MB) of ``ptp analyze`` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("wb") as nowhere:
        command = [sys.executable, "-m", "ptp_core", "analyze", str(spec), "--results", folder]
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return seconds, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
