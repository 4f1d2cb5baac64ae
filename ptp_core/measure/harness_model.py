"""A checkpoint as lm-evaluation-harness drives it: loaded once, in batches that fit into memory."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import Any

from ptp_core.measure.loaded import model_of
from ptp_core.measure.rows import rows_at_once
from ptp_core.training.context import context_of


@functools.lru_cache(maxsize=1)
def harness_model(folder: Path) -> Any:
    """The checkpoint in ``folder`` as an ``HFLM`` in fp32, on the GPU if there is one.

    Its ``rows`` fixes the batch size in rows; None (as it starts) takes as many rows as fit, which depends on the
    longest row of a task and on nothing that other tasks of the process did. ``answer_tokens`` holds the length of
    every answer of the last measurement, by (prompt, answer).
    """
    from transformers import AutoTokenizer

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    model = model_of(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return _class()(pretrained=model, tokenizer=tokenizer, max_length=context_of(model.config), batch_size=1)


@functools.cache
def _class() -> Any:
    from lm_eval.models.huggingface import HFLM

    class Bounded(HFLM):  # type: ignore[misc]
        """HFLM with a batch size for every kind of request; it cuts answers to the context and knows their lengths."""

        rows: int | None = None

        def __init__(self, **options: Any) -> None:
            self.answer_tokens: dict[tuple[str, str], int] = {}
            super().__init__(**options)

        def _loglikelihood_tokens(self, requests: Any, **options: Any) -> Any:
            requests = [(pair, question, self._fitting(answer)) for pair, question, answer in requests]
            self.answer_tokens |= {pair: len(answer) for pair, _, answer in requests if pair is not None}
            longest = max((len(question) + len(answer) for _, question, answer in requests), default=1)
            self.batch_size_per_gpu = self._rows(min(longest, self.max_length))
            return super()._loglikelihood_tokens(requests, **options)

        def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> Any:
            self.batch_size_per_gpu = self._rows(self.max_length)
            return super().loglikelihood_rolling(requests, disable_tqdm=disable_tqdm)

        def generate_until(self, requests: Any, disable_tqdm: bool = False) -> Any:
            self.batch_size_per_gpu = self._rows(self.max_length)
            return super().generate_until(requests, disable_tqdm=disable_tqdm)

        def _fitting(self, answer: list[int]) -> list[int]:
            # HFLM would stop the whole measurement for one answer that no model of this context can be asked about.
            if len(answer) > self.max_length:
                cut = f"the beginning counts, of an answer of {len(answer)} tokens in a context of {self.max_length}"
                print(cut, flush=True)
            return answer[: self.max_length]

        def _rows(self, length: int) -> int:
            return self.rows or rows_at_once(length, self.model.config.vocab_size)

    return Bounded
