"""How much is learned from how many fine-tuned variants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ptp_core.predict.case import Case
from ptp_core.predict.learn.features import Indices, indicator_columns
from ptp_core.predict.learn.numbers import accuracy_block
from ptp_core.predict.learn.trials import Trial, attempt, try_best_single
from ptp_core.predict.quantities import Floats
from ptp_core.predict.splits import Split
from ptp_core.spec.select import Select

SIZES = (6, 10, 15, 20, 30, 50, 100, 200, 400)
"""Fine-tuned variants at which learning is tried, as far as the training side reaches; its full size comes last."""

MOST_FITS = 100
"""Fits spent on the curve: of many sizes each is tried on the first so many splits only, the full size included."""

CURVE_STREAM = 25


def learning_curve(
    case: Case, names: Sequence[str], splits: Sequence[Split], full: Trial, single: Floats, select: Select
) -> list[dict[str, Any]]:
    """The JSON block ``learning_curve``: CatBoost on the indicators, fitted on ever more of each training side.

    A smaller training side is a part of the larger one, and the test sides stay as they are. ``full`` and ``single``
    are the learned comparison and the best single indicator of the whole training side; ``best_single`` of an entry is
    the mean accuracy of the indicator chosen on its smaller training side.
    """
    columns, signed = indicator_columns(case, names), {name: case.indicators[name].goodness for name in names}
    n_train, rows = len(splits[0][0]), []
    sizes = [size for size in SIZES if size < n_train]
    tried = min(len(splits), max(MOST_FITS // max(len(sizes), 1), 2))
    for size, nested in _nested(splits[:tried], sizes, select.seed).items():
        accuracies = attempt(columns, case.goodness, nested, select.seed).accuracies
        alone, _ = try_best_single(signed, case.goodness, nested, select.seed)
        rows.append((size, accuracies, alone))
    rows.append((n_train, full.accuracies[:tried], single[:tried]))
    # Test sides overlap as much as ever, however small the training side: the split's own sizes correct the interval.
    return [
        {"n_train": size, **_short(accuracies, splits[0], select), "best_single": _mean(alone)}
        for size, accuracies, alone in rows
    ]


def _nested(splits: Sequence[Split], sizes: Sequence[int], seed: int) -> dict[int, list[Split]]:
    rng = np.random.default_rng([seed, CURVE_STREAM])
    orders: list[Indices] = [rng.permutation(train) for train, _ in splits]
    return {
        size: [(np.sort(order[:size]), test) for order, (_, test) in zip(orders, splits, strict=True)] for size in sizes
    }


def _short(accuracies: Floats, split: Split, select: Select) -> dict[str, Any]:
    block = accuracy_block(accuracies, split, select)
    return {key: block[key] for key in ("mean", "ci95", "n_splits")}


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
