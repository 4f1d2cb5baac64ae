"""Whether two numbers of a study would go by one name in its table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ptp_core.errors import UserError
from ptp_core.spec.loaded import LoadedStudy


def check_columns(study: LoadedStudy) -> Iterator[UserError]:
    """Task ``a`` with metric ``f1`` beside a task ``a.f1``; whatever is called like the mean over a family."""
    trained = study.spec.finetune.tasks if study.spec.finetune else ()
    crossed = (column for task in study.tested if task not in trained for column in study.scores_of(task))
    for section, columns in (("indicators", study.indicator_columns), ("tasks", (*study.outcome_columns, *crossed))):
        for name, count in Counter(columns).items():
            if count > 1:
                what = f'two numbers would be called "{name}" in the table'
                yield UserError(what, where=study.where(section), subject=section, fix="rename one of them")
