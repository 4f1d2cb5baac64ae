"""Which form is chosen: the one that extrapolates best inside the fitted runs.

The choice is made for all losses of a group together and for all its scores, by the mean over losses (scores) and cuts:
the error of a single score in two cuts is mostly noise, and whoever takes the least of a dozen such numbers takes luck.
Two forms that can hardly be told apart are combined, as forecasts are (Bates & Granger 1969): the mean of their
predictions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ptp_core.predict.scaling.points import Floats

Cell = tuple[int, str]
"""What candidates are compared on: the place of a cut, and a metric."""
Errors = Mapping[str, Mapping[Cell, float]]
"""Candidate → cell → mean relative error over the runs that are predicted."""
Inner = Mapping[str, Mapping[Cell, Floats]]
"""Form → cell → predictions for the runs left out."""
COMBINED = "combined"
ALIKE = 1.5
"""Means of a dozen errors or two that differ by no more than this factor hardly tell two forms apart."""


@dataclass(frozen=True)
class Choice:
    """What the inner errors say about the forms of one kind of metric."""

    compared: Mapping[str, tuple[float, int]]
    """Form → mean error and number of cells, best first; without the combined one."""
    together: tuple[str, ...]
    """The two that are combined, or the one that is not."""
    errors: Errors
    """With those of the combined one."""

    @property
    def chosen(self) -> str | None:
        """The form, or ``combined``; None where too few sizes are fitted to tell."""
        return COMBINED if len(self.together) > 1 else next(iter(self.together), None)

    def preferred(self, possible: Sequence[str]) -> str | None:
        """The chosen form among those that could be fitted to a metric, or else the next best."""
        wanted = [name for name in (self.chosen, *self.compared) if name]
        return next((form for form in wanted if form in possible), None)

    def as_json(self) -> dict[str, object]:
        """For ``scaling.json``."""
        return {
            "chosen": self.chosen,
            "combined": list(self.together) if len(self.together) > 1 else [],
            "order": list(self.compared),
            "inner_error": {form: error for form, (error, _) in self.compared.items()},
            "n": {form: n for form, (_, n) in self.compared.items()},
        }


def relative_errors(predicted: Floats, actual: Floats) -> Floats:
    """|predicted − actual| / |actual|; NaN where nothing was measured, or 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Floats = np.abs(predicted - actual) / np.abs(actual)
    share[~np.isfinite(share)] = np.nan
    return share


def best_first(errors: Errors) -> dict[str, tuple[float, int]]:
    """Candidate → its mean error and the number of cells behind it, best first, on the cells that all of them have.

    Candidates with less than half as many cells as the one with most come last, and do not narrow what the others are
    compared on; those without any are left out.
    """
    most = max((len(cells) for cells in errors.values()), default=0)
    able = {name: cells for name, cells in errors.items() if cells and 2 * len(cells) >= most}
    shared = set.intersection(*(set(cells) for cells in able.values())) if able else set()
    rest = {name: cells for name, cells in errors.items() if cells and name not in able}
    first = {name: {cell: e for cell, e in cells.items() if cell in shared} or cells for name, cells in able.items()}
    return _by_mean(first) | _by_mean(rest)


def _by_mean(errors: Errors) -> dict[str, tuple[float, int]]:
    means = {name: (mean_of(cells), len(cells)) for name, cells in errors.items()}
    return dict(sorted(means.items(), key=lambda item: item[1][0]))


def mean_of(cells: Mapping[Cell, float]) -> float:
    """The mean error, the same for any order of the cells."""
    return float(np.mean(sorted(cells.values())))


def alike(order: Sequence[str], errors: Errors) -> tuple[str, ...]:
    """The first of the order; and the second, where their errors on the cells of both are within ``ALIKE``."""
    if len(order) < 2:
        return tuple(order)
    both = set(errors[order[0]]) & set(errors[order[1]])
    if not both:
        return tuple(order[:1])
    first, second = (mean_of({cell: errors[form][cell] for cell in both}) for form in order[:2])
    return tuple(order[:2]) if second < ALIKE * first else tuple(order[:1])


def means_of(inner: Inner, forms: Sequence[str]) -> dict[Cell, Floats]:
    """Means of the predictions of several forms, where all of them have some."""
    cells = set.intersection(*(set(inner.get(form, {})) for form in forms))
    return {cell: np.mean([inner[form][cell] for form in forms], axis=0) for cell in sorted(cells)}
