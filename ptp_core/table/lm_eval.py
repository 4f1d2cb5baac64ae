"""Result files of lm-evaluation-harness turned into the rows of the tidy table, and their samples into items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ptp_core.errors import UserError, Where, did_you_mean
from ptp_core.table.columns import KEY
from ptp_core.table.lm_eval_results import Results, Score
from ptp_core.table.lm_eval_samples import Items, read_samples
from ptp_core.table.metrics import MetricRules
from ptp_core.table.models import Model, Naming

Row = dict[str, Any]


@dataclass(frozen=True)
class Choices:
    """What the user chose for an import."""

    naming: Naming = field(default=Naming())
    rules: MetricRules = field(default=MetricRules())
    kind: Literal["indicator", "outcome"] = "indicator"
    metrics: frozenset[str] = frozenset()
    """Only these, if any are named."""
    items: bool = True


class Collection:
    """Gathers files one by one, refusing what contradicts an earlier one; ``rows`` and ``items`` when all are in."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self._numbers: dict[tuple[Any, ...], Row] = {}
        self._items: list[tuple[Row, Items]] = []
        self._quantities: dict[str, dict[str, None]] = {}
        """Task → the metrics that any file has of it."""
        self._origins: dict[str, tuple[str, Path]] = {}
        self._seen: set[str] = set()
        """Metrics of all files, chosen or not."""

    def add(self, results: Results) -> None:
        """Take over the numbers of a file.

        Raises UserError for a score outside its range or of unknown direction, for samples of another run, and when
        an earlier file has another value for the same number.
        """
        model = self.choices.naming.model(results.path, results.arguments)
        self._check_origin(model, results)
        by_task: dict[str, list[tuple[Score, Row]]] = {}
        for score in results.scores(self.choices.metrics):
            self._seen.add(score.metric)
            if self.choices.metrics and score.metric not in self.choices.metrics:
                continue
            row = self._row(score, model, results)
            if self._is_new(row, results):
                by_task.setdefault(score.task, []).append((score, row))
        for row in _configuration(model, results):
            self._is_new(row, results)
        for task, scored in by_task.items() if self.choices.items else ():
            samples = read_samples(results, task, [score for score, _ in scored])
            self._items += [(row, samples[s.quantity]) for s, row in scored if s.quantity in samples]

    def rows(self) -> list[Row]:
        """The rows of the table, named. Raises UserError when there are none, or none of a metric named."""
        self._refuse_unknown_metrics()
        if not self._quantities:
            raise UserError("these files hold no numbers", fix="evaluate again without --predict_only")
        headlines = self.choices.rules.headlines({task: list(names) for task, names in self._quantities.items()})
        for row in self._numbers.values():
            if "quantity" in row:
                task, quantity = row["name"], row.pop("quantity")
                row["name"] = task if headlines[task] == quantity else f"{task}.{quantity}"
        return list(self._numbers.values())

    def _refuse_unknown_metrics(self) -> None:
        """A misspelt name would change nothing, or the headline of a task that has another metric."""
        rules = self.choices.rules
        known = self._seen | {name for names in self._quantities.values() for name in names}
        options = {"--metric": self.choices.metrics, "--prefer": rules.prefer, "--higher": rules.higher,
                   "--lower": rules.lower, "--percent": rules.percent}  # fmt: skip
        for option, metrics in options.items():
            for metric in sorted(set(metrics) - known):
                fix = did_you_mean(metric, known)
                raise UserError("no file has this metric", subject=option, got=metric, fix=fix)

    def items(self) -> list[tuple[Row, Items]]:
        """Rows of the table with the items behind them; after ``rows``, which names them."""
        return self._items

    def _row(self, score: Score, model: Model, results: Results) -> Row:
        rules, at = self.choices.rules, results.at(score.place)
        rules.check(score.metric, score.value, at)
        self._quantities.setdefault(score.task, {})[score.quantity] = None
        shots = results.n_shot(score.task)
        stated = results.direction(score.task, score.metric)
        return _place(model) | {
            "kind": self.choices.kind,
            "name": score.task,
            "quantity": score.quantity,
            "split": results.split(score.task),
            "prompt_format": None if shots is None else f"{shots}-shot",
            "value": score.value,
            "stderr": score.stderr,
            "n_items": score.n_items,
            "higher_is_better": rules.higher_is_better(score.metric, stated, at),
            "source": str(at),
            "digest": results.digest,
        }

    def _is_new(self, row: Row, results: Results) -> bool:
        """Keep a row, unless the number is known already. Raises UserError when it was another one."""
        key = (row.get("quantity"), *(row.get(column) for column in KEY))
        first = self._numbers.setdefault(key, row)
        if first is row:
            return True
        value = "value" if row.get("value") is not None else "text"
        if first[value] != row[value]:
            what = f"two files disagree on {row['name']} {row.get('quantity', '')}".rstrip()
            raise UserError(
                f"{what} of {row['variant']}", where=Where(row["source"]),
                expected=f"{first[value]!r}, as {first['source']} says", got=row[value],
                fix="leave one of them out, or tell the two models apart with --variant",
            )  # fmt: skip
        return False

    def _check_origin(self, model: Model, results: Results) -> None:
        origin, first = self._origins.setdefault(model.name, (model.origin, results.path))
        if origin != model.origin:
            what = f'two models would be called "{model.name}"'
            fix = "tell them apart with --variant"
            expected = f"{origin}, as in {first}"
            raise UserError(what, where=Where(results.path), expected=expected, got=model.origin, fix=fix)


def _place(model: Model) -> Row:
    return {"variant": model.variant, "checkpoint_tokens": model.tokens, "seed": model.seed}


def _configuration(model: Model, results: Results) -> Iterable[Row]:
    """What describes a variant that is one checkpoint of a model."""
    if model.variant == model.name:
        return
    shared = {
        "variant": model.variant,
        "checkpoint_tokens": model.tokens,
        "kind": "config",
        "source": str(results.at("config.model_args")),
        "digest": results.digest,
    }
    yield shared | {"name": "model", "text": model.name}
    if model.step is not None:
        yield shared | {"name": "step", "value": float(model.step)}
