"""Each outcome at a glance, and its variants from best to worst with their error bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptp_core.report.accuracy import TONES
from ptp_core.report.charts import Mark, Panel, Point, Scale, Tick, fit
from ptp_core.report.numbers import DASH, decimals_for, ends, finite, fixed, share, short
from ptp_core.report.study import Colouring, Outcome, Study, mapping

MANY_VARIANTS = 30
"""Above this an overview plot stands first and only the top of the table is open."""
TOP_ROWS = 20
MOST_ROWS, FEWEST_ROWS = 900, 100
"""Rows of all rankings of a page together, and of one at least: a row takes about a kilobyte."""
MOST_CONFIG_COLUMNS = 6


@dataclass(frozen=True)
class RankRow:
    """One variant of the ranking; texts are ready to print, ``config`` runs along the section's columns."""

    rank: str
    variant: str
    tone: str
    mark: Mark
    value: str
    stderr: str
    predicted: str
    borda: str
    rank_ci: str
    p_best: str
    config: tuple[str, ...]
    is_best: bool
    is_more: bool


@dataclass(frozen=True)
class Ranking:
    """The ranking of one outcome; ``n_more``: rows folded away, ``n_cut``: variants without a row."""

    outcome: Outcome
    facts: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...]
    columns: tuple[str, ...]
    n_hidden_columns: int
    rows: tuple[RankRow, ...]
    ticks: tuple[Tick, ...]
    has_predicted: bool
    has_stderr: bool
    has_rank_ci: bool
    has_p_best: bool
    n_more: int
    n_cut: int
    overview: Panel | None


