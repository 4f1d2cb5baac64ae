"""Losses of models after fine-tuning on ever more examples, read from the tidy table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ptp_core.errors import UserError
from ptp_core.predict.quantities import Quantity, measured
from ptp_core.predict.scaling.tuning_forms import Floats
from ptp_core.predict.wording import listed

FITTED_SHARE = 16
"""Largest size over the largest that is fitted, by default."""
LEAST_SIZES = 5
"""A law of four parameters needs one size more."""
LEAST_MODELS = 4


@dataclass(frozen=True)
class Curves:
    """Losses of models fine-tuned on ever more examples; models lacking one of the sizes are left out."""

    models: tuple[str, ...]
    sizes: tuple[int, ...]
    """Rising; 0 is before fine-tuning."""
    losses: Floats
    """(models, sizes)."""
    params: Floats
    """(models,), NaN where not known."""
    left_out: tuple[str, ...]

    @property
    def final(self) -> Floats:
        """Losses at the largest size, (models,)."""
        return self.losses[:, -1]


def curves_of(table: pd.DataFrame, name: str, params: str) -> Curves:
    """The curves behind the losses ``<name>.<examples>``; ``params`` is the configuration column of the size.

    Raises UserError for too few sizes or models, and for what is no loss.
    """
    data = measured(table)
    quantities: dict[int, Quantity] = {}
    for found, quantity in {**data.outcomes, **data.indicators}.items():
        examples = found.removeprefix(f"{name}.")
        if examples != found and examples.isdecimal():
            quantities[int(examples)] = quantity
    sizes = tuple(sorted(quantities))
    _refuse_few_sizes(name, quantities)
    values = np.stack([quantities[size].values for size in sizes], axis=1)
    known = np.array([bool(np.isfinite(row).all()) for row in values])
    if known.sum() < LEAST_MODELS:
        raise UserError(
            f"too few models have a loss at each of {len(sizes)} sizes", subject="scaling.tuning",
            expected=f"at least {LEAST_MODELS}", got=int(known.sum()), fix="measure more, or leave out sizes",
        )  # fmt: skip
    if (values[known] <= 0).any():
        raise UserError("a loss must be above 0: its law is one of powers", subject=f"scaling.tuning {name}")
    return Curves(
        models=tuple(v for v, keep in zip(data.variants, known, strict=True) if keep),
        sizes=sizes,
        losses=values[known],
        params=data.numbers.get(params, np.full(len(known), np.nan))[known],
        left_out=tuple(
            v for v, keep, row in zip(data.variants, known, values, strict=True) if not keep and np.isfinite(row).any()
        ),
    )


def _refuse_few_sizes(name: str, quantities: dict[int, Quantity]) -> None:
    if sum(size > 0 for size in quantities) <= LEAST_SIZES:
        raise UserError(
            f"too few losses are named {name}.<examples>", subject="scaling.tuning",
            expected=f"more than {LEAST_SIZES} sizes above 0, such as {name}.200 and {name}.400",
            got=", ".join(f"{name}.{size}" for size in sorted(quantities)) or None,
            fix="map them in `measurements`, or correct scaling.tuning.name",
        )  # fmt: skip
    for size, quantity in quantities.items():
        if quantity.higher_is_better:
            raise UserError(
                f"{name}.{size} is read as higher is better, so it is no loss", subject="scaling.tuning",
                fix="list it under `lower_is_better`",
            )  # fmt: skip


def fitted_sizes(curves: Curves, largest: int | None) -> tuple[int, ...]:
    """The sizes above 0 and up to ``largest``, by default a sixteenth of the largest there is.

    Raises UserError where they are too few, or leave nothing to predict.
    """
    limit = curves.sizes[-1] / FITTED_SHARE if largest is None else largest
    fitted = tuple(size for size in curves.sizes if 0 < size <= limit)
    if not LEAST_SIZES <= len(fitted) < sum(size > 0 for size in curves.sizes):
        raise UserError(
            "the laws need sizes to be fitted on and a larger one to predict", subject="scaling.tuning.largest",
            expected=f"at least {LEAST_SIZES} sizes up to it, and one above", got=f"{limit:g}",
            fix=f"there is: {listed([str(size) for size in curves.sizes], 20)}",
        )  # fmt: skip
    return fitted
