"""How long the analysis of the published 50-row table takes, as a user sees it: the whole process, imports included."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPEC = Path(__file__).parents[1] / "specs" / "zeng2025-published.yaml"
RUNS = 3


def main() -> None:
    seconds = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            command = [sys.executable, "-m", "ptp_core", "analyze", str(SPEC), "--results", folder]
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
    print(
        f"ptp analyze, 50 variants × 5 indicators × 3 outcomes: "
        f"median {statistics.median(seconds):.1f} s of {RUNS} runs"
    )


if __name__ == "__main__":
    main()
