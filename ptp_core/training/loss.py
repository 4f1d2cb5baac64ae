"""The loss of a batch, with causal attention or a bidirectional prefix."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ptp_core.data.shards import Tokens
from ptp_core.errors import UserError
from ptp_core.objectives.batch import IGNORE, Batch, Ints


def to_tensors(batch: Batch) -> dict[str, Tensor]:
    """The arrays of a batch as tensors, under their own names."""
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in batch._asdict().items()}


def prefix_mask(prefix: Tensor, length: int) -> Tensor | None:
    """Who may look at whom, shape (batch, 1, length, length), True where allowed; None if all rows are causal.

    Position t sees s if s ≤ t, or if both lie in the first ``prefix`` positions of their row.
    """
    if not bool(prefix.any()):
        return None
    position = torch.arange(length, device=prefix.device)
    causal_LL = position[None, :] <= position[:, None]
    inside_BL = position[None, :] < prefix[:, None]
    return (causal_LL[None] | (inside_BL[:, :, None] & inside_BL[:, None, :]))[:, None]


def token_losses(model: torch.nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Cross-entropy of every position in nats, shape (batch, length); 0 where there is no target."""
    # Batches of a training step arrive on the model's device, held-out ones from numpy.
    device = next(model.parameters()).device
    inputs, targets, prefix = (batch[name].to(device) for name in ("inputs", "targets", "prefix"))
    mask = prefix_mask(prefix, inputs.shape[1])
    logits_BLV = model(input_ids=inputs, attention_mask=mask, use_cache=False).logits
    losses = torch.nn.functional.cross_entropy(
        logits_BLV.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORE, reduction="none"
    )
    return losses.view_as(targets)


def mean_loss(model: torch.nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Mean cross-entropy over the positions that have a target, in nats; a scalar with gradient."""
    losses = token_losses(model, batch)
    return losses.sum() / (batch["targets"] != IGNORE).sum().clamp(min=1).to(losses.device)


@torch.no_grad()
def held_out_loss(model: torch.nn.Module, batches: list[Batch]) -> float:
    """Mean loss over all targets of several batches, in nats a token."""
    was_training = model.training
    model.eval()
    total, count = 0.0, 0
    for batch in batches:
        tensors = to_tensors(batch)
        total += float(token_losses(model, tensors).double().sum())
        count += int((tensors["targets"] != IGNORE).sum())
    model.train(was_training)
    return total / max(count, 1)


def windows(tokens: Tokens, length: int, limit: int, domain: str) -> Ints:
    """The first whole windows of ``length + 1`` tokens, each starting where the last one's inputs end.

    Shape (windows, length + 1), at most ``limit`` tokens and at least one window. Raises UserError if the stream of the
    domain is shorter than that.
    """
    if len(tokens) <= length:
        raise UserError(
            f'domain "{domain}" has too little held-out text', expected=f"> {length} tokens", got=len(tokens)
        )
    count = max(1, min(limit, len(tokens) - 1) // length)
    text = tokens[: count * length + 1].astype(np.int64)
    return np.stack([text[i * length : (i + 1) * length + 1] for i in range(count)])
