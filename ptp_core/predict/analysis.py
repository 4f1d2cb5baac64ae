"""From the table to the selection: every outcome's indicators, baselines, learned comparison, ranking and verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ptp_core.errors import UserError, did_you_mean
from ptp_core.predict.audit.caveats import caveats
from ptp_core.predict.case import case_of
from ptp_core.predict.decide.best import best, pairs_within_noise, ranking, standard_errors
from ptp_core.predict.judge.claims import Claims, claims_of, correct
from ptp_core.predict.judge.noise import noise
from ptp_core.predict.judge.singles import Predictor, score_predictors
from ptp_core.predict.learn.learning import learn
from ptp_core.predict.quantities import Measured, Quantity, measured
from ptp_core.predict.verdict import verdict
from ptp_core.spec.select import Select

Progress = Callable[[str, float], None]

MIN_VARIANTS = 4


def analyze(table: pd.DataFrame, select: Select, study: str, progress: Progress | None = None) -> dict[str, Any]:
    """The selection of a study as a JSON-able dictionary, the same for any order of the table's rows.

    ``table`` is in the tidy schema. Intervals have the coverage ``confidence`` (0.95 unless the spec says otherwise,
    whatever the key ``ci95`` is called). Numbers that could not be computed are None. ``progress`` is told what is
    being done and which share of the work is behind.

    Raises UserError when the table has no outcome, when fewer than four variants have one, and when the primary
    outcome or indicator is not in the table.
    """
    data = measured(table)
    if not data.outcomes:
        cross = (table["kind"] == "outcome").any()
        got = "only scores of models that were tuned on another task (train_task)" if cross else None
        fix = "map at least one outcome column"
        raise UserError("the table has no outcome", subject="measurements", got=got, fix=fix)
    primary = _primary(data, select)
    claims = claims_of(data, primary)
    outcomes = {
        name: _outcome(data, claims, outcome, select, _report(progress, name, number, len(data.outcomes)))
        for number, (name, outcome) in enumerate(data.outcomes.items())
    }
    correct(claims, outcomes)
    selection = {
        "study": study,
        "n_variants": len(data.variants),
        "variants": list(data.variants),
        "confidence": select.confidence,
        "primary": primary,
        "confirmatory": {"outcomes": list(claims.outcomes), "indicators": list(claims.indicators)},
        "outcomes": _json_ready(outcomes),
        "noise": _json_ready(noise(table, data)),
        "settings": select.model_dump(mode="json"),
    }
    selection["verdict"] = verdict(primary, claims, selection["outcomes"], select.confidence)
    selection["warnings"] = caveats(data)
    return selection


def _report(progress: Progress | None, name: str, number: int, total: int) -> Progress:
    def report(what: str, share: float) -> None:
        if progress:
            progress(f"{name}: {what}", (number + share) / total)

    return report


def _primary(data: Measured, select: Select) -> dict[str, str | None]:
    if select.primary is None:
        return {"outcome": next(iter(data.outcomes)), "indicator": None}
    asked = {"outcome": select.primary.outcome, "indicator": select.primary.indicator}
    for kind, known in (("outcome", data.outcomes), ("indicator", data.indicators)):
        name = asked[kind]
        if name is not None and name not in known:
            fix = did_you_mean(name, known)
            raise UserError(f"no such {kind} in the table", subject=f"select.primary.{kind}", got=name, fix=fix)
    return asked


def _outcome(data: Measured, claims: Claims, whole: Quantity, select: Select, report: Progress) -> dict[str, Any]:
    """The block of one outcome, over the variants that have it."""
    has = np.isfinite(whole.values)
    variants = [name for name, present in zip(data.variants, has, strict=True) if present]
    _refuse_few(variants, whole.name)
    outcome = whole.at(has)
    report("intervals and tests of single indicators", 0.0)
    indicators = {name: Predictor(q.goodness[has], q.higher_is_better) for name, q in data.indicators.items()}
    numbers = {name: Predictor(values[has], True) for name, values in data.numbers.items()}
    singles = score_predictors(indicators, outcome.goodness, select)
    settings = score_predictors(numbers, outcome.goodness, select)
    report("learning to compare", 0.1)
    learned: dict[str, Any] = {}
    borda = np.full(len(variants), np.nan)
    # A further quantity of an outcome is explored only: the learned comparison takes most of the time.
    if whole.name in claims.outcomes:
        found = learn(case_of(data, whole.name), claims.indicators, select, thorough=False)
        learned, borda = _as_reported(found.block), found.borda
    report("done", 1.0)
    return {
        **_facts(data, variants, outcome, select),
        "indicators": singles,
        "configuration": settings,
        "learned": learned,
        "ranking": ranking(variants, outcome, borda),
        "best": best(variants, outcome, select.seed),
    }


def _as_reported(block: dict[str, Any]) -> dict[str, Any]:
    """The keys that verdict and report read today."""
    p_values = {row["b"]: row["p"] for row in block["comparisons"] if row["a"] == "catboost"}
    return {
        **{name: block["models"][name] for name in ("catboost", "config_only", "best_single")},
        "indicators": block["indicators"],
        "p_vs_best_single": p_values["best_single"],
        "p_vs_config_only": p_values["config_only"],
    }


def _facts(data: Measured, variants: list[str], outcome: Quantity, select: Select) -> dict[str, Any]:
    return {
        "higher_is_better": outcome.higher_is_better,
        "n_variants": len(variants),
        "left_out": [name for name in data.variants if name not in variants],
        "values": dict(zip(variants, outcome.values.tolist(), strict=True)),
        "between_sd": float(outcome.values.std(ddof=1)),
        "seed_sd": outcome.seed_sd,
        "n_seeds": int(outcome.n_seeds.min()),
        "stderr_covers": standard_errors(outcome)[1],
        "pairs_within_noise": pairs_within_noise(outcome, select.confidence),
    }


def _refuse_few(variants: list[str], outcome: str) -> None:
    if len(variants) < MIN_VARIANTS:
        raise UserError(
            "too few variants have this outcome",
            subject=f"outcome {outcome}",
            expected=f"at least {MIN_VARIANTS}",
            got=len(variants),
            fix="measure it for more variants, or leave it out",
        )


def _json_ready(value: Any) -> Any:
    """The same with None for NaN and infinity, which JSON lacks, and numbers to 12 digits: 1.94, not 1.93999999999."""
    if isinstance(value, Mapping):
        return {key: _json_ready(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json_ready(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.12g}") if math.isfinite(value) else None
    return value
