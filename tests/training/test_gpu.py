"""On a GPU the loop does what it does on a CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ptp_core.spec.model import Model
from ptp_core.training.fit import fit
from ptp_core.training.layout import Layout
from ptp_core.training.model import new_model
from ptp_core.training.module import LanguageModelling
from ptp_core.training.optimisation import Optimisation

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]
ROWS, LENGTH, VOCABULARY = 4, 16, 50


def batch_of(step: int, _first: int, rows: int) -> dict[str, Any]:
    tokens = torch.randint(VOCABULARY, (rows, LENGTH + 1), generator=torch.Generator().manual_seed(step))
    return {"inputs": tokens[:, :-1], "targets": tokens[:, 1:], "global_targets": float(rows * LENGTH)}


def module() -> LanguageModelling:
    model = new_model(Model(width=32, layers=2, heads=2, ffn_width=64, context=LENGTH), VOCABULARY, seed=0)
    return LanguageModelling(model, Optimisation(steps=2, lr=1e-3), Layout(rows=ROWS))


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-3), ("bf16", 0.05)])
def test_two_steps_on_a_gpu_have_the_losses_of_the_cpu(precision: str, tolerance: float) -> None:
    trained, plain = module(), module().model
    fit(trained, batch_of, precision=precision)
    assert torch.cuda.max_memory_allocated() > 0
    batch = batch_of(0, 0, ROWS)
    logits = plain(input_ids=batch["inputs"]).logits
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch["targets"].flatten())
    assert len(trained.history.loss) == 2
    assert trained.history.loss[0] == pytest.approx(float(expected.detach()), abs=tolerance)
