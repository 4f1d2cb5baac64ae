"""What fine-tuning and measuring cost at most, as far as a spec tells: items are taken to fill the whole context."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ptp_core import cost
from ptp_core.engine.measure_units import DEFAULT_ITEMS
from ptp_core.spec.finetune import Finetune
from ptp_core.spec.indicators import kind_of, subject_of
from ptp_core.spec.loaded import WORLD_FAMILIES, LoadedStudy
from ptp_core.spec.pretrain import Variant

TINY_EPOCHS = 3
"""Passes of a tiny fine-tune over its examples."""


@dataclass(frozen=True)
class Estimate:
    """FLOPs of all variants together, and the names of what is not in them because the spec does not tell its size."""

    flops: float
    left_out: tuple[str, ...]


def tuned_checkpoints(study: LoadedStudy, variant: Variant) -> Iterator[tuple[Finetune, int]]:
    """The settings of fine-tuning, and of how many checkpoints of a variant they are: the last, and those before it."""
    finetune = study.spec.finetune
    if finetune is not None:
        yield finetune, 1
        yield finetune.on_the_way, len(study.tuned_on_the_way(variant))


def tuning(study: LoadedStudy, vocabulary: int) -> Estimate:
    """Fine-tuning on every task with every seed: an upper bound, since few items fill the context."""
    finetune = study.spec.finetune
    if finetune is None:
        return Estimate(0.0, ())
    rows = {task: rows_of_tuning(study, finetune, task) for task in finetune.tasks}
    flops = 0.0
    for variant in study.variants:
        for section, count in tuned_checkpoints(study, variant):
            known = sum(rows[task] or 0 for task in section.tasks) * len(section.seeds)
            flops += count * known * per_row(study, variant, vocabulary)
    return Estimate(flops, tuple(task for task, items in rows.items() if items is None))


def measuring(study: LoadedStudy, vocabulary: int) -> Estimate:
    """Indicators and the scores of fine-tuned models, by forward passes alone; an item counts as one row.

    An upper bound for items without choices; a question with choices takes a pass for each of them, none of which is
    anywhere near as long as the context.
    """
    finetune = study.spec.finetune
    outcomes = dict(_outcome_rows(study, finetune)) if finetune else {}
    indicators = {name: indicator_rows(study, name) for name in study.indicators}
    every = sum(count for count in indicators.values() if count is not None)
    flops = 0.0
    for variant in study.variants:
        rows = every * (1 + len(variant.recipe.checkpoints))
        for section, count in tuned_checkpoints(study, variant):
            rows += count * sum(items for _, items in _outcome_rows(study, section) if items is not None)
        # A forward pass is a third of both (Chowdhery et al. 2023, appendix B).
        flops += rows * per_row(study, variant, vocabulary) / 3
    return Estimate(flops, tuple(name for name, count in {**indicators, **outcomes}.items() if count is None))


def per_row(study: LoadedStudy, variant: Variant, vocabulary: int) -> float:
    """FLOPs of training one variant's model on one row as long as its context."""
    model = study.model_of(variant.recipe)
    count = cost.parameters(model, vocabulary)
    return model.context * cost.flops_per_token(count, model.layers, model.width, model.context)


def rows_of_tuning(study: LoadedStudy, finetune: Finetune, task: str) -> int | None:
    """Items that one fine-tuning sees, repeats included; None if the spec does not tell."""
    if finetune.epochs is None:
        return finetune.steps * finetune.batch_items
    limits = (finetune.items, items_of(study, task, "train"))
    known = [limit for limit in limits if limit is not None]
    return finetune.epochs * min(known) if known else None


def indicator_rows(study: LoadedStudy, name: str) -> float | None:
    """Rows that one indicator of one checkpoint reads, those of training thrice; None where the spec cannot tell."""
    options, kind = study.indicators[name], kind_of(name)
    if kind == "ppl":
        return -(-options.tokens // study.context) * len(study.domains) if study.variants else 0.0
    if kind == "plugin":
        return None
    if study.is_harness(subject_of(name)):
        return options.max_items
    items = options.max_items or DEFAULT_ITEMS
    return items + (3 * TINY_EPOCHS * options.examples + items if kind == "tuned" else 0)


def _outcome_rows(study: LoadedStudy, finetune: Finetune) -> Iterator[tuple[str, int | None]]:
    """Task → items scored for one checkpoint, over all seeds, tests and formats; None: the spec cannot tell."""
    models: Counter[str] = Counter()
    for task in finetune.tasks:
        for test in study.tests_of(task):
            models[test] += len(finetune.seeds) * (1 if study.is_harness(test) else len(study.test_formats))
    for test, count in models.items():
        items = items_of(study, test, "test")
        yield test, None if items is None else items * count


def items_of(study: LoadedStudy, task: str, split: str) -> int | None:
    """At most so many items has a task; None if only its file can tell."""
    data = study.spec.data
    if task in WORLD_FAMILIES and data and data.world:
        return {"train": data.world.train_items, "test": data.world.test_items}[split]
    files = study.spec.tasks[task]
    return {"train": files.max_train, "test": files.max_test}[split]
