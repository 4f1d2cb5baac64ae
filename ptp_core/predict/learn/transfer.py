"""Learned on one outcome, tried on another: does what is learned carry over to another task?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ptp_core.predict.case import Case
from ptp_core.predict.learn.features import indicator_columns
from ptp_core.predict.learn.learned import share_right
from ptp_core.predict.learn.numbers import accuracy_block
from ptp_core.predict.learn.trials import attempt, tested_pairs
from ptp_core.predict.quantities import Floats
from ptp_core.predict.splits import Split, splits_of
from ptp_core.spec.select import Select

MIN_VARIANTS = 4


def transfer(cases: Mapping[str, Case], learners: Sequence[str], select: Select) -> dict[str, Any]:
    """The JSON block ``transfer``: {trained on: {tested on: {mean, ci95}}}, CatBoost on the indicators.

    A model learns from the training side of one outcome and orders the test side of another: the variants differ as
    well as the task (Zeng et al. 2025, table 4). Only variants that have all outcomes take part, on the splits of that
    many variants; where that is all variants, the diagonal is the accuracy of the learned comparison itself. Empty
    with fewer than two outcomes, without indicators, and with fewer than four such variants.
    """
    shared = _shared(cases)
    if len(cases) < 2 or not learners or len(next(iter(shared.values())).variants) < MIN_VARIANTS:
        return {}
    splits = splits_of(len(next(iter(shared.values())).variants), select)
    return {name: _trained(case, shared, learners, splits, select) for name, case in shared.items()}


def _shared(cases: Mapping[str, Case]) -> dict[str, Case]:
    common = set.intersection(*(set(case.variants) for case in cases.values())) if cases else set()
    return {name: case.at(np.array([v in common for v in case.variants])) for name, case in cases.items()}


def _trained(
    case: Case, others: Mapping[str, Case], learners: Sequence[str], splits: Sequence[Split], select: Select
) -> dict[str, Any]:
    trial = attempt(indicator_columns(case, learners), case.goodness, splits, select.seed)
    blocks = {}
    for name, other in others.items():
        block = accuracy_block(_accuracies(trial.answers, other.goodness, splits, select.seed), splits[0], select)
        blocks[name] = {"mean": block["mean"], "ci95": block["ci95"]}
    return blocks


def _accuracies(answers: Sequence[Floats], outcome: Floats, splits: Sequence[Split], seed: int) -> Floats:
    shares = []
    for given, (_, test) in zip(answers, splits, strict=True):
        first, second = tested_pairs(test, seed)
        shares.append(share_right(given - 0.5, outcome[first] - outcome[second]))
    return np.array(shares)
