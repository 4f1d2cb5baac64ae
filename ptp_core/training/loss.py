"""The loss of a batch, with causal attention or a bidirectional prefix."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ptp_core.data.shards import Tokens
from ptp_core.errors import UserError
from ptp_core.objectives.batch import IGNORE, Batch, Ints


def to_tensors(batch: Batch) -> dict[str, Tensor]:
    """The arrays of a batch as tensors, under their own names; without ``prefix`` if all rows are causal.

    Settled here, where it is a matter of an array: on a GPU, to ask a tensor means to wait for all work before it.
    """
    arrays = batch._asdict()
    if not batch.prefix.any():
        del arrays["prefix"]
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


def prefix_mask(prefix: Tensor, length: int) -> Tensor:
    """Who may look at whom, shape (batch, 1, length, length), True where allowed.

    Position t sees s if s ≤ t, or if both lie in the first ``prefix`` positions of their row.
    """
    position = torch.arange(length, device=prefix.device)
    causal_LL = position[None, :] <= position[:, None]
    inside_BL = position[None, :] < prefix[:, None]
    return (causal_LL[None] | (inside_BL[:, :, None] & inside_BL[:, None, :]))[:, None]


def token_losses(model: torch.nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Cross-entropy of every position in nats, shape (batch, length); 0 where there is no target."""
    logits, targets = _logits(model, batch)
    return _cross_entropy(logits, targets).view_as(batch["targets"])


def summed_losses(model: torch.nn.Module, batch: dict[str, Tensor], z_loss: float = 0.0) -> tuple[Tensor, Tensor]:
    """(what training minimises, cross-entropy without gradient): sums over all positions with a target, in nats.

    ``z_loss`` weighs the squared log of the softmax normaliser (Chowdhery et al. 2023, section 5).
    """
    logits, targets = _logits(model, batch)
    entropy = torch.nn.functional.cross_entropy(logits, targets, ignore_index=IGNORE, reduction="sum")
    if not z_loss:
        return entropy, entropy.detach()
    # Where no loss is asked for, logits may be anything: select, rather than multiply by zero.
    squares = torch.where(targets != IGNORE, logits.logsumexp(dim=-1) ** 2, logits.new_zeros(()))
    return entropy + z_loss * squares.sum(), entropy.detach()


def mean_loss(model: torch.nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Mean cross-entropy over the positions that have a target, in nats; a scalar with gradient."""
    losses = token_losses(model, batch)
    return losses.sum() / (batch["targets"] != IGNORE).sum().clamp(min=1).to(losses.device)


def _logits(model: torch.nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """(logits in fp32, targets) of all positions in one row: shapes (batch · length, vocabulary), (batch · length)."""
    # Batches of a training step arrive on the model's device, held-out ones from numpy.
    device = next(model.parameters()).device
    inputs, targets = batch["inputs"].to(device), batch["targets"].to(device)
    mask = prefix_mask(batch["prefix"].to(device), inputs.shape[1]) if "prefix" in batch else None
    logits_BLV = model(input_ids=inputs, attention_mask=mask, use_cache=False).logits
    return logits_BLV.flatten(0, 1).float(), targets.flatten()


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    return torch.nn.functional.cross_entropy(logits, targets, ignore_index=IGNORE, reduction="none")


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
