"""A made-up study to render: objectives × mixtures, every number drawn from one seed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.analysis import analyze
from ptp_core.report.run import Run
from ptp_core.spec.select import Primary, Select
from ptp_core.table.names import headlines
from ptp_core.table.schema import from_rows, validate
from tests.report.blocks import audit_of, completed

OBJECTIVES = ("clm", "plm", "sc", "ul2r+clm")
MIXTURES = ("web", "web+code", "web+books", "all")
OUTCOMES = ("commonsense", "reading", "closed-book")
INDICATORS = {"ppl_clm": False, "ppl_sc": False, "kshot_commonsense": True, "kshot_reading": True, "kshot_closed": True}
FURTHER = (".margin", ".bits_per_byte", "@facts", ".bits_per_byte@facts", ".correct_prob_per_char")
SEEDS = 2
TOKENS = 20_000_000

Made = tuple[dict[str, Any], pd.DataFrame, Run]


@pytest.fixture(scope="session")
def make_study() -> Callable[..., Made]:
    return build


@pytest.fixture(scope="session")
def made() -> Made:
    """16 variants, 3 outcomes, 5 indicators, 2 seeds."""
    return build()


@pytest.fixture(scope="session")
def whole(made: Made) -> tuple[dict[str, Any], pd.DataFrame, Run, dict[str, Any]]:
    """The same with every block of the analysis, and its audit."""
    selection = completed(made[0])
    return selection, made[1], made[2], audit_of(selection)


@pytest.fixture(scope="session")
def rich() -> Made:
    """16 variants, 2 outcomes, 30 indicators: five headlines and five further quantities of each, analysed."""
    return analysed(build(n_outcomes=2, further=FURTHER))


def analysed(made: Made) -> Made:
    """The same with a selection made by the analysis, and a primary claim about a further quantity."""
    select = Select(primary=Primary(outcome="reading", indicator="ppl_sc.margin"), bootstraps=100, permutations=100)
    table = pd.concat([made[1], *(late_checkpoint(made[1], tokens) for tokens in (17_000_000, 18_000_000))])
    selection = analyze(validate(table), select.model_copy(update={"splits": 2}), "many indicators")
    return selection, validate(table), made[2]


def late_checkpoint(table: pd.DataFrame, tokens: int) -> pd.DataFrame:
    """The indicators of the end once more, at an earlier checkpoint; not all of them are measured there."""
    rows = table[(table["checkpoint_tokens"] == TOKENS) & (table["kind"] == "indicator") & (table["name"] != "ppl_clm")]
    return rows.assign(checkpoint_tokens=tokens, value=rows["value"] * (1 + tokens / 1e9))


def build(
    n_mixtures: int = 4,
    n_outcomes: int = 3,
    n_indicators: int = 5,
    prefix: str = "",
    seed: int = 0,
    further: tuple[str, ...] = (),
) -> Made:
    """4 × ``n_mixtures`` variants; ``prefix`` stands in front of every name a user could choose.

    Every indicator comes with quantities that end in each of ``further`` too.
    """
    random = np.random.default_rng(seed)
    mixtures = [*MIXTURES, *(f"mix-{n}" for n in range(5, n_mixtures + 1))][:n_mixtures]
    outcomes = [prefix + name for name in (*OUTCOMES, *(f"outcome-{n}" for n in range(4, n_outcomes + 1)))][:n_outcomes]
    directions = dict(itertools.islice((INDICATORS | {f"probe-{n}": True for n in range(6, 99)}).items(), n_indicators))
    directions = {prefix + name + end: higher for name, higher in directions.items() for end in ("", *further)}
    config = {
        f"{prefix}{objective}/{mixture}": {"objective": objective, "mixture": mixture, "lr": lr}
        for (objective, mixture), lr in zip(
            itertools.product(OBJECTIVES, mixtures), itertools.cycle((1e-3, 5e-4)), strict=False
        )
    }
    skill = {variant: random.normal() for variant in config}
    rows = config_rows(config) + indicator_rows(skill, directions, random)
    rows += outcome_rows(skill, outcomes, random)
    return selection_of(list(config), rows, outcomes, directions), from_rows(rows), run_of(skill, random, prefix)


def config_rows(config: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"variant": v, "kind": "config", "name": n, "source": "spec", "text" if isinstance(x, str) else "value": x}
        for v, settings in config.items()
        for n, x in settings.items()
    ]


def indicator_rows(skill: dict[str, float], directions: dict[str, bool], random: Any) -> list[dict[str, Any]]:
    row = {"kind": "indicator", "source": "probe", "n_items": 400}
    return [
        row
        | {
            "variant": variant,
            "name": name,
            "checkpoint_tokens": tokens,
            "higher_is_better": higher,
            "value": (0.4 + 0.05 * noisy) if higher else math.exp(3.2 - 0.1 * noisy),
        }
        for at, (name, higher) in enumerate(directions.items())
        for variant, level in skill.items()
        for tokens in (TOKENS // 2, TOKENS)
        for noisy in [level * (0.3 + 0.25 * (at % 4)) + random.normal()]
    ]


def outcome_rows(skill: dict[str, float], outcomes: list[str], random: Any) -> list[dict[str, Any]]:
    return [
        {
            "variant": variant,
            "name": name,
            "seed": seed,
            "kind": "outcome",
            "higher_is_better": True,
            "source": "sft",
            "value": 0.55 + 0.04 * level + own + random.normal(scale=0.008),
        }
        for name in outcomes
        for variant, level in skill.items()
        for own in [random.normal(scale=0.015)]
        for seed in range(SEEDS)
    ]


def selection_of(
    variants: list[str], rows: list[dict[str, Any]], outcomes: list[str], directions: dict[str, bool]
) -> dict[str, Any]:
    """A selection of the right shape; accuracies are counted, intervals and p only look the part."""
    means = {n: mean_by_variant(rows, n) for n in (*outcomes, *directions)}
    blocks = {o: outcome_block(o, means, variants, directions) for o in outcomes}
    first, best = outcomes[0], blocks[outcomes[0]]["best"]
    return {
        "study": "objectives × mixtures",
        "n_variants": len(variants),
        "variants": variants,
        "confidence": 0.95,
        "primary": {"outcome": first, "indicator": list(directions)[-1]},
        "confirmatory": {"outcomes": outcomes, "indicators": headlines(directions)},
        "outcomes": blocks,
        "verdict": {
            "headline": f"Fine-tune {best['variant']}: it has the best {first}, "
            f"but {best['runner_up']} cannot be told from it.",
            "details": [
                "The named indicator picks the better of two variants more often than chance.",
                "The learned comparison does not beat the best single indicator.",
            ],
        },
        "warnings": ["The learning rate alone is as good as any indicator.", "Only two seeds were fine-tuned."],
    }


def mean_by_variant(rows: list[dict[str, Any]], name: str) -> dict[str, float]:
    last = [row for row in rows if row["name"] == name and row.get("checkpoint_tokens", TOKENS) == TOKENS]
    groups: dict[str, list[float]] = {}
    for row in last:
        groups.setdefault(row["variant"], []).append(row["value"])
    return {variant: float(np.mean(values)) for variant, values in groups.items()}


def outcome_block(
    outcome: str, means: dict[str, dict[str, float]], variants: list[str], directions: dict[str, bool]
) -> dict[str, Any]:
    values = means[outcome]
    ranked = sorted(variants, key=lambda v: -values[v])
    lead = next(iter(directions))
    predicted = sorted(variants, key=lambda v: means[lead][v])
    return {
        "higher_is_better": True,
        "n_variants": len(variants),
        "left_out": [],
        "values": values,
        "between_sd": float(np.std(list(values.values()), ddof=1)),
        "seed_sd": 0.0081,
        "n_seeds": SEEDS,
        "indicators": {i: accuracy_block(means[i], values, higher) for i, higher in directions.items()},
        "configuration": {"lr": accuracy_block({v: float(k % 2) for k, v in enumerate(variants)}, values, True)},
        "ranking": [
            {
                "rank": at,
                "variant": v,
                "value": values[v],
                "stderr": 0.003 + 0.0007 * (at % 6),
                "borda": (len(ranked) - predicted.index(v)) / len(ranked),
                "predicted_rank": predicted.index(v) + 1,
            }
            for at, v in enumerate(ranked, start=1)
        ],
        "best": {"variant": ranked[0], "value": values[ranked[0]], "probability_best": 0.62, "runner_up": ranked[1]},
    }


def accuracy_block(indicator: dict[str, float], values: dict[str, float], higher: bool) -> dict[str, Any]:
    pairs = list(itertools.combinations(values, 2))
    sign = 1 if higher else -1
    scores = [0.5 + 0.5 * np.sign(sign * (indicator[a] - indicator[b]) * (values[a] - values[b])) for a, b in pairs]
    accuracy, half = float(np.mean(scores)), 0.9 / math.sqrt(len(values))
    order = sorted(values, key=lambda v: -sign * indicator[v])
    best = max(values, key=lambda v: values[v])
    p = math.erfc(abs(accuracy - 0.5) / half * 1.4)
    return {
        "accuracy": accuracy,
        "ci95": [max(0.0, accuracy - half), min(1.0, accuracy + half)],
        "p": p,
        "p_holm": min(1.0, 5 * p),
        "n_pairs": len(pairs),
        "n_indicator_ties": 0,
        "n_outcome_ties": 0,
        "tau_b": 2 * accuracy - 1,
        "higher_is_better": higher,
        "rank_of_best": order.index(best) + 1,
        "regret_at_1": values[best] - values[order[0]],
    }


def run_of(skill: dict[str, float], random: Any, prefix: str = "") -> Run:
    def curve(level: float, n_points: int, noise: float) -> list[tuple[float, float]]:
        at = np.linspace(0.002, 1, n_points)
        loss = 3.1 - 0.08 * level + 5.5 * np.exp(-30 * at) + 0.4 * (1 - at) + random.normal(scale=noise, size=n_points)
        return [(float(share * TOKENS), float(value)) for share, value in zip(at, loss, strict=True)]

    return Run(
        curves={variant: curve(level, 400, 0.025) for variant, level in skill.items()},
        held_out={variant: curve(level, 5, 0.0)[1:] for variant, level in skill.items()},
        jobs=[
            {"stage": "data", "jobs": 3, "reused": 3, "core_seconds": 0.0, "peak_memory_mb": 310.0},
            {"stage": "pretrain", "jobs": 16, "reused": 4, "core_seconds": 23_400.0, "peak_memory_mb": 1640.0},
            {"stage": "measure", "jobs": 32, "reused": 0, "core_seconds": 2210.4, "peak_memory_mb": 980.0},
            {"stage": "finetune", "jobs": 96, "reused": 0, "core_seconds": 9120.0, "peak_memory_mb": None},
        ],
        spec_text=f"study: {prefix}objectives × mixtures\n\nvariants:\n  objective: [clm, plm, sc, ul2r+clm]\n",
        spec_name=f"specs/{prefix}demo.yaml",
        packages={"numpy": "2.4.6", "torch": "2.9.0"},
        study_fingerprint="4f1c9be07d52a1d4a6c05b8e3f90d7721c4e88a9b3d6f0512e7a94cc80b1f3de",
        notes=[f"{prefix}Two jobs were stopped and resumed."],
        links={f"{prefix}Measurements (CSV)": "measurements.csv", "Selection (JSON)": "selection.json"},
    )
