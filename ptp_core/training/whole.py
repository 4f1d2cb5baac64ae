"""Weights and optimiser state as whole tensors, whatever process holds which part of them.

A saved state must outlive a change of processes and of ZeRO stage, so it holds every weight and every moment in full,
under the name of its parameter. All processes must call these functions together; only the first gets the tensors.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

MOMENTS = ("exp_avg", "exp_avg_sq")
Tensors = dict[str, Tensor]


def whole_weights(model: torch.nn.Module, is_first: bool = True) -> Tensors:
    """Name → fp32 weight on the CPU; empty in other processes than the first. Shared weights appear once."""
    found: Tensors = {}
    for name, p in model.named_parameters():
        # All processes take part in putting it together, also those that do not want it.
        whole = _weight(p)
        if is_first:
            found[name] = whole.detach().float().cpu().clone()
    return found


def whole_moments(model: torch.nn.Module, optimizer: Any, is_first: bool = True) -> dict[str, Tensors]:
    """Moment → name → tensor on the CPU, for AdamW; empty in other processes than the first."""
    found: dict[str, Tensors] = {moment: {} for moment in MOMENTS}
    for name, p in model.named_parameters():
        for moment in MOMENTS if p.requires_grad else ():
            whole = _moment(p, _base(optimizer), moment)
            if is_first:
                found[moment][name] = whole.detach().float().cpu().clone()
    return found


def set_moments(model: torch.nn.Module, optimizer: Any, moments: dict[str, Tensors], steps: int) -> None:
    """Set AdamW to where it was after ``steps`` steps; every process gives the same tensors.

    At step 0, with no moments, it makes room for them, which DeepSpeed's bookkeeping needs: torch makes it group by
    group in the first step, and DeepSpeed looks for all of it after the first group.
    """
    base = _base(optimizer)
    _make_room(optimizer, base, steps)
    if not moments:
        return
    for name, p in model.named_parameters():
        for moment in MOMENTS if p.requires_grad else ():
            _set_moment(p, base, moment, moments[moment][name])


def set_weights(model: torch.nn.Module, weights: Tensors) -> None:
    """Set the fp32 weights that an optimiser with 16-bit parameters keeps beside them."""
    for name, p in model.named_parameters():
        if _is_shared(p):
            # Imported where it is at work already: plain training would pay seconds for it.
            from deepspeed.utils import safe_set_full_fp32_param

            safe_set_full_fp32_param(p, weights[name].to(p.device))


def _is_shared(p: Tensor) -> bool:
    """Whether DeepSpeed keeps the parameter's fp32 weights and moments in parts."""
    return hasattr(p, "ds_id") or hasattr(p, "_hp_mapping")


def _weight(p: Tensor) -> Tensor:
    if not _is_shared(p):
        return p
    from deepspeed.utils import safe_get_full_fp32_param

    whole: Tensor = safe_get_full_fp32_param(p)
    return whole


def _moment(p: Tensor, base: torch.optim.Optimizer, moment: str) -> Tensor:
    if not _is_shared(p):
        alone: Tensor = base.state[p][moment]
        return alone
    from deepspeed.utils import safe_get_full_optimizer_state

    whole: Tensor = safe_get_full_optimizer_state(p, moment)
    return whole


def _set_moment(p: Tensor, base: torch.optim.Optimizer, moment: str, value: Tensor) -> None:
    if not _is_shared(p):
        base.state[p][moment].copy_(value)
        return
    from deepspeed.utils import safe_set_full_optimizer_state

    safe_set_full_optimizer_state(p, value.to(p.device), moment)


def _base(optimizer: Any) -> torch.optim.Optimizer:
    """The torch optimiser inside Lightning's and DeepSpeed's wrappers."""
    while not isinstance(optimizer, torch.optim.Optimizer) or hasattr(optimizer, "optimizer"):
        optimizer = optimizer.optimizer
    base: torch.optim.Optimizer = optimizer
    return base


def _make_room(optimizer: Any, base: torch.optim.Optimizer, steps: int) -> None:
    # ZeRO 3 hands its flat parts to the optimiser only while a step lasts.
    parts = getattr(optimizer, "fp32_partitioned_groups_flat", None)
    for p in parts or [p for group in base.param_groups for p in group["params"]]:
        # Torch keeps the count on the CPU, unless one kernel updates all weights.
        device = p.device if base.defaults.get("fused") or base.defaults.get("capturable") else "cpu"
        base.state[p] = {
            "step": torch.tensor(float(steps), dtype=torch.float32, device=device),
            **{moment: torch.zeros_like(p, memory_format=torch.preserve_format) for moment in MOMENTS},
        }
    link = getattr(optimizer, "_lazy_init_hp_params_optimizer_state", None)
    if link is not None:
        link()
