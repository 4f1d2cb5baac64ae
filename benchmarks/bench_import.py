"""How long `ptp import lm-eval` takes for a thousand result files, as a user sees it: the whole process."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FILES = 1000
TASKS = 25
"""With acc and acc_norm each: 50 numbers a file."""
ITEMS = 100
GOAL_SECONDS = 20
HASHES = ("doc_hash", "prompt_hash", "target_hash")
METRICS = ("acc", "acc_norm")


def main() -> None:
    print(f"| result files | samples a file | numbers | MB | seconds | ≤ {GOAL_SECONDS} s |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder) / "plain", FILES, sampled_tasks=0)
        _measure(Path(folder) / "sampled", FILES // 10, sampled_tasks=TASKS)


def _measure(folder: Path, files: int, sampled_tasks: int) -> None:
    for number in range(files):
        _write(folder / f"model-{number % 20}" / str(number), number, sampled_tasks)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    command = [sys.executable, "-m", "ptp_core", "import", "lm-eval", str(folder), "--out", str(folder / "t.parquet")]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.perf_counter() - began
    facts = (files, sampled_tasks * ITEMS, files * TASKS * len(METRICS))
    met = "" if sampled_tasks else "yes" if seconds <= GOAL_SECONDS else "NO"
    print(f"| {' | '.join(f'{fact:,}' for fact in facts)} | {size:,.0f} | {seconds:.1f} | {met} |")


def _write(folder: Path, number: int, sampled_tasks: int) -> None:
    """A file as version 0.4.13 writes it: with the configuration of each task and a page about the machine."""
    folder.mkdir(parents=True)
    rng, date = random.Random(number), f"2026-01-01T00-00-00.{number:06}"
    tasks = [f"task_{i}" for i in range(TASKS)]
    samples = {task: _samples(rng, task) for task in tasks[:sampled_tasks]}
    results: dict[str, Any] = {}
    for task in tasks:
        means = {m: sum(s[m] for s in samples[task]) / ITEMS if task in samples else rng.random() for m in METRICS}
        errors = {f"{metric}_stderr,none": 0.01 for metric in METRICS}
        results[task] = {"alias": task, **{f"{metric},none": mean for metric, mean in means.items()}, **errors}
    config = {"test_split": "test", "metric_list": [{"metric": metric, "aggregation": "mean"} for metric in METRICS]}
    content = {
        "results": results,
        "configs": {
            task: config | {"task": task, "doc_to_text": "Question: {{question}}\nAnswer:" * 20} for task in tasks
        },
        "n-shot": dict.fromkeys(tasks, 0),
        "higher_is_better": {task: dict.fromkeys(METRICS, True) for task in tasks},
        "n-samples": {task: {"original": ITEMS, "effective": ITEMS} for task in tasks},
        "config": {"model_args": {"pretrained": f"lab/model-{number % 20}", "revision": f"step{number // 20 * 1000}"}},
        "pretty_env_info": "x" * 4000,
        "task_hashes": {task: _hash(lines) for task, lines in samples.items()},
    }
    (folder / f"results_{date}.json").write_text(json.dumps(content, indent=2))
    for task, lines in samples.items():
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"samples_{task}_{date}.jsonl").write_text(text)


def _samples(rng: random.Random, task: str) -> list[dict[str, Any]]:
    return [
        {"doc_id": i, "doc": {"question": "why? " * 20}, "target": "0", "filter": "none"}
        | {"arguments": {f"gen_args_{c}": {"arg_0": "Question: why? " * 20, "arg_1": " because"} for c in range(4)}}
        | {"filtered_resps": [[str(-10 * rng.random()), "False"] for _ in range(4)]}
        | {key: hashlib.sha256(f"{task} {i} {key}".encode()).hexdigest() for key in HASHES}
        | {metric: float(rng.random() < 0.5) for metric in METRICS}
        for i in range(ITEMS)
    ]


def _hash(lines: list[dict[str, Any]]) -> str:
    return hashlib.sha256("".join(line[key] for line in lines for key in HASHES).encode()).hexdigest()


if __name__ == "__main__":
    main()
