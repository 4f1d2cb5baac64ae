"""What fine-tuning gains: the heat map of train set by test set, forgetting from kind to kind, and the order kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptp_core.report.dynamics.study import Dynamics, Trajectory, pair_name, pair_of
from ptp_core.report.numbers import DASH, finite, finite_all, fixed, interval, level, p_value, share, short, signed
from ptp_core.report.tables import (
    Heat,
    HeatCell,
    Plain,
    Row,
    Table,
    around_nought,
    decided,
    estimate,
    folded_after,
    shaded,
)

OPEN_ROWS, MOST_ROWS, MOST_COLUMNS = 16, 600, 12


@dataclass(frozen=True)
class Gains:
    """One trajectory's heat map and the same in figures."""

    trajectory: Trajectory
    heat: Heat
    n: str
    figures: Plain
    n_left: int
    """Test sets that only one task was tested on, too many to be columns of the heat map."""


@dataclass(frozen=True)
class Sums:
    """One trajectory's table."""

    trajectory: Trajectory
    table: Table


def gains_of(study: Dynamics) -> list[Gains]:
    """One a trajectory with gains."""
    return [_gains(trajectory, rows) for trajectory, rows in study.with_rows("gains")]


def _gains(trajectory: Trajectory, rows: Sequence[Mapping[str, Any]]) -> Gains:
    by_pair = {pair_of(row): row for row in rows}
    own = [pair_of(row)[1] for row in rows if row.get("in_domain")]
    every = list(dict.fromkeys([*own, *(test for _, test in by_pair)]))
    tests = _columns(every, own, [test for _, test in by_pair])
    tasks = list(dict.fromkeys(task for task, test in by_pair if test in tests))
    largest = max(map(abs, finite_all(row.get("mean_gain") for row in rows)), default=1.0)
    heat = Heat(
        key=f"gains-{trajectory.key}",
        corner="tuned on ↓ tested on →",
        columns=tuple(tests),
        rows=tuple((task, tuple(_cell(by_pair.get((task, test)), largest) for test in tests)) for task in tasks),
    )
    return Gains(trajectory, heat, _range(row.get("n") for row in rows), _figures(rows), len(every) - len(tests))


def _columns(every: Sequence[str], own: Sequence[str], tested: Sequence[str]) -> list[str]:
    """All test sets where they fit side by side; else those that several tasks share, and the own ones."""
    shared = [test for test in every if test in own or tested.count(test) > 1]
    return list(every) if len(every) <= MOST_COLUMNS or len(shared) < 2 else shared


def _range(values: Iterable[object]) -> str:
    known = finite_all(values)
    return " to ".join(dict.fromkeys((short(min(known)), short(max(known))))) if known else ""


def _cell(row: Mapping[str, Any] | None, largest: float) -> HeatCell:
    gain = finite(row.get("mean_gain")) if row else None
    if row is None or gain is None:
        return HeatCell(DASH, is_faint=True)
    task, test = pair_of(row)
    side = decided(row.get("ci95"))
    told = (
        f"tuned on {task}, tested on {test}",
        f"mean gain {signed(gain)} ({interval(row.get('ci95'))}){'' if side else ': undecided'}",
        f"n = {short(row.get('n'))} {row.get('over') or 'checkpoints'}",
        f"at the end {level(row.get('final_base'))} → {level(row.get('final_tuned'))}",
    )
    return HeatCell(
        text=signed(gain),
        shade=shaded(gain, largest),
        is_framed=bool(row.get("in_domain")),
        is_faint=side == 0,
        title="\n".join(told),
    )


def _figures(rows: Sequence[Mapping[str, Any]]) -> Plain:
    heads = ("Tuned → tested", "mean gain", "interval", "n", "ratio", "base at the end", "tuned at the end", "falling")
    told = tuple(
        (
            pair_name(row) + (" (own)" if row.get("in_domain") else ""),
            signed(row.get("mean_gain")),
            interval(row.get("ci95")),
            short(row.get("n")),
            fixed(row.get("mean_ratio"), 2),
            level(row.get("final_base")),
            level(row.get("final_tuned")),
            share(row.get("share_falling")),
        )
        for row in rows
    )
    return Plain("Every gain in figures", heads, told[:MOST_ROWS], max(0, len(told) - MOST_ROWS))


def forgetting_of(study: Dynamics) -> list[Sums]:
    """Gains summed up from kind of training task to kind of test set; below nought something is forgotten."""
    found = []
    for trajectory, rows in study.with_rows("forgetting"):
        scale, ticks = around_nought([(row.get("mean_gain"), row.get("ci95")) for row in rows])
        shown = tuple(
            Row(
                name=f"{row.get('from_group')} → {row.get('to_group')}",
                value=signed(row.get("mean_gain")),
                cells=(
                    interval(row.get("ci95")),
                    fixed(row.get("mean_ratio"), 2),
                    share(row.get("share_falling")),
                    short(row.get("n_cells")),
                ),
                mark=estimate(row.get("mean_gain"), row.get("ci95"), scale, 0.0),
                chips=_forgotten(row),
            )
            for row in rows
        )
        columns = ("interval", "ratio", "falling", "n")
        groups = (("", folded_after(shown, OPEN_ROWS)),)
        head = "Tuned on → tested on"
        found.append(Sums(trajectory, Table(f"forgetting-{trajectory.key}", head, "Mean gain", columns, groups, ticks)))
    return found


def _forgotten(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    side = decided(row.get("ci95"))
    word = {1: ("gain", "good"), -1: ("forgetting", "bad"), 0: ("undecided", "open")}
    return (word[side],)


def correlations_of(study: Dynamics) -> list[Sums]:
    """Rank correlation over checkpoints of the base score with the fine-tuned one."""
    found = []
    for trajectory, rows in study.with_rows("correlation"):
        scale, ticks = around_nought([(row.get("spearman"), row.get("ci95")) for row in rows] + [(1.0, None)])
        own = [_correlation(row, scale) for row in rows if row.get("in_domain") is not False]
        other = [_correlation(row, scale) for row in rows if row.get("in_domain") is False]
        groups = (
            ("Own test sets" if other else "", folded_after(own, OPEN_ROWS)),
            ("Other test sets", folded_after(other, OPEN_ROWS - 8)),
        )
        columns = ("interval", "p", "n", "sd by chance")
        head = "Tuned → tested"
        found.append(Sums(trajectory, Table(f"correlation-{trajectory.key}", head, "Spearman", columns, groups, ticks)))
    return found


def _correlation(row: Mapping[str, Any], scale: Any) -> Row:
    return Row(
        name=pair_name(row),
        value=fixed(row.get("spearman")),
        cells=(interval(row.get("ci95")), p_value(row.get("p")), short(row.get("n")), fixed(row.get("null_sd"))),
        mark=estimate(row.get("spearman"), row.get("ci95"), scale, 0.0),
    )
