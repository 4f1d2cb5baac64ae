"""Specs as text, and what is said about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ptp_core.errors import UserError
from ptp_core.spec.load import load_study
from ptp_core.spec.loaded import LoadedStudy


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], LoadedStudy]:
    """Text → the study it describes."""

    def read(text: str) -> LoadedStudy:
        path = tmp_path / "spec.yaml"
        path.write_text(text, encoding="utf-8")
        return load_study(path)

    return read


@pytest.fixture
def complaint(load: Callable[[str], LoadedStudy], tmp_path: Path) -> Callable[[str], str]:
    """Text → what is wrong with it, one fault a line, each with ``line`` or ``line key`` first."""

    def read(text: str) -> str:
        with pytest.raises(UserError) as caught:
            load(text)
        return str(caught.value).replace(f"{tmp_path / 'spec.yaml'}:", "")

    return read
