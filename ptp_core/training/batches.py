"""The batch of every step of a pre-training, as a pure function of the seed and the step."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.sampler import Sampler
from ptp_core.data.shards import HELD_OUT, open_tokens
from ptp_core.data.streams import Stream, open_stream
from ptp_core.draws import Draws, key
from ptp_core.objectives.batch import Batch
from ptp_core.objectives.mix import make_batch, targets_in
from ptp_core.spec.pretrain import PretrainSettings, View
from ptp_core.spec.quantities import WHOLE
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
        streams = {domain: self._stream(domain) for domain in settings.weights}
        self.sampler = Sampler(streams, settings.weights, self.seed, recipe.sequence_length, steps * self.rows)

    def at(self, step: int, first: int, count: int) -> dict[str, Any]:
        """Rows ``first … first + count - 1`` of a step's batch, and ``global_targets``: how many all of it has."""
        recipe, start = self.settings.recipe, step * self.rows
        everyone = Draws(self.seed, np.arange(start, start + self.rows))
        targets = targets_in(recipe.objective, everyone, recipe.sequence_length, self.special)
        mine = np.arange(start + first, start + first + count)
        made = make_batch(recipe.objective, self.sampler.at(mine), Draws(self.seed, mine), self.special)
        return to_tensors(made) | {"global_targets": float(targets.sum())}

    def held_out(self) -> list[Batch]:
        """One batch a domain of the mixture, the same at every call."""
        recipe, result = self.settings.recipe, []
        for domain in sorted(self.settings.weights):
            tokens = open_tokens(self.parents[f"shards/{domain}"], HELD_OUT)
            rows = windows(tokens, recipe.sequence_length, HELD_OUT_TOKENS, domain)
            draws = Draws(key(self.seed, "held out", domain), np.arange(len(rows)))
            result.append(make_batch(recipe.objective, rows, draws, self.special))
        return result

    def _stream(self, domain: str) -> Stream:
        view = self.settings.views.get(domain, View())
        quantile = None if view.length_quantile == WHOLE else view.length_quantile
        return open_stream(self.parents[f"shards/{domain}"], "train", quantile, view.tag, self.special.bos)

    def chain(self, digest: str, step: int) -> str:
        """The digest of the order up to and with this step, from the digest of the steps before it; "" at the start.

        Over objective, seed, lengths of rows and streams, and which window of which domain each row is: with the same
        shards and code, equal digests mean equal batches. It costs no reading.
        """
        recipe = self.settings.recipe
        streams = [len(stream) for stream in self.sampler.streams]
        digest = digest or f"{recipe.objective} {self.seed} {recipe.sequence_length} {streams}"
        places = self.sampler.places(step * self.rows, self.rows)
        return hashlib.blake2b(digest.encode() + places.tobytes(), digest_size=16).hexdigest()
