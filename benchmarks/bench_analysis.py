"""How long the analysis takes, as a user sees it: the whole process, imports included.

Two tables: the published one (50 variants × 5 indicators × 3 outcomes), and one of 16 variants whose five indicators
come with seven further quantities each (40 indicators × 3 outcomes).
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPEC = Path(__file__).parents[1] / "specs" / "zeng2025-published.yaml"
HEADLINES = ("kshot_cms", "kshot_rag", "kshot_cbqa", "ppl_clm", "ppl_sc")
FURTHER = ("", ".margin", ".correct_prob", ".total_prob", ".bits_per_byte", "@facts", "@stories", ".margin@facts")
RUNS = 3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        print(f"50 variants × 5 indicators × 3 outcomes: {seconds_of(SPEC)}")
        print(f"16 variants × 40 indicators × 3 outcomes: {seconds_of(many_quantities(Path(folder)))}")


def many_quantities(folder: Path) -> Path:
    """A spec that reads a made-up table of many indicators."""
    rng = random.Random(0)
    indicators = [head + end for head in HEADLINES for end in FURTHER]
    outcomes = ["cms", "rag", "cbqa"]
    lines = [",".join(["variant", "lr", *indicators, *outcomes])]
    for variant in range(16):
        skill = rng.gauss(0, 1)
        numbers = [f"{skill + rng.gauss(0, 1):.4f}" for _ in [*indicators, *outcomes]]
        lines.append(",".join([f"v{variant}", f"{10 ** -rng.uniform(3, 4):.2e}", *numbers]))
    (folder / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    spec = folder / "many.yaml"
    names = ", ".join(f'"{name}"' for name in indicators)
    spec.write_text(
        f"study: many\nmeasurements:\n  - path: table.csv\n    variant: variant\n    config: [lr]\n"
        f"    indicators: [{names}]\n    outcomes: [cms, rag, cbqa]\n",
        encoding="utf-8",
    )
    return spec


def seconds_of(spec: Path) -> str:
    seconds = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            command = [sys.executable, "-m", "ptp_core", "analyze", str(spec), "--results", folder]
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
    return f"median {statistics.median(seconds):.1f} s of {RUNS} runs"


if __name__ == "__main__":
    main()
