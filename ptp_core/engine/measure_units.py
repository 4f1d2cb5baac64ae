"""What is measured on a checkpoint, before and after fine-tuning, as units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from ptp_core.engine.adopted import INSTALLED, Stages
from ptp_core.engine.data_units import DataUnits
from ptp_core.engine.units import DigestOf, Part, Unit, without
from ptp_core.errors import UserError
from ptp_core.identity.beside import imported_beside
from ptp_core.spec.explain_errors import dotted
from ptp_core.spec.finetune import PromptFormat, Tuning
from ptp_core.spec.harness import HarnessSettings
from ptp_core.spec.indicators import (
    EvaluateSettings,
    IndicatorSettings,
    KshotSettings,
    PerplexitySettings,
    kind_of,
    subject_of,
)
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.objective import normalise
from ptp_core.spec.plugins import PluginSettings, declared
from ptp_core.spec.tasks import ROUGE_TOKENS
from ptp_core.spec.tiny_finetune import TinyFinetuneSettings

if TYPE_CHECKING:
    from ptp_core.measure.harness_files import TaskFile

DEFAULT_SHOTS = {"cms": 1, "rag": 5, "cbqa": 5}
"""Examples by family (Zeng et al. 2025)."""
DEFAULT_ITEMS = 256

NOT_TINY = ("steps", "epochs", "items", "validation_share", "validate_every")
"""How a study fine-tunes, without what does not apply to a tiny fine-tuning."""

Inputs = dict[str, tuple[tuple[Path, str], ...]]


@dataclass(frozen=True)
class IndicatorParents:
    """What an indicator may read: the checkpoint, and the held-out text in its tokens by domain."""

    checkpoint: Unit | Part
    shards: Mapping[str, Unit]

    @property
    def text(self) -> dict[str, Unit | Part]:
        return {"checkpoint": self.checkpoint} | {f"shards/{domain}": unit for domain, unit in self.shards.items()}


class MeasureUnits:
    """Units of indicators and evaluations."""

    def __init__(self, study: LoadedStudy, data: DataUnits, digest_of: DigestOf, stages: Stages = INSTALLED) -> None:
        self.study, self.spec, self.data, self.digest_of = study, study.spec, data, digest_of
        self.new_unit = partial(Unit, stages=stages)
        self._files: dict[str, TaskFile] = {}
        self._documents_of: dict[str, frozenset[str]] = {}
        # The same for thousands of checkpoints.
        self._perplexity = cache(self._perplexity_of)

    def unit(self, name: str, label: str, parents: IndicatorParents) -> Unit:
        """The unit of one indicator of one checkpoint."""
        kind, subject = kind_of(name), subject_of(name)
        if kind == "ppl":
            return self.new_unit("indicators", label, self._perplexity(name), parents.text)
        if kind == "plugin":
            return self._plugin(name, label, parents)
        if self.study.is_harness(subject):
            settings = IndicatorSettings(harness=self._harness(subject, name))
            return self.new_unit("indicators", label, settings, {"checkpoint": parents.checkpoint}, self._yaml(subject))
        both = {"checkpoint": parents.checkpoint, "task": self.data.tasks[subject]}
        return self.new_unit("indicators", label, self._tuned(name) if kind == "tuned" else self._kshot(name), both)

    def evaluation(self, task: str, label: str, style: PromptFormat | None, tuned: Unit) -> Unit:
        """The unit that scores a fine-tuned model on a task's test items; the harness' own tasks have no ``style``."""
        metric, _ = self.study.metrics_of(task)
        if self.study.is_harness(task):
            settings = EvaluateSettings(harness=self._harness(task, None))
            return self.new_unit("evaluate", label, settings, {"checkpoint": tuned}, self._yaml(task))
        assert style is not None, "only the harness words its tasks itself"
        settings = EvaluateSettings(prompt_format=style, metric=metric, new_tokens=self._new_tokens(task))
        return self.new_unit("evaluate", label, settings, {"checkpoint": tuned, "task": self.data.tasks[task]})

    def _perplexity_of(self, name: str) -> IndicatorSettings:
        settings = PerplexitySettings(
            objective=normalise(subject_of(name)),
            tokens=self.study.indicators[name].tokens,
            length=self.study.window(name),
        )
        return IndicatorSettings(perplexity=settings)

    def _kshot(self, name: str) -> IndicatorSettings:
        options, task = self.study.indicators[name], subject_of(name)
        settings = KshotSettings(
            shots=options.shots if options.shots is not None else DEFAULT_SHOTS[self.study.families[task]],
            prompt_format=options.prompt_format,
            max_items=options.max_items or DEFAULT_ITEMS,
            items=self.spec.items,
            metric=self.study.metrics_of(task)[0],
            new_tokens=self._new_tokens(task),
        )
        return IndicatorSettings(kshot=settings)

    def _new_tokens(self, task: str) -> int | None:
        entry = self.spec.tasks.get(task)
        if entry is None or entry.new_tokens is not None:
            return entry.new_tokens if entry else None
        return ROUGE_TOKENS if "rouge_l" in (entry.metric, *entry.metrics) else None

    def _tuned(self, name: str) -> IndicatorSettings:
        options, finetune = self.study.indicators[name], self.spec.finetune
        assert finetune is not None, "checked: a tiny fine-tuning takes its settings from the section"
        tuning = Tuning(**{key: getattr(finetune, key) for key in Tuning.model_fields})
        settings = TinyFinetuneSettings(
            tuning=without(tuning, *NOT_TINY), examples=options.examples, max_items=options.max_items or DEFAULT_ITEMS
        )
        return IndicatorSettings(tuned=settings)

    def _harness(self, task: str, indicator: str | None) -> HarnessSettings:
        """Of a task of the harness: as the indicator of that name, or as outcome (None)."""
        entry = self.spec.tasks[task]
        options = self.study.indicators[indicator] if indicator else None
        others = self.study.tested if indicator else {subject_of(name) for name in self.study.of_kind("kshot")}
        shared = self.spec.items == "disjoint" and any(self._documents(task) & self._documents(one) for one in others)
        part = ("indicator" if indicator else "outcome") if shared else "all"
        return HarnessSettings(
            task=entry.harness,
            shots=options.shots if options else 0,
            max_items=options.max_items if options else None,
            part=part,
            items=self.spec.items,
            metric=entry.metric,
            hub=self._hub(task),
            revision=entry.revision,
            allow_code=entry.allow_code,
        )

    def _documents(self, task: str) -> frozenset[str]:
        """Where the documents of a task of the harness come from, whatever the study calls it; nothing for ours."""
        from ptp_core.measure.harness_files import documents_of

        if task not in self._documents_of:
            self._documents_of[task] = documents_of(self._file(task)) if self.study.is_harness(task) else frozenset()
        return self._documents_of[task]

    def _hub(self, task: str) -> str | None:
        """The data set of a hub that a task of the harness reads."""
        from ptp_core.measure.harness_files import hub_of

        return hub_of(self._file(task))

    def _file(self, task: str) -> TaskFile:
        """The YAML of a task of the harness, read once: a group has dozens, and every checkpoint is asked."""
        from ptp_core.measure.harness_check import find_task

        if task not in self._files:
            settings = HarnessSettings(task=self.spec.tasks[task].harness)
            where = self.study.where(*harness_place(self.study, task))
            self._files[task] = find_task(settings, harness_yaml(self.study, task), where)
        return self._files[task]

    def _yaml(self, task: str) -> Inputs:
        from ptp_core.measure.harness_files import files_of

        yaml = harness_yaml(self.study, task)
        return {"yaml": tuple((path, self.digest_of(path)) for path in files_of(yaml))} if yaml else {}

    def _plugin(self, name: str, label: str, parents: IndicatorParents) -> Unit:
        path = self.plugin_files.get(name)
        if path is None:
            raise unknown_plugin(self.study, name, list(self.plugin_files))
        tasks = {f"task/{task}": self.data.tasks[task] for task in self.study.indicators[name].tasks}
        settings = IndicatorSettings(plugin=PluginSettings(name=name))
        inputs = {"plugin": tuple((file, self.digest_of(file)) for file in (path, *imported_beside(path)))}
        return self.new_unit("indicators", label, settings, parents.text | tasks, inputs)

    @cached_property
    def plugin_files(self) -> dict[str, Path]:
        """Indicator → the file that declares it."""
        return plugin_files(self.study)


def harness_place(study: LoadedStudy, task: str) -> tuple[str, ...]:
    """Where a spec names a task of the harness."""
    return ("tasks", task, "harness" if study.spec.tasks[task].harness else "yaml")


def harness_yaml(study: LoadedStudy, task: str) -> Path | None:
    """The YAML that a spec gives for a task; None for one that the harness knows by name."""
    text = study.spec.tasks[task].yaml
    return study.resolve(text, *harness_place(study, task)) if text else None


def plugin_files(study: LoadedStudy) -> dict[str, Path]:
    """Indicator → the file among ``plugins`` that declares it. Raises UserError for files that cannot be used."""
    found: dict[str, Path] = {}
    for i, text in enumerate(study.spec.plugins):
        place = ("plugins", i)
        path = study.resolve(text, *place)
        if not path.is_file():
            raise UserError("no such file", where=study.where(*place), subject=dotted(place), got=str(path))
        for name in declared(path):
            if name in found:
                what = f'indicator "{name}" is declared by {found[name].name} as well'
                raise UserError(what, where=study.where(*place), subject=dotted(place), fix="rename one of them")
            found[name] = path
    return found


def unknown_plugin(study: LoadedStudy, name: str, declared: list[str]) -> UserError:
    """What to say of an indicator that is neither ours nor declared by a plug-in."""
    from ptp_core.errors import did_you_mean, shorten
    from ptp_core.spec.check_indicators import examples

    place = ("indicators", name if isinstance(study.spec.indicators, dict) else list(study.spec.indicators).index(name))
    fix = did_you_mean(name, [*examples(study), *declared])
    return UserError(f"unknown indicator {shorten(name)}", where=study.where(*place), subject=dotted(place), fix=fix)
