"""Boosted trees as a judge of pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ptp_core.predict.learn.features import Features
from ptp_core.predict.quantities import Floats
from ptp_core.predict.trees import fitted

CATBOOST: dict[str, Any] = {
    # Small trees and plain boosting: a few hundred pairs that share thirty variants hold little to learn. Every split
    # of a tree sees a third of the features, since the four of a column say much the same, and so do many columns.
    # Chosen on the means of 5 x 20 splits of the published models and confirmed on 5 x 20 others, not on one seed:
    # of some twenty settings of depth 2 to 4 and 50 to 300 trees the means on indicators lie within .01, which is
    # noise. One thread fixes the order of sums and the seed the drawn features: equal inputs give equal models.
    "iterations": 200,
    "depth": 3,
    "learning_rate": 0.1,
    "rsm": 0.3,
    "boosting_type": "Plain",
    "bootstrap_type": "No",
    "random_strength": 0,
    "border_count": 32,
    "leaf_estimation_iterations": 1,
    "thread_count": 1,
    "allow_writing_files": False,
    "verbose": False,
}


def boosted_trees(features: Features, wins: Floats, seed: int) -> Callable[[Features], Floats]:
    """P(first wins) as a function of the features, from pairs (P, F) and ``wins`` (P,) of 0 and 1, both present."""
    model = fitted("CatBoostClassifier", CATBOOST | {"random_seed": seed}, features, wins.astype(np.int8))
    return lambda asked: np.asarray(model.predict_proba(asked)[:, 1], dtype=np.float64)
