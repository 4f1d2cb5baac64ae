"""What a model and its training cost: parameters, FLOPs, bytes. Pure arithmetic, nothing is built."""

from __future__ import annotations

from ptp_core.spec.model import Model

PEAK_FLOPS = {"H200": 989e12, "H100": 989e12, "A100": 312e12}
"""Dense bf16 peak of a device in FLOP/s (NVIDIA's data sheets), by a part of its name."""
STATES = 3
"""Saved states on the disk at once: the last one, the one before it, and the next while it is written."""
MOMENT_BYTES = 8
"""Bytes a parameter of AdamW's two moments, in fp32."""
CHECKPOINT_BYTES = 4
"""Bytes a parameter of a model as it is kept: fp32, whatever the precision of its training."""
STATE_BYTES = CHECKPOINT_BYTES + MOMENT_BYTES
"""Bytes a parameter of a saved training state: fp32 weight and two moments."""
FORMULA = "6·parameters + 12·layers·width·length"
"""What ``flops_per_token`` counts, for people."""


def parameters(model: Model, vocabulary: int) -> int:
    """Weights of a Llama of this shape, all of them trained; ``vocabulary`` in tokens."""
    kv_width = model.width // model.heads * model.kv_heads_or_all
    attention = 2 * model.width * model.width + 2 * model.width * kv_width
    block = attention + 3 * model.width * model.ffn_width + 2 * model.width
    embeddings = vocabulary * model.width * (1 if model.tied_embeddings else 2)
    return embeddings + model.layers * block + model.width


def flops_per_token(count: int, layers: int, width: int, length: int) -> float:
    """FLOPs of forward and backward pass a token: 6N + 12·layers·width·length (Chowdhery et al. 2023, appendix B).

    ``count``: parameters, embeddings included; ``length``: tokens of a sequence. The second term is attention,
    counted in full although a causal mask needs half of it, as is the custom.
    """
    return 6.0 * count + 12.0 * layers * width * length


def device_hours(flops: float, utilisation: float, peak: float) -> float:
    """Hours of one device of ``peak`` FLOP/s, of which it reaches the share ``utilisation`` (MFU)."""
    return flops / (utilisation * peak) / 3600


def token_bytes(vocabulary: int) -> int:
    """Bytes of a token in a shard: two where the vocabulary allows it, else four."""
    return 2 if vocabulary <= 2**16 else 4


def peak_flops(device_name: str) -> float | None:
    """Dense bf16 peak of a device in FLOP/s; None if it is not known."""
    return next((peak for part, peak in PEAK_FLOPS.items() if part in device_name), None)
