"""The losses of many rows, at little more than the price of the model's forward pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptp_core.measure.rows import rows_at_once
from ptp_core.objectives.batch import IGNORE, Batch, Ints
from ptp_core.training.loss import prefix_mask, to_tensors

LOGITS_AT_ONCE = 2**18
"""Numbers whose softmax is taken at once: what a core's cache holds in fp32."""


def nats_of_rows(model: Any, lengths: Ints, batch_of: Callable[[Ints], Batch]) -> NDArray[np.float64]:
    """Sum of the losses in nats of each row, shape (rows,), for rows of unequal length.

    ``lengths``: inputs of each row; ``batch_of``: some rows by their numbers, padded behind to the longest of them.
    """
    order = np.argsort(-lengths, kind="stable")
    found = np.zeros(len(order))
    start = 0
    while start < len(order):
        # Longest first, so the first of a batch says how many fit, and little of it is padding.
        some = order[start : start + rows_at_once(int(lengths[order[start]]), model.config.vocab_size)]
        found[some] = _nats(model, batch_of(some))
        start += len(some)
    return found


def nats_of_batch(model: Any, batch: Batch) -> NDArray[np.float64]:
    """Sum of the losses in nats of each row of a batch that may be too large to go through the model at once."""
    size = rows_at_once(batch.inputs.shape[1], model.config.vocab_size)
    starts = range(0, len(batch.inputs), size)
    return np.concatenate([_nats(model, Batch(*(array[i : i + size] for array in batch))) for i in starts])


@torch.inference_mode()
def _nats(model: Any, batch: Batch) -> NDArray[np.float64]:
    tensors = {name: tensor.to(model.device) for name, tensor in to_tensors(batch).items()}
    mask = prefix_mask(tensors["prefix"], batch.inputs.shape[1]) if "prefix" in tensors else None
    last = _positions_asked(batch, model)
    options = {"logits_to_keep": last} if last < batch.inputs.shape[1] else {}
    logits_BLV = model(input_ids=tensors["inputs"], attention_mask=mask, use_cache=False, **options).logits
    targets_BL = tensors["targets"][:, -last:]
    losses = _losses(logits_BLV.flatten(0, 1), targets_BL.flatten()).view_as(targets_BL)
    sums: NDArray[np.float64] = losses.double().sum(dim=1).cpu().numpy()
    return sums


def _positions_asked(batch: Batch, model: Any) -> int:
    """How many last positions hold all targets; all positions for a model that cannot leave logits out."""
    length: int = batch.inputs.shape[1]
    if "logits_to_keep" not in inspect.signature(model.forward).parameters:
        return length
    asked = np.flatnonzero((batch.targets != IGNORE).any(axis=0))
    return length - int(asked[0]) if len(asked) else 1


def _losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy in nats of each position: (n, vocabulary), (n,) → (n,); 0 where there is no target.

    Some rows at a time: a softmax of all logits would be written to memory and read again, in whole.
    """
    size = max(1, LOGITS_AT_ONCE // logits.shape[1]) if logits.device.type == "cpu" else len(logits)
    kind = torch.promote_types(logits.dtype, torch.float32)
    parts = zip(torch.split(logits, size), torch.split(targets, size), strict=True)
    entropy = torch.nn.functional.cross_entropy
    return torch.cat([entropy(some.to(kind), asked, ignore_index=IGNORE, reduction="none") for some, asked in parts])
