"""A study as a graph of jobs: pure, from the spec and the digests of the files it names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from ptp_core.data.json_lines import matching_files
from ptp_core.data.sources import common_format
from ptp_core.data.tokenizer import CONFIG, EXISTING, FILE
from ptp_core.engine.stages import STAGES
from ptp_core.identity.canonical import digest
from ptp_core.identity.fingerprint import ID_LENGTH, fingerprint
from ptp_core.spec.data import Data, Reading, ShardSettings, Source, TaskSettings, Tokenizer, TokenizerSettings
from ptp_core.spec.explain_errors import dotted
from ptp_core.spec.finetune import FinetuneSettings, Tuning
from ptp_core.spec.indicators import EvaluateSettings, IndicatorSettings
from ptp_core.spec.load import LoadedStudy
from ptp_core.spec.objective import normalise
from ptp_core.spec.pretrain import PretrainSettings, Recipe, Variant, View
from ptp_core.spec.quantities import WHOLE
from ptp_core.spec.world import World

DigestOf = Callable[[Path], str]
S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True)
class Unit:
    """One result of the store: its fingerprint, and what is needed to make it."""

    stage: str
    label: str
    settings: BaseModel
    parents: Mapping[str, Unit] = field(default_factory=dict)
    inputs: Mapping[str, tuple[tuple[Path, str], ...]] = field(default_factory=dict)
    """Role → (file, sha256)."""

    @cached_property
    def fingerprint(self) -> str:
        stage = STAGES[self.stage]
        return fingerprint(
            self.stage,
            self.settings,
            {role: parent.fingerprint for role, parent in self.parents.items()},
            # Digests in the order of the files' names, which decides the order of the text; the names do not count.
            {role: digest([value for _, value in files]) for role, files in self.inputs.items()},
            stage.code,
            stage.versions,
        )

    @property
    def id(self) -> str:
        return self.fingerprint[:ID_LENGTH]


@dataclass(frozen=True)
class Job:
    """What one process does: one unit, or several that share a loaded model."""

    stage: str
    label: str
    units: tuple[Unit, ...]

    @cached_property
    def id(self) -> str:
        if len(self.units) == 1:
            return self.units[0].id
        return digest([unit.fingerprint for unit in self.units])[:ID_LENGTH]


@dataclass(frozen=True)
class VariantUnits:
    """All results of one variant."""

    variant: Variant
    checkpoint: Unit
    indicators: Mapping[str, Unit]
    outcomes: Mapping[tuple[str, int], Unit]
    """(task, seed) → its evaluation."""


@dataclass(frozen=True)
class Graph:
    """All jobs of a study, parents before children, and the results of each variant."""

    jobs: tuple[Job, ...]
    variants: tuple[VariantUnits, ...]
    job_of_unit: Mapping[str, Job]

    def parents(self, job: Job) -> list[Job]:
        """The jobs whose receipts a job waits for, each once."""
        found = {
            self.job_of_unit[parent.fingerprint].id: self.job_of_unit[parent.fingerprint]
            for unit in job.units
            for parent in unit.parents.values()
        }
        return list(found.values())


def build(study: LoadedStudy, digest_of: DigestOf) -> Graph:
    """The graph of a study; empty if it only reads measurements. Raises UserError for files that are not there."""
    if study.spec.pretrain is None:
        return Graph((), (), {})
    return _Builder(study, digest_of).graph()


class _Builder:
    def __init__(self, study: LoadedStudy, digest_of: DigestOf) -> None:
        self.study, self.spec, self.digest_of = study, study.spec, digest_of
        assert study.spec.data is not None
        self.data: Data = study.spec.data
        # Mixtures name domains, so an unused domain is still tokenised: held-out perplexity covers all of them.
        self.tokenizer = self._tokenizer()
        self.shards = {domain: self._shards(domain) for domain in study.domains}
        wanted = {name.removeprefix("kshot_") for name in study.indicators if name.startswith("kshot_")}
        wanted |= set(self.spec.finetune.tasks if self.spec.finetune else ())
        self.tasks = {name: self._task(name) for name in sorted(wanted)}

    def graph(self) -> Graph:
        variants = tuple(self._variant(variant) for variant in self.study.variants)
        singles = [self.tokenizer, *self.shards.values(), *self.tasks.values()]
        jobs = [Job(unit.stage, unit.label, (unit,)) for unit in singles]
        for v in variants:
            tunings = tuple(unit.parents["checkpoint"] for unit in v.outcomes.values())
            jobs.append(Job("pretrain", v.variant.name, (v.checkpoint,)))
            for stage, units in (
                ("indicators", tuple(v.indicators.values())),
                ("finetune", tunings),
                ("evaluate", tuple(v.outcomes.values())),
            ):
                if units:
                    jobs.append(Job(stage, v.variant.name, units))
        return Graph(tuple(jobs), variants, {unit.fingerprint: job for job in jobs for unit in job.units})

    def _files(self, patterns: Iterable[str], *place: str | int) -> tuple[tuple[Path, str], ...]:
        where, subject = self.study.where(*place), ".".join(str(part) for part in place)
        paths = [p for text in patterns for p in matching_files(self.study.resolve(text, *place), where, subject)]
        return tuple((path, self.digest_of(path)) for path in paths)

    @cached_property
    def _source_files(self) -> dict[str, tuple[tuple[Path, str], ...]]:
        """Domain → its files; a data set of the hub has none."""
        return {
            source.name: self._files((source.path,) if isinstance(source.path, str) else source.path, *place)
            for source, place in self._places()
            if source.path is not None
        }

    def _places(self) -> Iterator[tuple[Source, tuple[str | int, ...]]]:
        return ((source, ("data", "sources", i, "path")) for i, source in enumerate(self.data.sources))

    @cached_property
    def _sources(self) -> dict[str, Source]:
        """The sources by domain, with their formats made out: names of files do not count, what they mean does."""
        found = {}
        for source, place in self._places():
            if source.path is not None:
                paths = [path for path, _ in self._source_files[source.name]]
                kind = common_format(source, paths, self.study.where(*place), dotted(place))
                source = source.model_copy(update={"format": kind})
            found[source.name] = source
        return found

    def _tokenizer(self) -> Unit:
        wanted = self.data.tokenizer
        if self.data.world:
            world = self._world("words", "train_items", "test_items")
            return Unit("tokenizer", "tokenizer", TokenizerSettings(world=world, tokenizer=wanted))
        if wanted.exists:
            settings = TokenizerSettings(tokenizer=_without(wanted, "sample_characters"))
            return Unit("tokenizer", "tokenizer", settings, inputs=self._existing_tokenizer(wanted))
        settings = TokenizerSettings(
            # Nothing is counted in tokens before there is a tokenizer, and views of a domain do not change its text.
            sources=tuple(_without(s, "max_tokens", "length_quantile", "tag") for s in self._sources.values()),
            tokenizer=wanted,
            held_out_share=self.data.held_out_share,
        )
        return Unit("tokenizer", "tokenizer", settings, inputs=self._source_files)

    def _existing_tokenizer(self, wanted: Tokenizer) -> dict[str, tuple[tuple[Path, str], ...]]:
        if wanted.path is None:
            return {}
        patterns = [f"{wanted.path}/{name}" for name in (FILE, CONFIG)]
        return {EXISTING: self._files(patterns, "data", "tokenizer", "path")}

    def _world(self, *without: str) -> World | None:
        """The world with the given fields at their defaults: what a result does not depend on is not its identity."""
        return _without(self.data.world, *without) if self.data.world else None

    def _shards(self, domain: str) -> Unit:
        source = self._sources.get(domain)
        if source is None:
            settings = ShardSettings(domain=domain, world=self._world("train_items", "test_items"))
        else:
            reading = {name: getattr(source, name) for name in Reading.model_fields}
            settings = ShardSettings(domain=domain, held_out_share=self.data.held_out_share, **reading)
        inputs = {domain: files} if (files := self._source_files.get(domain)) else {}
        return Unit("shards", domain, settings, {"tokenizer": self.tokenizer}, inputs)

    def _task(self, name: str) -> Unit:
        if name not in self.spec.tasks:
            settings = TaskSettings(family=self.study.families[name], world=self._world("words"))
            return Unit("task", name, settings)
        task = self.spec.tasks[name]
        settings = TaskSettings(family=task.family, max_train=task.max_train, max_test=task.max_test)
        inputs = {split: self._files((getattr(task, split),), "tasks", name, split) for split in ("train", "test")}
        return Unit("task", name, settings, inputs=inputs)

    def _variant(self, variant: Variant) -> VariantUnits:
        checkpoint = self._checkpoint(variant)
        indicators = {name: self._indicator(name, variant, checkpoint) for name in self.study.indicators}
        finetune = self.spec.finetune
        assert finetune is not None
        outcomes = {
            (task, seed): self._outcome(task, seed, variant, checkpoint)
            for task in finetune.tasks
            for seed in finetune.seeds
        }
        return VariantUnits(variant, checkpoint, indicators, outcomes)

    def _checkpoint(self, variant: Variant) -> Unit:
        settings = PretrainSettings(
            recipe=variant.recipe,
            model=self.study.model_of(variant.recipe),
            weights=self.study.weights(variant.recipe.mixture),
            views=self._views(variant.recipe),
        )
        parents = {f"shards/{domain}": self.shards[domain] for domain in settings.weights}
        return Unit("pretrain", variant.name, settings, {"tokenizer": self.tokenizer} | parents)

    def _views(self, recipe: Recipe) -> dict[str, View]:
        """What the variant sees of each source of its mixture: its own wish, or else the source's."""
        found = {}
        for domain in self.study.weights(recipe.mixture):
            source = self._sources.get(domain)
            whole, tagged = (source.length_quantile, source.tag) if source else (WHOLE, False)
            view = View(
                length_quantile=recipe.length_quantile or whole, tag=tagged if recipe.tags is None else recipe.tags
            )
            if view != View():
                found[domain] = view
        return found

    def _indicator(self, name: str, variant: Variant, checkpoint: Unit) -> Unit:
        options, label = self.study.indicators[name], f"{variant.name} {name}"
        if name.startswith("kshot_"):
            task = name.removeprefix("kshot_")
            shots = options.shots if options.shots is not None else DEFAULT_SHOTS[self.study.families[task]]
            settings = IndicatorSettings(kind="kshot", shots=shots, items=options.items)
            return Unit("indicators", label, settings, {"checkpoint": checkpoint, "task": self.tasks[task]})
        settings = IndicatorSettings(
            kind="ppl",
            objective=normalise(name.removeprefix("ppl_")),
            tokens=options.tokens,
            # One length for all variants, or their perplexities could not be compared.
            length=self.study.context,
        )
        shards = {f"shards/{domain}": unit for domain, unit in self.shards.items()}
        return Unit("indicators", label, settings, {"checkpoint": checkpoint} | shards)

    def _outcome(self, task: str, seed: int, variant: Variant, checkpoint: Unit) -> Unit:
        assert self.spec.finetune is not None
        label = f"{variant.name} {task} seed {seed}"
        tuning = Tuning(**{name: getattr(self.spec.finetune, name) for name in Tuning.model_fields})
        items = self.tasks[task]
        tuned = Unit(
            "finetune", label, FinetuneSettings(tuning=tuning, seed=seed), {"checkpoint": checkpoint, "task": items}
        )
        return Unit("evaluate", label, EvaluateSettings(), {"checkpoint": tuned, "task": items})


def _without(settings: S, *names: str) -> S:
    """Settings with the given fields at their defaults: what a result does not depend on is not its identity."""
    return settings.model_copy(update={name: type(settings).model_fields[name].default for name in names})


DEFAULT_SHOTS = {"cms": 1, "rag": 5, "cbqa": 5}
"""Examples by family (Zeng et al. 2025)."""


def settings_json(settings: BaseModel) -> dict[str, Any]:
    """All values of a unit's settings, defaults spelled out: what the job reads."""
    return settings.model_dump(mode="json")
