"""What holds for every field a spec may have."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

import ptp_core.spec
from ptp_core.spec.fields import NAME_PATTERN, Section, execution, identity


def sections() -> Iterator[type[Section]]:
    for module in pkgutil.iter_modules(ptp_core.spec.__path__):
        importlib.import_module(f"ptp_core.spec.{module.name}")
    waiting = list(Section.__subclasses__())
    while waiting:
        section = waiting.pop()
        waiting += section.__subclasses__()
        if section.__module__.startswith("ptp_core."):
            yield section


FIELDS = {f"{s.__name__}.{name}": field for s in sections() for name, field in s.model_fields.items()}


def test_all_sections_are_found() -> None:
    assert {"Study.study", "Recipe.lr", "Tuning.steps", "World.people", "WideTable.path"} <= set(FIELDS)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_field_has_a_description_and_a_role_and_says_its_unit(name: str) -> None:
    field = FIELDS[name]
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    assert extra["role"] in ("identity", "execution")
    assert field.description
    assert "unit" not in extra or field.description.endswith(f"[{extra['unit']}]")


class Small(Section):
    """A section to try the rules of all sections on."""

    rate: float = identity("a rate", unit="1/step", default=0.5)
    count: int | None = execution("a count", default=None)
    flag: bool = identity("a flag", default=False)


def test_a_section_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Small().rate = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    "written",
    [{"rat": 1}, {"rate": float("nan")}, {"rate": "inf"}, {"rate": True}, {"count": False}, {"flag": 3}, {"flag": []}],
)
def test_unknown_keys_nan_and_truth_values_for_numbers_are_refused(written: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Small.model_validate(written)


@pytest.mark.parametrize("name", ["a", "sc+clm-even", "v1.2_x", "7", "x" * 80])
def test_these_are_names(name: str) -> None:
    assert re.fullmatch(NAME_PATTERN, name)


@pytest.mark.parametrize("name", ["", "x" * 81, ".", "..", "-x", "+x", "_x", "a/b", "a\\b", "a b", "a\n", "a$b", "é"])
def test_these_are_not(name: str) -> None:
    assert not re.fullmatch(NAME_PATTERN, name)
