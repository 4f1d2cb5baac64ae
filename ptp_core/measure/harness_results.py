"""From what the harness returns to quantities and items: its own numbers untouched, and ours from the same answers."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptp_core.measure.answer_quantities import Answers, answer_quantities, choice_quantities
from ptp_core.measure.measured import ItemScore, Quantity
from ptp_core.stats.clusters import mean_error
from ptp_core.table.metrics import direction_of


def reported(results: dict[str, Any], name: str, tasks: Sequence[str]) -> tuple[dict[str, Quantity], dict[str, str]]:
    """(quantity by name, filter of each) with value and standard error as the harness reports them.

    A quantity is called by its metric, followed by ``_`` and the filter where the metric has several. ``name`` is the
    task, or the group of the ``tasks``.
    """
    found = results["results"][name]
    keys = [tuple(key.split(",", 1)) for key in found if "," in key]
    metrics = [metric for metric, _ in keys]
    count = sum(int(results["n-samples"][task]["effective"]) for task in tasks)
    better = results["higher_is_better"].get(name, {})
    quantities: dict[str, Quantity] = {}
    filters: dict[str, str] = {}
    for metric, filtered in keys:
        value = found[f"{metric},{filtered}"]
        if metric.endswith("_stderr") or not _is_number(value):
            continue
        own = f"{metric}_{filtered}" if metrics.count(metric) > 1 else metric
        error = found.get(f"{metric}_stderr,{filtered}")
        up = better.get(metric)
        # Where the harness leaves it open the name tells.
        up = direction_of(metric) if up is None else bool(up)
        quantities[own] = Quantity(
            float(value), float(error) if _is_number(error) else None, count,
            up is not False,
        )  # fmt: skip
        filters[own] = filtered
    return quantities, filters


@dataclass(frozen=True)
class Scored:
    """The samples of one task, one a document and filter, and what is known of each document beyond them."""

    samples: Sequence[dict[str, Any]]
    per_document: Sequence[dict[str, float] | None]
    """Quantities of each document of the first filter; None where it has no right answer to ask for."""
    logprobs: dict[int, float]
    """Document → log-probability of its right answer, in nats."""

    def of_filter(self, name: str | None) -> list[dict[str, Any]]:
        """The samples of one filter, by default the first."""
        wanted = name if name is not None else self.samples[0]["filter"]
        return [sample for sample in self.samples if sample["filter"] == wanted]


def quantities_of(scored: Mapping[str, Scored]) -> dict[str, Quantity]:
    """Means over the documents of all tasks together, of what every task has.

    Errors are clustered by ``document`` where the documents name one.
    """
    known = [
        (sample["doc"], values)
        for one in scored.values()
        for sample, values in zip(one.of_filter(None), one.per_document, strict=True)
        if values
    ]
    names = [name for name in known[0][1] if all(name in values for _, values in known)] if known else []
    clusters = clusters_of([doc for doc, _ in known])
    return {name: mean_quantity([values[name] for _, values in known], clusters) for name in names}


def mean_quantity(values: Sequence[float], clusters: Sequence[str] | None) -> Quantity:
    """A mean over items, of which a larger one is better."""
    return Quantity(statistics.fmean(values), mean_error(values, clusters), len(values), True)


def clusters_of(docs: Sequence[dict[str, Any]]) -> list[str] | None:
    """What each document is about, if every one of them says so."""
    named = [doc.get("document") for doc in docs]
    return [str(name) for name in named] if named and all(name is not None for name in named) else None


def with_answers(samples: Sequence[dict[str, Any]], task: Any, lm: Any) -> Scored:
    """The samples of a task with the per-answer quantities that its log-probabilities allow."""
    first = [sample for sample in samples if sample["filter"] == samples[0]["filter"]]
    kind = task.OUTPUT_TYPE
    per_document: list[dict[str, float] | None] = [None] * len(first)
    logprobs: dict[int, float] = {}
    for i, sample in enumerate(first):
        if kind == "multiple_choice" and hasattr(task, "multiple_input"):
            answers = _answers(sample, task, lm)
            if answers.right:
                per_document[i] = choice_quantities(answers)
                logprobs[sample["doc_id"]] = max(answers.logprobs[k] for k in answers.right)
        elif kind == "loglikelihood" and len(sample["resps"]) == 1:
            logprob, pair = float(sample["resps"][0][0][0]), sample["arguments"][0]
            per_document[i] = answer_quantities(logprob, len(pair[1].strip()), lm.answer_tokens[tuple(pair)])
            logprobs[sample["doc_id"]] = logprob
    return Scored(samples, per_document, logprobs)


def _answers(sample: dict[str, Any], task: Any, lm: Any) -> Answers:
    doc = sample["doc"]
    choices = task.doc_to_choice(doc)
    # Mutual information asks for every choice once more, without the question; those come last.
    pairs = [tuple(pair) for pair in sample["arguments"][: len(choices)]]
    gold = task.doc_to_text(doc) if task.multiple_input else task.doc_to_target(doc)
    named = gold if isinstance(gold, list) else [gold]
    right = [choices.index(one) if one in choices else -1 if isinstance(one, str) else int(one) for one in named]
    return Answers(
        logprobs=[float(answers[0][0]) for answers in sample["resps"][: len(choices)]],
        characters=[len(pair[1].strip()) if task.multiple_input else len(choice)
                    for pair, choice in zip(pairs, choices, strict=True)],
        tokens=[lm.answer_tokens[pair] for pair in pairs],
        right=[k for k in right if 0 <= k < len(choices)],
    )  # fmt: skip


def items_of(scored: Scored, headline: str, filtered: str | None) -> list[ItemScore]:
    """The score of every document under the headline; none where a single document has no score of its own."""
    samples = scored.of_filter(filtered)
    if not samples:
        return []
    metric = headline if headline in samples[0] else headline.removesuffix(f"_{filtered}")
    if metric in samples[0]["metrics"]:
        scores = [sample.get(metric) for sample in samples]
    else:
        scores = [(values or {}).get(headline) for values in scored.per_document]
    if not all(_is_number(score) for score in scores):
        return []
    ids = _ids(samples)
    return [
        ItemScore(name, _text(sample["doc"], "document"), float(score), scored.logprobs.get(sample["doc_id"]))
        for name, sample, score in zip(ids, samples, scores, strict=True)
        if score is not None
    ]


def _ids(samples: Sequence[dict[str, Any]]) -> list[str]:
    """The documents' own ids where all have one and no two the same; else number and hash of each."""
    own = [_text(sample["doc"], "id") for sample in samples]
    named = [name for name in own if name is not None]
    if len(set(named)) == len(samples):
        return named
    return [f"{sample['doc_id']}-{sample['doc_hash'][:12]}" for sample in samples]


def _text(doc: Any, key: str) -> str | None:
    value = doc.get(key) if isinstance(doc, dict) else None
    return None if value is None else str(value)


def _is_number(value: Any) -> bool:
    return hasattr(value, "__float__") and not isinstance(value, str)
