"""Which mixture is best for a target, how it compares with the best one that was trained, and when to doubt it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptp_core.errors import UserError, did_you_mean
from ptp_core.predict.scaling.mixture.laws import Laws, band, predict
from ptp_core.predict.scaling.mixture.search import Found, best_shares
from ptp_core.predict.scaling.mixture.stored import laws_of
from ptp_core.predict.scaling.points import Floats
from ptp_core.predict.wording import listed, number, percent

NAMED = 0.005
"""A share below this is not worth a word."""


def best_mixture(block: dict[str, Any], target: str, compute: float | None = None) -> dict[str, Any]:
    """The mixture of the best predicted value at a compute, from the block ``mixture`` of ``scaling_laws.json``.

    ``compute`` is in FLOPs; default: the largest that was fitted. Returns target, shares by source, predicted, band95,
    compute, reach (compute / largest fitted compute), inside (is it a blend of fitted mixtures?) and words. Raises
    UserError for a target without a law and for compute that is not above 0.
    """
    laws = laws_of(block)
    if target not in laws.targets:
        fix = did_you_mean(target, laws.targets)
        raise UserError("no law of the mixture predicts this", subject="target", got=target, fix=fix)
    if compute is not None and not compute > 0:
        raise UserError("compute must be above 0", subject="compute", expected="FLOPs", got=compute)
    at = laws.computes[1] if compute is None else compute
    found = search(laws, target, at, int(block["seed"]))
    predicted, interval = valued(laws, target, found, at)
    return {
        "target": target,
        "shares": dict(zip(laws.sources, found.shares.tolist(), strict=True)),
        "predicted": predicted,
        "band95": interval,
        "compute": at,
        "reach": at / laws.computes[1],
        "inside": found.inside,
        "words": f"{sentence(laws, target, found, predicted, interval)}{_of_compute(laws, at)}",
    }


def search(laws: Laws, target: str, compute: float, seed: int) -> Found:
    """The best mixture by the prediction itself, not by its band."""
    sign = 1 if laws.rises(target) else -1
    return best_shares(lambda shares: sign * predict(laws, target, shares, compute), laws.shares, seed)


def valued(laws: Laws, target: str, found: Found, compute: float) -> tuple[float, list[float]]:
    """Predicted value and band of a mixture that was found."""
    at = found.shares[None]
    return float(predict(laws, target, at, compute)[0]), band(laws, target, at, compute)[0].tolist()


def best_block(laws: Laws, target: str, actual: Floats, compute: Floats, seed: int) -> dict[str, Any]:
    """An entry of ``best``; ``actual`` and ``compute`` are (runs,), those of the fitted runs.

    The search is at the largest fitted compute, and only runs of that compute are compared with it.
    """
    at = laws.computes[1]
    found = search(laws, target, at, seed)
    predicted, interval = valued(laws, target, found, at)
    same = np.isfinite(actual) & (compute > 0.99 * at)
    rival, words = None, sentence(laws, target, found, predicted, interval)
    if same.any():
        sign = 1 if laws.rises(target) else -1
        best = int(np.where(same, sign * np.nan_to_num(actual), -np.inf).argmax())
        measured = float(actual[best])
        rival = {"run": laws.runs[best], "actual": measured}
        gain = sign * (predicted - measured)
        near = "that run lies within the band" if interval[0] <= measured <= interval[1] else "outside the band"
        told = f"{number(gain)} better" if gain > 0 else "no better"
        words += f" It is predicted {told} than the best fitted run of that compute, {rival['run']} "
        words += f"({number(measured)}); {near}."
    return {
        "target": target,
        "shares": dict(zip(laws.sources, found.shares.tolist(), strict=True)),
        "predicted": predicted,
        "band95": interval,
        "among_fitted": rival,
        "inside": found.inside,
        "words": words,
    }


def sentence(laws: Laws, target: str, found: Found, predicted: float, interval: list[float]) -> str:
    """What is found, and every reason to doubt it."""
    order = np.argsort(-found.shares, kind="stable")
    parts = [f"{percent(found.shares[i])} {laws.sources[i]}" for i in order if found.shares[i] >= NAMED]
    said = (
        f"Best for {target}: {listed(parts)}; predicted {number(predicted)} ({laws.confidence:.0%} band "
        f"{number(interval[0])} to {number(interval[1])})."
    )
    if not found.inside:
        said += " It is no blend of fitted mixtures: the law extrapolates."
    for ends, word in ((found.at_most, "more"), (found.at_least, "less")):
        if ends:
            names = listed([laws.sources[i] for i in ends])
            said += f" No fitted run has {word} {names}, so the best may lie beyond."
    return said


def _of_compute(laws: Laws, compute: float) -> str:
    high = laws.computes[1]
    if not laws.scaled and not 0.95 < compute / high < 1.05:
        return (
            f" All fitted runs have {number(high)} FLOPs: the mixture is taken to be as good at {number(compute)}, "
            "but the value is that of the fitted runs."
        )
    return f" {number(compute / high)} times the largest fitted compute." if compute > high * 1.05 else ""
