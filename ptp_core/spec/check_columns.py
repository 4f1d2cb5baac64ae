"""Whether two numbers of a study would go by one name in its table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ptp_core.errors import UserError
from ptp_core.spec.indicators import kind_of, subject_of
from ptp_core.spec.loaded import LoadedStudy


def check_columns(study: LoadedStudy) -> Iterator[UserError]:
    """Task ``a`` with metric ``f1`` beside a task ``a.f1``; whatever is called like the mean over a family."""
    # Names that are no tasks are found elsewhere.
    tests = [name for name in _tested(study) if name in study.families]
    trained = [name for name in (study.spec.finetune.tasks if study.spec.finetune else ()) if name in tests]
    scores = [column for task in tests for column in (task, *(f"{task}.{metric}" for metric in _further(study, task)))]
    kshot = [name for name in study.of_kind("kshot") if subject_of(name) in study.families]
    own = [name for name in study.indicators if kind_of(name) != "kshot" or name in kshot]
    numbers = [column for name in own for column in study.columns_of(name)]
    for section, columns in (
        (("indicators",), numbers + _means(study, [subject_of(name) for name in kshot], "mean_kshot_")),
        (("tasks",), scores + _means(study, trained, "mean_")),
    ):
        for name, count in Counter(columns).items():
            if count > 1:
                what = f'two numbers would be called "{name}" in the table'
                yield UserError(what, where=study.where(*section), subject=section[0], fix="rename one of them")


def _tested(study: LoadedStudy) -> list[str]:
    finetune = study.spec.finetune
    return list(dict.fromkeys(test for task in finetune.tasks for test in study.tests_of(task))) if finetune else []


def _further(study: LoadedStudy, task: str) -> list[str]:
    headline, others = study.metrics_of(task)
    return [metric for metric in others if metric != headline]


def _means(study: LoadedStudy, tasks: list[str], prefix: str) -> list[str]:
    families = Counter(study.families[task] for task in tasks)
    return [f"{prefix}{family}" for family, count in families.items() if count > 1]
