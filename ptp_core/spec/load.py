"""Read a study: YAML, models, variants, and the checks that span several sections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ptp_core.errors import UserError, UserErrors, Where, did_you_mean, shorten
from ptp_core.spec.expand import expand
from ptp_core.spec.explain_errors import dotted, line_of, translate
from ptp_core.spec.indicators import IndicatorOptions
from ptp_core.spec.model import Model, model_of_preset
from ptp_core.spec.paths import expand_variables
from ptp_core.spec.pretrain import Recipe, Variant
from ptp_core.spec.study import Study
from ptp_core.spec.yaml_lines import Lines, PlacePath, load_yaml

MIN_VARIANTS = 4
"""Fewer variants than this make fewer than six pairs: nothing can be said about an indicator."""

WORLD_DOMAINS = ("facts", "reading", "stories", "code")
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

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains of text that mixtures may weigh."""
        data = self.spec.data
        if data is None:
            return ()
        return WORLD_DOMAINS if data.world else tuple(source.name for source in data.sources)

    @property
    def families(self) -> dict[str, str]:
        """Task name → family (cms, rag or cbqa)."""
        world = WORLD_FAMILIES if self.spec.data and self.spec.data.world else {}
        return world | {name: task.family for name, task in self.spec.tasks.items()}

    @property
    def indicators(self) -> dict[str, IndicatorOptions]:
        """Indicator name → its options."""
        chosen = self.spec.indicators
        return dict(chosen) if isinstance(chosen, dict) else {name: IndicatorOptions() for name in chosen}

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

    def resolve(self, text: str, *place: str | int) -> Path:
        """A path as written in the spec: ${VARIABLES} expanded, relative to the spec's folder."""
        where, subject = self.where(*place), dotted(place)
        if "\0" in text:
            raise UserError("no file has such a name", where=where, subject=subject, got=text)
        return self.path.parent / expand_variables(text, where, subject)


def load_study(path: Path) -> LoadedStudy:
    """Read and check a spec; raises UserError (often several at once) with file:line for every fault."""
    data, lines = load_yaml(path)
    if not isinstance(data, dict):
        raise UserError(
            "this is not a study", where=Where(path), expected="keys and values, `study: <name>` first", got=data
        )
    try:
        spec = Study.model_validate(data)
    except ValidationError as error:
        raise UserErrors(translate(error, Study, data, path, lines)) from None
    bare = LoadedStudy(path, spec, (), lines)
    _raise_all(_check_sections(bare))
    variants = expand(spec.pretrain, spec.seed, path, lines) if spec.pretrain else []
    loaded = LoadedStudy(path, spec, tuple(variants), lines)
    _raise_all(_check_variants(loaded))
    return loaded


def _raise_all(errors: Iterable[UserError]) -> None:
    # A fault that many variants share is said once.
    found = {str(error): error for error in errors}
    if found:
        raise UserErrors(found.values())


def _fault(study: LoadedStudy, place: PlacePath, what: str, **details: Any) -> UserError:
    return UserError(what, where=study.where(*place), subject=dotted(place), **details)


def _check_sections(study: LoadedStudy) -> Iterator[UserError]:
    spec = study.spec
    if spec.pretrain is None and not spec.measurements:
        yield _fault(study, (), "nothing to compare", expected="a section `pretrain` or `measurements`")
    if spec.measurements and not spec.finetune and not any(table.outcomes for table in spec.measurements):
        yield _fault(
            study, ("measurements",), "no table has an outcome", fix="map at least one column under `outcomes`"
        )
    if spec.pretrain is not None:
        for section in ("data", "finetune"):
            if getattr(spec, section) is None:
                yield _fault(study, ("pretrain",), f"pre-training variants needs a section `{section}` as well")
    yield from _check_mixtures(study)
    yield from _check_tasks(study)
    yield from _check_indicators(study)


def _check_mixtures(study: LoadedStudy) -> Iterator[UserError]:
    first: dict[tuple[tuple[str, float], ...], str] = {}
    for name, weights in study.spec.mixtures.items():
        for domain in weights:
            place = ("mixtures", name, domain)
            if study.domains and domain not in study.domains:
                yield _fault(study, place, f'unknown domain "{domain}"', fix=did_you_mean(domain, study.domains))
        if sum(weights.values()) <= 0:
            yield _fault(study, ("mixtures", name), "the weights add up to nothing", fix="give a domain a weight > 0")
            continue
        # The variants of both would be trained alike, and count as two.
        twin = first.setdefault(tuple(study.weights(name).items()), name)
        if twin != name:
            yield _fault(study, ("mixtures", name), f'this is the same mixture as "{twin}"', fix="remove one of them")


