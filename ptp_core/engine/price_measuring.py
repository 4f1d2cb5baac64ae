"""What fine-tuning and measuring cost at most, as far as a spec tells: items are taken to fill the whole context."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ptp_core import cost
from ptp_core.spec.finetune import Finetune
from ptp_core.spec.loaded import WORLD_FAMILIES, LoadedStudy


@dataclass(frozen=True)
class Estimate:
    """FLOPs of all variants together, and the names of what is not in them because the spec does not tell its size."""

    flops: float
    left_out: tuple[str, ...]


def tuning(study: LoadedStudy, vocabulary: int) -> Estimate:
    """Fine-tuning on every task with every seed: an upper bound, since few items fill the context."""
    finetune = study.spec.finetune
    if finetune is None:
        return Estimate(0.0, ())
    rows = {task: _rows(study, finetune, task) for task in finetune.tasks}
    known = sum(count for count in rows.values() if count is not None) * len(finetune.seeds)
    return Estimate(known * _per_row(study, vocabulary), tuple(task for task, count in rows.items() if count is None))


def measuring(study: LoadedStudy, vocabulary: int) -> Estimate:
    """Indicators and the scores of fine-tuned models, by forward passes alone; an item counts as one row.

    An upper bound for items without choices; a question with choices takes a pass for each of them, none of which is
    anywhere near as long as the context.
    """
    outcomes = dict(_outcome_rows(study))
    known = sum(_indicator_rows(study)) + sum(count for count in outcomes.values() if count is not None)
    # A forward pass is a third of both (Chowdhery et al. 2023, appendix B).
    flops = known * _per_row(study, vocabulary) / 3
    return Estimate(flops, tuple(task for task, count in outcomes.items() if count is None))


def _per_row(study: LoadedStudy, vocabulary: int) -> float:
    """FLOPs of training on one row as long as the context, summed over all variants."""
    total = 0.0
    for variant in study.variants:
        model = study.model_of(variant.recipe)
        count = cost.parameters(model, vocabulary)
        total += model.context * cost.flops_per_token(count, model.layers, model.width, model.context)
    return total


def _rows(study: LoadedStudy, finetune: Finetune, task: str) -> int | None:
    """Items that one fine-tuning sees, repeats included; None if the spec does not tell."""
    if finetune.epochs is None:
        return finetune.steps * finetune.batch_items
    limits = (finetune.items, _items(study, task, "train"))
    known = [limit for limit in limits if limit is not None]
    return finetune.epochs * min(known) if known else None


def _indicator_rows(study: LoadedStudy) -> Iterator[int]:
    """Rows that the indicators of one variant read."""
    for name, options in study.indicators.items():
        if name.startswith("ppl_"):
            yield -(-options.tokens // study.context) * len(study.domains) if study.variants else 0
        else:
            yield options.items


def _outcome_rows(study: LoadedStudy) -> Iterator[tuple[str, int | None]]:
    """Task → items that are scored for one variant, over all seeds; None if the spec does not tell."""
    finetune = study.spec.finetune
    for task in finetune.tasks if finetune else ():
        items = _items(study, task, "test")
        yield task, None if items is None or finetune is None else items * len(finetune.seeds)


def _items(study: LoadedStudy, task: str, split: str) -> int | None:
    """At most so many items has a task; None if only its file can tell."""
    data = study.spec.data
    if task in WORLD_FAMILIES and data and data.world:
        return {"train": data.world.train_items, "test": data.world.test_items}[split]
    files = study.spec.tasks[task]
    return {"train": files.max_train, "test": files.max_test}[split]
