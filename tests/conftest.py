"""What several rooms of the tests share: a tiny study's data, and one checkpoint trained on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests import tiny as tiny_study

# A shared machine is slow at times; that is no failure of a property.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


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
