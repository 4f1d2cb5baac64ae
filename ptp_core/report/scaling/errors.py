"""Relative error on the held-out runs, metric by form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ptp_core.report.numbers import DASH, finite, percent
from ptp_core.report.scaling.study import COMBINED, Group, Laws, form_name, short_form
from ptp_core.report.study import mapping
from ptp_core.report.tables import Heat, HeatCell, mean_of, shaded

OPEN_ROWS = 12
STRONG = 0.2
"""The relative error from which on a cell of the heat map has its full shade."""


@dataclass(frozen=True)
class Errors:
    """The heat maps of one group, one a kind of metric."""

    group: Group
    heats: tuple[tuple[str, Heat], ...]


def errors_of(laws: Laws) -> list[Errors]:
    """One a group in which any prediction can be held against an actual value."""
    found = [Errors(group, tuple(_heats(laws, group))) for group in laws.groups]
    return [errors for errors in found if errors.heats]


def _heats(laws: Laws, group: Group) -> Iterator[tuple[str, Heat]]:
    """Mean relative error over the held-out runs, a row a metric, a column a form."""
    targets = laws.targets(group)
    metrics = {str(metric): True for block in targets.values() for metric in block}
    for kind, title in (("loss", "Losses"), ("score", "Scores")):
        rows = []
        named = laws.of_kind(kind, metrics)
        blocks = [mapping(block.get(metric)) for metric in named for block in targets.values()]
        # What is usually chosen stands where nobody has to scroll to it.
        forms = sorted(dict.fromkeys(str(form) for block in blocks for form in block), key=lambda f: f != COMBINED)
        for metric in named:
            cells = tuple(_error_cell(laws, group, metric, form, targets) for form in forms)
            if any(cell.text != DASH for cell in cells):
                rows.append((metric, cells))
        if rows:
            columns = tuple(map(short_form, forms))
            yield title, Heat(f"errors-{group.key}-{kind}", "metric ↓ form →", columns, tuple(rows), OPEN_ROWS)


def _error_cell(laws: Laws, group: Group, metric: str, form: str, targets: Mapping[str, Mapping[str, Any]]) -> HeatCell:
    errors = {
        run: mapping(mapping(block.get(metric)).get(form)).get("relative_error") for run, block in targets.items()
    }
    mean, n = mean_of(list(errors.values()))
    told = [f"{run}: {percent(error)}" for run, error in errors.items() if finite(error) is not None]
    return HeatCell(
        text=percent(mean),
        shade="" if mean is None else shaded(-mean, STRONG),
        is_framed=mean is not None and laws.chosen(group, metric) == form,
        is_faint=mean is None,
        title="\n".join([f"{metric}, {form_name(form)}", *told, f"n = {n}"]) if n else "",
    )
