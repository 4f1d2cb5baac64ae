"""Stages ``indicators`` and ``evaluate``: numbers measured on a checkpoint, before and after fine-tuning."""

from __future__ import annotations

from pathlib import Path

from ptp_core.data import tokenizer as tokenizers
from ptp_core.data.items import Item, load_items
from ptp_core.data.prompts import prompt
from ptp_core.data.shards import HELD_OUT, open_tokens
from ptp_core.errors import UserError
from ptp_core.measure.fewshot import first_by_hash, split_off, with_shots
from ptp_core.measure.harness import measure_task
from ptp_core.measure.harness_items import answer_room, measure_items
from ptp_core.measure.loaded import model_of
from ptp_core.measure.measured import Measured, metrics_of, write_items
from ptp_core.measure.perplexity import perplexities
from ptp_core.measure.plugins import PluginFailed
from ptp_core.measure.plugins import run as run_plugin
from ptp_core.measure.probe import Probe
from ptp_core.spec.execution import Execution
from ptp_core.spec.harness import HarnessSettings
from ptp_core.spec.indicators import EvaluateSettings, IndicatorSettings, KshotSettings, PerplexitySettings
from ptp_core.special import SpecialTokens
from ptp_core.training.answers import question_tokens
from ptp_core.training.context import context_of
from ptp_core.work import Failed, Metrics, Work

TASK = "items"
"""What the harness calls a task of ours: names of tasks are not identity."""


def run_indicator(work: Work) -> Metrics:
    """One indicator of one checkpoint. Metrics: its quantities with their errors (``measured.metrics_of``).

    Raises Failed if a plug-in breaks, or a task of the harness cannot be measured: the others go on without it.
    """
    settings = IndicatorSettings.model_validate(work.settings)
    if settings.perplexity is not None:
        return _kept(_perplexity(settings.perplexity, work), work)
    if settings.harness is not None:
        try:
            return _kept(_harness(settings.harness, work), work)
        except UserError as error:
            raise Failed(str(error)) from None
    if settings.kshot is not None:
        return _kept(_kshot(settings.kshot, work), work)
    if settings.tuned is not None:
        # Imported here: training brings Lightning along, which costs more than most measurements.
        from ptp_core.measure.tiny_finetune import tuned_loss

        items = load_items(work.parents["task"], "train")
        execution = Execution.model_validate(work.execution)
        return _kept(tuned_loss(work.parents["checkpoint"], items, settings.tuned, execution, work.label), work)
    assert settings.plugin is not None, "one of them is given"
    return _kept(_plugin(settings.plugin.name, work), work)


def run_evaluate(work: Work) -> Metrics:
    """Score a fine-tuned model on the test items of a task, without examples. Metrics as for an indicator."""
    settings = EvaluateSettings.model_validate(work.settings)
    if settings.harness is not None:
        return _kept(_harness(settings.harness, work), work)
    asked = [(prompt(item, settings.prompt_format), item) for item in load_items(work.parents["task"], "test")]
    return _kept(_scored(asked, settings.metric, settings.new_tokens, work), work)


def _kept(measured: Measured, work: Work) -> Metrics:
    write_items(measured.items, work.folder)
    return metrics_of(measured)


def _harness(settings: HarnessSettings, work: Work) -> Measured:
    yaml = work.inputs.get("yaml", (None,))[0]
    return measure_task(work.parents["checkpoint"], settings, yaml, work.folder)


def _parents(work: Work, kind: str) -> dict[str, Path]:
    """Name → folder of all parents of a kind: of a role ``shards/web``, web."""
    return {role.removeprefix(kind): folder for role, folder in work.parents.items() if role.startswith(kind)}


def _perplexity(settings: PerplexitySettings, work: Work) -> Measured:
    checkpoint = work.parents["checkpoint"]
    model, special = model_of(checkpoint), tokenizers.special(checkpoint)
    held_out = {domain: open_tokens(folder, HELD_OUT) for domain, folder in _parents(work, "shards/").items()}
    _refuse_what_it_cannot_read(settings, context_of(model.config), special)
    return perplexities(model, held_out, checkpoint, settings.objective, settings.length, settings.tokens)


def _refuse_what_it_cannot_read(settings: PerplexitySettings, context: int, special: SpecialTokens) -> None:
    if settings.length > context:
        raise UserError(
            f"windows of {settings.length} tokens are longer than this model's context", got=context,
            fix=f"give the indicator `length: {context}` or less, for all variants alike",
        )  # fmt: skip
    if "sc" in settings.objective and not special.sentinels:
        raise UserError(
            "this checkpoint's tokenizer has no sentinels <extra_id_0>, …, so it has no perplexity of hidden spans",
            fix="remove ppl_sc from the indicators",
        )


def _kshot(settings: KshotSettings, work: Work) -> Measured:
    """Score items of the training file that serve as examples for none; or test items, where these are shared."""
    train = load_items(work.parents["task"], "train")
    if settings.items == "disjoint":
        items, pool = split_off(train, settings.max_items)
    else:
        items, pool = first_by_hash(load_items(work.parents["task"], "test"), settings.max_items), train
    checkpoint = work.parents["checkpoint"]
    fast, special = tokenizers.load(checkpoint), tokenizers.special(checkpoint)
    room = context_of(model_of(checkpoint).config) - answer_room(checkpoint, items, settings.new_tokens)

    def fits(text: str) -> bool:
        return len(question_tokens(fast, text, special)) <= room

    asked = [(with_shots(item, pool, settings.shots, fits, settings.prompt_format), item) for item in items]
    return _scored(asked, settings.metric, settings.new_tokens, work)


def _scored(asked: list[tuple[str, Item]], metric: str | None, new_tokens: int | None, work: Work) -> Measured:
    return measure_items(work.parents["checkpoint"], TASK, asked, metric, work.folder, new_tokens)


def _plugin(name: str, work: Work) -> Measured:
    probe = Probe(work.parents["checkpoint"], _parents(work, "shards/"), _parents(work, "task/"))
    path = work.inputs["plugin"][0]
    # Should it never return, or end the process, this is the last line of the log.
    print(f"running {name} of {path.name}", flush=True)
    try:
        return run_plugin(path, name, probe)
    except PluginFailed as failed:
        raise Failed(str(failed)) from None
