"""A whole tiny study, run once through the real Snakemake, and copies of it to change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from tests.preloading.preloaded import Preloaded
from tests.workflow.project import TINY, Project, new_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, preloaded: Preloaded) -> Project:
    """The tiny study after a complete run. Tests that change anything take a copy."""
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "finished"
    # Run by the worker that comes first; the other one takes a copy as well.
    with FileLock(shared.with_suffix(".lock")):
        if not shared.exists():
            _run(shared.with_suffix(".partial"), preloaded).rename(shared)
    return Project(shared, preloaded).copied(tmp_path_factory.mktemp("project") / "finished")


def _run(folder: Path, preloaded: Preloaded) -> Path:
    folder.mkdir()
    done = new_project(folder, TINY, preloaded).snakemake()
    assert done.code == 0, done.output
    return folder


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished study."""
    return finished.copied(tmp_path / "project")
