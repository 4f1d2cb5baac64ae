"""Tokens a second and MFU of our loop on one GPU: 125M and 1B parameters, bf16, sequences of 2048 tokens.

Without a GPU it prints what it would run, and ends well. Each case is a process of its own: DeepSpeed wants one, and a
case that runs out of memory harms no other.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any, NamedTuple

from ptp_core.cost import flops_per_token, parameters, peak_flops
from ptp_core.spec.execution import Execution
from ptp_core.spec.model import Model

LENGTH, VOCABULARY = 2048, 50_304
WARM_UP, STEPS = 5, 20


class Size(NamedTuple):
    """A model, the rows it takes at once on a device of 140 GB, and the MFU it is to reach."""

    model: Model
    rows: int
    goal: float


SIZES = {
    "125M": Size(Model(width=768, layers=12, heads=12, ffn_width=2048, context=LENGTH), rows=16, goal=0.40),
    "1B": Size(Model(width=2048, layers=16, heads=16, ffn_width=8192, context=LENGTH), rows=8, goal=0.45),
}
WAYS = {
    "plain": Execution(),
    "plain, compiled": Execution(compile=True),
    "DeepSpeed stage 2": Execution(zero_stage=2),
}


def flops(size: Size) -> float:
    """FLOPs of a training step for one token."""
    return flops_per_token(parameters(size.model, VOCABULARY), size.model.layers, size.model.width, LENGTH)


def run_case(size: Size, execution: Execution) -> float:
    """Tokens a second of the median step, from the end of one step to the end of the next."""
    import torch

    from ptp_core.training.callbacks import EveryStep
    from ptp_core.training.fit import fit
    from ptp_core.training.layout import Layout
    from ptp_core.training.model import new_model
    from ptp_core.training.module import LanguageModelling
    from ptp_core.training.optimisation import Optimisation

    ends: list[float] = []

    class Clock(EveryStep):
        def after_step(self, _trainer: Any, _module: Any) -> None:
            # The bookkeeping before it has asked for the loss, so the device has done the step.
            ends.append(time.perf_counter())

    def batch_of(step: int, _first: int, rows: int) -> dict[str, Any]:
        generator = torch.Generator().manual_seed(step)
        tokens = torch.randint(VOCABULARY, (rows, LENGTH + 1), generator=generator)
        return {"inputs": tokens[:, :-1], "targets": tokens[:, 1:], "global_targets": float(rows * LENGTH)}

    plan = Optimisation(steps=WARM_UP + STEPS, lr=3e-4, weight_decay=0.1, betas=(0.9, 0.95))
    module = LanguageModelling(new_model(size.model, VOCABULARY, seed=1), plan, Layout(rows=size.rows))
    fit(module, batch_of, [Clock()], execution, "bf16")
    seconds = [after - before for before, after in itertools.pairwise(ends[WARM_UP - 1 :])]
    return size.rows * LENGTH / statistics.median(seconds)


def in_a_process(size: str, way: str) -> float | str:
    """Tokens a second, or the last line of what went wrong."""
    alone = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29517"}
    command = [sys.executable, __file__, size, way]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | alone, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no words"])[-1][:100]
    return float(json.loads(done.stdout.splitlines()[-1])["tokens_per_second"])


def announce() -> None:
    """What is run, on any machine."""
    print("| model | width × layers × heads, FFN | parameters | FLOPs a token | micro-batch | MFU goal |")
    print("|---|---|---|---|---|---|")
    for name, size in SIZES.items():
        m, count = size.model, parameters(size.model, VOCABULARY)
        shape = f"{m.width} × {m.layers} × {m.heads}, {m.ffn_width}"
        print(f"| {name} | {shape} | {count:,} | {flops(size):.3g} | {size.rows} × {LENGTH} | {size.goal:.0%} |")


def measure(device: str, peak: float) -> None:
    print(f"\n{device}; MFU of a dense bf16 peak of {peak / 1e12:.0f} TFLOP/s (6N + 12·layers·width·length a token)\n")
    print("| model | way | tokens/s | MFU | goal met |\n|---|---|---|---|---|")
    for name, size in SIZES.items():
        for way in WAYS:
            rate = in_a_process(name, way)
            if isinstance(rate, str):
                print(f"| {name} | {way} | {rate} | | NO |", flush=True)
                continue
            mfu = rate * flops(size) / peak
            print(f"| {name} | {way} | {rate:,.0f} | {mfu:.1%} | {'yes' if mfu >= size.goal else 'NO'} |", flush=True)


def main() -> None:
    import torch

    announce()
    if not torch.cuda.is_available():
        print(f"\nDry run: there is no GPU here. It would run each model in these ways: {'; '.join(WAYS)}.")
        return
    device = torch.cuda.get_device_name()
    peak = peak_flops(device)
    if peak is None:
        sys.exit(f"the peak of {device} is not known; add it to PEAK_FLOPS in ptp_core/cost.py")
    measure(device, peak)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps({"tokens_per_second": run_case(SIZES[sys.argv[1]], WAYS[sys.argv[2]])}))
    else:
        main()
