"""What can be wrong between the sections of a spec."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ptp_core.errors import UserError, did_you_mean, shorten
from ptp_core.spec.check_columns import check_columns
from ptp_core.spec.check_indicators import check_indicators
from ptp_core.spec.check_intermediate import check_intermediate
from ptp_core.spec.check_scaling import check_dynamics, check_scaling
from ptp_core.spec.explain_errors import dotted
from ptp_core.spec.loaded import WORLD_FAMILIES, LoadedStudy
from ptp_core.spec.pretrain import Recipe
from ptp_core.spec.yaml_lines import PlacePath

MIN_VARIANTS = 4
"""Fewer variants than this make fewer than six pairs: nothing can be said about an indicator."""


def _fault(study: LoadedStudy, place: PlacePath, what: str, **details: Any) -> UserError:
    return UserError(what, where=study.where(*place), subject=dotted(place), **details)


def check_sections(study: LoadedStudy) -> Iterator[UserError]:
    spec = study.spec
    if spec.pretrain is None and not spec.checkpoints and not spec.measurements:
        sections = "a section `pretrain`, `checkpoints` or `measurements`"
        yield _fault(study, (), "nothing to compare", expected=sections)
    no_outcome = all(table.outcome_names == () for table in spec.measurements)
    if spec.measurements and not spec.finetune and not spec.scaling and no_outcome:
        fix = "map at least one column under `outcomes`"
        yield _fault(study, ("measurements",), "no table has an outcome", fix=fix)
    if spec.pretrain is not None and spec.data is None:
        yield _fault(study, ("pretrain",), "pre-training variants needs a section `data` as well")
    if spec.pretrain is not None and not (spec.finetune or spec.scaling):
        yield _fault(study, ("pretrain",), "pre-training variants needs a section `finetune` or `scaling` as well")
    yield from _check_mixtures(study)
    yield from _check_checkpoints(study)
    yield from _check_tasks(study)
    yield from check_indicators(study)
    yield from check_columns(study)


def _check_checkpoints(study: LoadedStudy) -> Iterator[UserError]:
    spec = study.spec
    if spec.checkpoints and not (spec.finetune or spec.scaling):
        yield _fault(study, ("checkpoints",), "comparing checkpoints needs a section `finetune` or `scaling` as well")
    if spec.checkpoints and spec.data is None and study.of_kind("ppl"):
        yield _fault(study, ("indicators",), "a perplexity needs text to measure it on", fix="add a section `data`")


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
    for key in ("tasks", "test_on"):
        names = getattr(spec.finetune, key) if spec.finetune else ()
        for i, task in enumerate(() if isinstance(names, str) else names):
            if task not in study.families:
                fix = did_you_mean(task, study.families)
                yield _fault(study, ("finetune", key, i), f'unknown task "{task}"', fix=fix)
            elif key == "tasks" and task in spec.tasks and spec.tasks[task].train is None:
                fix = "give the task a `train` file; to be scored only, list it under test_on"
                yield _fault(study, ("finetune", key, i), f'task "{task}" has nothing to fine-tune on', fix=fix)


def check_variants(study: LoadedStudy) -> Iterator[UserError]:
    spec = study.spec
    count = len(study.variants) + len(spec.checkpoints)
    if count and count < MIN_VARIANTS and not spec.measurements:
        place = ("pretrain",) if spec.pretrain else ("checkpoints",)
        yield _fault(study, place, "too few variants to compare", expected=f"at least {MIN_VARIANTS}", got=count)
    yield from _check_names(study)
    yield from _check_windows(study)
    if spec.pretrain:
        known = set(spec.mixtures) | ({"uniform"} if not spec.mixtures else set())
        for i, variant in enumerate(study.variants):
            yield from _check_recipe(study, variant.recipe, known, _writer(study, i))
    yield from check_intermediate(study)
    yield from check_scaling(study)
    yield from check_dynamics(study)
    yield from _check_primary(study)
    yield from _check_select(study)


def _check_windows(study: LoadedStudy) -> Iterator[UserError]:
    named = all(variant.recipe.model for variant in study.variants)
    for name in study.of_kind("ppl") if study.variants and (named or study.spec.model) else ():
        if study.window(name) > study.context:
            place = ("indicators", name, "length")
            yield _fault(study, place, "the window is longer than model.context", got=study.window(name))


def _check_names(study: LoadedStudy) -> Iterator[UserError]:
    names = {variant.name.lower() for variant in study.variants}
    for i, checkpoint in enumerate(study.spec.checkpoints):
        if checkpoint.name.lower() in names:
            what = f'two variants are called "{checkpoint.name}"'
            yield _fault(study, ("checkpoints", i, "name"), what, fix="rename one of them")
        names.add(checkpoint.name.lower())


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
    for tokens in recipe.checkpoints:
        if recipe.step_of(tokens) >= recipe.steps:
            what = f"a checkpoint after {tokens} tokens is not before the end of {recipe.tokens} tokens"
            yield _fault(study, place("checkpoints"), what, fix="leave it out; the end is always kept")
    for one, next_one in itertools.pairwise(recipe.checkpoints):
        if recipe.step_of(one) == recipe.step_of(next_one):
            what = f"{one} and {next_one} tokens are reached by the same step of {batch} tokens"
            yield _fault(study, place("checkpoints"), what, fix="leave one of them out")
    if recipe.anneal and not recipe.checkpoints:
        fix = "list token counts under `checkpoints`"
        yield _fault(study, place("anneal"), "there are no checkpoints to anneal", fix=fix)
    rows, processes = batch // length, study.spec.execution.processes
    if rows % processes:
        what = f"a batch of {rows} rows cannot be shared by {processes} processes"
        fix = "use as many processes as divide batch_tokens / sequence_length"
        yield _fault(study, ("execution", "devices"), what, fix=fix)


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
    tables = [table.outcome_names for table in spec.measurements]
    outcomes = None if None in tables else {*study.outcome_columns, *_all_of(tables)}
    tables = [table.indicator_names for table in spec.measurements]
    indicators = None if None in tables else {*study.indicator_columns, *_all_of(tables)}
    for kind, name, known in (("outcome", primary.outcome, outcomes), ("indicator", primary.indicator, indicators)):
        # What only a file knows is looked for when the file is read.
        if name is not None and known is not None and name not in known:
            what = f"unknown {kind} {shorten(name)}"
            yield _fault(study, ("select", "primary", kind), what, fix=did_you_mean(name, known))


def _check_select(study: LoadedStudy) -> Iterator[UserError]:
    """Outcomes and settings that the analysis is told of, where the spec alone says which there are."""
    spec, select = study.spec, study.spec.select
    tables = [table.outcome_names for table in spec.measurements]
    if None not in tables:
        outcomes = {*study.outcome_columns, *_all_of(tables)}
        named = {("chance",): select.chance, ("ceiling",): select.ceiling}
        for place, values in (named | {("published", name): v for name, v in select.published.items()}).items():
            for name in values.keys() - outcomes:
                what = f"unknown outcome {shorten(name)}"
                yield _fault(study, ("select", *place, name), what, fix=did_you_mean(name, outcomes))
    columns = [table.config_names for table in spec.measurements]
    if None not in columns:
        settings = {*study.config_columns, *_all_of(columns)}
        for field, column in (("nuisance", select.nuisance), ("clusters", select.clusters)):
            if column is not None and column not in settings:
                what = f"unknown configuration column {shorten(column)}"
                yield _fault(study, ("select", field), what, fix=did_you_mean(column, settings))


def _all_of(tables: Iterable[tuple[str, ...] | None]) -> set[str]:
    return {name for names in tables for name in names or ()}