def _check_tasks(study: LoadedStudy) -> Iterator[UserError]:
    spec = study.spec
    if spec.data and spec.data.world:
        for name in spec.tasks:
            if name in WORLD_FAMILIES:
                yield _fault(study, ("tasks", name), f'the embedded world already has a task "{name}"', fix="rename it")
    for i, task in enumerate(spec.finetune.tasks if spec.finetune else ()):
        if task not in study.families:
            yield _fault(
                study, ("finetune", "tasks", i), f'unknown task "{task}"', fix=did_you_mean(task, study.families)
            )


def _check_indicators(study: LoadedStudy) -> Iterator[UserError]:
    known = {"ppl_clm", "ppl_sc"} | {f"kshot_{task}" for task in study.families}
    names = list(study.spec.indicators)
    for i, name in enumerate(names):
        place = ("indicators", name if isinstance(study.spec.indicators, dict) else i)
        if name not in known:
            yield _fault(study, place, f"unknown indicator {shorten(name)}", fix=did_you_mean(name, known))
        elif name in names[:i]:
            yield _fault(study, place, f'indicator "{name}" is listed twice')


def _check_variants(study: LoadedStudy) -> Iterator[UserError]:
    spec = study.spec
    if spec.pretrain and len(study.variants) < MIN_VARIANTS and not spec.measurements:
        yield _fault(
            study, ("pretrain",), "too few variants to compare", expected=f"at least {MIN_VARIANTS}",
            got=len(study.variants),
        )  # fmt: skip
    if spec.pretrain:
        known = set(spec.mixtures) | ({"uniform"} if not spec.mixtures else set())
        for i, variant in enumerate(study.variants):
            yield from _check_recipe(study, variant.recipe, known, _writer(study, i))
    yield from _check_primary(study)


def _writer(study: LoadedStudy, i: int) -> Callable[[str], PlacePath]:
    """Where the spec writes a key of variant ``i``: variants of the grid come first, then the included ones."""
    pretrain = study.spec.pretrain
    own = i - len(study.variants) + len(pretrain.include if pretrain else ())
    first: PlacePath = ("pretrain", "include", own) if own >= 0 else ("pretrain", "grid")

    def place(key: str) -> PlacePath:
        places = ((*first, key), ("pretrain", "defaults", key))
        return next((place for place in places if place in study.lines), ("pretrain",))

    return place


def _check_recipe(
    study: LoadedStudy, recipe: Recipe, mixtures: set[str], place: Callable[[str], PlacePath]
) -> Iterator[UserError]:
    length, batch = recipe.sequence_length, recipe.batch_tokens
    if recipe.model is None and study.spec.model is None:
        fix = "or let every variant name a preset as its `model`"
        yield _fault(study, ("pretrain",), "pre-training variants needs a section `model` as well", fix=fix)
    else:
        yield from _check_model(study, recipe, place)
    if recipe.mixture not in mixtures:
        fix = "add `mixture` to pretrain.defaults; " if recipe.mixture == "uniform" else ""
        what = f'unknown mixture "{recipe.mixture}"'
        yield _fault(study, place("mixture"), what, fix=fix + did_you_mean(recipe.mixture, mixtures))
    if batch % length:
        what = f"batch_tokens {batch} is not a multiple of sequence_length {length}"
        yield _fault(study, place("batch_tokens"), what, fix=f"write {batch + length - batch % length}")
    if recipe.tokens < batch:
        what = f"tokens {recipe.tokens} are less than one batch of {batch}"
        yield _fault(study, place("tokens"), what, fix="train on more tokens, or with a smaller batch_tokens")


def _check_model(study: LoadedStudy, recipe: Recipe, place: Callable[[str], PlacePath]) -> Iterator[UserError]:
    model, length = study.model_of(recipe), recipe.sequence_length
    if recipe.model is not None and model == study.spec.model:
        # Two variants could be trained alike under two names of one model, and count as two.
        what = f'preset "{recipe.model}" is the section `model` itself'
        yield _fault(study, place("model"), what, fix="leave it out here, or remove the section")
    if length > model.context:
        what = f"sequence_length {length} is longer than model.context {model.context}"
        yield _fault(study, place("sequence_length"), what, fix="shorten the one or enlarge the other")


def _check_primary(study: LoadedStudy) -> Iterator[UserError]:
    spec, primary = study.spec, study.spec.select.primary
    if primary is None:
        return
    outcomes = {
        *(spec.finetune.tasks if spec.finetune else ()),
        *(name for t in spec.measurements for name in t.outcomes),
    }
    indicators = {*study.indicators, *(name for table in spec.measurements for name in table.indicators)}
    for kind, name, known in (("outcome", primary.outcome, outcomes), ("indicator", primary.indicator, indicators)):
        if name is not None and name not in known:
            what = f"unknown {kind} {shorten(name)}"
            yield _fault(study, ("select", "primary", kind), what, fix=did_you_mean(name, known))
