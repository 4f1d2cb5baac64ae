"""What several rooms of the tests share: a tiny study's data, and one checkpoint trained on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import tiny as tiny_study
from tests.preloading.preloaded import Preloaded, serve

# A shared machine is slow at times; that is no failure of a property.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: with several workers, none is left alone with a long file at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tiny_study.Tiny:
    """Tokenizer, shards and tasks of the tiny study."""
    return tiny_study.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def checkpoint(tiny: tiny_study.Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal language model, pre-trained for a second."""
    from ptp_core.training import pretrain

    folder = tmp_path_factory.mktemp("checkpoint") / "clm"
    parents = {"tokenizer": tiny.tokenizer} | tiny.shards
    tiny_study.make(pretrain.run, folder, tiny_study.pretraining(), parents)
    return folder


@pytest.fixture(scope="session")
def preloaded() -> Iterator[Preloaded]:
    """Commands for tests that need what they make and not how they start."""
    with serve() as commands:
        yield commands
