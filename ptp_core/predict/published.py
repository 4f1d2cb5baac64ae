"""Accuracies that somebody else has published, beside ours and beside the best single setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ptp_core.spec.select import Select
from ptp_core.stats.splits import corrected_mean


def beside_published(block: Mapping[str, Any], outcome: str, select: Select) -> dict[str, Any]:
    """The block ``learned`` with a list ``published``: name, accuracy, and its difference from the best setting.

    Published means come without the results of their splits. Their difference from the accuracy of a single setting
    is tested as if it varied over splits as the difference of our learned model does (Nadeau & Bengio 2003); null
    hypothesis: the published learner and the setting are equally good. NaN where there is no setting or no model.
    """
    entries = [
        {"name": name, "accuracy": accuracies[outcome]} | _against_setting(block, accuracies[outcome], select)
        for name, accuracies in select.published.items()
        if outcome in accuracies
    ]
    return {**block, "published": entries} if block else {}


def _against_setting(block: Mapping[str, Any], accuracy: float, select: Select) -> dict[str, Any]:
    models = block["models"]
    unknown = {"setting": None, "difference": float("nan"), "p": float("nan")}
    if not models["setting"].get("name") or not len(models["catboost"]["accuracies"]):
        return unknown
    setting, ours = (np.array(models[key]["accuracies"], dtype=np.float64) for key in ("setting", "catboost"))
    # Centred on the published difference, spread as ours.
    differences = (ours - setting) - np.nanmean(ours - setting) + (accuracy - np.nanmean(setting))
    test = corrected_mean(differences, n_train=block["n_train"], n_test=block["n_test"], confidence=select.confidence)
    return {"setting": models["setting"]["name"], "difference": test.mean, "p": test.p}
