"""What a benchmark promises on a machine that lacks its device."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.mark.slow
def test_without_a_gpu_its_benchmark_says_what_it_would_run_and_ends_well() -> None:
    hidden = os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, str(REPOSITORY / "benchmarks" / "bench_gpu.py")]
    said = subprocess.run(command, capture_output=True, text=True, env=hidden, check=True).stdout
    assert "| 125M | 768 × 12 × 12, 2048 | 123,587,328 |" in said
    assert "Dry run" in said
