"""A Slurm cluster for the tests of this folder, and copies of the project that run on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.slurm.cluster import Cluster, Unavailable


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Four virtual nodes with two fake GPUs each; the tests skip where there can be none."""
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.up()
        yield cluster
    except Unavailable as reason:
        pytest.skip(f"no Slurm: {reason}")
    finally:
        cluster.down()
