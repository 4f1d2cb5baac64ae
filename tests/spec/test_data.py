"""Section ``data``: one place a source, pinned revisions, bounds in order."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ptp_core.spec.data import Data, Source, Tokenizer, TokenizerSettings

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PLACES: list[dict[str, Any]] = [
    {"path": "a.jsonl"},
    {
        "path": ["a.parquet", "b/*.parquet"],
        "text_field": "meta.text",
        "only": {"meta.set": "Books", "n": 1, "ok": True},
    },
    {"path": "a.txt.zst", "split_by": "paragraph", "format": "text"},
    {"hub": "owner/name", "revision": COMMIT, "config": "en", "split": "validation", "max_tokens": "100B"},
    {"hub": "wikitext", "revision": "v1.2"},
    {"path": "a", "tag": True, "length_quantile": [25, 75], "max_documents": "1M"},
]


@pytest.mark.parametrize("place", PLACES)
def test_a_good_source_is_accepted_and_reads_back_from_a_job_file(place: dict[str, Any]) -> None:
    source = Source(name="a", **place)
    settings = TokenizerSettings(sources=(source,))
    assert TokenizerSettings.model_validate(settings.model_dump(mode="json")) == settings
    for key, value in (place.get("only") or {}).items():
        assert type(source.only[key]) is type(value)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({}, "exactly one of `path` and `hub`"),
        ({"path": "a", "hub": "b/c", "revision": "v1"}, "exactly one of `path` and `hub`"),
        ({"hub": "b/c"}, r"needs a `revision`: its commit \(40 hexadecimal digits\), a tag or the branch"),
        ({"hub": "b/c", "revision": "main"}, 'revision "main" moves, so that the same spec would mean other content'),
        ({"hub": "b/c", "revision": "refs/pr/1"}, 'revision "refs/pr/1" moves'),
        ({"hub": "https://hub/b/c", "revision": "v1"}, "a hub id reads owner/name"),
        ({"hub": "/etc", "revision": "v1"}, "a hub id reads owner/name"),
        ({"hub": "b/c", "revision": "v1", "split_by": "line"}, "`format` and `split_by` go with `path` only"),
        ({"path": "a", "revision": "v1"}, "`revision`, `config` and `split` go with `hub` only"),
        ({"path": "a", "split": "test"}, "`revision`, `config` and `split` go with `hub` only"),
        ({"path": "a", "length_quantile": [75, 25]}, r"\[low, high\] in percent with 0 ≤ low < high ≤ 100"),
        ({"path": "a", "length_quantile": [0, 101]}, r"\[low, high\] in percent"),
        ({"path": "a", "length_quantile": [50, 50]}, r"\[low, high\] in percent"),
        ({"path": "a", "only": {"a": {"b": 1}}}, "only"),
        ({"path": "a", "max_tokens": 0}, "greater than 0"),
        ({"path": "a", "split_by": "word"}, "split_by"),
    ],
)
def test_a_bad_source_is_refused_with_the_reason(place: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Source(name="a", **place)


@pytest.mark.parametrize(
    ("tokenizer", "message"),
    [
        ({"pretrained": "owner/name", "vocabulary": 50_000}, "needs a `revision`"),
        ({"pretrained": "owner/name", "vocabulary": 50_000, "revision": "master"}, "moves"),
        ({"pretrained": "owner/name", "revision": COMMIT}, "needs its `vocabulary`"),
        ({"path": "folder"}, "needs its `vocabulary`"),
        ({"path": "folder", "vocabulary": 600, "revision": COMMIT}, "`revision` goes with `pretrained` only"),
        ({"path": "folder", "pretrained": "a/b", "revision": COMMIT, "vocabulary": 600}, "at most one of"),
        ({"sentinels": 9000}, "less than or equal to 8192"),
    ],
)
def test_a_bad_tokenizer_is_refused_with_the_reason(tokenizer: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Tokenizer(**tokenizer)


def test_a_trained_vocabulary_must_hold_the_sentinels_and_all_bytes() -> None:
    sources = (Source(name="a", path="a"),)
    assert Data(sources=sources, tokenizer=Tokenizer(vocabulary=1263, sentinels=1000))
    with pytest.raises(ValidationError, match=r"tokenizer\.vocabulary must be at least 1263 with 1000 sentinels"):
        Data(sources=sources, tokenizer=Tokenizer(vocabulary=1262, sentinels=1000))


def test_the_world_keeps_its_own_tokenizer() -> None:
    with pytest.raises(ValidationError, match="the embedded world brings its own tokenizer"):
        Data.model_validate({"world": {}, "tokenizer": {"path": "folder", "vocabulary": 600}})
