"""Section ``measurements``: a wide table measured elsewhere, and what its columns mean."""

from __future__ import annotations

from ptp_core.spec.fields import Section, execution, identity


class ColumnMeaning(Section):
    """How one number column is to be read."""

    higher_is_better: bool = identity("whether a larger number is the better one", default=True)


class WideTable(Section):
    """One CSV or Parquet file with a row per variant and a column per number."""

    path: str = execution("the table; relative to the spec, ${VARIABLES} expanded; its content is identity")
    variant: str = identity("the column that names the variant; one row each")
    config: tuple[str, ...] = identity("columns that describe how the variant was trained", default=())
    indicators: tuple[str, ...] | dict[str, ColumnMeaning] = identity(
        "columns measured before fine-tuning: a list, or {column: {higher_is_better: false}}"
    )
    outcomes: tuple[str, ...] | dict[str, ColumnMeaning] = identity(
        "columns measured after fine-tuning: a list, or {column: {higher_is_better: false}}"
    )
