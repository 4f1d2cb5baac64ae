"""The analysis in plain English. Every number in a sentence is read from the block it speaks about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ptp_core.predict.wording import count, listed, number, p_value, percent

Block = Mapping[str, Any]

DOUBTS = {"leak": "a leak", "confounded": "confounded"}
"""Verdicts on an indicator whose accuracy is not its merit, and how they are called in a list."""

RIVALS = (
    ("setting", "the setting {name} alone"),
    ("best_single", "the best single indicator"),
    ("config_only", "all settings together"),
)
"""What learning to compare has to beat: key of its block, name in a sentence."""


def verdict(selection: Block) -> dict[str, Any]:
    """``headline`` (one sentence on the primary outcome) and ``details`` (sentences) from the JSON blocks.

    Sentences are about what ``confirmatory`` names; of the rest one sentence says how much of it was noted. What
    would make a reader trust a learned model too much comes first.
    """
    primary, outcomes, confidence = selection["primary"], selection["outcomes"], selection["confidence"]
    confirmatory = selection["confirmatory"]
    name, block = primary["outcome"], outcomes[primary["outcome"]]
    claimed = {outcome: outcomes[outcome] for outcome in confirmatory["outcomes"]}
    # Whoever published an accuracy kept every variant.
    whole = (selection["as_given"] or selection)["outcomes"]
    named = primary["indicator"]
    focus = named or _leading(block["indicators"], 1 - confidence)
    headline = f"On {name}, {_best(block, confidence)}; {_indicator(block, focus, named is not None, confidence)}."
    published = _published({name: whole[name] for name in claimed}, 1 - confidence)
    details = [
        *published[:1],
        *_learned(name, block, 1 - confidence),
        *_shortlist(block),
        *_next(name, block),
        *_consequence(name, block, focus),
        *_abstention(block),
        *_doubts(name, block, confirmatory["indicators"]),
        *_claims(claimed, 1 - confidence),
        *_configuration(name, block, confirmatory["indicators"]),
        *published[1:],
        *_noise(claimed),
        _multiplicity(outcomes, primary),
        *_explored(outcomes, 1 - confidence),
    ]
    return {"headline": headline, "details": details}


def _best(block: Block, confidence: float) -> str:
    best = block["best"]
    first, second, value = best["variant"], best["runner_up"], number(best["value"])
    if best["lead"] == 0:
        shared = [row["variant"] for row in block["ranking"] if row["rank"] == 1]
        return f"no variant is best: {listed(shared)} share the best value {value}"
    other = number(best["runner_up_value"])
    against = f"{second} ({other})"
    probability = best["probability_best"]
    if probability is None:
        unsure = "but one run per variant cannot tell it from the runner-up"
        return f"variant {first} measured best ({value}), {unsure} {against}"
    if probability < confidence:
        return (
            f"variant {first} measured best ({value}) but cannot be told from the runner-up {against}: "
            f"over fine-tuning seeds and test items it is best with probability {probability:.2f}"
        )
    sure = f"{probability:.3f}" if probability < 0.9995 else "above 0.999"
    return (
        f"variant {first} is best ({value}; runner-up {second}, {other}) "
        f"with probability {sure} over fine-tuning seeds and test items"
    )


def _indicator(block: Block, focus: str | None, named: bool, confidence: float) -> str:
    if focus is None:
        if not block["indicators"]:
            return "no indicator was given"
        if not any(single["n_variants"] for single in block["indicators"].values()):
            return "no indicator is known of these variants"
        return f"no {_kind(block)} is shown to order the variants better than chance"
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


def _kind(block: Block) -> str:
    """What the claims are about; further quantities have a ``q``."""
    explored = any(single["q"] is not None for single in block["indicators"].values())
    return "headline indicator" if explored else "indicator"


def _leading(indicators: Mapping[str, Block], level: float) -> str | None:
    """The most accurate of those better than chance after Holm; one in doubt only where there is no other."""
    above = _significant(indicators, level)[0]
    free = [name for name in above if indicators[name]["verdict"] not in DOUBTS]
    better = free or [name for name in above if indicators[name]["verdict"] != "leak"] or above
    return max(better, key=lambda name: indicators[name]["accuracy"]) if better else None


def _significant(indicators: Mapping[str, Block], level: float) -> tuple[list[str], list[str]]:
    """Names better and names worse than chance after Holm."""
    clear = [name for name, single in indicators.items() if single["p_holm"] is not None and single["p_holm"] <= level]
    above = [name for name in clear if indicators[name]["accuracy"] > 0.5]
    return above, [name for name in clear if name not in above]


def _claims(outcomes: Mapping[str, Block], level: float) -> list[str]:
    sentences = []
    for name, block in outcomes.items():
        indicators = block["indicators"]
        if not indicators:
            continue
        better, worse = _significant(indicators, level)
        shares = {i: f"{i} ({percent(indicators[i]['accuracy'])}{_doubt(indicators[i])})" for i in better + worse}
        above = f"better than chance: {listed([shares[i] for i in better])}"
        found = above if better else f"no {_kind(block)} is shown to beat chance"
        against = f"; worse than chance: {listed([shares[i] for i in worse])}" if worse else ""
        sentences.append(f"{name}, after Holm's correction — {found}{against}.")
    return sentences


def _doubt(single: Block) -> str:
    return f", {DOUBTS[single['verdict']]}" if single["verdict"] in DOUBTS else ""


def _consequence(name: str, block: Block, focus: str | None) -> list[str]:
    single = block["indicators"].get(focus, {}) if focus else {}
    if single.get("regret_at_1") is None or single["verdict"] in ("untestable", "constant"):
        return []
    return [
        f"Taking the variant that {focus} ranks first would lose {number(single['regret_at_1'])} on {name}; "
        f"the best variant is at rank {single['rank_of_best']:g} of {single['n_variants']}."
    ]


def _configuration(name: str, block: Block, claimed: Sequence[str]) -> list[str]:
    """A setting that was known before any training is the baseline an indicator has to beat."""
    settings = {c: s for c, s in block["configuration"].items() if s["accuracy"] is not None}
    indicators = {i: block["indicators"][i] for i in claimed if block["indicators"][i]["accuracy"] is not None}
    if not settings or not indicators:
        return []
    setting = max(settings, key=lambda c: settings[c]["accuracy"])
    indicator = max(indicators, key=lambda i: indicators[i]["accuracy"])
    ours, theirs = settings[setting]["accuracy"], indicators[indicator]["accuracy"]
    relation = f"at least as well as any {_kind(block)}; the best of them is" if ours >= theirs else "less well than"
    return [
        f"The setting {setting} alone (higher is better) orders {percent(ours)} of the pairs on {name}, "
        f"{relation} {indicator} with {percent(theirs)}."
    ]


def _published(outcomes: Mapping[str, Block], level: float) -> list[str]:
    """A sentence for each published learner: is it more than a single setting gives on the same splits?"""
    found: dict[tuple[str, str], list[str]] = {}
    for outcome, block in outcomes.items():
        for entry in block["learned"].get("published", ()):
            if entry["p"] is not None:
                relation = _relation(entry["difference"], 0.0, entry["p"], level)
                words = f"{relation} it on {outcome} ({percent(entry['accuracy'])}, {p_value(entry['p'])})"
                found.setdefault((entry["name"], entry["setting"]), []).append(words)
    return [
        f"The published accuracy of {name}, held against the setting {setting} alone: {listed(words)}."
        for (name, setting), words in found.items()
    ]


def _learned(name: str, block: Block, level: float) -> list[str]:
    learned = block["learned"]
    if not learned or learned["models"]["catboost"]["mean"] is None:
        return []
    models, mean = learned["models"], learned["models"]["catboost"]["mean"]
    tests = {test["b"]: test["p"] for test in learned["comparisons"] if test["a"] == "catboost"}
    few = len(learned["indicators"]) < len(block["indicators"])
    source = f"the {len(learned['indicators'])} headline indicators" if few else "all indicators"
    sentence = f"Learning to compare from {source} orders {percent(mean)} of unseen pairs on {name}"
    parts = [
        f"{_relation(mean, models[key]['mean'], tests.get(key), level)} {label.format(name=models[key].get('name'))} "
        f"({percent(models[key]['mean'])}, {p_value(tests.get(key))})"
        for key, label in RIVALS
        if models[key]["mean"] is not None
    ]
    leaks = [i for i in learned["indicators"] if block["indicators"].get(i, {}).get("verdict") == "leak"]
    doubt = f" It was given {listed(leaks)}, which leak the outcome: do not rely on it." if leaks else ""
    if len(leaks) == 1:
        doubt = doubt.replace("which leak", "which leaks")
    return [(f"{sentence}: {listed(parts)}." if parts else f"{sentence}.") + doubt]


def _shortlist(block: Block) -> list[str]:
    chosen = block["decision"]["shortlist"]
    return [chosen["note"]] if chosen else []


def _next(name: str, block: Block) -> list[str]:
    """Of variants that are not fine-tuned yet the one to take first."""
    following = block["decision"]["next"]
    if not following or not following["variants"]:
        return []
    first, n = following["variants"][0], following["unknown"]
    those = f"{n} variants have" if n > 1 else "One variant has"
    caution = "; no indicator is shown to be better than chance, so this is a guess"
    unsure = caution if block["decision"]["abstain"]["indicator"] else ""
    return [
        f"{those} no {name} yet: fine-tune {first['variant']} next, which by its indicators is best of all, measured "
        f"ones included, with probability {first['p_best']:.2f} (expected gain "
        f"{number(first['expected_gain'])}){unsure}."
    ]


def _abstention(block: Block) -> list[str]:
    """Why not to claim more, and what it would take; what two of them say is said once."""
    decision = block["decision"]
    sentences = [*decision["abstain"]["why"], decision["power"]["sentence"] or ""]
    return [s for i, s in enumerate(sentences) if s and not any(s in other for other in sentences[i + 1 :])]


def _doubts(name: str, block: Block, claimed: Sequence[str]) -> list[str]:
    """Indicators that look better than they may be taken for."""
    singles = [block["indicators"][indicator] for indicator in claimed]
    confounded = [f"On {name}, {single['words']}" for single in singles if single["verdict"] == "confounded"]
    return [*(single["words"] for single in singles if single["verdict"] == "leak"), *confounded]


def _relation(ours: float, theirs: float, p: float | None, level: float) -> str:
    if p is None or p > level:
        return "not distinguishable from"
    return "better than" if ours > theirs else "worse than"


def _noise(outcomes: Mapping[str, Block]) -> list[str]:
    sentences = []
    for name, block in outcomes.items():
        within, n = block["pairs_within_noise"], block["n_variants"]
        if within:
            sentences.append(
                f"{within} of {n * (n - 1) // 2} pairs on {name} differ by no more than the noise between seeds "
                f"(sd {number(block['seed_sd'])}): count them as ties."
            )
    return sentences


def _multiplicity(outcomes: Mapping[str, Block], primary: Block) -> str:
    tests = len([single for _, _, single in _tests(outcomes) if single["p_holm"] is not None])
    if primary["indicator"] is None:
        how = f"all {tests} tests are corrected together" if tests > 1 else f"{count(tests, 'test')} could be made"
        return f"No claim about an indicator was named beforehand: {how}."
    return (
        f"{primary['indicator']} on {primary['outcome']} is the claim named beforehand and is judged by its own p; "
        f"all other statements are exploratory, those on headlines corrected over {count(tests, 'test')}."
    )


def _explored(outcomes: Mapping[str, Block], level: float) -> list[str]:
    """What was found among the further quantities of headlines; the few that can be named are the most accurate."""
    tests = [test for test in _tests(outcomes) if test[2]["q"] is not None]
    if not tests:
        return []
    noted = [test for test in tests if test[2]["q"] <= level and test[2]["accuracy"] > 0.5]
    noted.sort(key=lambda test: -test[2]["accuracy"])
    found = [f"{name} on {outcome} ({percent(single['accuracy'])})" for outcome, name, single in noted]
    named = f", the most accurate of them {listed(found[:3])}" if found else ""
    return [
        f"Further quantities of the headline indicators and outcomes are exploratory: {len(noted)} of {len(tests)} "
        f"tests are above chance at a false discovery rate of {percent(level)} (Benjamini–Hochberg){named}."
    ]


def _tests(outcomes: Mapping[str, Block]) -> list[tuple[str, str, Block]]:
    return [(o, name, single) for o, block in outcomes.items() for name, single in block["indicators"].items()]
