"""Stages ``indicators`` and ``evaluate``: numbers measured on a checkpoint, before and after fine-tuning."""

from __future__ import annotations

import functools
import json
import statistics
from pathlib import Path
from typing import Any

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.items import load_items
from ptp_core.data.prompts import prompt
from ptp_core.data.shards import HELD_OUT, open_tokens
from ptp_core.errors import UserError
from ptp_core.measure.fewshot import split_off, with_shots
from ptp_core.measure.perplexity import perplexities
from ptp_core.measure.scoring import Scored, longest_answer, score_items
from ptp_core.spec.indicators import EvaluateSettings, IndicatorSettings
from ptp_core.special import SpecialTokens
from ptp_core.training.answers import question_tokens
from ptp_core.training.context import context_of
from ptp_core.training.model import load_model
from ptp_core.work import Metrics, Work


def run_indicator(work: Work) -> Metrics:
    """One indicator of one checkpoint. Metrics: value, standard error, number of items (tokens, for a perplexity)."""
    settings = IndicatorSettings.model_validate(work.settings)
    return _perplexity(settings, work) if settings.kind == "ppl" else _kshot(settings, work)


def run_evaluate(work: Work) -> Metrics:
    """Score a fine-tuned model on the test items of its task, without examples. Metrics as for an indicator."""
    style = EvaluateSettings.model_validate(work.settings).prompt_format
    asked = [(prompt(item, style), item) for item in load_items(work.parents["task"], "test")]
    checkpoint = work.parents["checkpoint"]
    scored = score_items(_model(checkpoint), tokenizers.load(checkpoint), asked, tokenizers.special(checkpoint))
    return _summary(scored, work.folder)


@functools.lru_cache(maxsize=1)
def _model(folder: Path) -> Any:
    return load_model(folder)


def _perplexity(settings: IndicatorSettings, work: Work) -> Metrics:
    streams = {
        role.removeprefix("shards/"): open_tokens(folder, HELD_OUT)
        for role, folder in work.parents.items()
        if role.startswith("shards/")
    }
    checkpoint = work.parents["checkpoint"]
    model, special = _model(checkpoint), tokenizers.special(checkpoint)
    _refuse_what_it_cannot_read(settings, context_of(model.config), special)
    objective = settings.objective or "clm"
    found = perplexities(model, streams, checkpoint, objective, settings.length, settings.tokens)
    by_name = {name: vars(quantity) for name, quantity in found.quantities.items()}
    (work.folder / "domains.json").write_text(json.dumps(by_name, indent=1, sort_keys=True) + "\n")
    overall = found.quantities[found.headline]
    return {"value": overall.value, "stderr": overall.stderr, "n_items": overall.n_items}


def _refuse_what_it_cannot_read(settings: IndicatorSettings, context: int, special: SpecialTokens) -> None:
    if settings.length > context:
        raise UserError(
            f"windows of {settings.length} tokens are longer than this model's context", got=context,
            fix=f"give the indicator `length: {context}` or less, for all variants alike",
        )  # fmt: skip
    if "sc" in (settings.objective or "") and not special.sentinels:
        raise UserError(
            "this checkpoint's tokenizer has no sentinels <extra_id_0>, …, so it has no ppl_sc",
            fix="remove ppl_sc from the indicators",
        )


def _kshot(settings: IndicatorSettings, work: Work) -> Metrics:
    items, pool = split_off(load_items(work.parents["task"], "train"), settings.items)
    checkpoint = work.parents["checkpoint"]
    model, fast, special = _model(checkpoint), tokenizers.load(checkpoint), tokenizers.special(checkpoint)
    room = context_of(model.config) - longest_answer(fast, items)

    def fits(text: str) -> bool:
        return len(question_tokens(fast, text, special)) <= room

    asked = [(with_shots(item, pool, settings.shots, fits), item) for item in items]
    return _summary(score_items(model, fast, asked, special), work.folder)


def _summary(scored: list[Scored], folder: Path) -> Metrics:
    lines = [json.dumps(s._asdict(), ensure_ascii=False, sort_keys=True) + "\n" for s in scored]
    (folder / "items.jsonl").write_text("".join(lines), encoding="utf-8")
    scores = [s.score for s in scored]
    spread = statistics.stdev(scores) / len(scores) ** 0.5 if len(scores) > 1 else 0.0
    return {"value": statistics.fmean(scores), "stderr": spread, "n_items": len(scores)}
