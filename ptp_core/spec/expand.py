"""From ``pretrain: {defaults, grid, include, exclude}`` to a list of named variants."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ptp_core.errors import UserError, UserErrors, Where, did_you_mean
from ptp_core.spec.explain_errors import dotted, line_of, translate
from ptp_core.spec.fields import NAME_LENGTH
from ptp_core.spec.pretrain import Pretrain, Recipe, Variant
from ptp_core.spec.quantities import format_count, refuse_truth_value, shortest
from ptp_core.spec.yaml_lines import Lines, PlacePath

MAX_VARIANTS = 100_000
Values = dict[str, Any]


def expand(pretrain: Pretrain, seed: int, path: Path, lines: Lines) -> list[Variant]:
    """All variants, in the order of the grid (last key fastest) and then of ``include``.

    Raises UserErrors with file:line for unknown keys, bad values, an empty grid, an exclude that matches nothing,
    two variants with one name and two variants with one recipe.
    """
    reader = _Reader(path, lines)
    defaults = reader.values(pretrain.defaults, ("pretrain", "defaults"))
    grid = {key: reader.grid_axis(key, values) for key, values in pretrain.grid.items()}
    includes = [reader.include(entry, i) for i, entry in enumerate(pretrain.include)]
    excludes = [reader.values(entry, ("pretrain", "exclude", i)) for i, entry in enumerate(pretrain.exclude)]
    reader.stop_at_errors()
    cells = list(_grid_cells(grid, excludes, defaults, reader)) if grid else []
    named: list[tuple[str | None, Values, PlacePath]] = [(None, cell, ("pretrain", "grid")) for cell in cells]
    named += [(name, values, ("pretrain", "include", i)) for i, (name, values) in enumerate(includes)]
    if not named:
        raise UserError("there are no variants", where=reader.where(("pretrain",)), fix="write a grid or include list")
    axes = [key for key, values in grid.items() if len(values) > 1]
    variants = [
        reader.variant(name, defaults | values, axes, set(values), place, seed) for name, values, place in named
    ]
    reader.stop_at_errors()
    _refuse_twins([v for v in variants if v is not None], [place for _, _, place in named], reader)
    return [variant for variant in variants if variant is not None]


@cache
def _adapter(key: str) -> TypeAdapter[Any]:
    field = Recipe.model_fields[key]
    annotation: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    return TypeAdapter(annotation, config=ConfigDict(allow_inf_nan=False))


def parsed(key: str, raw: Any) -> Any:
    """The value of a recipe's field that was written as ``raw``; raises ValidationError if it is none."""
    return _adapter(key).validate_python(raw)


@cache
def _is_truth_value(key: str) -> bool:
    """Whether a field of a recipe may be true or false."""
    annotation = Recipe.model_fields[key].annotation
    return bool in (annotation, *get_args(annotation))


