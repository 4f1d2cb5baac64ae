"""Items of our own families through lm-evaluation-harness, written down as a task that its command line runs too."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.items import Item, completion
from ptp_core.errors import UserError, did_you_mean
from ptp_core.measure.harness import evaluate, save
from ptp_core.measure.harness_results import clusters_of, mean_quantity, with_answers
from ptp_core.measure.loaded import model_of
from ptp_core.measure.measured import ItemScore, Measured, Quantity
from ptp_core.spec.harness import HarnessSettings
from ptp_core.spec.scores import ANSWER_METRICS
from ptp_core.training.context import context_of

DOCS = "docs.jsonl"
FIRST_ANSWER = "first_answer"
"""Suffix of the second task of free answers: how likely the model finds the first right one."""
SPARE_TOKENS = 2
"""An answer may run on for so many tokens beyond the longest right one before it is cut."""
STOPS = ("\n", "###", "question :")
"""Where a free answer ends: at the end of the line, or where the model goes on to ask a question of its own."""


def measure_items(
    checkpoint: Path,
    name: str,
    asked: Sequence[tuple[str, Item]],
    metric: str | None,
    folder: Path,
    new_tokens: int | None = None,
    rows: int | None = None,
) -> Measured:
    """(finished prompt, item) pairs: the likeliest choice where every item has choices, else free answers.

    ``metric`` goes by the measurement's own name; default acc_norm for choices and exact_match for free answers.
    ``new_tokens``: how long an answer may be (``answer_room``). Writes into ``folder``
    the task (``docs.jsonl`` and ``<name>.yaml``, which ``lm_eval run --tasks <name>.yaml`` measures there as well) and
    ``lm_eval/``. Raises UserError for a metric that there is not.
    """
    choosing = all(item.choices for _, item in asked)
    new = answer_room(checkpoint, [item for _, item in asked], new_tokens)
    configs = _choice_task(name) if choosing else _answer_tasks(name, new)
    _write(folder, asked, configs)
    tasks = _load(configs, asked)
    lm, results = evaluate(checkpoint, list(tasks.values()), HarnessSettings(shots=0, items="shared"), rows=rows)
    # The harness numbers documents as they stand in the file, so samples and items are in one order.
    items = [item for _, item in asked]
    values = [_values(results["samples"], name, i) for i in range(len(items))]
    answers = next(iter(reversed(tasks)))
    scored = with_answers(results["samples"][answers], tasks[answers], lm)
    values = [own | (theirs or {}) for own, theirs in zip(values, scored.per_document, strict=True)]
    headline = metric or ("acc_norm" if choosing else "exact_match")
    if headline not in values[0]:
        raise UserError(f'there is no metric "{headline}"', subject=name, fix=did_you_mean(headline, values[0]))
    save(results, folder)
    scores = [
        ItemScore(item.id, item.document, own[headline], scored.logprobs.get(i))
        for i, (item, own) in enumerate(zip(items, values, strict=True))
    ]
    return Measured(headline, _quantities(values, items), scores)


def answer_room(checkpoint: Path, items: Sequence[Item], new_tokens: int | None) -> int:
    """Tokens of the context that are kept for an answer; default: what the longest right one takes, two to spare.

    At most half of the context: the harness would cut questions down to what an answer leaves, and say so nowhere.
    """
    wanted, most = new_tokens or _longest_answer(checkpoint, items), context_of(model_of(checkpoint).config) // 2
    if wanted > most:
        print(f"answers are cut after {most} tokens, not {wanted}: the question takes the other half", flush=True)
    return min(wanted, most)


def _longest_answer(checkpoint: Path, items: Sequence[Item]) -> int:
    fast = tokenizers.load(checkpoint)
    texts = [f" {text}" for item in items for text in (item.choices or item.answers)]
    lengths = [len(encoding.ids) for encoding in fast.encode_batch_fast(texts, add_special_tokens=False)]
    return max(lengths, default=1) + SPARE_TOKENS


def _values(samples: Mapping[str, list[dict[str, Any]]], name: str, number: int) -> dict[str, float]:
    sample = samples[name][number]
    return {metric: float(sample[metric]) for metric in sample["metrics"]}


def _quantities(values: Sequence[Mapping[str, float]], items: Sequence[Item]) -> dict[str, Quantity]:
    clusters = clusters_of([item.model_dump() for item in items])
    return {name: mean_quantity([own[name] for own in values], clusters) for name in values[0]}


def _load(configs: Mapping[str, dict[str, Any]], asked: Sequence[tuple[str, Item]]) -> dict[str, Any]:
    import datasets
    from lm_eval.tasks import TaskManager

    # The documents of the file, but not by way of it: reading it back would take texts that look like dates for dates.
    text, texts, number = datasets.Value("string"), datasets.List(datasets.Value("string")), datasets.Value("int64")
    types = dict.fromkeys(("id", "document", "prompt", "completion"), text)
    types |= {"choices": texts, "gold": number, "answers": texts}
    docs = [_doc(prompt, item) for prompt, item in asked]
    split = datasets.Dataset.from_list(docs, features=datasets.Features({key: types[key] for key in docs[0]}))
    given = {"custom_dataset": lambda **_options: {"test": split}}
    wanted = [config | given | _callables(config) for config in configs.values()]
    tasks: dict[str, Any] = TaskManager(include_defaults=False).load(wanted)["tasks"]
    for task in tasks.values():
        # The harness' files tell how the task is made, and that is by docs.jsonl.
        task.config.custom_dataset = None
    return tasks


def _callables(config: Mapping[str, Any]) -> dict[str, Any]:
    from ptp_core.measure import text_metrics

    return {"process_results": text_metrics.process_results} if "process_results" in config else {}


def _base(name: str) -> dict[str, Any]:
    return {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": DOCS}},
        "test_split": "test",
        "num_fewshot": 0,
        "doc_to_text": "prompt",
        "target_delimiter": " ",
        "metadata": {"version": 1},
    }


def _choice_task(name: str) -> dict[str, dict[str, Any]]:
    kind = {"output_type": "multiple_choice", "doc_to_choice": "choices", "doc_to_target": "gold"}
    return {name: _base(name) | kind | _means("acc", "acc_norm")}


def _answer_tasks(name: str, new: int) -> dict[str, dict[str, Any]]:
    saying = {
        "output_type": "generate_until",
        "doc_to_target": "answers",
        "generation_kwargs": {"until": list(STOPS), "max_gen_toks": new, "do_sample": False},
        "process_results": _Function("ptp_core.measure.text_metrics.process_results"),
    } | _means(*ANSWER_METRICS)
    likely = {"output_type": "loglikelihood", "doc_to_target": "completion"} | _means("acc")
    second = f"{name}_{FIRST_ANSWER}"
    return {name: _base(name) | saying, second: _base(second) | likely}


def _means(*metrics: str) -> dict[str, Any]:
    return {"metric_list": [{"metric": one, "aggregation": "mean", "higher_is_better": True} for one in metrics]}


class _Function(str):
    """Text that the YAML shows behind a ``!function`` tag."""


def _write(folder: Path, asked: Sequence[tuple[str, Item]], configs: Mapping[str, dict[str, Any]]) -> None:
    lines = [json.dumps(_doc(text, item), ensure_ascii=False) + "\n" for text, item in asked]
    (folder / DOCS).write_text("".join(lines), encoding="utf-8")
    for name, config in configs.items():
        text = f"# In this folder: lm_eval run --model hf --model_args pretrained=CHECKPOINT --tasks ./{name}.yaml\n"
        text += yaml.dump(config, Dumper=_dumper(), sort_keys=False, allow_unicode=True)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def _dumper() -> Any:
    class Dumper(yaml.SafeDumper):
        pass

    Dumper.add_representer(_Function, lambda dumper, text: dumper.represent_scalar("!function", str(text)))
    return Dumper


def _doc(text: str, item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "document": item.document,
        "prompt": text,
        "choices": item.choices,
        "gold": item.answer_idx,
        "answers": item.answers,
        "completion": completion(item),
    }
