"""What a tokenizer puts in front of a text by itself: bos where texts are to begin with it, and nothing else."""

from __future__ import annotations

from typing import Any

from tokenizers.processors import TemplateProcessing


def begin_with(fast: Any, bos: str | None) -> None:
    """Let ``fast`` encode every text as ``bos`` and the text, or as the text alone if there is no ``bos``.

    Our own code puts bos there itself. This is for everybody else who loads a finished checkpoint, such as
    lm-evaluation-harness: without it they would show a model texts that begin in a way it was never trained on.
    """
    fast.post_processor = TemplateProcessing(single=_template(bos), pair=_pair(bos), special_tokens=_special(fast, bos))


def _template(bos: str | None) -> list[str]:
    return ["$A"] if bos is None else [bos, "$A"]


def _pair(bos: str | None) -> list[str]:
    return [*_template(bos), "$B"]


def _special(fast: Any, bos: str | None) -> list[tuple[str, int]]:
    return [] if bos is None else [(bos, fast.token_to_id(bos))]