def ranking_of(study: Study, outcome: Outcome) -> Ranking:
    """Rows, axis and facts of one outcome's ranking."""
    entries = [entry for entry in outcome.data.get("ranking") or () if isinstance(entry, Mapping)]
    columns = tuple(study.config)[:MOST_CONFIG_COLUMNS]
    scale = fit(bounds for entry in entries for bounds in _bar(entry))
    decimals = decimals_for(entry.get("value") for entry in entries)
    is_long = len(entries) > MANY_VARIANTS
    most = max(FEWEST_ROWS, MOST_ROWS // max(1, len(study.outcomes)))
    return Ranking(
        outcome=outcome,
        facts=facts_of(outcome, study.noise("outcomes", outcome.name)),
        left_out=tuple(left_out_text(item) for item in outcome.data.get("left_out") or ()),
        columns=columns,
        n_hidden_columns=len(study.config) - len(columns),
        rows=tuple(_row(study, entry, at, scale, decimals, is_long) for at, entry in enumerate(entries[:most])),
        ticks=scale.ticks(5),
        has_predicted=any(finite(entry.get("predicted_rank")) is not None for entry in entries),
        has_stderr=any(finite(entry.get("stderr")) is not None for entry in entries),
        has_rank_ci=any(ends(entry.get("rank_ci"))[0] is not None for entry in entries),
        has_p_best=any(finite(entry.get("p_best")) is not None for entry in entries),
        n_more=min(len(entries), most) - TOP_ROWS if is_long else 0,
        n_cut=max(0, len(entries) - most),
        overview=_overview(outcome, entries, study.colouring) if is_long else None,
    )


def facts_of(outcome: Outcome, noise: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Label and text of what the selection says about an outcome as a whole, its signal-to-noise included."""
    data = outcome.data
    facts = (
        ("variants", short(data.get("n_variants"))),
        ("seeds", short(data.get("n_seeds"))),
        ("spread between variants (sd)", short(data.get("between_sd"), 3)),
        ("spread between seeds (sd)", short(data.get("seed_sd"), 3)),
        ("pairs within seed noise", short(data.get("pairs_within_noise"), 6)),
        ("SNR over seeds", fixed(noise.get("snr_seeds"), 1)),
        ("SNR over items", fixed(noise.get("snr_items"), 1)),
        ("SNR over checkpoints", fixed(noise.get("snr_checkpoints"), 1)),
        ("standard errors cover", str(data.get("stderr_covers") or DASH)),
    )
    return tuple((label, text) for label, text in facts if text != DASH)


def left_out_text(item: object) -> str:
    """``name (reason)`` of a variant that was left out, given as a name or as a mapping."""
    if not isinstance(item, Mapping):
        return str(item)
    return f"{item.get('variant')} ({item.get('reason')})"


def glance(study: Study, outcome: Outcome) -> Mapping[str, str]:
    """One line on an outcome: its best variant, how sure that is, the runner-up, the best headline indicator."""
    best = mapping(outcome.data.get("best"))
    indicators = mapping(outcome.data.get("indicators"))
    accuracies = {name: finite(mapping(row).get("accuracy")) for name, row in indicators.items()}
    known = {n: x for n, x in accuracies.items() if x is not None and study.headline(outcome, n) == n}
    top = max(known, key=lambda name: known[name], default=None)
    decimals = decimals_for(mapping(outcome.data.get("values")).values())
    verdict = str(mapping(indicators.get(top or "")).get("verdict") or "")
    return {
        "best": str(best.get("variant") or DASH),
        "value": fixed(best.get("value"), decimals),
        "probability": share(best.get("probability_best")),
        "runner_up": str(best.get("runner_up") or DASH),
        "indicator": top or DASH,
        "accuracy": fixed(known[top]) if top else "",
        "verdict": verdict,
        "tone": TONES.get(verdict, "open"),
    }


def _row(study: Study, entry: Mapping[str, Any], at: int, scale: Scale, decimals: int, is_long: bool) -> RankRow:
    variant = str(entry.get("variant", ""))
    borda, (low, high) = finite(entry.get("borda")), ends(entry.get("rank_ci"))
    return RankRow(
        rank=short(entry.get("rank")),
        variant=variant,
        tone=study.colouring.tone(variant),
        mark=_mark(entry, scale, "best" if at == 0 else "plain"),
        value=fixed(entry.get("value"), decimals),
        stderr=fixed(entry.get("stderr"), decimals),
        predicted=short(entry.get("predicted_rank")),
        borda="" if borda is None else f"Borda score {short(borda)}",
        rank_ci=DASH if low is None or high is None else f"{short(low)} to {short(high)}",
        p_best=share(entry.get("p_best")),
        config=tuple(column.get(variant, DASH) for column in list(study.config.values())[:MOST_CONFIG_COLUMNS]),
        is_best=at == 0,
        is_more=is_long and at >= TOP_ROWS,
    )


def _bar(entry: Mapping[str, Any]) -> Iterator[float]:
    """The value and, where there is a standard error, one of it to either side."""
    value, stderr = finite(entry.get("value")), finite(entry.get("stderr"))
    if value is not None:
        yield value
        if stderr is not None:
            yield from (value - stderr, value + stderr)


def _mark(entry: Mapping[str, Any], scale: Scale, tone: str) -> Mark:
    places = [scale.at(value) for value in _bar(entry)]
    at = places[0] if places else None
    low, high = (places[1], places[2]) if len(places) == 3 else (None, None)
    return Mark(at, low, high, tone)


def _overview(outcome: Outcome, entries: Sequence[Mapping[str, Any]], colouring: Colouring) -> Panel:
    """Value against rank, every variant a point: the shape of the whole field when the table is long."""
    x, y = Scale(0.5, len(entries) + 0.5), fit(bound for entry in entries for bound in _bar(entry))
    decimals = decimals_for(entry.get("value") for entry in entries)
    points = []
    for position, entry in enumerate(entries, start=1):
        bar = [y.from_top(value) for value in _bar(entry)]
        if bar:
            variant = str(entry.get("variant", ""))
            title = f"{variant}\n{outcome.name} {fixed(entry.get('value'), decimals)}"
            low, high = (bar[1], bar[2]) if len(bar) == 3 else (None, None)
            points.append(Point(x.at(position), bar[0], title, colouring.tone(variant), low, high))
    return Panel("", "", "rank", outcome.name, x.ticks(8), y.ticks(5), tuple(points))
