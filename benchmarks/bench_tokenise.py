"""How fast the shards stage tokenises, against the bare call of ``tokenizers`` on the same documents and cores."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

from ptp_core.data import build_shards, build_tokenizer, world
from ptp_core.data.tokenizer import load
from ptp_core.spec.world import World
from ptp_core.work import Work

CORES = len(os.sched_getaffinity(0))
WORDS = 6_000_000
VOCABULARY = 16_384
GOAL = 0.8
ROUNDS = 3


def texts() -> list[str]:
    """Different documents of the embedded world, a hundred of them to one of ours: a few hundred words each."""
    short = [text for domain in world.DOMAINS for text in world.documents(World(words=WORDS // 4), domain)]
    return [f"{i}\n" + "\n".join(short[i : i + 20]) for i in range(0, len(short), 20)]


def build(documents: list[str], folder: Path) -> None:
    fast = build_tokenizer.byte_level(documents[:2000], VOCABULARY, 32)
    (folder / "tokenizer").mkdir()
    build_tokenizer.save(fast, folder / "tokenizer", build_tokenizer.own_config())
    lines = (json.dumps({"text": text}) + "\n" for text in documents)
    (folder / "text.jsonl").write_text("".join(lines), encoding="utf-8")


def bare(documents: list[str], folder: Path) -> float:
    """Seconds for one call on all documents; nothing is read, kept or written."""
    fast = load(folder / "tokenizer")
    began = time.perf_counter()
    fast.encode_batch_fast(documents, add_special_tokens=False)
    return time.perf_counter() - began


def stage(folder: Path) -> tuple[float, int]:
    """Seconds for the whole stage, from JSON lines to shards on disk; tokens."""
    out = folder / "shards"
    out.mkdir(exist_ok=True)
    work = Work({"domain": "a"}, {"tokenizer": folder / "tokenizer"}, {"a": (folder / "text.jsonl",)}, out)
    began = time.perf_counter()
    metrics = build_shards.run(work)
    return time.perf_counter() - began, metrics["train_tokens"] + metrics["held_out_tokens"]


def main() -> None:
    # As a job of so many threads sets them; the library looks when it first tokenises.
    os.environ |= {"RAYON_NUM_THREADS": str(CORES), "TOKENIZERS_PARALLELISM": "true"}
    documents = texts()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(documents, folder)
        # In turns, so that what else the machine does falls on both.
        rounds = [(bare(documents, folder), *stage(folder)) for _ in range(ROUNDS)]
    alone, whole, tokens = min(r[0] for r in rounds), min(r[1] for r in rounds), rounds[0][2]
    print(f"{len(documents):,} documents, {tokens / 1e6:.1f}M tokens, {CORES} cores, best of {ROUNDS}\n")
    print("| tokenising | seconds | tokens/s | of the bare rate | goal |")
    print("|---|---|---|---|---|")
    print(f"| `encode_batch_fast` alone | {alone:.2f} | {tokens / alone / 1e6:.2f}M | 1 | |")
    ratio = alone / whole
    verdict = f"≥ {GOAL:g}: {'yes' if ratio >= GOAL else 'NO'}"
    print(f"| the shards stage | {whole:.2f} | {tokens / whole / 1e6:.2f}M | {ratio:.2f} | {verdict} |")


if __name__ == "__main__":
    main()
