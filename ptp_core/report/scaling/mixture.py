"""Laws of the mixture: how well they order runs never fitted, and the mixtures they call best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptp_core.report.lines import rows_of
from ptp_core.report.numbers import (
    DASH,
    finite,
    fixed,
    interval,
    level,
    level_interval,
    percent,
    scientific,
    share,
    short,
)
from ptp_core.report.scaling.surface import Surface, surface_of
from ptp_core.report.study import N_COLOURS, OTHER, mapping, untold
from ptp_core.report.tables import Plain, Row, Table, estimate, folded_after, holding, mean_of, without_empty

OPEN_ROWS, OPEN_BEST = 15, 8


@dataclass(frozen=True)
class Best:
    """The best mixture for one target: its shares as a bar of (class, start, width, hover text) in percent."""

    target: str
    predicted: str
    band: str
    parts: tuple[tuple[str, float, float, str], ...]
    shares: str
    among_fitted: str
    words: str


@dataclass(frozen=True)
class Mixture:
    """All that is known of the laws of the mixture."""

    facts: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    sources: tuple[tuple[str, str], ...]
    domains: Table | None
    scores: Table | None
    formulas: tuple[tuple[str, str], ...]
    best: tuple[Best, ...]
    folded_best: tuple[Best, ...]
    surface: Surface | None
    parameters: Plain | None


def mixture_of(summary: Mapping[str, Any]) -> Mixture | None:
    """The section's view; None where no law of the mixture was fitted."""
    block = mapping(summary.get("mixture"))
    if not block:
        return None
    sources = [str(source) for source in block.get("sources") or ()]
    tones = _tones(sources, rows_of(block.get("best")))
    best = [_best(row, tones) for row in rows_of(block.get("best"))]
    return Mixture(
        facts=_facts(block),
        words=untold(block.get("words"), summary.get("verdict")),
        sources=_legend(tones),
        formulas=_formulas(rows_of(block.get("domains"))),
        domains=_domains(block),
        scores=_scores(block),
        best=tuple(best[:OPEN_BEST]),
        folded_best=tuple(best[OPEN_BEST:]),
        surface=surface_of(mapping(block.get("surface"))),
        parameters=_parameters(mapping(block.get("parameters"))),
    )


