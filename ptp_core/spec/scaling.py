"""Section ``scaling``: from compute to loss to performance, fitted on small runs and held against large ones."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ptp_core.spec.fields import Name, Section, identity
from ptp_core.spec.quantities import Count

Share = Annotated[float, Field(ge=0, le=1)]
Patterns = tuple[str, ...]
"""Names; ``*`` and ``?`` are wild."""
LossForm = Literal["flp", "nd", "overtraining"]
ScoreForm = Literal["linear", "exponential", "sigmoid"]
DirectForm = Literal["fp", "direct"]
Residuals = Literal["huber", "squares"]
LOSS_FORMS: tuple[LossForm, ...] = ("flp", "nd", "overtraining")
SCORE_FORMS: tuple[ScoreForm, ...] = ("linear", "exponential", "sigmoid")
DIRECT_FORMS: tuple[DirectForm, ...] = ("fp", "direct")


class Target(Section):
    """A score that is to be predicted."""

    loss: str | None = identity("the loss that it is read off; default: the first one of `losses`", default=None)
    chance: float | None = identity(
        "what a guesser scores, in the score's own unit; a score that is not above it has not emerged", default=None
    )
    ceiling: float | None = identity(
        "the best score there is; default: 1, or 100 where a score is above 1", default=None
    )


class RunSize(Section):
    """What a table lacks about a run."""

    params: Count | None = identity("parameters", unit="parameters", default=None)
    tokens: Count | None = identity("tokens seen at its last checkpoint", unit="tokens", default=None)
    flops: float | None = identity("training compute at its last checkpoint", unit="FLOPs", default=None, gt=0)


class Prospect(Section):
    """A run that does not exist, to be predicted."""

    params: Count = identity("parameters", unit="parameters")
    tokens: Count = identity("tokens to train on", unit="tokens")
    group: str | None = identity("value of the column `group`; needed where there are several", default=None)
    mixture: dict[Name, Share] = identity("source → share of the tokens, for the law of the mixture", default={})


class MixtureLaw(Section):
    """FLP-M (Chen et al. 2024): loss by domain from the compute spent on each source, then scores from all of them."""

    sources: dict[Name, str] | tuple[str, ...] = identity(
        "configuration columns with the share of each source (any scale; they are normalised): a list, or {source: "
        "column}",
        min_length=2,
    )
    losses: Patterns = identity("the domain losses; default: all of `losses`; * and ? are wild", default=())
    fit: Patterns = identity("runs that are fitted; default: as for the other laws", default=())
    hold_out: Patterns = identity("runs that are predicted; default: as for the other laws", default=())
    restarts: int = identity("starts of the network", unit="starts", default=50, ge=1, le=10_000)

    @property
    def columns(self) -> dict[str, str]:
        """Source → its configuration column."""
        return dict(self.sources) if isinstance(self.sources, dict) else {name: name for name in self.sources}


class TuningLaw(Section):
    """Loss after fine-tuning on n examples, fitted on few and held against many (the rectified law)."""

    name: str = identity("losses are named <name>.<examples>, such as flan.0 and flan.200")
    largest: Count | None = identity(
        "largest number of examples that is fitted; default: a sixteenth of the largest there is",
        unit="examples",
        default=None,
    )


class Scaling(Section):
    """Laws of size, compute and mixture; which runs they are fitted on, and which they are to predict."""

    params: str = identity("configuration column of the parameters", default="params")
    tokens: str = identity(
        "configuration column of the tokens, for rows that do not say after how many tokens they were measured",
        default="tokens",
    )
    compute: str | None = identity(
        "configuration column of the FLOPs of the whole training; default: `flops`, or 6·parameters·tokens where there "
        "is no such column",
        default=None,
    )
    group: str | None = identity(
        "configuration column of what has laws of its own, such as the data set; default: one law for all runs",
        default=None,
    )
    losses: Patterns = identity("losses, better when lower, each with laws of its own; * and ? are wild", default=())
    targets: tuple[str, ...] | dict[str, Target] = identity(
        "scores to predict: a list, or {score: {loss:, chance:, ceiling:}}; * and ? are wild", default=()
    )
    runs: dict[str, RunSize] = identity("what the table lacks about runs, by name; * and ? are wild", default={})
    fit: Patterns = identity(
        "runs that laws are fitted on; default: all that are not held out; * and ? are wild", default=()
    )
    fit_scores: Patterns = identity("runs that scores are fitted on, where they are others", default=())
    hold_out: Patterns | None = identity(
        "runs that are predicted and compared; default: those of the largest size; [] fits all; * and ? are wild",
        default=None,
    )
    predict: dict[Name, Prospect] = identity("runs that do not exist, to be predicted", default={})
    last: int = identity(
        "checkpoints at a run's end whose mean is its loss and its score", unit="checkpoints", default=1, ge=1, le=100
    )
    emerged: float = identity(
        "a score counts once it is this share of the ceiling above chance (Chen et al. 2024: 5 points)",
        default=0.05,
        ge=0,
        lt=1,
    )
    loss_forms: tuple[LossForm, ...] = identity("laws of the loss", default=LOSS_FORMS)
    score_forms: tuple[ScoreForm, ...] = identity("laws from loss to score", default=SCORE_FORMS)
    direct_forms: tuple[DirectForm, ...] = identity("laws of the score that know no loss", default=DIRECT_FORMS)
    residuals: Residuals = identity(
        "huber: robust, ln of losses with delta 1e-3 and shares of a score's ceiling with delta 1e-2; squares: least "
        "squares of losses and scores as they are",
        default="huber",
    )
    mixture: MixtureLaw | None = identity("laws of the mixture", default=None)
    tuning: TuningLaw | None = identity("law of the examples fine-tuned on", default=None)
    bootstraps: int = identity(
        "resamples of the runs behind each band", unit="resamples", default=1000, ge=20, le=100_000
    )
    confidence: float = identity("coverage of every band", default=0.95, gt=0.5, lt=1)
    seed: int = identity("seed of resamples and of the network", default=0, ge=0, lt=2**32)

    @property
    def target_options(self) -> dict[str, Target]:
        """Score, or pattern of scores → how it is predicted."""
        return dict(self.targets) if isinstance(self.targets, dict) else {name: Target() for name in self.targets}

    @field_validator("loss_forms", "score_forms", "direct_forms")
    @classmethod
    def _no_repeats(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(values)) < len(values):
            raise ValueError("a form is listed twice")
        return values

    @model_validator(mode="after")
    def _something_to_do(self) -> Scaling:
        if not (self.losses or self.targets or self.tuning or self.mixture):
            raise ValueError("give `losses`, `targets`, `mixture` or `tuning`: there is nothing to fit")
        known = set(self.mixture.columns) if self.mixture else set()
        for name, prospect in self.predict.items():
            if prospect.mixture and set(prospect.mixture) != known:
                sources = f"its sources: {', '.join(known)}" if known else "a section `mixture`, which is not here"
                raise ValueError(f"predict.{name}.mixture needs a share for each of {sources}")
        if self.mixture and not self.losses and not self.mixture.losses:
            raise ValueError("`mixture` needs `losses`: one a domain")
        return self
