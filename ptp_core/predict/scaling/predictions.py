"""What is predicted for runs that were held out and for prospects, and how far off it is, by form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ptp_core.predict.scaling.abstain import reason_to_abstain, spread_of_candidates
from ptp_core.predict.scaling.chains import Combined, Law, Unfit
from ptp_core.predict.scaling.choice import relative_errors
from ptp_core.predict.scaling.emerged import Metric
from ptp_core.predict.scaling.points import Floats, Points
from ptp_core.predict.scaling.roles import Aims

STREAM = 60
Block = dict[str, Any]


def predictions(
    metric: Metric,
    laws: Mapping[str, Law | Combined | Unfit],
    aims: Aims,
    ends: Points,
    fitted: Points,
    *,
    confidence: float,
    seed: int,
) -> dict[str, Block]:
    """Form → run → prediction, band and error, for the aims of one group.

    ``ends`` are the ends of all runs (for actual values), ``fitted`` those of the fitted ones. The band covers what the
    run itself will measure.
    """
    actual = np.array([ends.values[metric.name][ends.runs.index(n)] if n in ends.runs else np.nan for n in aims.names])
    found: dict[str, Block] = {}
    for form, law in laws.items():
        if isinstance(law, Unfit):
            blank = np.full(len(aims.names), np.nan)
            reach = aims.compute / fitted.compute.max()
            found[form] = _rows(aims, blank, actual, np.stack([blank, blank], axis=1), reach, law.words, np.nan)
            continue
        predicted = law.predict(aims.inputs)
        interval = law.band(aims.inputs, [seed, STREAM], confidence)
        reach = aims.compute / law.largest_compute
        spread = spread_of_candidates(predicted, np.asarray(aims.compute), fitted.values[metric.name])
        found[form] = _rows(aims, predicted, actual, interval, reach, None, spread)
    return found


def _rows(
    aims: Aims, predicted: Floats, actual: Floats, interval: Floats, reach: Floats, words: str | None, spread: float
) -> Block:
    errors = relative_errors(predicted, actual)
    rows = {}
    for i, name in enumerate(aims.names):
        low, high = (float(edge) for edge in interval[i])
        why = words or reason_to_abstain((low, high), spread, len(aims.names))
        rows[name] = {
            "predicted": float(predicted[i]),
            "actual": float(actual[i]),
            "relative_error": float(errors[i]),
            "band95": [low, high] if np.isfinite(predicted[i]) else None,
            "reach": float(reach[i]),
            "abstains": why is not None,
            "words": why,
        }
    return rows


def held_out_error(rows: Block) -> float:
    """Mean relative error over the held-out runs of one metric and form; NaN without any."""
    errors = [row["relative_error"] for row in rows.values() if np.isfinite(row["relative_error"])]
    return float(np.mean(errors)) if errors else float("nan")


def ranking(group: str, metrics: list[Metric], fits: Block, predicted: Mapping[str, dict[str, Block]]) -> list[Block]:
    """Forms of a group by their mean relative error over held-out runs and metrics, losses and scores each.

    ``predicted`` is metric → form → run → prediction. The row "chosen" is the form that the inner error chooses for
    each metric. Without held-out runs the order is that of the inner error.
    """
    rows: list[Block] = []
    for kind in dict.fromkeys(m.kind for m in metrics):
        names = [m.name for m in metrics if m.kind == kind]
        forms = dict.fromkeys(form for name in names for form in fits[name])
        picked = {form: [(name, form) for name in names if form in fits[name]] for form in forms}
        picked["chosen"] = [(name, form) for name in names for form in forms if fits[name].get(form, {}).get("chosen")]
        mine = [_rank(group, kind, form, cells, fits, predicted) for form, cells in picked.items()]
        most = max(row["n"] for row in mine)
        # A form that could be fitted to few scores only may have the easy ones.
        rows += sorted(
            mine, key=lambda row: (2 * row["n"] < most, _last(row["held_out_error"]), _last(row["inner_error"]))
        )
    return rows


def _rank(
    group: str,
    kind: str,
    form: str,
    cells: list[tuple[str, str]],
    fits: Block,
    predicted: Mapping[str, dict[str, Block]],
) -> Block:
    errors = np.array([row["relative_error"] for name, f in cells for row in predicted[name][f].values()], dtype=float)
    errors = errors[np.isfinite(errors)]
    inner = np.array([fits[name][f]["inner_error"] for name, f in cells], dtype=float)
    inner = inner[np.isfinite(inner)]
    return {
        "group": group,
        "kind": kind,
        "form": form,
        "held_out_error": float(errors.mean()) if len(errors) else float("nan"),
        "median": float(np.median(errors)) if len(errors) else float("nan"),
        "n": len(errors),
        "inner_error": float(inner.mean()) if len(inner) else float("nan"),
        "n_chosen": sum(bool(fits[name][f]["chosen"]) for name, f in cells),
    }


def _last(value: float) -> float:
    return value if np.isfinite(value) else np.inf
