"""Every checkpoint × train task × test set: the score before and after fine-tuning, and what was gained."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ptp_core.errors import UserError, did_you_mean
from ptp_core.predict.dynamics.intervals import NAN, Floats, normal
from ptp_core.predict.quantities import natural_order
from ptp_core.predict.scaling.points import matching
from ptp_core.spec.dynamics import Dynamics
from ptp_core.table.names import belongs_to

Row = Mapping[Hashable, Any]


class Pair(NamedTuple):
    """What a curve along tokens is of."""

    run: str
    train_task: str
    test: str


@dataclass(frozen=True)
class Cell:
    """One fine-tuned score beside the base score of its checkpoint; NaN is not measured or not known."""

    pair: Pair
    variant: str
    tokens: float
    in_domain: bool
    prompt_format: str
    higher_is_better: bool
    base: float
    tuned: float
    base_error: float
    tuned_error: float
    n_items: float
    n_seeds: int

    @property
    def gain(self) -> float:
        """Tuned less base, signed so that more is better."""
        return (self.tuned - self.base) * (1 if self.higher_is_better else -1)

    @property
    def ratio(self) -> float:
        """Gain over base; NaN where the base is not above 0."""
        return self.gain / self.base if self.base > 0 else NAN

    @property
    def error(self) -> float:
        """Standard error of the gain: base and tuned are taken as independent, since the table pairs no items."""
        return float(np.hypot(self.base_error, self.tuned_error))


def cells_of(scores: pd.DataFrame, bases: Mapping[str, str], in_format: str | None, spec: Dynamics) -> list[Cell]:
    """All fine-tuned scores that are in the prompt format ``in_format``, or of no known format, in the order of tokens.

    A base score is that of the same run, tokens and format; where the indicator says no format, the one there is.
    """
    domains = domains_of(scores, spec)
    wanted = scores[scores["format"].isin(("", in_format or ""))].sort_values(["format"], ascending=False)
    wanted = wanted.drop_duplicates(["run", "tokens", "kind", "train_task", "test"])  # a stated format goes first
    rows = {kind: wanted[wanted["kind"] == kind].to_dict("records") for kind in ("indicator", "outcome")}
    before = {(row["run"], row["tokens"], row["test"]): row for row in rows["indicator"]}
    # A number of tokens that is not known is NaN, which equals nothing: those have one checkpoint a run.
    ends = {(run, test): row for (run, tokens, test), row in before.items() if np.isnan(tokens)}
    cells = []
    for row in rows["outcome"]:
        run, tokens, name = row["run"], row["tokens"], bases.get(row["test"], "")
        cells.append(
            _cell(row, ends.get((run, name)) if np.isnan(tokens) else before.get((run, tokens, name)), domains)
        )
    runs = {run: i for i, run in enumerate(natural_order({cell.pair.run for cell in cells}))}
    names = {name: i for i, name in enumerate(natural_order({n for c in cells for n in c.pair[1:]}))}

    def place(cell: Cell) -> tuple[int, int, int, float]:
        run, task, test = cell.pair
        return runs[run], names[task], names[test], np.inf if np.isnan(cell.tokens) else cell.tokens

    return sorted(cells, key=place)


def _cell(row: Row, base: Row | None, domains: Mapping[str, frozenset[str]]) -> Cell:
    return Cell(
        pair=Pair(row["run"], row["train_task"], row["test"]),
        variant=row["variant"],
        tokens=float(row["tokens"]),
        in_domain=row["test"] in domains[row["train_task"]],
        prompt_format=row["format"],
        higher_is_better=row["higher"],
        base=NAN if base is None else base["value"],
        tuned=row["value"],
        base_error=NAN if base is None else base["error"],
        tuned_error=row["error"],
        n_items=row["n_items"],
        n_seeds=int(row["n_seeds"]),
    )


def domains_of(scores: pd.DataFrame, spec: Dynamics) -> dict[str, frozenset[str]]:
    """Train task → the test sets that ask for what it teaches: the spec's, or else those of its name.

    Raises UserError for a task or a test set in ``spec.in_domain`` that the table does not have.
    """
    outcomes = scores[scores["kind"] == "outcome"]
    tasks, tests = set(outcomes["train_task"]), natural_order(set(outcomes["test"]))
    for task in spec.in_domain:
        if task not in tasks:
            what = "no model was fine-tuned on this task"
            raise UserError(what, subject="dynamics.in_domain", got=task, fix=did_you_mean(task, tasks))
    return {
        task: frozenset(matching(spec.in_domain[task], tests, f"dynamics.in_domain.{task}"))
        if task in spec.in_domain
        else frozenset(test for test in tests if belongs_to(test, task))
        for task in tasks
    }


@dataclass(frozen=True)
class Curve:
    """The cells of one pair that have both scores, in the order of tokens; arrays are (n,)."""

    pair: Pair
    in_domain: bool
    higher_is_better: bool
    tokens: Floats
    base: Floats
    tuned: Floats
    base_errors: Floats
    tuned_errors: Floats
    gain: Floats
    ratio: Floats
    errors: Floats

    @property
    def sign(self) -> int:
        """1 where more is better, else −1."""
        return 1 if self.higher_is_better else -1


def curves_of(cells: Iterable[Cell]) -> list[Curve]:
    """One a pair that has both scores anywhere, in the order of the cells."""
    groups: dict[Pair, list[Cell]] = {}
    for cell in cells:
        if np.isfinite(cell.gain):
            groups.setdefault(cell.pair, []).append(cell)
    return [_curve(pair, group) for pair, group in groups.items()]


def _curve(pair: Pair, cells: list[Cell]) -> Curve:
    def column(name: str) -> Floats:
        return np.array([getattr(cell, name) for cell in cells], dtype=np.float64)

    return Curve(
        pair=pair, in_domain=cells[0].in_domain, higher_is_better=cells[0].higher_is_better, tokens=column("tokens"),
        base=column("base"), tuned=column("tuned"), base_errors=column("base_error"),
        tuned_errors=column("tuned_error"), gain=column("gain"), ratio=column("ratio"), errors=column("error"),
    )  # fmt: skip


def as_json(cell: Cell, confidence: float) -> dict[str, Any]:
    """The entry of ``cells``; ``ci95`` is over the items scored, and over seeds where there are several."""
    return {
        "trajectory": cell.pair.run,
        "variant": cell.variant,
        "tokens": whole(cell.tokens),
        "train_task": cell.pair.train_task,
        "test": cell.pair.test,
        "in_domain": cell.in_domain,
        "prompt_format": cell.prompt_format or None,
        "base": cell.base,
        "tuned": cell.tuned,
        "gain": cell.gain,
        "ci95": normal(cell.gain, cell.error, confidence).interval,
        "ratio": cell.ratio,
        "n_items": whole(cell.n_items),
        "n_seeds": cell.n_seeds,
    }


def whole(number: float) -> int | None:
    """A count, None where it is not known."""
    return int(number) if np.isfinite(number) else None
