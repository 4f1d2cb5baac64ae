"""How much work one unit is: FLOPs and bytes kept, by the arithmetic of ``ptp plan``."""

from __future__ import annotations

from ptp_core import cost
from ptp_core.engine.price import exports, vocabulary_of
from ptp_core.engine.price_measuring import indicator_rows, items_of, per_row, rows_of_tuning
from ptp_core.engine.staleness.contexts import Context
from ptp_core.engine.units import Unit
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.pretrain import Variant


class WorkOf:
    """FLOPs and bytes of units; None where the spec does not tell them."""

    def __init__(self, study: LoadedStudy) -> None:
        self.study = study
        data = study.spec.data
        self.vocabulary = vocabulary_of(data) if data and study.variants else 0
        self._models: dict[str, tuple[int, float]] = {}
        self._rows_of: dict[str, float] = {}

    def flops(self, unit: Unit, context: Context) -> float | None:
        """Of making one unit; those of all units of a study add up to what its whole price says."""
        variant = context.trained
        if variant is None:
            return None
        if unit.stage in ("pretrain", "anneal"):
            recipe = variant.recipe
            steps = (
                recipe.steps if unit.stage == "pretrain" else recipe.branch_steps(recipe.step_of(context.tokens or 0))
            )
            return steps * recipe.batch_tokens * self._model(variant)[1]
        rows = self._rows(unit, context)
        # A forward pass is a third of both (Chowdhery et al. 2023, appendix B).
        share = 1.0 if unit.stage == "finetune" else 1 / 3
        return None if rows is None else rows * self._per_row(variant) * share

    def bytes(self, unit: Unit, context: Context) -> int | None:
        """What a model takes in the store; None for what is no model trained here."""
        variant = context.trained
        if variant is None or unit.stage not in ("pretrain", "anneal", "finetune"):
            return None
        parameters, recipe = self._model(variant)[0], variant.recipe
        if unit.stage != "pretrain":
            return parameters * cost.CHECKPOINT_BYTES
        kept = len(exports(recipe))
        moments = kept * cost.MOMENT_BYTES if recipe.anneal else 0
        return parameters * ((1 + kept) * cost.CHECKPOINT_BYTES + moments)

    def _rows(self, unit: Unit, context: Context) -> float | None:
        finetune = self.study.spec.finetune
        if unit.stage == "indicators" and context.indicator:
            return indicator_rows(self.study, context.indicator)
        if unit.stage == "finetune" and context.task and finetune:
            return rows_of_tuning(self.study, finetune, context.task)
        return items_of(self.study, context.test, "test") if context.test else None

    def _model(self, variant: Variant) -> tuple[int, float]:
        """(parameters, FLOPs of training on one token)."""
        if variant.name not in self._models:
            model, length = self.study.model_of(variant.recipe), variant.recipe.sequence_length
            count = cost.parameters(model, self.vocabulary)
            self._models[variant.name] = count, cost.flops_per_token(count, model.layers, model.width, length)
        return self._models[variant.name]

    def _per_row(self, variant: Variant) -> float:
        if variant.name not in self._rows_of:
            self._rows_of[variant.name] = per_row(self.study, variant, self.vocabulary)
        return self._rows_of[variant.name]
