"""Training steps of our loop, of a bare PyTorch loop and of the Hugging Face Trainer, on the same models and batches.

Ours is all that a pre-training does at every step: rows from memory-mapped shards, digest of their order, history,
progress, signals. The other two get their batches ready-made and remember nothing. Saved states, checkpoints and
held-out losses are no part of a step; saving takes a twentieth of the time at most (``SaveState``).
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Before torch: one thread, nothing from a hub.
os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

import numpy as np
import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel, PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from ptp_core.data import build_shards, build_tokenizer, world
from ptp_core.progress import Progress
from ptp_core.spec.pretrain import PretrainSettings
from ptp_core.spec.world import World
from ptp_core.training.batches import Batches
from ptp_core.training.callbacks import EveryStep, SaveState, ShowProgress
from ptp_core.training.fit import fit
from ptp_core.training.layout import Layout
from ptp_core.training.model import new_model, parameter_count
from ptp_core.training.module import LanguageModelling
from ptp_core.training.optimisation import optimisation_of
from ptp_core.work import Work

VOCABULARY, LENGTH, ROWS = 1024, 128, 16
DOMAINS = ("facts", "stories")
SHAPES = {
    "0.4M": {"width": 96, "layers": 3, "heads": 4, "ffn_width": 256},
    "0.8M": {"width": 128, "layers": 3, "heads": 4, "ffn_width": 384},
    "3M": {"width": 256, "layers": 4, "heads": 8, "ffn_width": 512},
    "10M": {"width": 384, "layers": 5, "heads": 8, "ffn_width": 1152},
}
WARM_UP = 3
"""Steps of every loop that are not counted."""
SECONDS = 8.0
"""For which each loop of a size steps; a size has 16 steps at least."""
GOALS = {"bare": 0.95, "Trainer": 1.0}
Turn = Callable[[], None]
"""Called after every step: returns when it is this loop's turn again."""
Loop = Callable[[PretrainSettings, dict[str, Path], int, Turn], None]


def build(folder: Path) -> dict[str, Path]:
    """Tokenizer and shards of two domains of the embedded world, as the stages make them."""
    texts = {domain: list(world.documents(World(words=200_000), domain)) for domain in DOMAINS}
    parents = {"tokenizer": folder / "tokenizer"} | {f"shards/{domain}": folder / domain for domain in DOMAINS}
    parents["tokenizer"].mkdir()
    fast = build_tokenizer.byte_level([text for domain in DOMAINS for text in texts[domain][:2000]], VOCABULARY, 64)
    build_tokenizer.save(fast, parents["tokenizer"], build_tokenizer.own_config())
    for domain in DOMAINS:
        file = folder / f"{domain}.jsonl"
        file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts[domain]), encoding="utf-8")
        (folder / domain).mkdir()
        build_shards.run(Work({"domain": domain}, parents, {domain: (file,)}, folder / domain))
    return parents


def settings_of(shape: dict[str, int], steps: int) -> PretrainSettings:
    recipe = {"tokens": steps * ROWS * LENGTH, "batch_tokens": ROWS * LENGTH, "sequence_length": LENGTH, "seed": 1}
    model = shape | {"context": LENGTH}
    return PretrainSettings.model_validate(
        {"recipe": recipe, "model": model, "weights": dict.fromkeys(DOMAINS, 1 / len(DOMAINS))}
    )


def model_of(settings: PretrainSettings) -> PreTrainedModel:
    return new_model(settings.model, VOCABULARY, seed=1)


def batches_of(settings: PretrainSettings, parents: dict[str, Path], steps: int) -> list[dict[str, Any]]:
    batches = Batches(settings, parents, steps)
    return [batches.at(step, 0, ROWS) for step in range(steps)]


class Order(EveryStep):
    """Keeps the digest of the order, as a pre-training does, and hands the turn on."""

    def __init__(self, batches: Batches, turn: Turn) -> None:
        self.batches, self.turn, self.digest = batches, turn, ""

    def after_step(self, _trainer: Any, module: Any) -> None:
        self.digest = self.batches.chain(self.digest, module.step - 1)
        self.turn()


def ours(settings: PretrainSettings, parents: dict[str, Path], steps: int, turn: Turn) -> None:
    batches = Batches(settings, parents, steps)
    module = LanguageModelling(model_of(settings), optimisation_of(settings.recipe), Layout(rows=ROWS))
    with Progress(settings.recipe.tokens, "tok", "ours", shown=False) as bar:
        callbacks = [ShowProgress(bar, settings.recipe.batch_tokens), SaveState(None, 5.0, None), Order(batches, turn)]
        fit(module, batches.at, callbacks)


