"""A result file of lm-evaluation-harness, of the current format or the one before version 0.4."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptp_core.errors import UserError, Where

NO_FILTER = "none"
NOT_MEASURED = frozenset(("bypass",))
"""What the harness writes in place of a score when it was told to predict only."""

MEANS = frozenset(("acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match"))
"""Metrics that the harness averages over items unless a task says otherwise."""


class NotResults(UserError):  # noqa: N818 (said of the file)
    """The file is JSON, but not of the harness."""


@dataclass(frozen=True)
class Score:
    """One number of a result file."""

    task: str
    metric: str
    """As the harness calls it, without the filter."""
    filter: str
    value: float
    stderr: float | None
    n_items: int | None
    place: str
    """JSON path inside the file."""

    @property
    def quantity(self) -> str:
        """``acc``, or ``exact_match.strict-match`` for answers that went through a filter."""
        return self.metric if self.filter == NO_FILTER else f"{self.metric}.{self.filter}"


@dataclass(frozen=True)
class Results:
    """A result file."""

    path: Path
    digest: str
    content: Mapping[str, Any]

    @property
    def arguments(self) -> str | dict[str, Any] | None:
        """What the model was made from."""
        found = self._section("config").get("model_args")
        return found if isinstance(found, str | dict) else None

    def n_shot(self, task: str) -> int | None:
        """Examples in the prompt, where the file says how many."""
        shots = self._section("n-shot").get(task, self._section("config").get("num_fewshot"))
        return shots if isinstance(shots, int) else None

    def split(self, task: str) -> str | None:
        """The part of the data that was scored."""
        config = self._of_task("configs", task)
        found = config.get("test_split") or config.get("validation_split")
        return found if isinstance(found, str) else None

    def direction(self, task: str, metric: str) -> object:
        """What the file says of the direction of a metric, or None."""
        return self._of_task("higher_is_better", task).get(metric)

    def task_hash(self, task: str) -> str | None:
        """The harness' hash over all samples of a task, where samples were written."""
        found = self._section("task_hashes").get(task)
        return found if isinstance(found, str) else None

    def is_mean(self, task: str, metric: str) -> bool:
        """Whether the score is the mean over items, as far as the file tells."""
        default = "mean" if metric in MEANS else None
        listed = self._of_task("configs", task).get("metric_list")
        metrics = listed if isinstance(listed, list) else []
        stated = [m.get("aggregation", default) for m in metrics if isinstance(m, dict) and m.get("metric") == metric]
        return stated == ["mean"]

    def samples_file(self, task: str) -> Path | None:
        """Where the harness writes the samples of a task; None if nothing is there. A task's name is never a folder."""
        name = f"samples_{task}_{self.date}.jsonl"
        path = self.path.parent / name
        return path if path.name == name and "\0" not in name and path.is_file() else None

    @property
    def date(self) -> str:
        """The time in the file's name, which its samples share."""
        return self.path.stem.rsplit("_", 1)[-1]

    def scores(self, chosen: Collection[str] = ()) -> Iterator[Score]:
        """Every number of the file. Raises UserError for one that is none, if its metric is ``chosen`` or none is."""
        for section in ("results", "groups"):
            for task, metrics in self._section(section).items():
                if section == "results" or task not in self._section("results"):
                    yield from self._task_scores(section, task, metrics, chosen)

    def _task_scores(
        self, section: str, task: str, metrics: Mapping[str, Any], chosen: Collection[str]
    ) -> Iterator[Score]:
        for key, value in metrics.items():
            metric, _, answers = key.partition(",")
            # Groups without a score of their own have a blank key.
            if metric in ("alias", "name", "sample_len", "sample_count") or metric in NOT_MEASURED or not key.strip():
                continue
            if metric.endswith("_stderr") or value == "N/A":
                continue
            place = f"{section}.{task}.{key}"
            if isinstance(value, bool) or not isinstance(value, int | float):
                if chosen and metric not in chosen:
                    continue
                fix = "evaluate it again, or choose other metrics with --metric"
                raise UserError("not a number", where=self.at(place), got=value, fix=fix)
            error = metrics.get(f"{metric}_stderr,{answers}" if answers else f"{metric}_stderr")
            stderr = _finite(error)
            count = self._count(task, metrics, key)
            yield Score(task, metric, answers or NO_FILTER, float(value), stderr, count, place)

    def _count(self, task: str, metrics: Mapping[str, Any], key: str) -> int | None:
        counted = metrics.get("sample_count")
        counts = (
            counted.get(key) if isinstance(counted, dict) else None,
            self._of_task("n-samples", task).get("effective"),
            metrics.get("sample_len"),
        )
        return next((count for count in counts if isinstance(count, int)), None)

    def at(self, place: str) -> Where:
        """A place of this file, for a message and as the source of a number."""
        return Where(f"{self.path}:{place}")

    def _section(self, name: str) -> Mapping[str, Any]:
        found = self.content.get(name)
        return found if isinstance(found, dict) else {}

    def _of_task(self, section: str, task: str) -> Mapping[str, Any]:
        found = self._section(section).get(task)
        return found if isinstance(found, dict) else {}


def read_results(path: Path) -> Results:
    """Read a result file.

    Raises UserError when it cannot be read or is cut off (with line and column), NotResults when it is another JSON.
    """
    where = Where(path)
    try:
        raw = path.read_bytes()
        content = json.loads(raw)
    except OSError as error:
        raise UserError("cannot be read", where=where, got=error.strerror, fix="check the path") from None
    except json.JSONDecodeError as error:
        what = _damage(error.doc.strip())
        got, fix = f"{error.msg} in column {error.colno}", "copy it again, or leave it out"
        raise UserError(what, where=Where(path, error.lineno), got=got, fix=fix) from None
    except (UnicodeDecodeError, RecursionError):
        raise UserError("damaged JSON", where=where, expected="text in UTF-8", fix="copy it again") from None
    results = content.get("results") if isinstance(content, dict) else None
    if not isinstance(results, dict) or not results or not all(isinstance(m, dict) for m in results.values()):
        wanted = "the keys results and config, as lm-evaluation-harness writes them"
        raise NotResults("not a result file", where=where, expected=wanted, got=_keys(content))
    return Results(path, hashlib.sha256(raw).hexdigest(), content)


def _damage(text: str) -> str:
    if not text:
        return "the file is empty"
    if not text.startswith("{"):
        return "not a result file"
    return "damaged JSON" if text.endswith("}") else "the file ends in the middle"


def _finite(error: object) -> float | None:
    """A standard error; of a single item there is none, and the harness says so in several ways."""
    known = isinstance(error, int | float) and not isinstance(error, bool) and math.isfinite(error)
    return float(error) if known else None  # type: ignore[arg-type]


def _keys(content: object) -> object:
    return list(content) if isinstance(content, dict) else type(content).__name__
