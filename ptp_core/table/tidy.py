"""A table in the tidy schema, of ``ptp import`` or of another study: which of its rows are read, and as what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ptp_core.errors import UserError, Where, did_you_mean
from ptp_core.spec.measurements import Rows, TidyMapping, TidyTable, is_wild
from ptp_core.spec.paths import expand_variables
from ptp_core.spec.wild import fits
from ptp_core.table.cells import check_is_file
from ptp_core.table.columns import KINDS, NAMES
from ptp_core.table.matching import is_wanted
from ptp_core.table.names import headline_of
from ptp_core.table.schema import read_table, validate


def read_tidy(spec: TidyTable, base: Path, where: Where) -> pd.DataFrame:
    """The chosen rows with their kinds; values, sources and digests are those of the file.

    Parameters and errors as of ``read_measurements``: a file that breaks the schema, a name that is not in it or is
    chosen twice, a filter by no column or for no row. Of a measurement that is read as another kind than it says,
    quantities that are not named are left out.
    """
    path = base / expand_variables(spec.path, where, "measurements.path")
    check_is_file(path, where)
    table = _kept(read_table(path), spec.tidy.only, where)
    kinds = _chosen(table, spec.tidy, where)
    table = table[kinds.notna()].assign(kind=kinds[kinds.notna()])
    table["higher_is_better"] = table["higher_is_better"].mask(table["kind"] == "config")
    return validate(table, Where(path))


def _kept(table: pd.DataFrame, only: Rows, where: Where) -> pd.DataFrame:
    for column, wanted in only.items():
        if column not in NAMES:
            fix = did_you_mean(column, NAMES)
            raise UserError("no such column", where=where, subject="tidy.only", got=column, fix=fix)
        cells = table[column].map(lambda cell: "" if pd.isna(cell) else str(cell))
        kept = cells.map(lambda cell, wanted=wanted: is_wanted(cell, wanted)).astype(bool)
        if not kept.any():
            fix = f"the column has: {', '.join(sorted(set(cells))[:20])}"
            raise UserError("no row is left", where=where, subject=f"tidy.only.{column}", got=wanted, fix=fix)
        # A config value is true of a variant however a task was worded.
        table = table[kept | (table["kind"] == "config")] if column not in ("variant", "kind", "name") else table[kept]
    return table


def _chosen(table: pd.DataFrame, mapping: TidyMapping, where: Where) -> pd.Series[Any]:
    """The kind that each row is read as; missing where it is not read."""
    lists = {"config": mapping.config, "indicator": mapping.indicators, "outcome": mapping.outcomes}
    read_as: pd.Series[Any] = pd.Series(None, index=table.index, dtype=object)
    for kind in KINDS:
        for name in lists[kind] or ():
            rows = _named(table, name, kind, where)
            twice = rows & read_as.notna() & (read_as != kind)
            if twice.any():
                got = table.loc[twice, "name"].iloc[0]
                raise UserError(
                    "this name is chosen twice", where=where, subject="tidy", got=got, fix="keep one of them"
                )
            read_as = read_as.mask(rows, kind)
    beside = _beside_another(table, read_as)
    for kind in KINDS:
        if lists[kind] is None:
            read_as = read_as.mask(read_as.isna() & (table["kind"] == kind) & ~beside, kind)
    return read_as


def _beside_another(table: pd.DataFrame, read_as: pd.Series[Any]) -> pd.Series[Any]:
    """Which rows share a headline with rows that are read as indicators but say they are outcomes, or conversely.

    They are of the same measurement: ``arc.acc`` kept as an indicator would foretell the outcome ``arc`` from itself.
    """
    known = frozenset(table["name"])
    heads = table["name"].map(lambda name: headline_of(name, known))
    place = table["kind"] + " " + heads
    moved = read_as.isin(("indicator", "outcome")) & (table["kind"] != "config") & (read_as != table["kind"])
    return place.isin(set(place[moved]))


def _named(table: pd.DataFrame, name: str, kind: str, where: Where) -> pd.Series[Any]:
    names = table["name"]
    rows = names.map(lambda own: fits(own, name)).astype(bool) if is_wild(name) else names == name
    if not rows.any():
        fix = did_you_mean(name, names)
        raise UserError(f"no such {kind} in the table", where=where, subject="tidy", got=name, fix=fix)
    # A name of several kinds means the one that was asked for.
    own = rows & (table["kind"] == kind)
    return own if own.any() else rows
