"""Cases made to order, for the tests of deciding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ptp_core.predict.case import Case, case_of
from ptp_core.predict.judge.singles import Predictor, score_predictors
from ptp_core.predict.judge.terms import terms_of
from ptp_core.predict.quantities import Floats, Measured, Quantity
from ptp_core.spec.select import Select

QUICK = Select(bootstraps=200, permutations=200)


def quantity(
    name: str, values: Floats, *, seeds: int = 1, seed_sd: float = 0.0, item_error: float = np.nan
) -> Quantity:
    """A quantity of which every variant has the same number of seeds and the same noise."""
    n = len(values)
    squares = np.full(n, (seeds - 1) * seed_sd**2)
    return Quantity(name, True, values, np.full(n, seeds), squares, np.full(n, item_error))


def study(
    outcome: Floats, indicators: Mapping[str, Floats], settings: Mapping[str, Floats] | None = None, **noise: Any
) -> Measured:
    """Variants v0, v1, … with one outcome ``y``."""
    columns = {name: quantity(name, values) for name, values in indicators.items()}
    variants = tuple(f"v{i}" for i in range(len(outcome)))
    return Measured(variants, columns, {"y": quantity("y", outcome, **noise)}, dict(settings or {}), {}, ())


def judged_case(data: Measured, select: Select = QUICK) -> tuple[Case, dict[str, Any]]:
    """The case of ``y`` and its judged columns, Holm's correction not made yet."""
    case = case_of(data, "y")
    indicators = {name: Predictor(q.goodness, True) for name, q in case.indicators.items()}
    settings = {name: Predictor(values, True) for name, values in case.numbers.items()}
    return case, {
        "indicators": score_predictors(indicators, terms_of(case, select)),
        "configuration": score_predictors(settings, terms_of(case, select)),
    }


def correlated(n: int, rho: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """An indicator and an outcome, (n,) each, jointly normal."""
    scores = rng.standard_normal(n)
    return scores, rho * scores + np.sqrt(1 - rho**2) * rng.standard_normal(n)
