"""What changes a fingerprint, and what does not."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from ptp_core.identity.canonical import digest
from ptp_core.identity.fingerprint import content, identity_of, package_version
from ptp_core.spec.data import Data, ShardSettings, Source
from ptp_core.spec.fields import Section, execution, identity
from ptp_core.spec.finetune import Finetune, FinetuneSettings, Tuning
from ptp_core.spec.indicators import EvaluateSettings, IndicatorOptions, KshotSettings, PerplexitySettings
from ptp_core.spec.measurements import LongMapping, LongTable, TidyMapping, TidyTable, WideTable
from ptp_core.spec.model import Model
from ptp_core.spec.presets import PRESETS
from ptp_core.spec.pretrain import PretrainSettings, Recipe, Variant
from ptp_core.spec.select import Select
from ptp_core.spec.study import Execution
from ptp_core.spec.tasks import Task, TaskSettings
from ptp_core.spec.world import World

RECIPE = Recipe(tokens=1_000_000, seed=7)
MODEL = Model(**PRESETS["nano"])
LONG = LongMapping(variant="m", name="n", value="v", outcomes={"tuned": "quiz"})
SOURCE = Source(name="news", path="a.jsonl")
EXAMPLES: list[Section] = [
    RECIPE,
    MODEL,
    Tuning(),
    World(),
    IndicatorOptions(),
    Select(),
    Execution(),
    SOURCE,
    Data(world=World()),
    Data(sources=(SOURCE,)),
    ShardSettings(domain="facts"),
    TaskSettings(family="cms"),
    WideTable(path="a.csv", variant="name", indicators=("ppl",), outcomes=("sft",)),
    LongTable(path="a.csv", long=LONG),
    LONG,
    TidyTable(path="a.csv", tidy=TidyMapping()),
    TidyMapping(),
    Variant(name="clm", recipe=RECIPE),
    FinetuneSettings(tuning=Tuning(), seed=0),
    PerplexitySettings(objective="clm"),
    KshotSettings(),
    EvaluateSettings(),
    Task(family="cms", test="a.jsonl"),
    Finetune(tasks=("cms",)),
    PretrainSettings(recipe=RECIPE, model=MODEL, weights={"facts": 0.8, "code": 0.2}),
]
FIELDS = [(section, name) for section in EXAMPLES for name in type(section).model_fields]


def name_of(value: object) -> str:
    return type(value).__name__ if isinstance(value, BaseModel) else str(value)


def print_of(settings: BaseModel, **changes: Any) -> str:
    given: dict[str, Any] = {"stage": "pretrain", "parents": {}, "inputs": {}, "code": "c", "packages": {}} | changes
    return digest(content(settings=settings, **given))


def another(value: Any, annotation: Any) -> Any:
    """A value of the same kind that is not this one."""
    if isinstance(value, BaseModel):
        first = next(iter(type(value).model_fields))
        inner = another(getattr(value, first), type(value).model_fields[first].annotation)
        return value.model_copy(update={first: inner})
    if get_origin(annotation) is Literal:
        return next(option for option in get_args(annotation) if option != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1 if isinstance(value, int) else value / 2 + 1e-9
    if isinstance(value, tuple):
        return (*value, "more")
    if isinstance(value, dict):
        return value | {"more": 0.5}
    return f"{value}x" if isinstance(value, str) else 1


@pytest.mark.parametrize(("section", "name"), FIELDS, ids=name_of)
def test_a_field_counts_exactly_if_it_is_marked_identity(section: Section, name: str) -> None:
    field = type(section).model_fields[name]
    assert isinstance(field.json_schema_extra, dict)
    changed = section.model_copy(update={name: another(getattr(section, name), field.annotation)})
    assert changed != section
    assert (print_of(changed) != print_of(section)) == (field.json_schema_extra["role"] == "identity")


@pytest.mark.parametrize(("section", "name"), FIELDS, ids=name_of)
def test_a_default_that_is_spelled_out_changes_nothing(section: Section, name: str) -> None:
    spelled = section.model_copy(update={name: getattr(section, name)})
    assert spelled.model_fields_set >= section.model_fields_set | {name}
    assert print_of(spelled) == print_of(section)


@given(st.floats(1e-6, 9), st.floats(1e-6, 9))
def test_two_numbers_have_one_fingerprint_only_if_they_are_one(one: float, other: float) -> None:
    first, second = (print_of(RECIPE.model_copy(update={"lr": lr})) for lr in (one, other))
    assert (first == second) == (one == other)


@given(st.permutations(["beta1", "beta2", "warmup_share", "final_lr_share"]))
def test_values_that_change_places_change_the_fingerprint(names: list[str]) -> None:
    values = (0.5, 0.6, 0.7, 0.8)
    sorted_print = print_of(RECIPE.model_copy(update=dict(zip(sorted(names), values, strict=True))))
    this_print = print_of(RECIPE.model_copy(update=dict(zip(names, values, strict=True))))
    assert (this_print == sorted_print) == (names == sorted(names))


def test_renaming_a_variant_its_mixture_or_its_files_changes_nothing() -> None:
    variant = Variant(name="clm", recipe=RECIPE)
    renamed = Variant(name="other", recipe=RECIPE.model_copy(update={"mixture": "balanced"}))
    assert print_of(renamed) == print_of(variant)
    assert print_of(Source(name="news", path="elsewhere.jsonl")) == print_of(SOURCE)


def test_the_order_of_weights_changes_nothing_but_their_owners_do() -> None:
    settings = EXAMPLES[-1]
    turned = settings.model_copy(update={"weights": {"code": 0.2, "facts": 0.8}})
    swapped = settings.model_copy(update={"weights": {"code": 0.8, "facts": 0.2}})
    assert print_of(turned) == print_of(settings) != print_of(swapped)


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "finetune"}, {"parents": {"a": "1"}}, {"inputs": {"a": "1"}}, {"code": "d"},
        {"packages": {"torch": "2"}},
    ],
    ids=str,
)  # fmt: skip
def test_stage_parents_data_code_and_packages_count(change: dict[str, Any]) -> None:
    assert print_of(RECIPE, **change) != print_of(RECIPE)


def test_parents_that_change_roles_count_their_order_does_not() -> None:
    one, turned, swapped = ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}, {"a": "2", "b": "1"})
    assert print_of(RECIPE, parents=one) == print_of(RECIPE, parents=turned) != print_of(RECIPE, parents=swapped)


class Before(Section):
    rate: float = identity("a rate", default=0.5)


class After(Section):
    rate: float = identity("a rate", default=0.5)
    new: int = identity("added later", default=3)


def test_a_new_field_with_a_default_makes_nothing_stale() -> None:
    assert print_of(After(rate=0.1)) == print_of(Before(rate=0.1))
    assert print_of(After(rate=0.1, new=4)) != print_of(Before(rate=0.1))


class Inner(Section):
    size: int = identity("a size", default=1)
    label: str = execution("a label", default="")


class Outer(Section):
    inner: Inner = identity("a section", default=Inner())
    maybe: Inner | None = identity("a section or nothing", default=None)


def test_an_execution_field_of_a_default_section_changes_nothing() -> None:
    assert identity_of(Outer(inner=Inner(label="x"))) == identity_of(Outer()) == {}
    assert identity_of(Outer(inner=Inner(size=2))) == {"inner": {"size": 2}}


def test_a_section_of_defaults_is_not_the_same_as_none() -> None:
    assert print_of(Outer(maybe=Inner())) != print_of(Outer())


class Unmarked(BaseModel):
    rate: float = 0.5


def test_a_field_without_a_role_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"Unmarked\.rate is marked neither identity nor execution"):
        identity_of(Unmarked())


def test_builds_of_one_release_count_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ptp_core.identity.fingerprint.version", lambda name: "2.4.1+cu124")
    assert package_version.__wrapped__("torch") == "2.4.1"
