"""Whatever is done to a spec, it is a study or a clear mistake."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptp_core.errors import UserError
from ptp_core.spec.load import load_study
from tests.spec.mutations import mutate
from tests.spec.texts import SPEC

SPECS = Path(__file__).parents[2] / "specs"
TEXTS = [SPEC, *((SPECS / f"{name}.yaml").read_text("utf-8") for name in ("demo", "zeng2025-published"))]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations") / "spec.yaml"


@settings(max_examples=1000, deadline=2000)
@given(text=st.sampled_from(TEXTS), seed=st.integers(0, 2**32))
def test_a_broken_spec_is_a_study_or_a_mistake_with_its_place(path: Path, text: str, seed: int) -> None:
    path.write_bytes(mutate(text, random.Random(seed)))
    said = ""
    try:
        load_study(path)
    except UserError as error:
        said = str(error)
    assert all(line.startswith((f"{path}:", "…")) for line in said.splitlines())
