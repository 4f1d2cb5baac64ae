"""Perplexity of held-out text against the model's bare forward pass over the same tokens, turn by turn in one run.

Bare is ``model(input_ids).logits`` in a plain loop with batches of the same size, without a loss. One core, or the GPU
where there is one. Both see the same rows of full length; short documents, whose rows are padded, come as a case of
their own.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

# Before torch: one core means one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from tokenizers import Tokenizer, models

from ptp_core.data.build_tokenizer import own_config, save
from ptp_core.data.tokenizer import special_tokens
from ptp_core.measure.perplexity import perplexities
from ptp_core.measure.rows import rows_at_once
from ptp_core.spec.model import Model
from ptp_core.training.memory import keep_freed_memory
from ptp_core.training.model import new_model

SENTINELS = 100
BOS, EOS = 1, 2
TURNS = 9
GOAL = 0.9
SECONDS = 0.4
"""About so long is one turn of the bare pass."""


class Case(NamedTuple):
    """A model, and held-out text in documents of ``document`` tokens."""

    name: str
    model: Model
    vocabulary: int
    document: int


def llama(width: int, layers: int, heads: int, context: int) -> Model:
    return Model(width=width, layers=layers, heads=heads, ffn_width=8 * width // 3 // 8 * 8, context=context)


NANO = llama(64, 2, 2, 128)
CPU = (
    Case("2 × 64", NANO, 512, 100_000),
    Case("2 × 64, documents of 40 tokens", NANO, 512, 40),
    Case("4 × 128", llama(128, 4, 4, 256), 4096, 100_000),
    Case("8 × 256", llama(256, 8, 4, 128), 32_000, 100_000),
)
GPU = (
    Case("8 × 256", llama(256, 8, 4, 512), 32_000, 1_000_000),
    Case("12 × 768", llama(768, 12, 12, 2048), 50_304, 1_000_000),
    Case("16 × 2048", llama(2048, 16, 16, 2048), 50_304, 1_000_000),
)


def save_tokenizer(folder: Path, vocabulary: int) -> None:
    """Words that are numbers."""
    words = [*special_tokens(SENTINELS), *(f"w{i}" for i in range(vocabulary))][:vocabulary]
    fast = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    fast.add_special_tokens(special_tokens(SENTINELS))
    save(fast, folder, own_config())


def stream_of(case: Case, tokens: int) -> Any:
    rng = np.random.default_rng(0)
    documents = -(-tokens // case.document)
    text = rng.integers(SENTINELS + 10, case.vocabulary, (documents, min(case.document, tokens)), dtype=np.uint32)
    bos, eos = (np.full((documents, 1), token, dtype=np.uint32) for token in (BOS, EOS))
    return np.concatenate([bos, text, eos], axis=1).ravel()


@torch.no_grad()
def bare(model: Any, tokens: int, length: int) -> None:
    """The forward pass over so many tokens."""
    rows = rows_at_once(length, model.config.vocab_size)
    ids = torch.randint(SENTINELS + 10, model.config.vocab_size, (max(tokens // length, 1), length))
    for start in range(0, len(ids), rows):
        logits = model(input_ids=ids[start : start + rows].to(model.device)).logits
    if logits.is_cuda:
        torch.cuda.synchronize()


def seconds(act: Callable[[], object]) -> float:
    """CPU seconds on one core, which others on the machine hardly change; wall-clock seconds with a GPU."""
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    began = clock()
    act()
    return clock() - began


def compare(case: Case, device: str) -> tuple[float, dict[str, float]]:
    """(tokens a second of the bare pass, objective → its throughput as a share of that), by the fastest turns."""
    model: Any = new_model(case.model, case.vocabulary, seed=0).eval().to(device)
    length = case.model.context
    row = min(length, case.document)
    probe = rows_at_once(row, case.vocabulary) * row
    seconds(lambda: bare(model, probe, row))
    batches = max(1, round(SECONDS / seconds(lambda: bare(model, probe, row))))
    tokens = batches * probe
    with tempfile.TemporaryDirectory() as name:
        save_tokenizer(Path(name), case.vocabulary)
        stream = {"text": stream_of(case, tokens)}

        def perplexity(objective: str) -> None:
            found = perplexities(model, stream, Path(name), objective, length, tokens)
            assert objective != "clm" or found.quantities["ppl"].n_items == tokens

        perplexity("sc")
        turns = [_turn(lambda: bare(model, tokens, row), perplexity) for _ in range(TURNS)]
    best = {what: min(turn[what] for turn in turns) for what in ("bare", "clm", "sc")}
    return tokens / best["bare"], {objective: best["bare"] / best[objective] for objective in ("clm", "sc")}


def _turn(plain: Callable[[], None], perplexity: Callable[[str], None]) -> dict[str, float]:
    return {
        "bare": seconds(plain),
        "clm": seconds(lambda: perplexity("clm")),
        "sc": seconds(lambda: perplexity("sc")),
    }


def main() -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    keep_freed_memory()
    where = torch.cuda.get_device_name() if device == "cuda" else "one core, CPU seconds"
    print(f"{where}, fp32; the fastest of {TURNS} turns each\n")
    print(f"| model | vocabulary | window | bare tokens/s | PPL-CLM | PPL-SC | ≥ {GOAL:g} of bare |")
    print("|---|---|---|---|---|---|---|")
    met = True
    for case in GPU if device == "cuda" else CPU:
        rate, shares = compare(case, device)
        good = min(shares.values()) >= GOAL
        met &= good
        said = " | ".join(f"{share:.2f}" for share in shares.values())
        shape = f"| {case.name} | {case.vocabulary:,} | {case.model.context} | {rate:,.0f} |"
        print(f"{shape} {said} | {'yes' if good else 'NO'} |", flush=True)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
