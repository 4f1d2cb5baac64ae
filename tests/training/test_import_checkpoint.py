"""Existing models: taken over as they are, and then measured and fine-tuned like any other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from ptp_core.data import build_shards, import_tokenizer
from ptp_core.data import tokenizer as tokenizers
from ptp_core.errors import UserError
from ptp_core.measure import stages
from ptp_core.training import finetune, import_checkpoint
from ptp_core.training.context import context_of
from ptp_core.training.model import load_model
from tests import foreign
from tests import tiny as tiny_study
from tests.tiny import DOMAINS, Tiny


def take_over(original: Path, folder: Path, **settings: Any) -> dict[str, Any]:
    """Run both imports; the tokenizer lies in ``folder/tokenizer``, the model in ``folder/model``."""
    roles = foreign.files(original)
    tiny_study.make(import_tokenizer.run, folder / "tokenizer", {}, inputs={"tokenizer": roles["tokenizer"]})
    parents, inputs = {"tokenizer": folder / "tokenizer"}, {"model": roles["model"]}
    return tiny_study.make(import_checkpoint.run, folder / "model", settings, parents, inputs)


@pytest.fixture(scope="module")
def original(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [text for domain in DOMAINS for text in tiny_study.documents(domain, 100)]
    return foreign.save(tmp_path_factory.mktemp("foreign"), texts)


@pytest.fixture(scope="module")
def imported(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imported")
    take_over(original, folder)
    return folder


def test_the_weights_are_those_of_the_original(original: Path, imported: Path) -> None:
    before, after = (load_file(folder / "model.safetensors") for folder in (original, imported / "model"))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_metrics_describe_the_model(original: Path, tmp_path: Path) -> None:
    metrics = take_over(original, tmp_path)
    parameters = sum(weights.numel() for weights in load_file(original / "model.safetensors").values())
    assert metrics == {
        "parameters": parameters, "architecture": "GPTNeoXForCausalLM", "dtype": "float32",
        "vocabulary": 320 + foreign.SPARE, "context": foreign.CONTEXT,
    }  # fmt: skip


def test_half_precision_stays_half_on_disk_and_is_measured_in_full(tmp_path: Path) -> None:
    original = foreign.save(tmp_path / "half", ["some text"], dtype="bfloat16")
    assert take_over(original, tmp_path)["dtype"] == "bfloat16"
    assert {w.dtype for w in load_file(tmp_path / "model" / "model.safetensors").values()} == {torch.bfloat16}
    assert load_model(tmp_path / "model").dtype == torch.float32


def test_texts_begin_with_no_bos_where_the_tokenizer_puts_none(imported: Path) -> None:
    special = tokenizers.special(imported / "model")
    assert (special.bos, special.eos, special.pad, special.sentinels) == (None, 0, 0, 0)


def test_texts_begin_with_bos_where_the_tokenizer_puts_it(original: Path, tmp_path: Path) -> None:
    from tokenizers.processors import TemplateProcessing

    fast = tokenizers.load(original)
    fast.post_processor = TemplateProcessing(single=f"{foreign.END} $A", special_tokens=[(foreign.END, 0)])
    shutil.copytree(original, tmp_path / "begins")
    fast.save(str(tmp_path / "begins" / "tokenizer.json"))
    take_over(tmp_path / "begins", tmp_path)
    assert tokenizers.special(tmp_path / "model").bos == 0


def test_one_of_our_own_models_keeps_its_bos_and_sentinels(checkpoint: Path, tmp_path: Path) -> None:
    take_over(checkpoint, tmp_path)
    assert tokenizers.special(tmp_path / "model") == tokenizers.special(checkpoint)
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == (checkpoint / "model.safetensors").read_bytes()


def test_pickled_weights_are_read_as_tensors_only(original: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(original, folder)
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    inputs = (folder / "config.json", folder / "pytorch_model.bin")
    tiny_study.make(
        import_tokenizer.run, tmp_path / "t", {}, inputs={"tokenizer": foreign.files(original)["tokenizer"]}
    )
    tiny_study.make(import_checkpoint.run, tmp_path / "m", {}, {"tokenizer": tmp_path / "t"}, {"model": inputs})
    after = load_file(tmp_path / "m" / "model.safetensors")
    assert all(torch.equal(weights[name], after[name]) for name in weights)


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("evil"),))


def test_a_pickle_that_would_run_something_is_refused(
    original: Path, imported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weights": _Evil()}, tmp_path / "pytorch_model.bin")
    inputs = (original / "config.json", tmp_path / "pytorch_model.bin")
    with pytest.raises(UserError, match="cannot be loaded as a causal language model"):
        tiny_study.make(
            import_checkpoint.run, tmp_path / "m", {}, {"tokenizer": imported / "tokenizer"}, {"model": inputs}
        )
    assert not (tmp_path / "evil").exists()


def test_a_model_that_brings_its_own_code_is_refused(original: Path, tmp_path: Path) -> None:
    shutil.copytree(original, tmp_path / "own")
    config = json.loads((original / "config.json").read_text())
    config |= {"model_type": "made_up", "auto_map": {"AutoModelForCausalLM": "code.Model"}}
    (tmp_path / "own" / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="cannot be loaded as a causal language model"):
        take_over(tmp_path / "own", tmp_path)


def test_a_tokenizer_larger_than_the_model_is_refused(original: Path, checkpoint: Path, tmp_path: Path) -> None:
    tiny_study.make(
        import_tokenizer.run, tmp_path / "t", {}, inputs={"tokenizer": foreign.files(checkpoint)["tokenizer"]}
    )
    inputs = {"model": foreign.files(original)["model"]}
    with pytest.raises(UserError, match="the tokenizer does not belong to this model"):
        tiny_study.make(import_checkpoint.run, tmp_path / "m", {}, {"tokenizer": tmp_path / "t"}, inputs)


@pytest.mark.parametrize("name", ["max_position_embeddings", "n_positions", "n_ctx", "seq_length"])
def test_the_context_is_found_under_its_several_names(name: str) -> None:
    from types import SimpleNamespace

    assert context_of(SimpleNamespace(**{name: 77})) == 77


def test_a_model_that_names_no_context_is_given_one() -> None:
    from types import SimpleNamespace

    config = SimpleNamespace()
    with pytest.raises(UserError, match="names no context length"):
        import_checkpoint._settle_context(config, None, "bloom")
    assert import_checkpoint._settle_context(config, 64, "bloom") == context_of(config) == 64
    with pytest.raises(UserError, match="this model's context is another one"):
        import_checkpoint._settle_context(config, 65, "bloom")


@pytest.fixture(scope="module")
def text(tiny: Tiny, imported: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The tiny study's text in the tokens of the imported model."""
    folder = tmp_path_factory.mktemp("text")
    parents = {"tokenizer": imported / "tokenizer"}
    for domain, path in tiny.texts.items():
        tiny_study.make(
            build_shards.run, folder / domain, {"domain": domain, "held_out_share": 0.2}, parents, {domain: (path,)}
        )
    return {f"shards/{domain}": folder / domain for domain in DOMAINS}