class _Reader:
    """Checks raw values against the fields of Recipe and collects what is wrong, with its line."""

    def __init__(self, path: Path, lines: Lines) -> None:
        self.path, self.lines = path, lines
        self.errors: dict[str, UserError] = {}
        """By message, since a fault shared by all cells of the grid is said once."""

    def where(self, place: PlacePath) -> Where:
        return Where(self.path, line_of(self.lines, place))

    def complain(self, what: str, place: PlacePath, **details: Any) -> None:
        self.add([UserError(what, where=self.where(place), subject=dotted(place), **details)])

    def add(self, errors: Iterable[UserError]) -> None:
        self.errors |= {str(error): error for error in errors}

    def stop_at_errors(self) -> None:
        if self.errors:
            raise UserErrors(self.errors.values())

    def knows(self, key: str, place: PlacePath) -> bool:
        if key not in Recipe.model_fields:
            self.complain("unknown key", place, fix=did_you_mean(key, Recipe.model_fields))
        return key in Recipe.model_fields

    def value(self, key: str, raw: Any, place: PlacePath) -> Any:
        if not self.knows(key, place):
            return None
        try:
            # Recipe's own check refuses true for a number; the adapter of one field would not.
            return _adapter(key).validate_python(raw if _is_truth_value(key) else refuse_truth_value(raw))
        except ValidationError as error:
            self.add(translate(error, Recipe, raw, self.path, self.lines, place)[:1])
        except ValueError as error:
            self.complain(str(error), place, got=raw)
        return None

    def values(self, raw: Values, place: PlacePath) -> Values:
        return {key: self.value(key, value, (*place, key)) for key, value in raw.items()}

    def grid_axis(self, key: str, raw: list[Any]) -> list[Any]:
        place: PlacePath = ("pretrain", "grid", key)
        if not self.knows(key, place):
            return []
        if not raw:
            self.complain("the list is empty, so the grid has no variants", place, fix="list values or remove the key")
        values = [self.value(key, value, (*place, i)) for i, value in enumerate(raw)]
        seen: set[Any] = set()
        for i, value in enumerate(values if not self.errors else ()):
            if value in seen:
                self.complain("this value is listed twice", (*place, i), got=raw[i])
            seen.add(value)
        return values

    def include(self, raw: Values, i: int) -> tuple[str | None, Values]:
        place: PlacePath = ("pretrain", "include", i)
        rest = {key: value for key, value in raw.items() if key != "name"}
        return raw.get("name"), self.values(rest, place)

    def variant(
        self, name: Any, values: Values, axes: list[str], own: set[str], place: PlacePath, seed: int
    ) -> Variant | None:
        try:
            own_seed = values.get("seed")
            recipe = Recipe.model_validate(values | {"seed": seed if own_seed is None else own_seed})
            extra = [key for key in values if key in own and key not in axes] if place[1] == "include" else []
            return Variant(name=name if name is not None else _name(recipe, [*axes, *extra]), recipe=recipe)
        except ValidationError as error:
            self.add(translate(error, Variant, values | {"name": name}, self.path, self.lines, place))
            return None


def _grid_cells(
    grid: dict[str, list[Any]], excludes: list[Values], defaults: Values, reader: _Reader
) -> Iterator[Values]:
    size = 1
    for values in grid.values():
        size *= len(values)
    if size > MAX_VARIANTS:
        reader.complain(f"the grid has {size:,} combinations; the limit is {MAX_VARIANTS:,}", ("pretrain", "grid"))
        reader.stop_at_errors()
    used: set[int] = set()
    for combination in itertools.product(*grid.values()):
        cell = dict(zip(grid, combination, strict=True))
        full = defaults | cell
        hits = {i for i, entry in enumerate(excludes) if all(full.get(key) == value for key, value in entry.items())}
        used |= hits
        if not hits:
            yield cell
    for i in range(len(excludes)):
        if i not in used:
            reader.complain("matches no combination of the grid", ("pretrain", "exclude", i), got=excludes[i])


def _refuse_twins(variants: list[Variant], places: list[PlacePath], reader: _Reader) -> None:
    names: dict[str, int] = {}
    recipes: dict[str, str] = {}
    for i, variant in enumerate(variants):
        first = names.setdefault(variant.name.lower(), i)
        if first != i:
            reader.complain(f'two variants are called "{variant.name}"', places[i], fix="give one of them a `name`")
        twin = recipes.setdefault(variant.recipe.model_dump_json(), variant.name)
        if twin != variant.name:
            reader.complain(f'variants "{twin}" and "{variant.name}" have the same recipe', places[i], fix="remove one")
    reader.stop_at_errors()


_SHORT = {
    "model": "",
    "objective": "",
    "mixture": "",
    "schedule": "",
    "tokens": "",
    "sequence_length": "len",
    "length_quantile": "quantile",
    "batch_tokens": "batch",
}


def _name(recipe: Recipe, keys: list[str]) -> str:
    name = "-".join(_label(key, getattr(recipe, key)) for key in keys) or "base"
    if len(name) <= NAME_LENGTH:
        return name
    # A grid of many keys: what no longer fits is told apart by a hash.
    return f"{name[: NAME_LENGTH - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _label(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return key if value else f"no-{key}"
    if isinstance(value, float):
        text = shortest(value)
    elif isinstance(value, tuple):
        text = "-".join(shortest(part) for part in value)
    else:
        text = format_count(value) if isinstance(value, int) and key != "seed" else str(value)
    return _SHORT.get(key, key) + re.sub(r"[^A-Za-z0-9_.+-]", "", text.replace(",", "x"))
