"""Six tasks of one model: the harness' own single command line against our job, which measures them one by one."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ptp_core.data import build_tokenizer, world
from ptp_core.measure.harness import FOLDER, RESULTS, measure_task
from ptp_core.spec.harness import HarnessSettings
from ptp_core.spec.model import Model
from ptp_core.spec.presets import PRESETS
from ptp_core.spec.world import World
from ptp_core.training.model import new_model, save_model

ITEMS, ROWS, ROUNDS = 200, 32, 3
GOAL, TOLERANCE = 1.1, 1e-5
MEAN = "aggregation: mean, higher_is_better: true"
KINDS = {
    "cms": f"""\
output_type: multiple_choice
doc_to_choice: choices
doc_to_target: "{{{{answer_idx}}}}"
metric_list: [{{metric: acc, {MEAN}}}, {{metric: acc_norm, {MEAN}}}]
""",
    "rag": f"""\
output_type: generate_until
doc_to_target: answers
generation_kwargs: {{until: ["\\n"], max_gen_toks: 8, do_sample: false}}
metric_list: [{{metric: exact_match, {MEAN}}}]
""",
    "cbqa": f"""\
output_type: loglikelihood
doc_to_target: "{{{{' ' + answers[0]}}}}"
metric_list: [{{metric: acc, {MEAN}}}]
""",
}
TASKS = [f"{family}_{split}" for family in KINDS for split in ("train", "test")]


def build(folder: Path) -> None:
    """A random model with the world's tokenizer, and six tasks over items of the world."""
    settings = World()
    (folder / "model").mkdir()
    fast = build_tokenizer.word_level(world.vocabulary(settings), 4)
    build_tokenizer.save(fast, folder, build_tokenizer.own_config())
    save_model(new_model(Model.model_validate(PRESETS["micro"]), fast.get_vocab_size(), 0), folder, folder / "model")
    for task in TASKS:
        family, split = task.split("_")
        items = [dict(item) for item in world.items(settings, family, split)]
        lines = [json.dumps(item | {"prompt": world.prompt(item)}) + "\n" for item in (items * ITEMS)[:ITEMS]]
        (folder / f"{task}.jsonl").write_text("".join(lines), encoding="utf-8")
        head = f"task: {task}\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: {task}.jsonl}}}}\n"
        (folder / f"{task}.yaml").write_text(f"{head}test_split: test\ndoc_to_text: prompt\n{KINDS[family]}")


def job(folder: Path, out: Path) -> None:
    """What a job does: load once, then one measurement after the other."""
    settings = HarnessSettings(items="shared")
    for task in TASKS:
        measure_task(folder / "model", settings, folder / f"{task}.yaml", out / task, rows=ROWS)


def seconds(command: list[str], folder: Path) -> tuple[float, float]:
    """(wall, CPU) seconds of a process of one thread from its start to its end."""
    root = str(Path(__file__).parents[1])
    quiet = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": root}
    cached = {"HF_DATASETS_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    began, spent = time.perf_counter(), cpu()
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=os.environ | quiet | cached, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return time.perf_counter() - began, cpu() - spent


def cpu() -> float:
    """CPU seconds of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def command_line(folder: Path, out: Path) -> list[str]:
    model = f"pretrained={folder / 'model'},dtype=float32"
    yamls = ",".join(f"{folder / task}.yaml" for task in TASKS)
    return [
        *("-m", "lm_eval", "run", "--model", "hf", "--model_args", model, "--tasks", yamls, "--log_samples"),
        *("--batch_size", str(ROWS), "--output_path", str(out)),
    ]


def answers(path: Path) -> dict[int, list[Any]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {int(sample["doc_id"]): sample["resps"] for sample in map(json.loads, lines)}


def differences(out: Path, theirs: Path) -> tuple[float, float, int]:
    """(largest difference of a score, of a log-probability in nats, texts that differ) over all six tasks."""
    (path,) = theirs.rglob("results_*.json")
    expected = json.loads(path.read_text(encoding="utf-8"))["results"]
    scores, logprobs, texts = [0.0], [0.0], 0
    for task in TASKS:
        found = json.loads((out / task / FOLDER / RESULTS).read_text(encoding="utf-8"))["results"][task]
        scores += [abs(value - found[key]) for key, value in expected[task].items() if isinstance(value, float)]
        (file,) = theirs.rglob(f"samples_{task}_*.jsonl")
        ours = answers(out / task / FOLDER / f"samples_{task}.jsonl")
        for number, theirs_said in answers(file).items():
            for mine, yours in zip(ours[number], theirs_said, strict=True):
                if isinstance(yours[0], str):
                    texts += mine != yours
                else:
                    logprobs.append(abs(float(mine[0][0]) - float(yours[0][0])))
    return max(scores), max(logprobs), texts


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder)
        rounds = []
        for i in range(ROUNDS):
            # In turns, so that what else the machine does falls on both.
            their = seconds(command_line(folder, folder / f"theirs{i}"), folder)
            rounds.append((*their, *seconds([__file__, str(folder), str(folder / f"ours{i}")], folder)))
        scores, logprobs, texts = differences(folder / "ours0", folder / "theirs0")
    wall, busy, our_wall, our_busy = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(mine / their for their, _, mine, _ in rounds)
    print(f"{len(TASKS)} tasks of {ITEMS} items, batches of {ROWS}, one thread, median of {ROUNDS} rounds\n")
    print("| measuring six tasks | CPU seconds | wall seconds | of the harness' | goal |")
    print("|---|---|---|---|---|")
    print(f"| `lm_eval run`, one call | {busy:.1f} | {wall:.1f} | 1 | |")
    verdict = f"≤ {GOAL:g}: {'yes' if ratio <= GOAL else 'NO'}"
    print(f"| a job of ours | {our_busy:.1f} | {our_wall:.1f} | {ratio:.2f} | {verdict} |")
    same = logprobs <= TOLERANCE and scores == 0 and texts == 0
    verdict = "yes" if same else "NO"
    print(f"\nLargest difference of a score {scores:g}, of a log-probability {logprobs:.1e} nats; {texts} other texts")
    print(f"(goal: 0, ≤ {TOLERANCE:g}, 0: {verdict}).")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        job(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        main()
