"""The columns of the tidy table: the one place that names, types and explains them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

KINDS = ("config", "indicator", "outcome")


@dataclass(frozen=True)
class Column:
    """One column of the table; an optional column that a writer leaves out is filled with missing values."""

    name: str
    dtype: Literal["str", "float64", "Int64", "boolean"]
    required: bool
    description: str


COLUMNS = (
    Column("variant", "str", True, "the pre-training configuration the number belongs to"),
    Column("checkpoint_tokens", "Int64", False, "tokens seen in pre-training when it was measured; missing: the end"),
    Column("seed", "Int64", False, "seed of the fine-tuning run; missing: one run, seed not known"),
    Column("kind", "str", True, "config, indicator (before fine-tuning) or outcome (after fine-tuning)"),
    Column("name", "str", True, "what was measured or set"),
    Column("family", "str", False, "task family, such as CMS, RAG, CBQA"),
    Column("split", "str", False, "which part of the task's data was scored"),
    Column("prompt_format", "str", False, "how the task was worded to the model"),
    Column("train_task", "str", False, "task the model was fine-tuned on; missing: the one that is named, or none"),
    Column("value", "float64", False, "the number; missing only for a config value that is a word"),
    Column("text", "str", False, "a config value that is a word; missing everywhere else"),
    Column("stderr", "float64", False, "standard error of the value over the scored items, in the value's unit"),
    Column("n_items", "Int64", False, "items scored"),
    Column("higher_is_better", "boolean", False, "direction of an indicator or outcome; missing for config"),
    Column("source", "str", True, "where the number comes from, as file:line or job name"),
    Column("digest", "str", False, "sha256 of the file it was read from; missing for a result of the store"),
)
NAMES = tuple(column.name for column in COLUMNS)
KEY = ("kind", "name", "variant", "checkpoint_tokens", "seed", "family", "split", "prompt_format", "train_task")
"""What makes a row one number; it is also the order of rows, so that the same numbers make the same bytes."""

ITEM_COLUMNS = (
    Column("variant", "str", True, "as in the table"),
    Column("checkpoint_tokens", "Int64", False, "as in the table"),
    Column("seed", "Int64", False, "as in the table"),
    Column("kind", "str", True, "indicator or outcome"),
    Column("name", "str", True, "the indicator or outcome whose value is the mean of these scores"),
    Column("prompt_format", "str", False, "as in the table"),
    Column("train_task", "str", False, "as in the table"),
    Column("item", "str", True, "id of the item, unique within its task"),
    Column("document", "str", False, "what the item is about, where several items share it: their errors do too"),
    Column("score", "float64", True, "score of the item under the metric of the name"),
    Column("logprob", "float64", False, "log-probability of the right answer, in nats"),
    Column("source", "str", True, "as in the table"),
)
"""The columns of the scores behind the table: one row an item and model."""
NUMBER = ("kind", "name", "variant", "checkpoint_tokens", "seed", "prompt_format", "train_task")
"""What an item's score and a row of the table share when the one is behind the other."""
