"""A study as a graph of jobs: pure, from the spec and the digests of the files it names."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from ptp_core.engine.data_units import DataUnits
from ptp_core.engine.existing import existing_files
from ptp_core.engine.measure_units import IndicatorParents, MeasureUnits
from ptp_core.engine.units import DigestOf, Graph, Job, Outcome, Part, Point, Unit, VariantUnits
from ptp_core.errors import UserError
from ptp_core.spec.checkpoints import Checkpoint, ImportSettings, ImportTokenizerSettings
from ptp_core.spec.finetune import Finetune, FinetuneSettings, Tuning
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.pretrain import AnnealSettings, PretrainSettings, Recipe, Variant, View
from ptp_core.spec.quantities import WHOLE


def build(study: LoadedStudy, digest_of: DigestOf, unresolved: list[UserError] | None = None) -> Graph:
    """The graph of a study; empty if it only reads measurements. Raises UserError for files that are not there.

    With a list ``unresolved``, texts, tasks and tokenizers that are not there are told in it instead.
    """
    if study.spec.pretrain is None and not study.spec.checkpoints:
        return Graph((), (), {})
    return _Builder(study, digest_of, unresolved).graph()


class _Builder:
    def __init__(self, study: LoadedStudy, digest_of: DigestOf, unresolved: list[UserError] | None) -> None:
        self.study, self.spec, self.digest_of = study, study.spec, digest_of
        self.data = DataUnits(study, digest_of, unresolved)
        self.indicators = MeasureUnits(study, self.data, digest_of)
        self.shards_of: dict[str, Mapping[str, Unit]] = {}
        """Fingerprint of a checkpoint's tokenizer → domain → the text in its tokens."""

    def graph(self) -> Graph:
        trained = [self._trained(variant) for variant in self.study.variants]
        existing = list(self._existing())
        variants = (*trained, *existing)
        singles = [self.data.tokenizer, *self.data.shards.values()] if trained else []
        singles += [*self.data.tasks.values(), *self._units_of_existing(existing)]
        jobs = [Job(unit.stage, unit.label, (unit,)) for unit in singles]
        jobs += [job for v in variants for job in v.jobs()]
        return Graph(tuple(jobs), variants, {unit.fingerprint: job for job in jobs for unit in job.units})

    def _existing(self) -> Iterator[VariantUnits]:
        first: dict[str, str] = {}
        for i, entry in enumerate(self.spec.checkpoints):
            unit = existing_checkpoint(self.study, i, self.digest_of)
            twin = first.setdefault(unit.fingerprint, entry.name)
            if twin != entry.name:
                what = f'checkpoints "{twin}" and "{entry.name}" are the same model'
                raise UserError(what, where=self.study.where("checkpoints", i), fix="remove one of them")
            yield self._variant(entry, unit, self._shards_in(unit.parents["tokenizer"].whole))

    def _shards_in(self, tokenizer: Unit) -> Mapping[str, Unit]:
        """The text in the tokens of an existing model; models with one tokenizer share it."""
        wanted = bool(self.study.of_kind("ppl", "plugin"))
        return self.shards_of.setdefault(tokenizer.fingerprint, self.data.shards_in(tokenizer) if wanted else {})

    def _units_of_existing(self, existing: list[VariantUnits]) -> list[Unit]:
        """Tokenizers and texts of existing models, each once."""
        tokenizers = [v.checkpoint.parents["tokenizer"].whole for v in existing]
        texts = [unit for shards in self.shards_of.values() for unit in shards.values()]
        return [*{unit.fingerprint: unit for unit in tokenizers}.values(), *texts]

    def _trained(self, variant: Variant) -> VariantUnits:
        checkpoint = self._checkpoint(variant)
        points = tuple(self._points(variant, checkpoint))
        return self._variant(variant, checkpoint, self.data.shards, points)

    def _points(self, variant: Variant, run: Unit) -> Iterator[Point]:
        recipe = variant.recipe
        for tokens in recipe.checkpoints:
            checkpoint: Unit | Part = Part(run, f"checkpoints/{tokens}")
            label = f"{variant.name} at {tokens}"
            if recipe.anneal:
                assert isinstance(run.settings, PretrainSettings)
                settings = AnnealSettings(run=run.settings, tokens=tokens)
                checkpoint = Unit("anneal", label, settings, {"checkpoint": checkpoint, **run.parents})
            indicators = self._indicators(label, checkpoint, self.data.shards)
            tuned = self.spec.finetune if tokens in self.study.tuned_on_the_way(variant) else None
            outcomes = self._outcomes(label, checkpoint, tuned.on_the_way) if tuned else ()
            yield Point(tokens, checkpoint, indicators, tuple(outcomes))

    def _variant(
        self,
        variant: Variant | Checkpoint,
        checkpoint: Unit,
        shards: Mapping[str, Unit],
        points: tuple[Point, ...] = (),
    ) -> VariantUnits:
        indicators, finetune = self._indicators(variant.name, checkpoint, shards), self.spec.finetune
        outcomes = tuple(self._outcomes(variant.name, checkpoint, finetune)) if finetune else ()
        return VariantUnits(variant, checkpoint, indicators, outcomes, points)

    def _checkpoint(self, variant: Variant) -> Unit:
        settings = PretrainSettings(
            recipe=variant.recipe,
            model=self.study.model_of(variant.recipe),
            weights=self.study.weights(variant.recipe.mixture),
            views=self._views(variant.recipe),
        )
        parents = {f"shards/{domain}": self.data.shards[domain] for domain in settings.weights}
        return Unit("pretrain", variant.name, settings, {"tokenizer": self.data.tokenizer} | parents)

    def _views(self, recipe: Recipe) -> dict[str, View]:
        """What the variant sees of each source of its mixture: its own wish, or else the source's."""
        found = {}
        for domain in self.study.weights(recipe.mixture):
            source = self.data.sources.get(domain) if self.data.data.sources else None
            whole, tagged = (source.length_quantile, source.tag) if source else (WHOLE, False)
            view = View(
                length_quantile=recipe.length_quantile or whole, tag=tagged if recipe.tags is None else recipe.tags
            )
            if view != View():
                found[domain] = view
        return found

    def _indicators(self, label: str, checkpoint: Unit | Part, shards: Mapping[str, Unit]) -> dict[str, Unit]:
        parents = IndicatorParents(checkpoint, shards)
        return {name: self.indicators.unit(name, f"{label} {name}", parents) for name in self.study.indicators}

    def _outcomes(self, variant: str, checkpoint: Unit | Part, finetune: Finetune) -> Iterator[Outcome]:
        tuning = Tuning(**{name: getattr(finetune, name) for name in Tuning.model_fields})
        for task, seed in itertools.product(finetune.tasks, finetune.seeds):
            label = f"{variant} {task} seed {seed}"
            settings = FinetuneSettings(tuning=tuning, seed=seed)
            tuned = Unit("finetune", label, settings, {"checkpoint": checkpoint, "task": self.data.tasks[task]})
            for test in self.study.tests_of(task):
                # A task of the harness is worded by itself, in one way.
                formats = (None,) if self.study.is_harness(test) else self.study.test_formats
                for style in formats:
                    where = label if test == task else f"{label} on {test}"
                    # Two results of one stage go by two names, as the lines of a lock must.
                    where = where if len(formats) == 1 else f"{where} as {style}"
                    unit = self.indicators.evaluation(test, where, style, tuned)
                    yield Outcome(task, seed, test, style, unit)


def existing_checkpoint(study: LoadedStudy, i: int, digest_of: DigestOf) -> Unit:
    """The import of the i-th checkpoint, and of its tokenizer. Raises UserError if its files are not there."""
    entry = study.spec.checkpoints[i]
    files = existing_files(study, i)
    digests = {role: tuple((path, digest_of(path)) for path in paths) for role, paths in files.items()}
    model, tokenizer = (
        {role: found for role, found in digests.items() if role == wanted} for wanted in ("model", "tokenizer")
    )
    origin = entry.tokenizer_origin
    settings = ImportTokenizerSettings(hub=origin.hub, revision=origin.revision)
    parent = Unit("import_tokenizer", f"tokenizer of {entry.name}", settings, inputs=tokenizer)
    imported = ImportSettings(hub=entry.hub, revision=entry.revision, context=entry.context)
    return Unit("import", entry.name, imported, {"tokenizer": parent}, model)
