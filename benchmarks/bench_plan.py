"""How long ``ptp plan`` takes on the fifty variants of Zeng et al. 2025, as a user waits for it: the whole process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 5
GOAL_SECONDS = 5.0


def main() -> None:
    seconds = []
    for _ in range(RUNS):
        began = time.perf_counter()
        command = [sys.executable, "-m", "ptp_core", "plan", "specs/zeng2025.yaml"]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=os.environ | {"HF_HUB_OFFLINE": "1"})
        seconds.append(time.perf_counter() - began)
    median = statistics.median(seconds)
    print(
        f"ptp plan, 50 variants, offline: median {median:.2f} s of {RUNS} runs, longest {max(seconds):.2f} s   "
        f"goal < {GOAL_SECONDS:g} s: {'yes' if max(seconds) < GOAL_SECONDS else 'NO'}"
    )


if __name__ == "__main__":
    main()
