"""Processor time and peak memory of the intervals and tests of 10 tied indicators × 3 outcomes, by number of variants.

Scores of 200 items an indicator and 1,000 an outcome, so both have ties. Processor time, as a busy machine does not
change it; each number of variants in a process of its own, so that memory is its own. The last row is b in time ∝ n^b
from the second number of variants to the last.
"""

from __future__ import annotations

import math
import resource
import subprocess
import sys
import time

import numpy as np

from ptp_core.stats.bootstrap import bootstrap_accuracies
from ptp_core.stats.differences import difference_tests
from ptp_core.stats.intervals import jackknife_intervals
from ptp_core.stats.permutation import permutation_p

VARIANTS = (50, 200, 1000)
INDICATORS, OUTCOMES = 10, 3
BOOTSTRAPS, PERMUTATIONS = 2000, 10_000
GOAL_SECONDS, GOAL_MB = 45, 1000


def main() -> None:
    rows = [measured(n) for n in VARIANTS]
    print(f"| variants | {BOOTSTRAPS:,} bootstraps, s | {PERMUTATIONS:,} permutations, s | intervals + tests, s | MB |")
    print("|---:|---:|---:|---:|---:|")
    for n, (*seconds, megabytes) in zip(VARIANTS, rows, strict=True):
        print(f"| {n:,} | {' | '.join(f'{s:.2f}' for s in seconds)} | {megabytes:.0f} |")
    growth = [
        math.log(last / first) / math.log(VARIANTS[-1] / VARIANTS[1])
        for first, last in zip(rows[1], rows[-1], strict=True)
    ]
    print(f"| exponent | {' | '.join(f'{b:.1f}' for b in growth)} |")
    met = rows[-1][1] <= GOAL_SECONDS and rows[-1][-1] < GOAL_MB
    print(
        f"\nPermutations of {VARIANTS[-1]:,} variants in {GOAL_SECONDS} s and {GOAL_MB:,} MB: {'yes' if met else 'NO'}"
    )


def measured(n: int) -> list[float]:
    """Seconds of each step and peak megabytes, in a process of its own."""
    command = [sys.executable, __file__, str(n)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(number) for number in said.split()]


def measure(n: int) -> None:
    rng, seconds = np.random.default_rng(0), np.zeros(3)
    indicators = rng.binomial(200, rng.beta(16, 24, size=(n, INDICATORS))) / 200
    both = np.array([(i, j) for i in range(INDICATORS) for j in range(i)])
    for _ in range(OUTCOMES):
        outcome = rng.binomial(1000, rng.beta(16, 24, size=n)) / 1000
        marks = [time.process_time()]
        bootstrap_accuracies(indicators, outcome, resamples=BOOTSTRAPS, rng=rng)
        marks.append(time.process_time())
        permutation_p(indicators, outcome, permutations=PERMUTATIONS, rng=rng)
        marks.append(time.process_time())
        jackknife_intervals(indicators, outcome, confidence=0.95)
        difference_tests(indicators, outcome, both, 0.95)
        marks.append(time.process_time())
        seconds += np.diff(marks)
    print(*seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    measure(int(sys.argv[1])) if len(sys.argv) > 1 else main()