def _tones(sources: Sequence[str], best: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """A colour for each source; where there are too many, the ones that the best mixtures lack share the last, grey."""
    if len(sources) <= N_COLOURS:
        return {source: f"s{at}" for at, source in enumerate(sources)}
    weight = {source: sum(finite(mapping(row.get("shares")).get(source)) or 0.0 for row in best) for source in sources}
    coloured = sorted(sources, key=lambda source: -weight[source])[:OTHER]
    return {source: f"s{coloured.index(source) if source in coloured else OTHER}" for source in sources}


def _legend(tones: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    grey = [source for source, tone in tones.items() if tone == f"s{OTHER}"]
    shown = sorted((item for item in tones.items() if item[0] not in grey), key=lambda item: item[1])
    label = grey[0] if len(grey) == 1 else f"{len(grey)} others"
    return (*shown, *([(label, f"s{OTHER}")] if grey else []))


def _formulas(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    """The forms of the domains' losses and their formulas, where the analysis names them."""
    named = {str(row["form"]): str(row.get("formula") or "") for row in rows if row.get("form")}
    counts = Counter(str(row.get("form")) for row in rows)
    return tuple((f"{form}, {counts[form]} of {len(rows)}", formula) for form, formula in named.items())


def _facts(block: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    facts = (
        ("sources", short(len(block.get("sources") or ()))),
        ("mixtures fitted", short(block.get("n_fit"))),
        ("held out", short(block.get("n_held_out"))),
        ("FLOPs fitted", _range(block.get("fit_compute"))),
        ("FLOPs held out", _range(block.get("held_out_compute"))),
    )
    return tuple((label, text) for label, text in facts if text != DASH)


def _range(bounds: object) -> str:
    ends = [scientific(bound) for bound in bounds] if isinstance(bounds, (list, tuple)) else []
    known = list(dict.fromkeys(end for end in ends if end != DASH))
    return " to ".join(known) or DASH


def _domains(block: Mapping[str, Any]) -> Table | None:
    """Rank correlation on held-out runs by domain, and the mean of them, beside the plain learners."""
    rows = rows_of(block.get("domains"))
    baselines = _baselines(rows)
    if not rows:
        return None
    mean = mapping(block.get("mean"))
    scale, ticks = holding([(row.get("spearman"), row.get("ci95")) for row in rows], 1.0)
    shown = [
        Row(
            name=str(row.get("loss")),
            value=fixed(row.get("spearman")),
            cells=(
                interval(row.get("ci95")),
                *(fixed(_baseline(row, name, "spearman")) for name in baselines),
                percent(row.get("relative_error")),
                share(row.get("inside_band")),
                short(row.get("n")),
            ),
            mark=estimate(row.get("spearman"), row.get("ci95"), scale, 0.0),
        )
        for row in rows
    ]
    errors, _ = mean_of([row.get("relative_error") for row in rows])
    total = Row(
        name=f"mean of {len(rows)}",
        value=fixed(mean.get("spearman")),
        cells=(
            DASH,
            *(fixed(mapping(mean.get("baselines")).get(name)) for name in baselines),
            percent(errors),
            DASH,
            DASH,
        ),
        mark=estimate(mean.get("spearman"), None, scale, 0.0),
        is_best=True,
    )
    names = ("interval", *map(_learner, baselines), "error", "inside band", "n")
    columns, kept = without_empty(names, [total, *folded_after(shown, OPEN_ROWS)])
    return Table("mixture-domains", "Loss", "FLP-M", columns, (("", kept),), ticks)


def _scores(block: Mapping[str, Any]) -> Table | None:
    rows = rows_of(block.get("scores"))
    if not rows:
        return None
    baselines = _baselines(rows)
    shown = [
        Row(
            name=str(row.get("score")),
            value=fixed(row.get("spearman")),
            cells=(
                *(fixed(_baseline(row, name, "spearman")) for name in baselines),
                percent(row.get("relative_error")),
                f"{short(row.get('n_fit'))} / {short(row.get('n_held_out'))}",
            ),
        )
        for row in rows
    ]
    columns = (*map(_learner, baselines), "error", "fitted / held out")
    return Table("mixture-scores", "Score", "FLP-M", columns, (("", folded_after(shown, OPEN_ROWS)),))


def _baselines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(name) for row in rows for name in mapping(row.get("baselines"))))


def _baseline(row: Mapping[str, Any], name: str, key: str) -> object:
    """A baseline's figure; one that is a plain number is its rank correlation."""
    entry = mapping(row.get("baselines")).get(name)
    return entry.get(key) if isinstance(entry, Mapping) else entry


def _learner(name: str) -> str:
    return {"linear": "linear regression", "trees": "boosted trees", "mean": "mean of the fitted"}.get(name, name)


def _best(row: Mapping[str, Any], tones: Mapping[str, str]) -> Best:
    shares = {str(name): finite(part) or 0.0 for name, part in mapping(row.get("shares")).items()}
    total = sum(shares.values()) or 1.0
    parts: list[tuple[str, float, float, str]] = []
    start = 0.0
    for name, part in shares.items():
        width = 100 * part / total
        parts.append((tones.get(name, "s7"), round(start, 2), round(width, 2), f"{name} {percent(part / total)}"))
        start += width
    largest = sorted(shares.items(), key=lambda item: -item[1])
    named = [f"{name} {percent(part / total)}" for name, part in largest if part / total >= 0.005]
    fitted = mapping(row.get("among_fitted"))
    return Best(
        target=str(row.get("target")),
        predicted=level(row.get("predicted")),
        band=level_interval(row.get("band95")),
        parts=tuple(part for part in parts if part[2] > 0),
        shares=", ".join(named[:4]) + (f" and {len(named) - 4} more" if len(named) > 4 else ""),
        among_fitted=f"{fitted.get('run')}: {level(fitted.get('actual'))}" if fitted else DASH,
        words=str(row.get("words") or ""),
    )


def _parameters(block: Mapping[str, Any]) -> Plain | None:
    rows = tuple(
        (str(loss), ", ".join(f"{name} {short(value)}" for name, value in mapping(theta).items()))
        for loss, theta in block.items()
    )
    return Plain("Parameters of every loss", ("Loss", "parameters"), rows) if rows else None
