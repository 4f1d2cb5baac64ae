"""Section ``measurements``: tables measured elsewhere, and what their columns or rows mean.

Three forms: a wide table (a row per variant or checkpoint) is mapped beside its ``path``, a long one (a row per
number) under ``long``, and a tidy one (of ``ptp import``, or the measurements of another study) under ``tidy``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Discriminator, Tag, model_validator

from ptp_core.spec.fields import Section, execution, identity
from ptp_core.spec.quantities import Count

PATH = (
    "the table: CSV, TSV or Parquet, .gz as well; relative to the spec, ${VARIABLES} expanded; its content is identity"
)
FORMS = ("long", "tidy")
EVERY = "*"
"""Among names: all of a table's."""

Cell = bool | int | float | str | None
Rows = dict[str, Cell | tuple[Cell, ...]]
"""Column → the cell, or one of the cells, that a row must have; null is an empty cell."""
Columns = str | tuple[str, ...]


class ColumnMeaning(Section):
    """How one number column is to be read."""

    higher_is_better: bool = identity("whether a larger number is the better one", default=True)


class TableFile(Section):
    """What the forms share: a file, and at most one of the keys that name a form."""

    @model_validator(mode="before")
    @classmethod
    def _one_form(cls, data: Any) -> Any:
        mixed = [key for key in data if key in FORMS or key in WideTable.model_fields] if isinstance(data, dict) else []
        others = [key for key in mixed if key not in cls.model_fields]
        if others:
            wide = f"`{others[0]}` here maps a table with a row per variant; write it under `{_form(data)}`"
            reason = "a table has one form" if others[0] in FORMS else wide
            raise ValueError(f"`{others[0]}` and `{_form(data)}` do not go together: {reason}")
        return data


def _meanings(columns: tuple[str, ...] | dict[str, ColumnMeaning]) -> dict[str, ColumnMeaning]:
    return columns if isinstance(columns, dict) else {}


class TokensSeen(Section):
    """Where a row says which checkpoint it is about; an empty cell, or no column at all, is the end of the training."""

    tokens: str | None = identity("column of the tokens seen in pre-training", default=None)
    step: str | None = identity("column of the training step, in place of tokens", default=None)
    tokens_per_step: Count | None = identity("tokens of one step", unit="tokens", default=None)

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if self.tokens is not None and self.step is not None:
            raise ValueError("give one of `tokens` and `step`")
        if (self.step is None) != (self.tokens_per_step is None):
            raise ValueError("`step` and `tokens_per_step` go together")
        return self


class WideTable(TableFile, TokensSeen):
    """One file with a column per number and a row per variant, or per checkpoint of each."""

    path: str = execution(PATH)
    variant: Columns = identity(
        "the column that names the variant, one row each unless `tokens` or `step` tells checkpoints apart; of a "
        "list, the cells joined by -"
    )
    config: tuple[str, ...] = identity("columns that describe how the variant was trained", default=())
    indicators: tuple[str, ...] | dict[str, ColumnMeaning] = identity(
        "columns measured before fine-tuning: a list, or {column: {higher_is_better: false}}"
    )
    outcomes: tuple[str, ...] | dict[str, ColumnMeaning] = identity(
        "columns measured after fine-tuning: a list, or {column: {higher_is_better: false}}", default=()
    )
    only: Rows = identity("rows that are read at all, as {column: cell or list of cells}", default={})
    missing: Literal["refuse", "allow"] = identity(
        "an empty cell, or NaN: a mistake (refuse), or a number that was not measured (allow)", default="refuse"
    )

    @property
    def stated_directions(self) -> tuple[str, ...]:
        """Names of which the spec, or the table itself, says whether more is better."""
        columns = {**_meanings(self.indicators), **_meanings(self.outcomes)}
        return tuple(name for name, meaning in columns.items() if "higher_is_better" in meaning.model_fields_set)

    @property
    def indicator_names(self) -> tuple[str, ...] | None:
        """Names of its indicators; None where only the file tells."""
        return tuple(self.indicators)

    @property
    def outcome_names(self) -> tuple[str, ...] | None:
        """Names of its outcomes; None where only the file tells."""
        return tuple(self.outcomes)

    @property
    def config_names(self) -> tuple[str, ...] | None:
        """Names of its settings; None where only the file tells."""
        return self.config


