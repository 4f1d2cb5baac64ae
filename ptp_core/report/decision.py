"""What to do: which variants to fine-tune, how often the best is among the first k, what to run next, what it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptp_core.report.charts import LinePlot
from ptp_core.report.lines import rows_of, top_k_of
from ptp_core.report.numbers import DASH, decimals_for, finite, fixed, share, short
from ptp_core.report.study import Outcome, mapping

KINDS = {"indicator": "indicator", "learned": "learned model", "setting": "setting", "chance": "chance"}
MOST_NEXT = 20
MOST_STRATEGIES = 16
MOST_K = 6

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Strategy:
    """One way to choose: its rank of the best, and one text for every k in each of the three measures."""

    name: str
    kind: str
    tone: str
    rank_of_best: str
    p_best: tuple[str, ...]
    has_best: tuple[str, ...]
    regret: tuple[str, ...]


@dataclass(frozen=True)
class Decision:
    """The decision about one outcome."""

    outcome: Outcome
    abstain: tuple[str, ...]
    shortlist: tuple[str, ...]
    shortlist_by: str
    shortlist_facts: Facts
    shortlist_note: str
    strategies: tuple[Strategy, ...]
    ks: tuple[str, ...]
    has_facts: bool
    curve: LinePlot | None
    next_facts: Facts
    next_rows: tuple[tuple[str, str, str], ...]
    n_more_next: int
    power: str
    power_facts: tuple[tuple[str, Facts], ...]


def decision_of(outcome: Outcome) -> Decision | None:
    """Shortlist, top-k table and curve, what to run next, and power; None where the selection decides nothing."""
    block = mapping(outcome.data.get("decision"))
    if not block:
        return None
    strategies = rows_of(block.get("strategies"))[:MOST_STRATEGIES]
    shortlist, following = mapping(block.get("shortlist")), mapping(block.get("next"))
    ks = _sizes(strategies)
    n = finite(outcome.data.get("n_variants"))
    abstain = mapping(block.get("abstain"))
    rows = rows_of(following.get("variants"))
    return Decision(
        outcome=outcome,
        abstain=tuple(map(str, abstain.get("why") or ())),
        shortlist=tuple(map(str, shortlist.get("variants") or ())),
        shortlist_by=str(shortlist.get("by") or ""),
        shortlist_facts=_shortlist_facts(shortlist),
        shortlist_note=str(shortlist.get("note") or ""),
        strategies=tuple(_strategy(row, at, ks, outcome) for at, row in enumerate(strategies)),
        ks=tuple(short(k) for k in ks),
        has_facts=any(finite(top.get("has_best")) is not None for row in strategies for top in rows_of(row.get("top"))),
        curve=top_k_of(((str(row.get("name", "")), rows_of(row.get("top"))) for row in strategies), n),
        next_facts=_kept(
            ("with the outcome", short(following.get("known"))),
            ("without it", short(following.get("unknown"))),
            ("chance that the best is already known", share(following.get("p_best_known"))),
        ),
        next_rows=tuple(_next(row, outcome) for row in rows[:MOST_NEXT]),
        n_more_next=max(0, len(rows) - MOST_NEXT),
        power=str(mapping(block.get("power")).get("sentence") or ""),
        power_facts=_power_facts(mapping(block.get("power"))),
    )


def _kept(*facts: tuple[str, str]) -> Facts:
    return tuple((label, text) for label, text in facts if text not in (DASH, ""))


def _shortlist_facts(shortlist: Mapping[str, Any]) -> Facts:
    return _kept(
        ("fine-tune", f"{short(shortlist.get('k'))} of {short(shortlist.get('n'))}" if shortlist else ""),
        ("chance that the best is among them", share(shortlist.get("p_best"))),
        ("wanted", share(shortlist.get("wanted"))),
        ("runs saved", short(shortlist.get("runs_saved"))),
    )


def _sizes(strategies: Sequence[Mapping[str, Any]]) -> list[float]:
    """At most six of the sizes k, the small ones first: they are what is paid for."""
    sizes = {k for row in strategies for top in rows_of(row.get("top")) if (k := finite(top.get("k"))) is not None}
    return sorted(sizes)[:MOST_K]


def _strategy(row: Mapping[str, Any], at: int, ks: Sequence[float], outcome: Outcome) -> Strategy:
    top = {finite(entry.get("k")): entry for entry in rows_of(row.get("top"))}
    cells = [mapping(top.get(k)) for k in ks]
    decimals = decimals_for(mapping(outcome.data.get("values")).values())
    return Strategy(
        name=str(row.get("name", "")),
        kind=KINDS.get(str(row.get("kind")), ""),
        tone=f"s{at}" if at < 8 else "",
        rank_of_best=short(row.get("rank_of_best")),
        p_best=tuple(share(cell.get("p_best")) for cell in cells),
        has_best=tuple(share(cell.get("has_best")) for cell in cells),
        regret=tuple(fixed(cell.get("regret"), decimals) for cell in cells),
    )


def _next(row: Mapping[str, Any], outcome: Outcome) -> tuple[str, str, str]:
    decimals = decimals_for(mapping(outcome.data.get("values")).values())
    return str(row.get("variant", "")), share(row.get("p_best")), fixed(row.get("expected_gain"), decimals)


def _power_facts(power: Mapping[str, Any]) -> tuple[tuple[str, Facts], ...]:
    indicator, best = mapping(power.get("for_indicator")), mapping(power.get("for_best"))
    parts = (
        (
            f"To prove {indicator.get('name', '')} better than chance",
            _kept(
                ("accuracy", fixed(indicator.get("accuracy"))),
                ("variants now", short(indicator.get("n_now"))),
                ("variants needed", short(indicator.get("n_needed"))),
                ("power", share(indicator.get("power"))),
            ),
        ),
        (
            "To tell the best from the runner-up",
            _kept(
                ("lead", short(best.get("lead"), 3)),
                ("sd between seeds", short(best.get("sd"), 3)),
                ("seeds now", short(best.get("seeds_now"))),
                ("seeds needed", short(best.get("seeds_needed"))),
            ),
        ),
    )
    return tuple((title, facts) for title, facts in parts if any("needed" in label for label, _ in facts))
