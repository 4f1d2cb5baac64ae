"""Section ``select``: how variants are compared and how sure the comparison must be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ptp_core.spec.fields import Section, identity

Suspect = Literal["duplicates", "collapsed"]
Share = Annotated[float, Field(ge=0, le=1)]


class Primary(Section):
    """The one claim named before looking at the data; all others are exploratory."""

    outcome: str = identity("the outcome that the verdict is about")
    indicator: str | None = identity("the indicator whose accuracy is the confirmatory claim", default=None)


class Select(Section):
    """Settings of the analysis; the defaults serve from 8 to a thousand variants."""

    primary: Primary | None = identity("the claim named beforehand; default: the first outcome", default=None)
    convention: Literal["default", "paper"] = identity(
        "paper: as Zeng et al. 2025 count, all variants kept and ties judged like any other pair", default="default"
    )
    leave_out: tuple[Suspect, ...] = identity(
        "what the audit finds and the analysis leaves out; [] keeps everything", default=("duplicates", "collapsed")
    )
    nuisance: str | None = identity(
        "configuration column whose influence is no merit of an indicator: tests compare only variants that share it",
        default=None,
    )
    clusters: str | None = identity(
        "configuration column that names what several variants are runs of, such as a recipe with several pre-training "
        "seeds: intervals and tests then treat its values, not the variants, as independent",
        default=None,
    )
    chance: dict[str, float] = identity("outcome → its value for a guesser, in its own unit", default={})
    ceiling: dict[str, float] = identity("outcome → the best value it can take, in its own unit", default={})
    published: dict[str, dict[str, Share]] = identity(
        "name → outcome → pairwise accuracy that somebody else has published, shown beside ours", default={}
    )
    budget: int | None = identity(
        "fine-tuning runs that can be paid for; default: as many as the wanted confidence takes",
        unit="variants",
        default=None,
        ge=1,
    )
    bootstraps: int = identity(
        "resamples of the variants behind the shortlist", unit="resamples", default=2000, ge=100, le=1_000_000
    )
    permutations: int = identity(
        "shuffles of an indicator over the variants behind each p",
        unit="shuffles",
        default=10_000,
        ge=100,
        le=10_000_000,
    )
    splits: int = identity(
        "random splits of the variants behind the learned comparison", unit="splits", default=20, ge=2, le=1000
    )
    train_share: float = identity("share of the variants on the training side of a split", default=0.6, gt=0, lt=1)
    confidence: float = identity("coverage of every interval", default=0.95, gt=0.5, lt=1)
    seed: int = identity("seed of resamples, shuffles, splits and the learned model", default=0, ge=0, lt=2**32)
