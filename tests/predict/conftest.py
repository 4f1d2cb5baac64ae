"""Tables for the tests of the analysis: the published one, and small ones made to order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from ptp_core.errors import Where
from ptp_core.predict.analysis import analyze
from ptp_core.spec.measurements import WideTable
from ptp_core.spec.select import Select
from ptp_core.table.schema import from_rows
from ptp_core.table.wide import read_wide

PUBLISHED = Path(__file__).parents[2] / "specs" / "zeng2025-published.yaml"

MakeTable = Callable[..., pd.DataFrame]


@pytest.fixture(scope="session")
def published_table() -> pd.DataFrame:
    """The fifty published rows, through the spec that ships with the project."""
    spec = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))
    (mapping,) = spec["measurements"]
    return read_wide(WideTable(**mapping), PUBLISHED.parent, Where(PUBLISHED))


@pytest.fixture(scope="session")
def published(published_table: pd.DataFrame) -> dict[str, Any]:
    """Its selection with the settings of the spec."""
    spec = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))
    return analyze(published_table, Select(**spec["select"]), spec["study"])


@pytest.fixture(scope="session")
def quick() -> Select:
    """Settings for tests that look at shapes and words, not at digits."""
    return Select(bootstraps=100, permutations=200, splits=3)


@pytest.fixture(scope="session")
def make_table() -> MakeTable:
    """A table from {outcome or indicator: values by variant}; an outcome may have a row of values per seed."""

    def make(
        indicators: Mapping[str, Sequence[float | None]],
        outcomes: Mapping[str, Sequence[Any]],
        config: Mapping[str, Sequence[Any]] | None = None,
        lower_is_better: Sequence[str] = (),
    ) -> pd.DataFrame:
        rows: list[dict[str, Any]] = []
        for kind, columns in (("indicator", indicators), ("outcome", outcomes), ("config", config or {})):
            for name, values in columns.items():
                for i, value in enumerate(values):
                    rows += _rows(kind, name, f"v{i}", value, name not in lower_is_better)
        return from_rows(rows)

    return make


def _rows(kind: str, name: str, variant: str, value: Any, higher_is_better: bool) -> list[dict[str, Any]]:
    common = {"variant": variant, "kind": kind, "name": name, "source": f"made:{variant}"}
    if kind == "config":
        return [common | ({"text": value} if isinstance(value, str) else {"value": value})]
    seeds = [value] if np.ndim(value) == 0 else list(value)
    return [
        common | {"value": number, "higher_is_better": higher_is_better} | ({"seed": s} if len(seeds) > 1 else {})
        for s, number in enumerate(seeds)
        if number is not None
    ]
