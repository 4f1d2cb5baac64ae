"""Stage ``task``: the items of one task, from files or the embedded world, none of them in both splits."""

from __future__ import annotations

import hashlib
import json

from ptp_core.data import world
from ptp_core.data.items import SPLITS, Item, asked, chance, read_items
from ptp_core.errors import UserError
from ptp_core.spec.tasks import TaskSettings
from ptp_core.work import Metrics, Work


def run(work: Work) -> Metrics:
    """Write ``train.jsonl`` and ``test.jsonl``; what is asked in both is only tested.

    A task that is only scored has no training items.

    Metrics: items of each split, training items dropped because they are tested, and the chance level of the score.
    Raises UserError for a bad item, and if no training item is left.
    """
    settings = TaskSettings.model_validate(work.settings)
    train, test = (_items(settings, work, split) for split in SPLITS)
    tested = {asked(item) for item in test}
    fresh = [item for item in train if asked(item) not in tested]
    if train and not fresh:
        raise UserError("every training item is also a test item", subject=work.label, fix="give two different files")
    chosen = {"train": _sample(fresh, settings.max_train), "test": _sample(test, settings.max_test)}
    for split, items in chosen.items():
        lines = [json.dumps(item.model_dump(), ensure_ascii=False, sort_keys=True) + "\n" for item in items]
        (work.folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    counts = {f"{split}_items": len(items) for split, items in chosen.items()}
    return counts | {"train_items_in_test": len(train) - len(fresh), "chance": _chance(settings, chosen["test"])}


def _chance(settings: TaskSettings, items: list[Item]) -> float:
    """The world knows how many values a question can have; files tell it only where there are choices."""
    if settings.world and not items[0].choices:
        return world.guess()
    return chance(items)


def _items(settings: TaskSettings, work: Work, split: str) -> list[Item]:
    if settings.world is None:
        return list(read_items(work.inputs[split][0], settings.family)) if split in work.inputs else []
    return [Item.model_validate(record) for record in world.items(settings.world, settings.family, split)]


def _sample(items: list[Item], limit: int | None) -> list[Item]:
    """At most ``limit`` items, chosen by the hash of their ids, in their original order."""
    if limit is None or limit >= len(items):
        return items
    ranked = sorted(range(len(items)), key=lambda i: hashlib.sha256(items[i].id.encode()).digest())
    return [items[i] for i in sorted(ranked[:limit])]
