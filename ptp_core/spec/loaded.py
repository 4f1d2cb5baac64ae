"""A study as it was read: checked sections, variants, and where each line is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ptp_core.errors import UserError, Where
from ptp_core.spec.explain_errors import dotted, line_of
from ptp_core.spec.finetune import PromptFormat
from ptp_core.spec.indicators import IndicatorOptions, Kind, kind_of, subject_of
from ptp_core.spec.model import Model, model_of_preset
from ptp_core.spec.paths import expand_variables
from ptp_core.spec.pretrain import Recipe, Variant
from ptp_core.spec.study import Study
from ptp_core.spec.wild import fits
from ptp_core.spec.yaml_lines import Lines

DEFAULT_WINDOW = 512
"""Tokens in a window of a perplexity, in a study without a section `model`."""

WORLD_DOMAINS = ("facts", "reading", "stories", "code")
WORLD_METRICS = {"cms": "acc"}
"""The world's choices have equally many words, so that none has to be made up for its length."""
WORLD_FAMILIES = {"cms": "cms", "rag": "rag", "cbqa": "cbqa"}


@dataclass(frozen=True)
class LoadedStudy:
    """A checked study, its variants, and where each of its lines is."""

    path: Path
    spec: Study
    variants: tuple[Variant, ...]
    lines: Lines

    def where(self, *place: str | int) -> Where:
        return Where(self.path, line_of(self.lines, place))

    def places(self, section: str) -> dict[str, list[str | int | None]]:
        """Dotted key → (file, line) of every key of a section, for what only the data shows to be wrong."""
        keys = [place for place in self.lines if place[:1] == (section,)]
        return {dotted(place): [str(self.path), self.where(*place).line] for place in keys}

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains of text that mixtures may weigh."""
        data = self.spec.data
        if data is None:
            return ()
        return WORLD_DOMAINS if data.world else tuple(source.name for source in data.sources)

    @cached_property
    def families(self) -> dict[str, str]:
        """Task name → family (cms, rag or cbqa)."""
        world = WORLD_FAMILIES if self.spec.data and self.spec.data.world else {}
        return world | {name: task.family for name, task in self.spec.tasks.items()}

    @cached_property
    def indicators(self) -> dict[str, IndicatorOptions]:
        """Indicator name → its options."""
        chosen = self.spec.indicators
        return dict(chosen) if isinstance(chosen, dict) else {name: IndicatorOptions() for name in chosen}

    # Asked for every variant, and a walk over all of them.
    @cached_property
    def varied_fields(self) -> tuple[str, ...]:
        """The fields of a recipe that differ between variants, in the order of the model."""
        recipes = [variant.recipe for variant in self.variants]
        return tuple(key for key in Recipe.model_fields if len({getattr(recipe, key) for recipe in recipes}) > 1)

    @property
    def has_outcomes(self) -> bool:
        """Whether anything is measured after fine-tuning, as far as the spec tells; else there is no selection."""
        tables = [table.outcome_names for table in self.spec.measurements]
        return bool(self.spec.finetune) or any(names != () for names in tables)

    @cached_property
    def share_columns(self) -> dict[str, str]:
        """Domain → the configuration column with its share of a variant's tokens; only for a law of the mixture."""
        asked = self.spec.scaling is not None and self.spec.scaling.mixture is not None
        return {domain: f"share.{domain}" for domain in self.domains} if asked else {}

    @property
    def config_columns(self) -> set[str]:
        """The names in the table of what describes the variants, tables measured elsewhere left aside."""
        sizes = ("params", "tokens", "flops") if self.spec.scaling and self.variants else ()
        stated = (name for entry in self.spec.checkpoints for name in entry.config)
        return {*self.varied_fields, *self.share_columns.values(), *sizes, *stated}

    def of_kind(self, *kinds: Kind) -> list[str]:
        """The indicators of some kinds."""
        return [name for name in self.indicators if kind_of(name) in kinds]

    def is_harness(self, task: str) -> bool:
        """Whether a task is one of lm-evaluation-harness, which brings its own items."""
        return task in self.spec.tasks and self.spec.tasks[task].is_harness

    def tests_of(self, task: str) -> tuple[str, ...]:
        """The tasks that a model fine-tuned on ``task`` is scored on, its own first."""
        finetune = self.spec.finetune
        assert finetune is not None, "asked only where there is fine-tuning"
        if finetune.test_on == "own":
            return (task,)
        others = self.families if finetune.test_on == "all" else finetune.test_on
        return (task, *(name for name in others if name != task))

    @property
    def test_formats(self) -> tuple[PromptFormat, ...]:
        """The prompt formats in which fine-tuned models are scored."""
        finetune = self.spec.finetune
        assert finetune is not None, "asked only where there is fine-tuning"
        return finetune.test_formats or (finetune.prompt_format,)

    def tuned_on_the_way(self, variant: Variant) -> tuple[int, ...]:
        """The checkpoints before a variant's last that are fine-tuned too, in tokens."""
        wanted = self.spec.finetune.intermediate if self.spec.finetune else None
        if wanted is None or not any(fits(variant.name, pattern) for pattern in wanted.variants):
            return ()
        return tuple(t for t in variant.recipe.checkpoints if not wanted.checkpoints or t in wanted.checkpoints)

    def metrics_of(self, task: str) -> tuple[str | None, tuple[str, ...]]:
        """(the score that goes by a task's name, or None for the usual one; further scores that are kept)."""
        if task in self.spec.tasks:
            return self.spec.tasks[task].metric, self.spec.tasks[task].metrics
        return WORLD_METRICS.get(task), ()

    @property
    def tested(self) -> tuple[str, ...]:
        """The tasks that any fine-tuned model is scored on."""
        tasks = self.spec.finetune.tasks if self.spec.finetune else ()
        return tuple(dict.fromkeys(test for task in tasks for test in self.tests_of(task)))

    def columns_of(self, indicator: str) -> tuple[str, ...]:
        """The names in the table that a spec can tell beforehand: of an indicator, its quantities and domains."""
        options = self.indicators[indicator]
        names = (indicator, *(f"{indicator}.{quantity}" for quantity in options.quantities))
        domains = self.domains if options.domains else ()
        return (*names, *(f"{name}@{domain}" for name in names for domain in domains))

    def scores_of(self, task: str) -> tuple[str, ...]:
        """The names in the table of the scores on a task."""
        headline, further = self.metrics_of(task)
        return (task, *(f"{task}.{metric}" for metric in further if metric != headline))

    @property
    def indicator_columns(self) -> tuple[str, ...]:
        """All of these names of the indicators, and those of the means over families."""
        names = (name for name in self.indicators if self._is_known(name))
        asked = [subject_of(name) for name in self.of_kind("kshot") if self._is_known(name)]
        return (*(column for name in names for column in self.columns_of(name)), *self._means(asked, "mean_kshot_"))

    @property
    def outcome_columns(self) -> tuple[str, ...]:
        """The names of the outcomes that variants may be compared by."""
        tasks = self.spec.finetune.tasks if self.spec.finetune else ()
        return (*(column for task in tasks for column in self.scores_of(task)), *self._means(tasks, "mean_"))

    def _is_known(self, indicator: str) -> bool:
        # A task that is none is found elsewhere.
        return kind_of(indicator) != "kshot" or subject_of(indicator) in self.families

    def _means(self, tasks: Iterable[str], prefix: str) -> Iterator[str]:
        """What the means over families of several tasks are called."""
        families = Counter(self.families[task] for task in tasks if task in self.families)
        return (f"{prefix}{family}" for family, count in families.items() if count > 1)

    def weights(self, mixture: str) -> dict[str, float]:
        """Shares of the domains in a mixture, adding up to 1; domains without weight are left out."""
        raw = self.spec.mixtures.get(mixture) or dict.fromkeys(self.domains, 1.0)
        total = sum(raw.values())
        # Rounded, so that the same shares on another scale are the same to the last bit.
        return {domain: round(weight / total, 12) for domain, weight in sorted(raw.items()) if weight > 0}

    def model_of(self, recipe: Recipe) -> Model:
        """The model that a recipe trains: the preset it names, or else that of the section ``model``."""
        if recipe.model is not None:
            return model_of_preset(recipe.model)
        assert self.spec.model is not None, "_check_recipe has seen to it"
        return self.spec.model

    @cached_property
    def context(self) -> int:
        """The longest sequence in tokens that the models of all variants see: what can be compared between them."""
        return min(self.model_of(variant.recipe).context for variant in self.variants)

    def window(self, perplexity: str) -> int:
        """The length in tokens of a perplexity's windows: one for all variants, or they could not be compared."""
        default = self.context if self.variants else self.spec.model.context if self.spec.model else DEFAULT_WINDOW
        return self.indicators[perplexity].length or default

    def resolve(self, text: str, *place: str | int) -> Path:
        """A path as written in the spec: ${VARIABLES} expanded, relative to the spec's folder."""
        where, subject = self.where(*place), dotted(place)
        if "\0" in text:
            raise UserError("no file has such a name", where=where, subject=subject, got=text)
        return self.path.parent / expand_variables(text, where, subject)
