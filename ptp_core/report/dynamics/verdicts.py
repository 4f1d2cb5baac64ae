"""Latent gain and overtraining, row by row: shown, not so, or undecided, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ptp_core.report.dynamics.gains import Sums
from ptp_core.report.dynamics.study import Dynamics, pair_name
from ptp_core.report.numbers import finite, interval, short, signed, tokens
from ptp_core.report.tables import Row, Table, around_nought, decided, estimate, folded_after, without_empty

OPEN_ROWS = 14
TONES = {"latent": "good", "latent gain": "good", "overtrained": "bad", "undecided": "open"}


def latent_of(study: Dynamics) -> list[Sums]:
    """Slopes of base and fine-tuned score, in points per tenfold tokens."""
    found = []
    for trajectory, rows in study.with_rows("latent"):
        scale, ticks = around_nought([(row.get("tuned_slope"), row.get("tuned_ci95")) for row in rows])
        shown = [
            Row(
                name=pair_name(row),
                value=signed(row.get("tuned_slope")),
                cells=(
                    interval(row.get("tuned_ci95")),
                    signed(row.get("base_slope")),
                    interval(row.get("base_ci95")),
                    _stretch(row),
                    short(row.get("n")),
                ),
                mark=estimate(row.get("tuned_slope"), row.get("tuned_ci95"), scale, 0.0),
                chips=_chips(row, latent_verdict(row)[0]),
                words=latent_verdict(row)[1],
            )
            for row in rows
        ]
        columns = ("interval", "base slope", "interval", "tokens", "n")
        groups = (("", folded_after(shown, OPEN_ROWS)),)
        head = "Tuned → tested"
        found.append(Sums(trajectory, Table(f"latent-{trajectory.key}", head, "Slope, tuned", columns, groups, ticks)))
    return found


def latent_verdict(row: Mapping[str, Any]) -> tuple[str, str]:
    """What is said of a row, and why: in the analysis' own words where it has any."""
    if row.get("verdict"):
        return str(row["verdict"]), str(row.get("words") or "")
    if row.get("latent"):
        return "latent gain", "the fine-tuned score rises while the base score does not"
    base, tuned = decided(row.get("base_ci95")), decided(row.get("tuned_ci95"))
    if base > 0:
        return "not latent", "the base score rises as well"
    if tuned < 0:
        return "not latent", "the fine-tuned score falls"
    if row.get("tuned_ci95") is None or row.get("base_ci95") is None:
        return "undecided", "too few checkpoints for an interval"
    return "undecided", "the interval of the fine-tuned slope holds nought"


def overtraining_of(study: Dynamics) -> list[Sums]:
    """How the fine-tuned score changes while a loss still improves."""
    found = []
    for trajectory, rows in study.with_rows("overtraining"):
        scale, ticks = around_nought([(row.get("tuned_change"), row.get("ci95")) for row in rows])
        shown = [
            Row(
                name=f"{pair_name(row)}, {row.get('loss')}",
                value=signed(row.get("tuned_change")),
                cells=(
                    interval(row.get("ci95")),
                    signed(row.get("loss_change")),
                    interval(row.get("loss_ci95")),
                    _stretch(row),
                    short(row.get("n")),
                ),
                mark=estimate(row.get("tuned_change"), row.get("ci95"), scale, 0.0),
                chips=_chips(row, overtraining_verdict(row)[0]),
                words=overtraining_verdict(row)[1],
            )
            for row in rows
        ]
        columns, kept = without_empty(("interval", "loss", "interval", "tokens", "n"), shown)
        table = Table(
            key=f"overtraining-{trajectory.key}",
            head="Tuned → tested, loss",
            value_title="Change, tuned",
            columns=columns,
            groups=(("", folded_after(kept, OPEN_ROWS)),),
            ticks=ticks,
        )
        found.append(Sums(trajectory, table))
    return found


def overtraining_verdict(row: Mapping[str, Any]) -> tuple[str, str]:
    """What is said of a row, and why: in the analysis' own words where it has any."""
    if row.get("verdict"):
        return str(row["verdict"]), str(row.get("words") or "")
    if row.get("overtrained"):
        return "overtrained", "the fine-tuned score falls while the loss still improves"
    loss = finite(row.get("loss_change"))
    if loss is not None and loss >= 0:
        return "not overtrained", "the loss does not improve any more"
    if decided(row.get("ci95")) > 0:
        return "not overtrained", "the fine-tuned score still rises"
    return "undecided", "the interval of the fine-tuned score's change holds nought"


def _chips(row: Mapping[str, Any], said: str) -> tuple[tuple[str, str], ...]:
    return ((said, TONES.get(said, "open")),)


def _stretch(row: Mapping[str, Any]) -> str:
    return f"{tokens(row.get('from_tokens'))} to {tokens(row.get('to_tokens'))}"
