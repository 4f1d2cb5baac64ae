"""PPL-CLM against the rolling log-likelihood of lm-evaluation-harness, on the same model and the same texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ptp_core.data import build_shards, build_tokenizer, import_tokenizer, world
from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.shards import HELD_OUT, open_tokens
from ptp_core.measure.perplexity import perplexities
from ptp_core.spec.model import Model
from ptp_core.spec.world import World
from ptp_core.training import import_checkpoint
from ptp_core.training.model import load_model, new_model, save_model
from tests import foreign
from tests import tiny as tiny_study
from tests.tiny import CONTEXT, Tiny, write_lines

pytestmark = pytest.mark.slow

METRICS = ("word_perplexity", "byte_perplexity", "bits_per_byte")
ODD = ["  odd naïve\n\n text ", "混ぜる", "".join(tiny_study.documents("animals", 30))]
WORLD = {"words": 3000, "train_items": 8, "test_items": 8}


def by_the_harness(
    checkpoint: Path, texts: list[str], folder: Path, add_bos_token: bool | None = False
) -> tuple[dict[str, float], float]:
    """(metrics over all texts, their log-likelihood in nats), each text a document of a task over a local file.

    The harness shows bos in front of every text as its prefix. A tokenizer that puts bos there by itself would have it
    ask for that bos as well, which is markup: ``add_bos_token=False`` asks for the text alone.
    """
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    file = write_lines(folder / "documents.jsonl", [{"text": text} for text in texts])
    task = {
        "task": "rolling", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(file)}},
        "test_split": "test", "output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_target": "{{text}}",
        "metric_list": [{"metric": metric} for metric in METRICS],
    }  # fmt: skip
    model = HFLM(pretrained=str(checkpoint), device="cpu", dtype="float32", batch_size=4, add_bos_token=add_bos_token)
    found = simple_evaluate(model=model, tasks=[task], bootstrap_iters=0)
    total = sum(float(sample["filtered_resps"][0]) for sample in found["samples"]["rolling"])
    return {metric: found["results"]["rolling"][f"{metric},none"] for metric in METRICS}, total


def stream_of(checkpoint: Path, texts: list[str]) -> Any:
    """The texts as shards hold them."""
    fast, special = tokenizers.load(checkpoint), tokenizers.special(checkpoint)
    front = [] if special.bos is None else [special.bos]
    parts = [[*front, *fast.encode(text, add_special_tokens=False).ids, special.eos] for text in texts]
    return np.array([token for part in parts for token in part], dtype=np.uint32)


def expect_the_same(checkpoint: Path, texts: list[str], context: int, folder: Path, **options: Any) -> None:
    harness, total = by_the_harness(checkpoint, texts, folder)
    streams = {"all": stream_of(checkpoint, texts)}
    ours = perplexities(load_model(checkpoint), streams, checkpoint, "clm", context, 10**6, **options)
    assert sum(item.logprob or 0.0 for item in ours.items) == pytest.approx(total, rel=1e-4)
    bits = ours.quantities["bits_per_byte"].value
    assert ours.quantities["word_ppl"].value == pytest.approx(harness["word_perplexity"], rel=1e-4)
    assert bits == pytest.approx(harness["bits_per_byte"], rel=1e-4)
    assert 2**bits == pytest.approx(harness["byte_perplexity"], rel=1e-4)


@pytest.fixture(scope="module")
def gpt_neox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made elsewhere and imported: without bos, so that its eos stands in front of a text."""
    made = foreign.save(tmp_path_factory.mktemp("made"), ODD)
    files, folder = foreign.files(made), tmp_path_factory.mktemp("imported")
    tiny_study.make(import_tokenizer.run, folder / "tokenizer", {}, inputs={"tokenizer": files["tokenizer"]})
    parents = {"tokenizer": folder / "tokenizer"}
    tiny_study.make(import_checkpoint.run, folder / "model", {}, parents, {"model": files["model"]})
    return folder / "model"


def test_documents_one_by_one(checkpoint: Path, tmp_path: Path) -> None:
    texts = [*tiny_study.documents("animals", 20), *ODD, *tiny_study.documents("sums", 20)]
    assert max(len(tokenizers.load(checkpoint).encode(text).ids) for text in texts) > 3 * CONTEXT
    expect_the_same(checkpoint, texts, CONTEXT, tmp_path)


def test_the_held_out_text_of_a_study(tiny: Tiny, checkpoint: Path, tmp_path: Path) -> None:
    """What a shard was made from, and what its tokens say."""
    domain, fast = tiny.folder / "animals", tokenizers.load(checkpoint)
    stream = open_tokens(domain, HELD_OUT)
    special = tokenizers.special(checkpoint)
    parts = np.split(stream, np.flatnonzero(stream == special.eos) + 1)
    texts = [fast.decode(part[1:-1].tolist()) for part in parts if len(part)]
    assert set(texts) <= set(tiny_study.documents("animals", 600))
    assert (stream_of(checkpoint, texts) == stream).all()
    expect_the_same(checkpoint, texts, CONTEXT, tmp_path)


def test_one_long_document_joined(checkpoint: Path, tmp_path: Path) -> None:
    expect_the_same(checkpoint, ODD[-1:], CONTEXT, tmp_path, documents="joined")


def test_a_model_made_elsewhere(gpt_neox: Path, tmp_path: Path) -> None:
    expect_the_same(gpt_neox, [*ODD, *tiny_study.documents("sums", 20)], foreign.CONTEXT, tmp_path)


def test_the_words_of_the_embedded_world(tmp_path: Path) -> None:
    tiny_study.make(build_tokenizer.run, tmp_path / "tokenizer", {"world": WORLD})
    parents = {"tokenizer": tmp_path / "tokenizer"}
    tiny_study.make(build_shards.run, tmp_path / "facts", {"domain": "facts", "world": WORLD}, parents)
    fast = tokenizers.load(tmp_path / "tokenizer")
    model = new_model(Model(width=32, layers=1, heads=2, ffn_width=64, context=128), fast.get_vocab_size(), seed=0)
    (tmp_path / "model").mkdir()
    save_model(model, tmp_path / "tokenizer", tmp_path / "model")
    # Documents that repeat one another are in a shard once.
    texts = list(dict.fromkeys(world.documents(World(**WORLD), "facts", split="heldout")))
    stream = open_tokens(tmp_path / "facts", HELD_OUT)
    assert (stream_of(tmp_path / "model", texts) == stream).all()
    expect_the_same(tmp_path / "model", texts, 128, tmp_path)


def test_the_harness_left_to_itself_also_asks_for_the_bos_that_a_tokenizer_adds(
    tiny: Tiny, checkpoint: Path, tmp_path: Path
) -> None:
    texts = tiny_study.documents("animals", 3)
    _, alone = by_the_harness(checkpoint, texts, tmp_path)
    _, by_itself = by_the_harness(checkpoint, texts, tmp_path, add_bos_token=None)
    bos = tokenizers.special(checkpoint).bos
    logits = load_model(checkpoint)(torch.tensor([[bos]])).logits[0, 0]
    assert by_itself - alone == pytest.approx(len(texts) * float(logits.log_softmax(-1)[bos]), rel=1e-4)