def bare(settings: PretrainSettings, parents: dict[str, Path], steps: int, turn: Turn) -> None:
    """What a training step is at the least: forward, backward, clip, AdamW, schedule, and the loss looked at."""
    model, plan = model_of(settings), optimisation_of(settings.recipe)
    optimizer = plan.optimizer(model)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, plan.lr_share)
    model.train()
    losses = []
    for batch in batches_of(settings, parents, steps):
        logits_BLV = model(input_ids=batch["inputs"], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits_BLV.flatten(0, 1), batch["targets"].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        turn()


class HandOn(TrainerCallback):  # type: ignore[misc]
    def __init__(self, turn: Turn) -> None:
        self.turn = turn

    def on_step_end(self, *_all: Any, **_more: Any) -> None:
        self.turn()


def hugging_face(settings: PretrainSettings, parents: dict[str, Path], steps: int, turn: Turn) -> None:
    """The Trainer on the same rows in the same order, with the same optimiser; no logging, no saving."""
    model, plan = model_of(settings), optimisation_of(settings.recipe)
    optimizer = plan.optimizer(model)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, plan.lr_share)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, max_steps=steps, per_device_train_batch_size=ROWS, max_grad_norm=plan.clip,
            train_sampling_strategy="sequential", use_cpu=True, dataloader_pin_memory=False,
            logging_strategy="no", save_strategy="no", report_to=[], disable_tqdm=True, remove_unused_columns=False,
        )  # fmt: skip
        rows = rows_of(batches_of(settings, parents, steps))
        trainer = Trainer(model, arguments, train_dataset=rows, optimizers=(optimizer, schedule))
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(HandOn(turn))
        trainer.train()


def rows_of(batches: list[dict[str, Any]]) -> list[dict[str, Tensor]]:
    """Single rows, as the Trainer collates them; targets are next to their inputs already, so nothing is shifted."""
    return [
        {"input_ids": inputs, "labels": targets, "shift_labels": targets}
        for batch in batches
        for inputs, targets in zip(batch["inputs"], batch["targets"], strict=True)
    ]


LOOPS: dict[str, Loop] = {"ours": ours, "bare": bare, "Trainer": hugging_face}


class Runner:
    """A loop in a process of its own that does one step whenever it is asked to.

    Of its own, since what one loop has allocated and freed changes how fast the next one gets memory.
    """

    def __init__(self, loop: Loop, settings: PretrainSettings, parents: dict[str, Path], steps: int) -> None:
        self.end, theirs = FORK.Pipe()
        self.process = FORK.Process(target=self._run, args=(theirs, loop, settings, parents, steps), daemon=True)
        self.process.start()

    @staticmethod
    def _run(end: Any, loop: Loop, settings: PretrainSettings, parents: dict[str, Path], steps: int) -> None:
        began = [time.perf_counter(), time.process_time()]

        def turn() -> None:
            end.send((time.perf_counter() - began[0], time.process_time() - began[1]))
            end.recv()
            began[:] = time.perf_counter(), time.process_time()

        end.recv()
        loop(settings, parents, steps, turn)

    def step(self) -> tuple[float, float]:
        """Do one step; returns its wall-clock and CPU seconds."""
        self.end.send(None)
        return self.end.recv()  # type: ignore[no-any-return]

    def stop(self) -> None:
        self.process.kill()
        self.process.join()


FORK = multiprocessing.get_context("fork")


def measure(shape: dict[str, int], parents: dict[str, Path]) -> dict[str, np.ndarray]:
    """Loop → (wall-clock, CPU) seconds of each step, shape (steps, 2). The loops step in turn: A B C A B C …"""
    most = 1000
    runners = {name: Runner(loop, settings_of(shape, most), parents, most) for name, loop in LOOPS.items()}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in LOOPS}
    until = math.inf
    while time.perf_counter() < until or len(seconds["ours"]) < WARM_UP + 16:
        for name, runner in runners.items():
            seconds[name].append(runner.step())
        if len(seconds["ours"]) == WARM_UP:
            until = time.perf_counter() + SECONDS * len(LOOPS)
        if len(seconds["ours"]) == most:
            break
    for runner in runners.values():
        runner.stop()
    return {name: np.array(found[WARM_UP:]) for name, found in seconds.items()}


def row(label: str, count: int, seconds: dict[str, np.ndarray]) -> str:
    rates = [f"{ROWS * LENGTH / np.median(found[:, 0]):,.0f}" for found in seconds.values()]
    mine, cells, met = seconds["ours"], [], True
    for other, goal in GOALS.items():
        wall = np.median(seconds[other][:, 0]) / np.median(mine[:, 0])
        cpu = seconds[other][:, 1].sum() / mine[:, 1].sum()
        cells += [f"{wall:.3f}", f"{cpu:.3f}"]
        met &= bool(wall >= goal)
    return f"| {label} ({count:,}) | {len(mine)} | {' | '.join(rates + cells)} | {'yes' if met else 'NO'} |"


HEAD = f"""\
One thread, fp32, {ROWS} rows of {LENGTH} tokens. The loops take turns after every step. Tokens a second and ratios
are of the median step; CPU: the ratio of the CPU seconds of all steps, which a busy machine disturbs less.

| parameters | steps | ours, tokens/s | bare loop | Trainer | ours / bare ≥ .95 | CPU | ours / Trainer ≥ 1 | CPU | met |
|---|---|---|---|---|---|---|---|---|---|"""


def main() -> None:
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    print(HEAD)
    with tempfile.TemporaryDirectory() as name:
        parents = build(Path(name))
        for label, shape in SHAPES.items():
            count = parameter_count(model_of(settings_of(shape, 1)))
            print(row(label, count, measure(shape, parents)), flush=True)


if __name__ == "__main__":
    main()
