"""The batch of every step of a pre-training, as a pure function of the seed and the step."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.sampler import Sampler
from ptp_core.data.shards import HELD_OUT, TRAIN, open_tokens
from ptp_core.objectives.batch import IGNORE, Batch
from ptp_core.objectives.mix import make_batch
from ptp_core.spec.pretrain import PretrainSettings
from ptp_core.training.loss import to_tensors, windows

HELD_OUT_TOKENS = 4096
"""Tokens of each domain on which a variant's own loss is followed while it trains."""


class Batches:
    """Any rows of the global batch at any step, and a fixed held-out set under the same objective."""

    def __init__(self, settings: PretrainSettings, parents: dict[str, Path], steps: int) -> None:
        recipe = settings.recipe
        assert recipe.seed is not None, "a recipe in a job has its seed resolved"
        self.settings, self.parents, self.seed = settings, parents, recipe.seed
        self.rows = recipe.batch_tokens // recipe.sequence_length
        self.special = tokenizers.special(parents["tokenizer"])
        streams = {domain: open_tokens(parents[f"shards/{domain}"], TRAIN) for domain in settings.weights}
        self.sampler = Sampler(streams, settings.weights, self.seed, recipe.sequence_length, steps * self.rows)

    def at(self, step: int, first: int, count: int) -> dict[str, Any]:
        """Rows ``first … first + count - 1`` of a step's batch, and ``global_targets``: how many all of it has."""
        rng = np.random.default_rng([self.seed, 3, step])
        rows = self.sampler.rows(step * self.rows, self.rows)
        whole = make_batch(self.settings.recipe.objective, rows, rng, self.special)
        part = Batch(*(array[first : first + count] for array in whole))
        return to_tensors(part) | {"global_targets": float((whole.targets != IGNORE).sum())}

    def held_out(self) -> list[Batch]:
        """One batch a domain of the mixture, the same at every call."""
        recipe, result = self.settings.recipe, []
        for i, domain in enumerate(sorted(self.settings.weights)):
            tokens = open_tokens(self.parents[f"shards/{domain}"], HELD_OUT)
            rows = windows(tokens, recipe.sequence_length, HELD_OUT_TOKENS, domain)
            rng = np.random.default_rng([self.seed, 4, i])
            result.append(make_batch(recipe.objective, rows, rng, self.special))
        return result

    def chain(self, digest: str, step: int) -> str:
        """The digest of all batches up to and with this step, from the digest of those before it.

        Over which window of which domain each row is, so it costs no reading; equal digests mean equal batches.
        """
        places = self.sampler.places(step * self.rows, self.rows)
        return hashlib.blake2b(digest.encode() + places.tobytes(), digest_size=16).hexdigest()
