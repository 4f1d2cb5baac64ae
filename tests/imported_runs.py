"""Results of lm-evaluation-harness: real ones, of tiny random models, and small files in its formats."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

WORDS = "the a cat dog is red blue green what colour barn lives in house Question: . ? <unk> <eos>".split()
STEPS = (1000, 2000, 3000, 4000, 5000)

CHOICE = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/questions.jsonl}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "Question: {{{{question}}}} ?"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: answer
metric_list: [{{metric: acc}}, {{metric: acc_norm, aggregation: mean, higher_is_better: true}}]
"""
ANSWER = """
task: answer
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/questions.jsonl}}}}
test_split: test
output_type: generate_until
doc_to_text: "Question: {{{{question}}}} ?"
doc_to_target: "{{{{choices[answer]}}}}"
generation_kwargs: {{max_gen_toks: 3, until: ["."], do_sample: false}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
filter_list:
  - {{name: whole, filter: [{{function: take_first}}]}}
  - {{name: word, filter: [{{function: regex, regex_pattern: "(\\\\w+)"}}, {{function: take_first}}]}}
"""
TEXT = """
task: text
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/text.jsonl}}}}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{{{text}}}}"
metric_list: [{{metric: word_perplexity}}, {{metric: bits_per_byte}}]
"""
GROUP = "{{group: colours, task: [colour_a, colour_b], aggregate_metric_list: [{{metric: acc, weight_by_size: true}}]}}"

RUN = """
import sys
from lm_eval.__main__ import cli_evaluate
for step in sys.argv[1].split(","):
    options = "--tasks colours,answer,text --include_path tasks --device cpu --batch_size 16 --log_samples".split()
    model = ["--model", "hf", "--model_args", f"pretrained=models/tiny-step{step},dtype=float32"]
    sys.argv[1:] = ["run", *model, *options, "--output_path", "runs"]
    cli_evaluate()
"""


def run_harness(folder: Path) -> Path:
    """Evaluate a tiny random model at each of ``STEPS``; returns the folder that the harness wrote."""
    (folder / "tasks").mkdir(parents=True)
    for name in ("colour_a", "colour_b"):
        (folder / "tasks" / f"{name}.yaml").write_text(CHOICE.format(name=name, folder=folder))
    for name, text in {"answer": ANSWER, "text": TEXT, "colours": GROUP}.items():
        (folder / "tasks" / f"{name}.yaml").write_text(text.format(folder=folder))
    rng = random.Random(0)
    questions = [
        {"id": f"q{i}", "question": f"what colour is {' '.join(rng.choices(WORDS, k=4))}", "answer": rng.randrange(3)}
        | {"choices": ["red", "blue green", "green house"]}
        for i in range(40)
    ]
    texts = [{"text": " ".join(rng.choices(WORDS[:-2], k=12))} for _ in range(8)]
    for name, records in {"questions": questions, "text": texts}.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    for step in STEPS:
        _save_model(folder / "models" / f"tiny-step{step}", step)
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(folder / "cache")}
    command = [sys.executable, "-c", RUN, ",".join(map(str, STEPS))]
    done = subprocess.run(command, cwd=folder, env=offline, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "runs"


def _save_model(folder: Path, seed: int) -> None:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    fast = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    fast.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    config = LlamaConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, initializer_range=1.0,
    )  # fmt: skip
    torch.manual_seed(seed)
    LlamaForCausalLM(config).save_pretrained(folder)
    ends = dict.fromkeys(("bos_token", "eos_token", "pad_token"), "<eos>")
    PreTrainedTokenizerFast(tokenizer_object=fast, unk_token="<unk>", **ends).save_pretrained(folder)


def write_run(
    folder: Path, step: int = 1, samples: tuple[float, ...] = (1.0, 0.0, 1.0, 1.0), date: str = "T1", **acc: Any
) -> Path:
    """A small result file of the current format: one task "quiz" with its samples, metrics can be changed."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        {"doc_id": i, "doc": {"id": f"q{i}"}, "target": "0", "filter": "none", "acc": score}
        | {"filtered_resps": [["-1.5", "False"], ["-2.5", "False"]]}
        | {key: f"{key}-{i}-{step}" for key in ("doc_hash", "prompt_hash", "target_hash")}
        for i, score in enumerate(samples)
    ]
    hashes = "".join(line[key] for line in lines for key in ("doc_hash", "prompt_hash", "target_hash"))
    scores = {"acc,none": sum(samples) / len(samples), "acc_stderr,none": 0.25} | acc
    content = {
        "results": {"quiz": {"alias": "quiz"} | scores},
        "configs": {"quiz": {"test_split": "test", "metric_list": [{"metric": "acc", "aggregation": "mean"}]}},
        "higher_is_better": {"quiz": {"acc": True}},
        "n-shot": {"quiz": 0},
        "n-samples": {"quiz": {"original": len(samples), "effective": len(samples)}},
        "config": {"model": "hf", "model_args": f"pretrained=org/small,revision=step{step}"},
        "task_hashes": {"quiz": hashlib.sha256(hashes.encode()).hexdigest()},
    }
    (folder / f"samples_quiz_{date}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    path = folder / f"results_{date}.json"
    path.write_text(json.dumps(content, indent=2))
    return path


def write_old(path: Path, step: int | str = 1, **metrics: Any) -> Path:
    """A small result file of the format before version 0.4."""
    path.parent.mkdir(parents=True, exist_ok=True)
    config = {"model": "hf-causal", "model_args": f"pretrained=org/small,revision=step{step}", "num_fewshot": 0}
    scores = {"acc": 0.25, "acc_stderr": 0.01} | metrics
    path.write_text(json.dumps({"results": {"quiz": scores}, "versions": {"quiz": 0}, "config": config}, indent=2))
    return path
