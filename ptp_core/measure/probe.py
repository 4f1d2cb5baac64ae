"""What an indicator that a user wrote can look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ptp_core.data.items import Item, load_items
from ptp_core.data.shards import HELD_OUT, Tokens, open_tokens
from ptp_core.errors import did_you_mean


@dataclass(frozen=True)
class Probe:
    """One checkpoint, and the data of its study. Everything is loaded when it is first asked for."""

    folder: Path
    """The checkpoint: a Hugging Face directory, tokenizer beside the model. Nothing may be written there."""
    shards: Mapping[str, Path] = field(default_factory=dict)
    """Domain → folder of its tokens."""
    tasks: Mapping[str, Path] = field(default_factory=dict)
    """Task → folder of its items."""

    @cached_property
    def model(self) -> Any:
        """The Hugging Face model, in fp32 and evaluation mode, on the CPU: a copy that may be changed at will."""
        from ptp_core.training.model import load_model

        return load_model(self.folder)

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer, as ``AutoTokenizer`` loads it."""
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.folder, local_files_only=True, trust_remote_code=False)

    @cached_property
    def held_out(self) -> dict[str, Tokens]:
        """Domain → held-out tokens: ``[bos] tokens eos`` of one document after the other, read only."""
        return {domain: open_tokens(folder, HELD_OUT) for domain, folder in self.shards.items()}

    def items(self, task: str) -> list[Item]:
        """The training items of a task: outcomes are measured on the others. Raises KeyError for an unknown task."""
        if task not in self.tasks:
            raise KeyError(f'no task "{task}" is given to this indicator; {did_you_mean(task, self.tasks)}')
        return load_items(self.tasks[task], "train")
