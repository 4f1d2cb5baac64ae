"""What every objective returns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IGNORE = -100
"""Target of a position that carries no loss (the value that PyTorch's cross-entropy ignores)."""

Ints = NDArray[np.int64]

TERM, PREFIX, KEPT, HIDDEN = range(4)
"""What a row's draws are for: its term in a mix, the length of its prefix, the pieces kept and the pieces hidden."""


class Batch(NamedTuple):
    """Rows ready for a decoder: position t sees ``inputs[t]`` and is asked for ``targets[t]``."""

    inputs: Ints
    """Tokens, shape (batch, length)."""
    targets: Ints
    """Next tokens, already shifted; IGNORE where there is no loss; shape (batch, length)."""
    prefix: Ints
    """How many first positions see each other in both directions; 0 for plain causal attention; shape (batch,)."""
