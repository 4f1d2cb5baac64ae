"""Adapters: of the given rank, on the given layers, and the only thing that is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ptp_core.errors import UserError
from ptp_core.spec.finetune import Lora
from ptp_core.training import finetune
from ptp_core.training.lora import merged, with_adapters
from ptp_core.training.model import load_model
from tests import tiny as tiny_study
from tests.tiny import Tiny


def test_only_adapters_are_trained_and_they_begin_as_nothing(checkpoint: Path) -> None:
    plain, ids = load_model(checkpoint), torch.arange(10)[None]
    before = plain(input_ids=ids).logits
    adapted = with_adapters(load_model(checkpoint), Lora(rank=3))
    assert torch.allclose(adapted.eval()(input_ids=ids).logits, before, atol=1e-6)
    trained = {name: weights for name, weights in adapted.named_parameters() if weights.requires_grad}
    assert all("lora_" in name for name in trained)
    assert {min(weights.shape) for weights in trained.values()} == {3}
    # Four matrices of attention, three of the feed-forward block; two factors each; not the head.
    assert len(trained) == 14


@pytest.mark.parametrize("rank", [1, 4])
def test_merging_changes_the_targets_by_the_rank_and_nothing_else(
    tiny: Tiny, checkpoint: Path, tmp_path: Path, rank: int
) -> None:
    lora = {"rank": rank, "targets": ["q_proj", "v_proj"]}
    tuning = {"steps": 10, "batch_items": 8, "lr": 1e-2, "method": "lora", "lora": lora}
    parents = {"checkpoint": checkpoint, "task": tiny.task("rag")}
    metrics = tiny_study.make(finetune.run, tmp_path, {"tuning": tuning, "seed": 0}, parents)
    before, after = (load_file(folder / "model.safetensors") for folder in (checkpoint, tmp_path))
    assert before.keys() == after.keys()
    for name in before:
        difference = (after[name] - before[name]).double()
        if "q_proj" in name or "v_proj" in name:
            assert torch.linalg.matrix_rank(difference, rtol=1e-4) == rank
        else:
            assert not difference.any()
    assert metrics["trained_parameters"] == 2 * 2 * 32 * rank


def test_a_merged_model_computes_what_the_adapted_one_did(checkpoint: Path) -> None:
    torch.manual_seed(0)
    adapted, ids = with_adapters(load_model(checkpoint), Lora(rank=2, alpha=8)), torch.arange(10)[None]
    for name, weights in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.1)
    before = adapted.eval()(input_ids=ids).logits
    assert torch.allclose(merged(adapted)(input_ids=ids).logits, before, atol=1e-5)


def test_layers_that_the_model_does_not_have_are_said(checkpoint: Path) -> None:
    with pytest.raises(UserError, match="the adapters do not fit this model"):
        with_adapters(load_model(checkpoint), Lora(targets=("no_such_layer",)))


@pytest.mark.parametrize("target", ["lm_head", "embed_tokens"])
def test_a_shared_embedding_matrix_is_not_adapted_for_one_of_its_uses(checkpoint: Path, target: str) -> None:
    with pytest.raises(UserError, match=r"lora\.targets: input and output embeddings of this model are one matrix"):
        with_adapters(load_model(checkpoint), Lora(targets=(target,)))