class LongMapping(TokensSeen):
    """What the columns of a long table mean, and which rows are which."""

    variant: Columns = identity("the column that names the variant; of a list, the cells joined by -")
    name: Columns = identity("the column that says what was measured; of a list, the cells joined by .")
    value: str = identity("the column of the numbers")
    indicators: Rows | Literal["others"] | None = identity(
        "rows measured before fine-tuning, as {column: cell or list of cells}; others: all that are no outcomes",
        default=None,
    )
    outcomes: Rows | Literal["others"] | None = identity(
        "rows measured after fine-tuning, in the same way; others: all that are no indicators", default=None
    )
    only: Rows = identity("rows that are read at all, as {column: cell or list of cells}", default={})
    config: tuple[str, ...] = identity("columns that describe a variant: one value for all its rows", default=())
    lower_is_better: tuple[str, ...] = identity("names of which a smaller number is the better one", default=())
    stderr: str | None = identity("column of the standard error", default=None)
    n_items: str | None = identity("column of the number of items scored", default=None)
    seed: str | None = identity("column of the fine-tuning seed", default=None)
    family: str | None = identity("column of the task family", default=None)
    split: str | None = identity("column of the part of the data that was scored", default=None)
    prompt_format: str | None = identity("column that says how the task was worded", default=None)
    train_task: str | None = identity("column of the task that was fine-tuned on; read for outcomes", default=None)

    @model_validator(mode="after")
    def _complete(self) -> LongMapping:
        if self.indicators is None and self.outcomes is None:
            raise ValueError("say which rows are `indicators` and which are `outcomes`, such as {train_task: none}")
        if self.indicators == self.outcomes == "others":
            raise ValueError("only one of `indicators` and `outcomes` can be the others")
        return self


class LongTable(TableFile):
    """One file with a row per number."""

    path: str = execution(PATH)
    long: LongMapping = identity("what its columns mean, and which rows are which")

    @property
    def stated_directions(self) -> tuple[str, ...]:
        """Names of which the spec, or the table itself, says whether more is better."""
        return (EVERY,) if "lower_is_better" in self.long.model_fields_set else ()

    @property
    def indicator_names(self) -> tuple[str, ...] | None:
        """Names of its indicators; None where only the file tells."""
        return () if self.long.indicators is None else None

    @property
    def outcome_names(self) -> tuple[str, ...] | None:
        """Names of its outcomes; None where only the file tells."""
        return () if self.long.outcomes is None else None

    @property
    def config_names(self) -> tuple[str, ...] | None:
        """Names of its settings; None where only the file tells."""
        return self.long.config


class TidyMapping(Section):
    """Which rows of a tidy table are read, and as what; a kind without a list keeps the rows that say they are it."""

    indicators: tuple[str, ...] | None = identity("names measured before fine-tuning; * and ? are wild", default=None)
    outcomes: tuple[str, ...] | None = identity("names measured after fine-tuning; * and ? are wild", default=None)
    config: tuple[str, ...] | None = identity("names that describe a variant; * and ? are wild", default=None)
    only: Rows = identity("rows that are read at all, as {column: cell or list of cells}", default={})


class TidyTable(TableFile):
    """One file in the schema of the measurements: of ``ptp import``, or of another study."""

    path: str = execution(PATH)
    tidy: TidyMapping = identity("which rows are read, and as what")

    @property
    def stated_directions(self) -> tuple[str, ...]:
        """Names of which the spec, or the table itself, says whether more is better."""
        return (EVERY,)

    @property
    def indicator_names(self) -> tuple[str, ...] | None:
        """Names of its indicators; None where only the file tells."""
        return _literal(self.tidy.indicators)

    @property
    def outcome_names(self) -> tuple[str, ...] | None:
        """Names of its outcomes; None where only the file tells."""
        return _literal(self.tidy.outcomes)

    @property
    def config_names(self) -> tuple[str, ...] | None:
        """Names of its settings; None where only the file tells."""
        return _literal(self.tidy.config)


def is_wild(name: str) -> bool:
    """Whether a name stands for several."""
    return "*" in name or "?" in name


def _literal(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if names is None or any(map(is_wild, names)) else names


def _form(data: Any) -> str:
    """Which form an entry has; also the tag of its model, so that a mistake is explained by the model that is meant."""
    if isinstance(data, BaseModel):
        return next((form for form in FORMS if form in type(data).model_fields), "wide")
    return next((form for form in FORMS if isinstance(data, dict) and form in data), "wide")


def _tag(data: Any) -> str:
    return f"{_form(data)} table"


Table = Annotated[
    Annotated[WideTable, Tag("wide table")]
    | Annotated[LongTable, Tag("long table")]
    | Annotated[TidyTable, Tag("tidy table")],
    Discriminator(_tag),
]
