"""Section ``select``: how variants are compared and how sure the comparison must be."""

from __future__ import annotations

from ptp_core.spec.fields import Section, identity


class Primary(Section):
    """The one claim named before looking at the data; all others are exploratory."""

    outcome: str = identity("the outcome that the verdict is about")
    indicator: str | None = identity("the indicator whose accuracy is the confirmatory claim", default=None)


class Select(Section):
    """Settings of the analysis; the defaults serve from 8 to a few hundred variants."""

    primary: Primary | None = identity("the claim named beforehand; default: the first outcome", default=None)
    bootstraps: int = identity(
        "resamples of the variants behind each interval", unit="resamples", default=2000, ge=100, le=1_000_000
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