def test_its_perplexity_is_measured_in_its_own_tokens(imported: Path, text: dict[str, Path], tmp_path: Path) -> None:
    settings = {"perplexity": {"objective": "clm", "tokens": 500, "length": 32}}
    metrics = tiny_study.make(stages.run_indicator, tmp_path, settings, {"checkpoint": imported / "model"} | text)
    # Random weights know nothing: about as many choices as there are rows in the embedding.
    assert 200 < metrics["quantities"]["ppl"]["value"] < 600


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"length": 97}, "windows of 97 tokens are longer than this model's context"),
     ({"objective": "sc"}, "has no sentinels")],
)  # fmt: skip
def test_a_perplexity_that_it_cannot_have_is_refused(
    imported: Path, text: dict[str, Path], tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    whole = {"perplexity": {"objective": "clm", "tokens": 500, "length": 32} | settings}
    with pytest.raises(UserError, match=message):
        tiny_study.make(stages.run_indicator, tmp_path, whole, {"checkpoint": imported / "model"} | text)


@pytest.mark.parametrize("family", ["cms", "rag", "cbqa"])
@pytest.mark.parametrize("method", ["full", "lora"])
def test_it_is_scored_with_examples_fine_tuned_and_evaluated(
    tiny: Tiny, imported: Path, tmp_path: Path, family: str, method: str
) -> None:
    parents = {"checkpoint": imported / "model", "task": tiny.task(family)}
    shown = tiny_study.make(stages.run_indicator, tmp_path / "k", {"kshot": {"shots": 2}}, parents)
    assert 0 <= shown["quantities"][shown["headline"]]["value"] <= 1
    tuning = {"steps": 30, "batch_items": 8, "lr": 1e-2, "method": method, "prompt_format": "default"}
    tuned = tiny_study.make(finetune.run, tmp_path / "tuned", {"tuning": tuning, "seed": 0}, parents)
    # An untrained model begins at log 344 = 5.8; small adapters take it less far than all of its weights.
    assert tuned["loss"] < {"full": 3, "lora": 5.6}[method]
    parents = {"checkpoint": tmp_path / "tuned", "task": tiny.task(family)}
    metrics = tiny_study.make(stages.run_evaluate, tmp_path / "e", {"prompt_format": "default"}, parents)
    assert metrics["quantities"][metrics["headline"]]["n_items"] == 8
