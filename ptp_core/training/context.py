"""The longest sequence that a model takes, whatever its configuration calls it."""

from __future__ import annotations

from typing import Any

from ptp_core.errors import UserError

CONTEXT_NAMES = ("max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length", "max_seq_len", "seq_length")
"""What configurations call the longest sequence of a model, in the order in which they are asked."""


def context_of(config: Any) -> int:
    """The longest sequence that a model takes, in tokens. Raises UserError if its configuration names none."""
    found = named_context(config)
    if found is None:
        raise UserError("this model's configuration names no context length", fix="give the checkpoint a `context`")
    return found


def named_context(config: Any) -> int | None:
    """The same, or None."""
    values = (getattr(config, name, None) for name in CONTEXT_NAMES)
    return next((int(value) for value in values if isinstance(value, int) and value > 1), None)
