"""Whether a local task's YAML is one that the harness can build: said before hours of training, not after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ptp_core.errors import UserError, did_you_mean, shorten
from ptp_core.measure.harness_files import BUILDERS, Function, TaskFile, local_data

KINDS = ("multiple_choice", "loglikelihood", "loglikelihood_rolling", "generate_until")
BESIDE = ("class", "task_list")
"""Keys that the harness reads before it makes a task of the others."""


def _is_list_of(key: str) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        return isinstance(value, list) and all(isinstance(one, dict) and one.get(key) for one in value)

    return check


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


SHAPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "output_type": (lambda value: value in KINDS, f"one of {', '.join(KINDS)}"),
    "metric_list": (_is_list_of("metric"), "a list of {metric: …, aggregation: …, higher_is_better: …}"),
    "filter_list": (_is_list_of("name"), "a list of {name: …, filter: […]}"),
    "num_fewshot": (lambda value: type(value) is int and value >= 0, "a whole number, 0 or more"),
    "repeats": (lambda value: type(value) is int and value > 0, "a whole number, 1 or more"),
    "dataset_kwargs": (_is_mapping, "keys with values"),
    "generation_kwargs": (_is_mapping, "keys with values"),
    "dataset_path": (_is_text, "the name of a data set or of a format, such as json"),
    **dict.fromkeys(("training_split", "validation_split", "test_split"), (_is_text, "the name of a split")),
    **dict.fromkeys(
        ("process_docs", "process_results"), (lambda value: isinstance(value, Function), "!function <file>.<function>")
    ),
}
"""Key → (whether its value can be right, what is expected)."""


def check_shape(task: TaskFile) -> None:
    """Raises UserError, with file and line, for a key that the harness does not know, a value that it cannot use, and
    a split to score of which there are no data files."""
    if "class" in task.config:
        return
    known = _known_keys()
    for key, value in task.config.items():
        if key not in known:
            what = f"the harness knows no key {shorten(key)} of a task"
            raise UserError(what, where=task.where(str(key)), fix=did_you_mean(str(key), known))
        right, expected = SHAPES.get(key, (None, ""))
        # Nothing at all is the default.
        if right is not None and value is not None and not right(value):
            raise UserError("this cannot be right", where=task.where(key), subject=key, expected=expected, got=value)
    _check_scored_split(task)


def _known_keys() -> list[str]:
    import dataclasses

    from lm_eval.config.task import TaskConfig

    return [*BESIDE, *(field.name for field in dataclasses.fields(TaskConfig))]


def _check_scored_split(task: TaskFile) -> None:
    files = local_data(task).get("dataset_kwargs", {}).get("data_files")
    if task.config.get("dataset_path") not in BUILDERS or files is None:
        return
    # Files without a split's name are all of `train`.
    splits = list(files) if isinstance(files, dict) else ["train"]
    for key in ("test_split", "validation_split", "training_split"):
        split = task.config.get(key)
        if split is not None and split.split("[")[0] not in splits:
            raise UserError(
                "there are no data files of this split", where=task.where(key), subject=key, got=split,
                expected=" or ".join(map(str, splits)), fix="write data_files: {<split>: <file>}",
            )  # fmt: skip
