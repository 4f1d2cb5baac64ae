"""A table of the section ``measurements``, whatever its form, as tidy rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ptp_core.errors import Where
from ptp_core.spec.measurements import LongTable, Table, WideTable
from ptp_core.table.columns import KEY
from ptp_core.table.long import read_long
from ptp_core.table.tidy import read_tidy
from ptp_core.table.wide import read_wide


def read_measurements(table: Table, base: Path, where: Where) -> pd.DataFrame:
    """The validated tidy rows; every number keeps its source.

    Parameters: ``table`` file and mapping, ``base`` the folder its path is relative to, ``where`` its place in the
    spec. Raises UserError (or UserErrors) with the line of the file or of the spec.
    """
    if isinstance(table, WideTable):
        return read_wide(table, base, where)
    return read_long(table, base, where) if isinstance(table, LongTable) else read_tidy(table, base, where)


def join(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables below each other, not validated; a setting of a variant that several of them repeat is there once.

    So may the indicators and the outcomes of the same variants come from two imports.
    """
    table = pd.concat(frames, ignore_index=True)
    repeated = (table["kind"] == "config") & table.duplicated([*KEY, "value", "text"])
    return table[~repeated]
