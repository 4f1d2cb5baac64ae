"""FLP-M's second step: a two-layer network from domain losses to a score; all starts and resamples in one tensor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptp_core.predict.scaling.points import Floats

if TYPE_CHECKING:
    import torch

HIDDEN, STEPS, RATE, DECAY = 3, 2000, 0.05, 0.01
"""Chen et al. 2024 (arXiv 2410.08527): hidden units, full-batch Adam steps, its rate, which falls to 0 (here
as a cosine), its penalty."""
NETWORK_STREAM = 74


@dataclass(frozen=True)
class Networks:
    """M networks of D inputs."""

    inner: Floats
    """(M, HIDDEN, D)."""
    inner_bias: Floats
    """(M, HIDDEN)."""
    outer: Floats
    """(M, HIDDEN)."""
    outer_bias: Floats
    """(M,)."""

    def answer(self, inputs: Floats) -> Floats:
        """(M, n) answers to (n, D) inputs that all networks share, or to (M, n, D), each to its own."""
        hidden = np.maximum(inputs @ self.inner.transpose(0, 2, 1) + self.inner_bias[:, None], 0)
        return np.asarray((hidden @ self.outer[..., None])[..., 0] + self.outer_bias[:, None])

    def at(self, index: NDArray[np.int64]) -> Networks:
        """Some of them."""
        return Networks(self.inner[index], self.inner_bias[index], self.outer[index], self.outer_bias[index])


def train_networks(inputs: Floats, score: Floats, weights: Floats, seed: int) -> tuple[Networks, Floats]:
    """M networks, and the (M,) mean squared error of each on what it was trained on.

    ``inputs`` are (n, D), standardised; ``score`` is (M, n), about 0 to 1; ``weights`` are (M, n), rows that add up
    to 1: what each network is trained on. No network feels another: their losses are added up, and Adam works number
    by number. First weights are uniform within 1/√fan-in, as customary; ``seed`` draws them.
    """
    import torch

    rng = np.random.default_rng([seed, NETWORK_STREAM])
    weighed = [torch.tensor(w, requires_grad=True) for w in _first(len(weights), inputs.shape[1], rng)]
    x, y, w = (torch.tensor(a.astype(np.float32)) for a in (inputs, score, weights))
    # One thread fixes the order of sums, and steps this small are over before others are woken.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _descend(weighed, x, y, w)
        with torch.no_grad():
            errors = _errors(weighed, x, y, w)
    finally:
        torch.set_num_threads(threads)
    inner, bias, outer, outer_bias = (np.asarray(p.detach().numpy(), dtype=np.float64) for p in weighed)
    return Networks(inner, bias, outer, outer_bias), np.asarray(errors.numpy(), dtype=np.float64)


def _descend(weighed: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor, w: torch.Tensor) -> None:
    import torch

    means, squares = ([torch.zeros_like(p) for p in weighed] for _ in range(2))
    for step in range(1, STEPS + 1):
        gradients = torch.autograd.grad(_errors(weighed, x, y, w).sum(), weighed)
        rate = RATE * 0.5 * (1 + math.cos(math.pi * (step - 1) / STEPS))
        with torch.no_grad():
            for p, gradient, mean, square in zip(weighed, gradients, means, squares, strict=True):
                _adam(p, gradient + DECAY * p, mean, square, step, rate)


def _adam(
    p: torch.Tensor, gradient: torch.Tensor, mean: torch.Tensor, square: torch.Tensor, step: int, rate: float
) -> None:
    """One step of Adam (Kingma & Ba 2015) in place, usual constants; to load torch's own takes seconds."""
    mean.lerp_(gradient, 0.1)
    square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
    spread = (square / (1 - 0.999**step)).sqrt_().add_(1e-8)
    p.addcdiv_(mean, spread, value=-rate / (1 - 0.9**step))


def _first(networks: int, inputs: int, rng: np.random.Generator) -> list[NDArray[np.float32]]:
    near, far = inputs**-0.5, HIDDEN**-0.5
    return [
        rng.uniform(-near, near, (networks, HIDDEN, inputs)).astype(np.float32),
        rng.uniform(-near, near, (networks, HIDDEN)).astype(np.float32),
        rng.uniform(-far, far, (networks, HIDDEN)).astype(np.float32),
        rng.uniform(-far, far, networks).astype(np.float32),
    ]


def _errors(parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    import torch

    inner, bias, outer, outer_bias = parameters
    hidden = torch.einsum("nd,mhd->mhn", x, inner) + bias[..., None]
    answers = torch.einsum("mhn,mh->mn", hidden.relu(), outer) + outer_bias[:, None]
    return (w * (answers - y) ** 2).sum(dim=1)
