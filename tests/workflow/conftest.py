"""A whole tiny study, run once through the real Snakemake, and copies of it to change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.workflow.project import TINY, Project, new_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The tiny study after a complete run. Tests that change anything take a copy."""
    project = new_project(tmp_path_factory.mktemp("project"), TINY)
    done = project.snakemake()
    assert done.code == 0, done.output
    return project


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished study, times of files and Snakemake's own records included."""
    folder = tmp_path / "project"
    shutil.copytree(finished.folder, folder, copy_function=shutil.copy2)
    return Project(folder)
