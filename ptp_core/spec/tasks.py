"""Section ``tasks``: what models are fine-tuned on and scored with."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from ptp_core.spec.fields import Section, execution, identity
from ptp_core.spec.hub import check_hub_revision
from ptp_core.spec.quantities import Count
from ptp_core.spec.scores import ANSWER_METRICS, CHOICE_METRICS
from ptp_core.spec.world import World

Family = Literal["cms", "rag", "cbqa"]

ROUGE_TOKENS = 60
"""Tokens that a model may say where ROUGE-L is asked for (Sun & Dredze 2024, section 3)."""


class Task(Section):
    """Our own files (``test``, ``train``), a task of lm-evaluation-harness by name, or one in a YAML of its format."""

    family: Family = identity("cms: choose among given answers; rag: answer is in the context; cbqa: closed book")
    train: str | None = execution(
        "JSON lines to fine-tune on and to draw few-shot examples from; content is identity", default=None
    )
    test: str | None = execution("JSON lines to score on; content is identity", default=None)
    max_train: Count | None = identity("use only so many training items, chosen by hash", unit="items", default=None)
    max_test: Count | None = identity("score only so many test items, chosen by hash", unit="items", default=None)
    harness: str | None = identity("name of a task of lm-evaluation-harness, such as piqa", default=None)
    yaml: str | None = execution(
        "task YAML of lm-evaluation-harness; it, what it includes, and its data files are identity", default=None
    )
    revision: str | None = identity("commit or tag of the harness task's data set on the hub", default=None)
    allow_code: bool = identity("let the harness execute code that a model has generated", default=False)
    metric: str | None = identity(
        "the score that goes by the task's name; default acc_norm among choices, else exact_match (harness: its first)",
        default=None,
    )
    metrics: tuple[str, ...] = identity("further scores to keep, as <task>.<metric>", default=())
    new_tokens: Count | None = identity(
        "longest answer that a model may give; default: the longest right one and 2, or 60 for rouge_l",
        unit="tokens",
        default=None,
    )

    @property
    def is_harness(self) -> bool:
        """Whether the harness brings its items."""
        return self.harness is not None or self.yaml is not None

    @model_validator(mode="after")
    def _one_origin(self) -> Task:
        given = [name for name in ("test", "harness", "yaml") if getattr(self, name) is not None]
        if not given and self.train is not None:
            raise ValueError("a task needs a `test` file to score models on")
        if len(given) != 1:
            raise ValueError("give exactly one of `test` (with `train`), `harness` and `yaml`")
        written = self.model_fields_set
        own = {"train", "max_train", "max_test", "new_tokens"}
        if self.is_harness and written & own:
            raise ValueError(f"`{min(written & own)}` goes with `test` only")
        if not self.is_harness:
            if written & {"revision", "allow_code"}:
                raise ValueError("`revision` and `allow_code` go with `harness` and `yaml` only")
            for metric in (self.metric, *self.metrics):
                if metric is not None and metric not in CHOICE_METRICS + ANSWER_METRICS:
                    raise ValueError(f"unknown metric {metric!r}; known: {', '.join(CHOICE_METRICS + ANSWER_METRICS)}")
        for i, metric in enumerate(self.metrics):
            if metric in self.metrics[:i]:
                raise ValueError(f"metric {metric!r} is listed twice")
        if self.revision is not None:
            check_hub_revision(self.revision)
        return self


class TaskSettings(Section):
    """What decides the items of one task."""

    family: Family = identity("cms, rag or cbqa")
    world: World | None = identity("the embedded world, or None for files", default=None)
    max_train: Count | None = identity("at most so many training items", unit="items", default=None)
    max_test: Count | None = identity("at most so many test items", unit="items", default=None)
