from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.good_study import FILES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two good studies and all their files."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path
