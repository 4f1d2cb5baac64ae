"""The analysis in plain English. Every number in a sentence is read from the block it speaks about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ptp_core.predict.headline import DOUBTS, Block, best, indicator, kind, leading, significant
from ptp_core.predict.wording import count, listed, number, p_value, percent

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
    focus = named or leading(block["indicators"], 1 - confidence)
    measured = best(block, selection["configuration"], confidence)
    headline = f"On {name}, {measured}; {indicator(block, focus, named is not None, confidence)}."
    published = _published({name: whole[name] for name in claimed}, 1 - confidence)
    details = [
        *_counted(selection["convention"]),
        *_next(name, block),
        *_abstention(block),
        *published[:1],
        *_shortlist(block),
        *_learned(name, block, 1 - confidence),
        *_consequence(name, block, focus),
        *_doubts(name, block, confirmatory["indicators"]),
        *_claims(claimed, 1 - confidence),
        *_configuration(name, block, confirmatory["indicators"]),
        *published[1:],
        *_noise(claimed),
        _multiplicity(outcomes, primary),
        *_explored(outcomes, 1 - confidence),
    ]
    return {"headline": headline, "details": details}


def _counted(convention: str) -> list[str]:
    paper = "Counted as Zeng et al. (2025) count: every variant is kept, and ties are judged like any other pair."
    return [paper] if convention == "paper" else []


def _claims(outcomes: Mapping[str, Block], level: float) -> list[str]:
    sentences = []
    for name, block in outcomes.items():
        indicators = block["indicators"]
        if not indicators:
            continue
        better, worse = significant(indicators, level)
        shares = {i: f"{i} ({percent(indicators[i]['accuracy'])}{_doubt(indicators[i])})" for i in better + worse}
        above = f"better than chance: {listed([shares[i] for i in better])}"
        found = above if better else f"no {kind(block)} is shown to beat chance"
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
    relation = f"at least as well as any {kind(block)}; the best of them is" if ours >= theirs else "less well than"
    return [
        f"The setting {setting} alone (higher is better) orders {percent(ours)} of the pairs on {name}, "
        f"{relation} {indicator} with {percent(theirs)}."
    ]


def _published(outcomes: Mapping[str, Block], level: float) -> list[str]:
    """A sentence for each published learner: is it more than a single setting gives on the same splits?"""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for outcome, block in outcomes.items():
        for entry in block["learned"].get("published", ()):
            if entry["p"] is not None:
                relation = _relation(entry["difference"], 0.0, entry["p"], level)
                words = f"{outcome}: {percent(entry['accuracy'])}, {p_value(entry['p'])}"
                found.setdefault((entry["name"], entry["setting"]), {}).setdefault(relation, []).append(words)
    return [
        f"The published accuracy of {name} is "
        + " and ".join(f"{relation} the setting {setting} alone ({'; '.join(o)})" for relation, o in groups.items())
        + "."
        for (name, setting), groups in found.items()
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
    chance = f"{first['p_best']:.2f}" if first["p_best"] >= 0.01 else "below 0.01"
    return [
        f"{those} no {name} yet: fine-tune {first['variant']} next, which by its indicators is best of all, measured "
        f"ones included, with probability {chance} (expected gain {number(first['expected_gain'])}){unsure}."
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
