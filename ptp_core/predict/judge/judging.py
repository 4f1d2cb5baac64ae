"""The judgement of one outcome: every indicator and setting by itself, what they have to beat, and when they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ptp_core.predict.case import Case
from ptp_core.predict.judge.baselines import baselines
from ptp_core.predict.judge.claims import Claims
from ptp_core.predict.judge.differences import differences
from ptp_core.predict.judge.gaps import gaps
from ptp_core.predict.judge.singles import Predictor, score_predictors
from ptp_core.predict.judge.strata import strata
from ptp_core.predict.judge.terms import terms_of
from ptp_core.predict.quantities import Floats
from ptp_core.spec.select import Select


def judge(case: Case, select: Select, claims: Claims, early: Mapping[str, Floats]) -> dict[str, Any]:
    """The keys indicators, configuration, baselines, strata, gaps and differences of an outcome's JSON block.

    ``early`` is ``early_of`` of the case. All indicators and numeric settings that vary are judged by themselves;
    strata, gaps and differences are for the headline indicators of ``claims``. ``p_holm`` and ``q`` are NaN:
    they need all outcomes. NaN is what could not be computed. Raises UserError when ``select`` names a configuration
    column that there is not.
    """
    terms = terms_of(case, select)
    predictors = {name: Predictor(q.goodness, q.higher_is_better) for name, q in case.indicators.items()}
    indicators = score_predictors(predictors, terms)
    configuration = score_predictors({name: Predictor(x, True) for name, x in case.varied.items()}, terms)
    return {
        "indicators": indicators,
        "configuration": configuration,
        "baselines": baselines(case, claims, terms, indicators, configuration, early),
        "strata": strata(case, claims.indicators, terms),
        "gaps": gaps(case, claims.indicators, terms),
        "differences": differences(case, claims.indicators, configuration, terms),
    }
