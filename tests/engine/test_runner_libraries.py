"""Which jobs may reach a hub, and what libraries are told before they load."""

from __future__ import annotations

import os

import pytest

from ptp_core.engine.runner import names_a_hub, set_up_libraries
from ptp_core.spec.data import ShardSettings, Source, Tokenizer, TokenizerSettings

OFFLINE, PARALLEL = "HF_HUB_OFFLINE", "TOKENIZERS_PARALLELISM"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set first, so that what a test leaves behind is undone.
    for name in (OFFLINE, PARALLEL, "RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_a_job_names_a_hub_by_its_data_set_or_its_tokenizer() -> None:
    file, hub = Source(name="a", path="a"), Source(name="b", hub="c/d", revision=COMMIT)
    assert not names_a_hub(ShardSettings(domain="a").model_dump(mode="json"))
    assert names_a_hub(ShardSettings(domain="a", hub="c/d", revision=COMMIT).model_dump(mode="json"))
    assert not names_a_hub(TokenizerSettings(sources=(file,)).model_dump(mode="json"))
    assert names_a_hub(TokenizerSettings(sources=(file, hub)).model_dump(mode="json"))
    tokenizer = Tokenizer(pretrained="c/d", revision=COMMIT, vocabulary=50_277)
    assert names_a_hub(TokenizerSettings(tokenizer=tokenizer).model_dump(mode="json"))


def test_only_a_job_that_names_a_hub_may_reach_it() -> None:
    set_up_libraries(1, online=True)
    assert OFFLINE not in os.environ
    set_up_libraries(1)
    assert os.environ[OFFLINE] == "1"


def test_the_user_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OFFLINE, "1")
    set_up_libraries(1, online=True)
    assert os.environ[OFFLINE] == "1"


@pytest.mark.parametrize(("threads", "parallel"), [(1, "false"), (2, "true")])
def test_text_is_tokenised_on_the_threads_of_the_job(threads: int, parallel: str) -> None:
    set_up_libraries(threads)
    assert (os.environ[PARALLEL], os.environ["RAYON_NUM_THREADS"]) == (parallel, str(threads))
