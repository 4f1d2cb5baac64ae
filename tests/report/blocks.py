"""The blocks that the made-up study gets beside indicators and ranking: audit, strata, learned model, decision."""

from __future__ import annotations

import copy
from typing import Any

MODELS = ("catboost", "catboost_config", "config_only", "logistic", "mlp", "best_single", "sum", "setting")


def completed(selection: dict[str, Any]) -> dict[str, Any]:
    """The same selection with every block of the contract; deterministic numbers that look the part."""
    selection = copy.deepcopy(selection)
    outcomes = list(selection["outcomes"])
    for at, block in enumerate(selection["outcomes"].values()):
        headlines = [name for name in block["indicators"] if "." not in name and "@" not in name]
        with_within(block)
        block["baselines"] = baselines(block, headlines)
        block["strata"] = strata(block, headlines)
        block["gaps"] = gaps(block, headlines)
        block["differences"] = differences(headlines)
        block["learned"] = learned(at, headlines)
        block["decision"] = decision(block, headlines)
        for place, row in enumerate(block["ranking"], start=1):
            row |= {"rank_ci": [max(1, place - 3), min(len(block["ranking"]), place + 3)], "p_best": 0.62 / place**2}
    selection["transfer"] = {
        train: {test: accuracy(0.72 - 0.06 * abs(a - b) - 0.01 * b) for b, test in enumerate(outcomes)}
        for a, train in enumerate(outcomes)
    }
    selection["left_out"] = audit_of(selection)["left_out"]
    given = {o: {"indicators": block["indicators"]} for o, block in selection["outcomes"].items()}
    selection["as_given"] = {"n_variants": selection["n_variants"] + 2, "outcomes": copy.deepcopy(given)}
    for block in selection["as_given"]["outcomes"].values():
        for row in block["indicators"].values():
            row["accuracy"] = 0.5 + 0.9 * (row["accuracy"] - 0.5)
    for at, (name, block) in enumerate(selection["as_given"]["outcomes"].items()):
        block["learned"] = selection["outcomes"][name]["learned"] | {"published": published(at)}
    return selection


def published(outcome: int) -> list[dict[str, Any]]:
    return [{"name": "LightGBM (elsewhere)", "accuracy": 0.332, "setting": "lr", "difference": -0.411, "p": 0.0123}][
        outcome:
    ]


def accuracy(mean: float, half: float = 0.09) -> dict[str, Any]:
    return {"mean": round(mean, 4), "ci95": [round(mean - half, 4), round(mean + half, 4)]}


def judged(value: float, half: float = 0.1, **more: Any) -> dict[str, Any]:
    low, high = max(0.0, value - half), min(1.0, value + half)
    return {"accuracy": round(value, 4), "ci95": [round(low, 4), round(high, 4)], **more}


def with_within(block: dict[str, Any]) -> None:
    for at, row in enumerate(block["indicators"].values()):
        row["within"] = {
            "factor": "lr",
            "n_pairs": 56,
            "p": 0.02 * (at + 1),
            **judged(0.5 + 0.7 * (row["accuracy"] - 0.5)),
        }
        row |= {
            "n_variants": block["n_variants"],
            "q": None,
            "verdict": "undecided",
            "words": "cannot be told from chance",
        }


def baselines(block: dict[str, Any], headlines: list[str]) -> list[dict[str, Any]]:
    kinds = {"setting": "lr", "word": "objective", "settings": "all settings", "flipped": f"{headlines[0]}, flipped"}
    rows = [{"name": "chance", "kind": "chance", "accuracy": 0.5, "ci95": [0.42, 0.58], "p": None, "note": ""}]
    rows += [
        {"name": name, "kind": kind, "p": 0.03 + at / 10, "note": "", **judged(0.68 - 0.04 * at)}
        for at, (kind, name) in enumerate(kinds.items())
    ]
    return [row | {"n_variants": block["n_variants"], "n_pairs": 120} for row in rows]


def strata(block: dict[str, Any], headlines: list[str]) -> list[dict[str, Any]]:
    def cells(base: float, **more: Any) -> dict[str, Any]:
        return {name: judged(base + 0.06 * at, 0.12, **more) for at, name in enumerate(headlines)}

    return [
        {
            "factor": factor,
            "kind": kind,
            "label": f"{'same' if kind == 'equal' else 'only'} {factor}{'' if kind == 'equal' else ' differs'}",
            "n_variants": block["n_variants"],
            "n_pairs": n_pairs,
            "indicators": cells(0.36 + 0.05 * at, p=0.04 * (at + 1)),
            "levels": [
                {"value": value, "n_variants": 8, "n_pairs": 28, "indicators": cells(0.4)}
                for value in ("0.001", "0.0005")
            ],
        }
        for at, (factor, kind, n_pairs) in enumerate(
            (("lr", "equal", 56), ("lr", "only", 24), ("objective", "equal", 24))
        )
    ]


def gaps(block: dict[str, Any], headlines: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "quintile": fifth,
            "low": 0.011 * (fifth - 1),
            "high": 0.011 * fifth,
            "n_pairs": 24,
            "indicators": {name: judged(0.5 + 0.02 * fifth * (1 + at), 0.08) for at, name in enumerate(headlines)},
        }
        for fifth in range(1, 6)
    ]


def differences(headlines: list[str]) -> list[dict[str, Any]]:
    names = [*headlines, "lr"]
    return [
        {"a": a, "b": b, "difference": 0.03 * (j - i), "ci95": [0.03 * (j - i) - 0.11, 0.03 * (j - i) + 0.11], "p": 0.3}
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if i < j
    ]


