"""Whatever is done to a spec, it is a study or a clear mistake; ``tests/spec/fuzz.py`` tries many more."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spec.fuzz import SECONDS, new_folder, outcome, texts, time_limit
from tests.spec.mutations import mutate

TEXTS = texts()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_folder(tmp_path_factory.mktemp("mutations"))


@settings(max_examples=1500)
@given(name=st.sampled_from(sorted(TEXTS)), seed=st.integers(0, 2**32))
def test_a_broken_spec_is_a_study_or_a_mistake_with_its_place(path: Path, name: str, seed: int) -> None:
    path.write_bytes(mutate(TEXTS[name], random.Random(seed)))
    with time_limit(SECONDS):
        outcome(path)


@settings(max_examples=200)
@given(name=st.sampled_from(sorted(TEXTS)), seed=st.integers(0, 2**32))
def test_so_it_is_where_its_files_are_looked_into_and_its_jobs_planned(path: Path, name: str, seed: int) -> None:
    path.write_bytes(mutate(TEXTS[name], random.Random(seed)))
    with time_limit(SECONDS):
        outcome(path, whole=True)
