"""How long a spec of 10,000 variants takes to load, written as a grid and written one by one."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from ptp_core.spec.load import load_study

VARIANTS = 10_000
GOAL_SECONDS = 5.0
HEAD = """\
study: large
model: {preset: nano}
data: {world: {}}
mixtures: {even: {facts: 1, reading: 1, stories: 1, code: 1}, factual: {facts: 4, reading: 1}}
finetune: {tasks: [cms]}
indicators: [ppl_clm]
pretrain:
  defaults: {tokens: 2.4M}
"""


def as_grid() -> str:
    seeds = list(range(VARIANTS // 20))
    return f"""{HEAD}\
  grid:
    objective: [clm, plm, sc, sc+clm, "sc(0.5,8)"]
    mixture: [even, factual]
    lr: [1e-3, 3e-3]
    seed: {seeds}
"""


def as_list() -> str:
    entries = [
        f"    - {{name: v{i}, objective: {('clm', 'sc')[i % 2]}, mixture: even, seed: {i}}}" for i in range(VARIANTS)
    ]
    return HEAD + "  include:\n" + "\n".join(entries) + "\n"


def main() -> None:
    print(f"{'10,000 variants as':<20}{'lines':>8}{'seconds':>9}   goal < {GOAL_SECONDS:g} s")
    for name, text in (("a grid", as_grid()), ("a list", as_list())):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "large.yaml"
            path.write_text(text)
            began = time.perf_counter()
            study = load_study(path)
            seconds = time.perf_counter() - began
        assert len(study.variants) == VARIANTS
        print(f"{name:<20}{text.count(chr(10)):>8,}{seconds:>9.2f}   {'yes' if seconds < GOAL_SECONDS else 'NO'}")


if __name__ == "__main__":
    main()
