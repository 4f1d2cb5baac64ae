"""Tokens a second on one core, from a memory-mapped shard through the sampler to batches, for every objective."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

# Before numpy: one core means one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from ptp_core.data.sampler import Sampler
from ptp_core.data.streams import Stream, open_stream
from ptp_core.draws import Draws
from ptp_core.objectives.mix import make_batch, targets_in
from ptp_core.special import SpecialTokens

OBJECTIVES = ("clm", "plm", "sc", "sc+clm", "ul2", "ul2r", "ul2r+clm")
LENGTHS = (128, 2048)
BATCH_TOKENS = 2**18
SHARD_TOKENS = 50_000_000
SECONDS = 1.0
GOAL = 1_000_000
SPECIAL = SpecialTokens(pad=0, bos=1, eos=2, first_sentinel=4, sentinels=300, modes={"r": 304, "s": 305, "x": 306})


def write_shard(folder: Path) -> None:
    """Random tokens in documents of 500 tokens on average."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(400, 50_000, SHARD_TOKENS, dtype=np.uint16)
    starts = np.unique(rng.integers(1, SHARD_TOKENS, SHARD_TOKENS // 500))
    tokens[starts] = SPECIAL.bos
    np.save(folder / "train.npy", tokens)
    np.save(folder / "train.offsets.npy", np.array([0, *starts, SHARD_TOKENS]))
    np.save(folder / "tag.npy", np.array([500, 501], dtype=np.uint16))


def tokens_per_second(objective: str, stream: Stream, length: int) -> float:
    rows = BATCH_TOKENS // length
    sampler = Sampler({"a": stream, "b": stream}, {"a": 0.7, "b": 0.3}, 1, length, 1000 * rows)
    done, step, began = 0, 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        draws = Draws(1, np.arange(step * rows, (step + 1) * rows))
        targets_in(objective, draws, length, SPECIAL)
        make_batch(objective, sampler.rows(step * rows, rows), draws, SPECIAL)
        done, step = done + BATCH_TOKENS, step + 1
    return done / (time.perf_counter() - began)


def main() -> None:
    print(f"| objective | {' | '.join(f'M tokens/s at {length}' for length in LENGTHS)} | ≥ {GOAL / 1e6:g} |")
    print("|---|" + "---|" * (len(LENGTHS) + 1))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_shard(folder)
        whole = open_stream(folder, "train")
        view = open_stream(folder, "train", (25, 75), tagged=True, bos=SPECIAL.bos)
        cases = [(o, o, whole) for o in OBJECTIVES] + [("clm, tags and length quantiles", "clm", view)]
        for label, objective, stream in cases:
            rates = [tokens_per_second(objective, stream, length) for length in LENGTHS]
            shown = " | ".join(f"{rate / 1e6:.1f}" for rate in rates)
            print(f"| {label} | {shown} | {'yes' if min(rates) >= GOAL else 'NO'} |")
        began = time.perf_counter()
        sampler = Sampler({"a": whole, "b": whole}, {"a": 0.7, "b": 0.3}, 1, 2048, 50_000_000)
        seconds = time.perf_counter() - began
        print(
            f"\nA sampler of 50 million rows: {seconds:.1f} s to set up, "
            f"{sampler._drawn_before.nbytes / 1e6:.1f} MB kept."
        )


if __name__ == "__main__":
    main()
