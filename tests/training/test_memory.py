"""Memory that a step has freed serves the next one."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import resource, sys
from ptp_core.training.memory import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()

def step():
    blocks = [bytearray(size * 2**20) for size in (1, 40, 8)]
    for block in blocks:
        block[::4096] = bytes(len(block) // 4096)

step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 10)
"""


def page_faults_a_step(how: str) -> float:
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
    return float(done.stdout)


def test_a_step_gets_the_memory_of_the_one_before_without_page_faults() -> None:
    assert page_faults_a_step("kept") < 0.01 * page_faults_a_step("given back")
