"""Data sets of the Hugging Face hub, read by streaming at a pinned revision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ptp_core.errors import UserError, Where


def read_hub(name: str, revision: str, config: str | None, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row number from 1, record) of one split; nothing is stored. Code that a data set brings along is never run.

    Raises UserError if there is no such data set, configuration or split, if the hub cannot be reached, and if the
    stream breaks off.
    """
    from datasets import load_dataset

    row, where = 0, Where(f"{name}@{revision}")
    try:
        for record in load_dataset(name, name=config, split=split, revision=revision, streaming=True):
            row += 1
            yield row, dict(record)
    except Exception as error:
        # Whatever ends a stream is about the data set or the way to it: datasets, its file readers, huggingface_hub and
        # the HTTP client below it raise a dozen unrelated types.
        raise UserError(
            "the stream of this hub data set broke off" if row else "this hub data set cannot be read",
            where=Where(where.file, row or None), got=_first_line(error), fix=_remedy(error),
        ) from None  # fmt: skip


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"


def _remedy(error: Exception) -> str:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE and isinstance(error, ConnectionError):
        return "HF_HUB_OFFLINE is set: unset it where there is a network, or download the files and give their path"
    return "check id, revision, config and split, and the network; or download the files and give their path"
