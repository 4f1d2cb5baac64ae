"""Section ``dynamics``: checkpoints along pre-training, before and after fine-tuning."""

from __future__ import annotations

from ptp_core.spec.fields import Name, Section, identity

Patterns = tuple[str, ...]
"""Names; ``*`` and ``?`` are wild."""


class Dynamics(Section):
    """What Sun & Dredze 2024 derive for every checkpoint, train set and test set; the defaults serve most studies."""

    trajectories: dict[Name, Patterns] = identity(
        "run → the variants that are its checkpoints, where each checkpoint is a variant of its own; * and ? are wild; "
        "default: every variant measured after several numbers of tokens",
        default={},
    )
    base: dict[str, str] = identity(
        "outcome → the indicator that is its score before fine-tuning; default: that of the same name, or "
        "kshot_<outcome>",
        default={},
    )
    in_domain: dict[str, tuple[str, ...]] = identity(
        "task fine-tuned on → test sets that ask for what it teaches; default: the test set of its name", default={}
    )
    groups: dict[Name, tuple[str, ...]] = identity(
        "kind of task → tasks and test sets; forgetting is summed up from group to group; default: their families",
        default={},
    )
    prompt_format: str | None = identity(
        "the format that all figures but format sensitivity are read in; default: the one fine-tuned with", default=None
    )
    losses: Patterns = identity(
        "indicators that are losses, better when lower, to hold fine-tuned scores against; * and ? are wild; default: "
        "all that are named so",
        default=(),
    )
    permutations: int = identity(
        "orders of checkpoints behind the p of a rank correlation; up to eight checkpoints all of them are looked at",
        unit="orders",
        default=10_000,
        ge=100,
        le=1_000_000,
    )
    confidence: float = identity("coverage of every interval", default=0.95, gt=0.5, lt=1)
    seed: int = identity("seed of these orders", default=0, ge=0, lt=2**32)