def learned(outcome: int, headlines: list[str]) -> dict[str, Any]:
    models = {
        name: {**accuracy(0.75 - 0.02 * at - 0.01 * outcome), "sd": 0.05, "n_splits": 20, "accuracies": [0.7] * 20}
        for at, name in enumerate(MODELS)
    }
    models["best_single"]["names"] = {headlines[0]: 14, headlines[-1]: 6}
    models["setting"]["name"] = "lr"
    found: dict[str, Any] = {
        "models": models,
        "comparisons": [
            {"a": a, "b": b, "difference": d, "ci95": [d - 0.08, d + 0.08], "p": 0.04 + abs(d)}
            for a in MODELS[:2]
            for at, b in enumerate(MODELS[2:])
            for d in [0.02 * at - 0.01]
        ],
        "indicators": headlines,
        "n_train": 9,
        "n_test": 7,
    }
    if outcome < 2:
        found |= thorough(headlines)
    return found


def thorough(headlines: list[str]) -> dict[str, Any]:
    return {
        "leave_one_out": judged(0.71, n_folds=16, n_variants=16),
        "leave_family_out": [
            {
                "factor": "objective",
                "n_pairs": 96,
                "levels": [{"value": v, "accuracy": 0.6, "n_variants": 4, "n_pairs": 54} for v in ("clm", "plm")],
                **judged(0.58),
            }
        ],
        "learning_curve": [
            {"n_train": n, "n_splits": 20, "best_single": 0.66, **accuracy(0.55 + 0.06 * at, 0.1)}
            for at, n in enumerate((4, 6, 8, 10))
        ],
        "calibration": {
            "bins": [
                {
                    "low": at / 10,
                    "high": at / 10 + 0.1,
                    "predicted": at / 10 + 0.05,
                    "observed": 0.2 + 0.06 * at,
                    "n_pairs": 60,
                }
                for at in range(10)
            ],
            "brier": 0.19,
            "expected_calibration_error": 0.083,
            "n_pairs": 600,
        },
        "importance": [
            {"name": name, "drop": 0.09 - 0.03 * at, "ci95": [0.06 - 0.03 * at, 0.12 - 0.03 * at]}
            for at, name in enumerate(headlines)
        ],
    }


def decision(block: dict[str, Any], headlines: list[str]) -> dict[str, Any]:
    variants = [row["variant"] for row in block["ranking"]]
    sizes = [k for k in (1, 2, 3, 5, 8, 13, 21, 34) if k <= len(variants)]
    ways = dict.fromkeys(headlines, "indicator") | {"catboost": "learned", "lr": "setting", "chance": "chance"}
    return {
        "strategies": [
            {
                "name": name,
                "kind": kind,
                "rank_of_best": 1 + 2 * at,
                "top": [
                    {
                        "k": k,
                        "has_best": float(k > 2 * at),
                        "regret": 0.02 / (k + 1),
                        "p_best": 1 - (1 - k / (len(variants) + 1)) ** (1 + 6 / (1 + at)),
                        "runs_saved": len(variants) - k,
                    }
                    for k in sizes
                ],
                "order": variants[:20],
            }
            for at, (name, kind) in enumerate(ways.items())
        ],
        "shortlist": {
            "by": "catboost",
            "k": 3,
            "variants": variants[:3],
            "p_best": 0.91,
            "wanted": 0.9,
            "n": len(variants),
            "runs_saved": len(variants) - 3,
            "note": "The fewest that reach the wanted chance.",
        },
        "power": {
            "for_indicator": {"name": headlines[-1], "accuracy": 0.61, "n_now": 16, "n_needed": 41, "power": 0.8},
            "for_best": {"lead": 0.004, "sd": 0.0081, "seeds_now": 2, "seeds_needed": 33},
            "sentence": "With 41 variants of this kind the indicator would be told from chance four times in five.",
        },
        "next": {
            "known": 12,
            "unknown": 4,
            "p_best_known": 0.71,
            "variants": [
                {"variant": v, "p_best": 0.1 / (1 + at), "expected_gain": 0.004} for at, v in enumerate(variants[-4:])
            ],
        },
        "abstain": {"best": True, "indicator": False, "why": ["The best two cannot be told apart by two seeds."]},
    }


def audit_of(selection: dict[str, Any]) -> dict[str, Any]:
    """Findings of every severity."""
    first, second, third = selection["variants"][:3]

    def finding(kind: str, severity: str, sentence: str, action: str | None = None, **more: Any) -> dict[str, Any]:
        about = {"variants": [], "indicators": [], "outcomes": [], "factor": None, "numbers": {}} | more
        return {"kind": kind, "severity": severity, "sentence": sentence, "action": action, **about}

    return {
        "study": selection["study"],
        "n_variants": selection["n_variants"],
        "findings": [
            finding(
                "confound", "grave", "lr alone is as good as any indicator.", factor="lr", numbers={"accuracy": 0.72}
            ),
            finding(
                "duplicates",
                "warning",
                f"{first} and {second} are the same in all columns.",
                "left out",
                variants=[second],
            ),
            finding("collapsed", "warning", f"{third} collapsed.", "left out", variants=[third]),
            finding(
                "seed_noise",
                "warning",
                "Only two seeds were fine-tuned.",
                "kept",
                outcomes=list(selection["outcomes"])[:1],
            ),
            finding("ties", "note", "There are 4 ties among the outcomes.", "kept"),
            finding("averaged", "note", "Scores of several prompts were averaged.", None),
        ],
        "left_out": [
            {"variant": f"{second}-copy", "reason": "duplicate"},
            {"variant": f"{third}-dead", "reason": "collapsed"},
        ],
    }
