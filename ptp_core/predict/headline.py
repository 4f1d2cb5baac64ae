"""The headline of a verdict: which variant measured best, and what the leading indicator is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ptp_core.predict.wording import listed, number, percent

Block = Mapping[str, Any]

DOUBTS = {"leak": "a leak", "confounded": "confounded"}
"""Verdicts on an indicator whose accuracy is not its merit, and how they are called in a list."""

NOISES = {"seeds": "fine-tuning seeds", "seeds and items": "fine-tuning seeds and test items"}
"""What the standard errors of an outcome cover, in words."""

MOST_SETTINGS = 4
"""A variant that differs in more settings than these is not described by them."""


def best(block: Block, configuration: Block, confidence: float) -> str:
    """Which variant measured best on an outcome, with the settings that set it apart, and how sure that is."""
    top, to_come = block["best"], block["decision"]["next"]
    first, second, value = top["variant"], top["runner_up"], number(top["value"])
    so_far = f"of the {to_come['known']} variants fine-tuned so far, " if to_come else ""
    if top["lead"] == 0:
        shared = [row["variant"] for row in block["ranking"] if row["rank"] == 1]
        return f"{so_far}no variant is best: {listed(shared)} share the best value {value}"
    named, other = f"variant {first}{_recipe(first, configuration)}", number(top["runner_up_value"])
    probability = top["probability_best"]
    if probability is None:
        unsure = "but one run per variant cannot tell it from the runner-up"
        return f"{so_far}{named} measured best ({value}), {unsure} {second} ({other})"
    over = NOISES[block["stderr_covers"]]
    if probability < confidence:
        return (
            f"{so_far}{named} measured best ({value}) but cannot be told from the runner-up {second} ({other}): "
            f"over {over} it is best with probability {probability:.2f}"
        )
    sure = f"{probability:.3f}" if probability < 0.9995 else "above 0.999"
    return f"{so_far}{named} is best ({value}; runner-up {second}, {other}) with probability {sure} over {over}"


def _recipe(variant: str, configuration: Block) -> str:
    """The settings of a variant that most others do not share, in brackets."""
    own = configuration[variant]
    shared = {name: sum(other[name] == value for other in configuration.values()) for name, value in own.items()}
    rare = [name for name, count in shared.items() if 2 * count <= len(configuration) and own[name] not in (None, "")]
    odd = [f"{name} {_setting(own[name])}" for name in rare]
    return f" ({', '.join(odd)})" if 0 < len(odd) <= MOST_SETTINGS else ""


def _setting(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def indicator(block: Block, focus: str | None, named: bool, confidence: float) -> str:
    """What the indicator ``focus`` is worth, with the doubt that the audit casts on it; ``named`` beforehand or not."""
    if focus is None:
        if not block["indicators"]:
            return "no indicator was given"
        if not any(single["n_variants"] for single in block["indicators"].values()):
            return "no indicator is known of these variants"
        return f"no {kind(block)} is shown to order the variants better than chance"
    single = block["indicators"][focus]
    if single["accuracy"] is None or single["p"] is None:
        return f"{focus} could not be judged"
    low, high = single["ci95"]
    share = f"{percent(single['accuracy'])} of pairs, {confidence:.0%} interval {percent(low)} to {percent(high)}"
    significant = single["p" if named else "p_holm"] <= 1 - confidence
    if not significant:
        return f"{focus} is not shown to order the variants better than chance ({share})"
    if single["accuracy"] < 0.5:
        return f"{focus} orders the variants worse than chance ({share}): it points the wrong way"
    if single["verdict"] == "leak":
        return (
            f"{focus} orders {share}, which proves nothing: it has probably been made from the outcome or shares its "
            "test items"
        )
    if single["verdict"] == "confounded":
        return str(single["words"]).rstrip(".").replace(_interval(single), _interval(single, confidence))
    return f"{focus}, known before fine-tuning, orders the variants better than chance ({share})"


def _interval(single: Block, confidence: float | None = None) -> str:
    low, high = single["ci95"]
    label = "interval" if confidence is None else f"{confidence:.0%} interval"
    return f"{label} {percent(low)} to {percent(high)}"


def kind(block: Block) -> str:
    """What the claims are about; further quantities have a ``q``."""
    explored = any(single["q"] is not None for single in block["indicators"].values())
    return "headline indicator" if explored else "indicator"


def leading(indicators: Mapping[str, Block], level: float) -> str | None:
    """The most accurate of those better than chance after Holm; one in doubt only where there is no other."""
    above = significant(indicators, level)[0]
    free = [name for name in above if indicators[name]["verdict"] not in DOUBTS]
    better = free or [name for name in above if indicators[name]["verdict"] != "leak"] or above
    return max(better, key=lambda name: indicators[name]["accuracy"]) if better else None


def significant(indicators: Mapping[str, Block], level: float) -> tuple[list[str], list[str]]:
    """Names better and names worse than chance after Holm."""
    clear = [name for name, single in indicators.items() if single["p_holm"] is not None and single["p_holm"] <= level]
    above = [name for name in clear if indicators[name]["accuracy"] > 0.5]
    return above, [name for name in clear if name not in above]
