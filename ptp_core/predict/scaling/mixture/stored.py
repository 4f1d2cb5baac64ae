"""Laws of a mixture as plain lists for ``scaling_laws.json``, and back."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from ptp_core.predict.scaling.mixture.domain import Choice, DomainLaw
from ptp_core.predict.scaling.mixture.forms import FORMS, Layout
from ptp_core.predict.scaling.mixture.laws import Laws
from ptp_core.predict.scaling.mixture.network import Networks
from ptp_core.predict.scaling.mixture.score import ScoreLaw
from ptp_core.predict.scaling.points import Floats

Block = dict[str, Any]
DIGITS = 8
"""Significant digits of a parameter: far below the band, and a third of the bytes."""


def laws_block(laws: Laws, seed: int) -> Block:
    """Everything that ``laws_of`` needs; ``seed`` is that of the search."""
    return {
        "sources": list(laws.sources),
        "losses": {name: _domain(law) for name, law in laws.losses.items()},
        "scores": {name: _score(law) for name, law in laws.scores.items()},
        "mean_residuals": _plain(laws.mean_residuals),
        "reference": laws.reference,
        "computes": list(laws.computes),
        "scaled": laws.scaled,
        "higher_is_better": {name: laws.higher_is_better[name] for name in (*laws.losses, *laws.scores)},
        "confidence": laws.confidence,
        "runs": list(laws.runs),
        "shares": _plain(laws.shares),
        "seed": seed,
    }


def laws_of(block: Block) -> Laws:
    """The laws that a block was made from, up to rounding."""
    n_sources, scaled = len(block["sources"]), bool(block["scaled"])
    return Laws(
        sources=tuple(block["sources"]),
        losses={name: _domain_of(law, n_sources, scaled) for name, law in block["losses"].items()},
        scores={name: _score_of(law) for name, law in block["scores"].items()},
        mean_residuals=np.array(block["mean_residuals"]),
        reference=float(block["reference"]),
        computes=(float(block["computes"][0]), float(block["computes"][1])),
        scaled=scaled,
        higher_is_better=dict(block["higher_is_better"]),
        confidence=float(block["confidence"]),
        runs=tuple(block["runs"]),
        shares=np.array(block["shares"]),
    )


def _plain(values: Floats) -> Any:
    return np.vectorize(lambda value: float(f"{value:.{DIGITS}g}"), otypes=[float])(values).tolist()


def _domain(law: DomainLaw) -> Block:
    return {
        "form": law.choice.form,
        "penalty": law.choice.penalty,
        "error": law.choice.error,
        "theta": _plain(law.theta),
        "draws": _plain(law.draws),
        "residuals": _plain(law.residuals),
    }


def _domain_of(block: Block, n_sources: int, scaled: bool) -> DomainLaw:
    return DomainLaw(
        choice=Choice(block["form"], block["penalty"], block["error"], np.empty(0)),
        errors={block["form"]: block["error"]},
        layout=Layout(FORMS[block["form"]], n_sources, scaled),
        theta=np.array(block["theta"]),
        draws=np.array(block["draws"]),
        residuals=np.array(block["residuals"]),
    )


def _score(law: ScoreLaw) -> Block:
    bounds = [bound if np.isfinite(bound) else None for bound in law.bounds]
    arrays = {name: _plain(getattr(law, name)) for name in ("centre", "spread", "linear", "residuals")}
    kept, drawn = ({f.name: _plain(getattr(n, f.name)) for f in fields(n)} for n in (law.kept, law.drawn))
    return {"low": law.low, "high": law.high, "bounds": bounds, "n_runs": law.n_runs, **arrays} | {
        "kept": kept,
        "drawn": drawn,
    }


def _score_of(block: Block) -> ScoreLaw:
    low, high = block["bounds"]
    kept, drawn = (Networks(**{k: np.array(v) for k, v in block[name].items()}) for name in ("kept", "drawn"))
    return ScoreLaw(
        centre=np.array(block["centre"]),
        spread=np.array(block["spread"]),
        low=block["low"],
        high=block["high"],
        bounds=(-np.inf if low is None else low, np.inf if high is None else high),
        kept=kept,
        drawn=drawn,
        linear=np.array(block["linear"]),
        n_runs=block["n_runs"],
        residuals=np.array(block["residuals"]),
    )
