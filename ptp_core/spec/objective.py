"""The grammar of objectives: ``clm``, ``plm``, ``sc(0.5,8)``, ``ul2``, ``ul2r``, and mixes such as ``0.7*clm+0.3*sc``.

A mix is a sum of terms and families of terms. All terms are equally likely unless weights say otherwise; a weight on a
family is that of each of its terms. ``[x]sc(0.5,3)`` puts the token of a mode in front of the rows of a term.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from ptp_core.errors import did_you_mean, shorten
from ptp_core.spec.quantities import shortest
from ptp_core.special import MODES

KINDS = ("clm", "plm", "sc")
DEFAULT_SC = (0.15, 3.0)
"""Rate and mean span length of plain ``sc`` (Raffel et al. 2020, section 3.3.4)."""


class Form(NamedTuple):
    """What a term does to a row."""

    kind: str
    """One of KINDS."""
    rate: float = 0.0
    """Share of the tokens that is hidden (sc only)."""
    span_length: float = 0.0
    """Mean length of a hidden span in tokens (sc only)."""
    mode: str = ""
    """The mode whose token stands in front of the row; empty for none."""


class Term(NamedTuple):
    """A form and how likely a row is to take it; the fields are those of Form."""

    kind: str
    rate: float
    span_length: float
    mode: str
    weight: float
    """Probability; the weights of an objective's terms add to 1."""

    def __str__(self) -> str:
        return _spell(Form(*self[:4]))


FAMILIES: Mapping[str, tuple[Form, ...]] = {
    # Tay et al. 2023, table 1: regular, sequential and extreme denoisers, each with its mode token.
    "ul2": (
        Form("sc", 0.15, 3.0, "r"), Form("sc", 0.15, 8.0, "r"), Form("plm", mode="s"),
        Form("sc", 0.5, 3.0, "x"), Form("sc", 0.5, 8.0, "x"), Form("sc", 0.15, 64.0, "x"), Form("sc", 0.5, 64.0, "x"),
    ),
    # Tay et al. 2022 (U-PaLM), without mode tokens.
    "ul2r": (Form("sc", 0.15, 3.0), Form("sc", 0.5, 32.0), Form("plm")),
}  # fmt: skip

_NUMBER = r"\d{0,12}\.?\d{1,12}"
_PART = re.compile(
    rf"(?:(?P<weight>{_NUMBER})\*)?(?:\[(?P<mode>[^\]]*)\])?"
    rf"(?P<kind>[a-z0-9]+)(?:\((?P<rate>\d*\.?\d+),(?P<length>\d*\.?\d+)\))?"
)


def terms(objective: str) -> tuple[Term, ...]:
    """The terms of an objective with their probabilities, in canonical order. Raises ValueError.

    ``sc+clm`` → (sc, .15, 3, "", .5), (clm, 0, 0, "", .5).
    """
    weights = _weights(objective)
    total = sum(weights.values())
    ordered = sorted(weights, key=_spell, reverse=True)
    return tuple(Term(*form, weight=float(weights[form] / total)) for form in ordered)


def normalise(objective: str) -> str:
    """One spelling for one objective, whatever the case, spaces, order, scale of weights or spelled-out defaults.

    Weights become the smallest whole numbers; a spelled-out family becomes its name. Raises ValueError.
    """
    weights = _weights(objective)
    named: dict[str, Fraction] = {}
    for family, forms in FAMILIES.items():
        if len({weights.get(form) for form in forms}) == 1 and forms[0] in weights:
            named[family] = weights[forms[0]]
            for form in forms:
                del weights[form]
    named |= {_spell(form): weight for form, weight in weights.items()}
    names = sorted(named, reverse=True)
    shares = zip(_whole(named[name] for name in names), names, strict=True)
    return "+".join(name if share == 1 else f"{share}*{name}" for share, name in shares)


def _weights(objective: str) -> dict[Form, Fraction]:
    """Form → weight, repeats added up."""
    found: dict[Form, Fraction] = {}
    for part in objective.lower().replace(" ", "").split("+"):
        for form, weight in _parse(part):
            found[form] = found.get(form, Fraction(0)) + weight
    return found


def _parse(part: str) -> Iterator[tuple[Form, Fraction]]:
    match = _PART.fullmatch(part)
    kind = match["kind"] if match else part.split("(")[0].split("*")[-1].split("]")[-1]
    if match is None or (kind not in KINDS and kind not in FAMILIES):
        raise ValueError(f"unknown objective {shorten(part)}; {did_you_mean(kind, (*KINDS, *FAMILIES))}")
    weight = Fraction(match["weight"] or 1)
    if weight == 0:
        raise ValueError(f"the weight of {shorten(part)} is 0; leave the term out")
    if kind != "sc" and match["rate"]:
        raise ValueError(f'"{kind}" takes no parameters')
    mode = match["mode"]
    if mode is not None and mode not in MODES:
        raise ValueError(f"unknown mode {shorten(mode)}; {did_you_mean(mode, MODES)}")
    if kind in FAMILIES:
        if mode is not None:
            raise ValueError(f'a mode token belongs to a single term, and "{kind}" has several')
        yield from ((form, weight) for form in FAMILIES[kind])
        return
    rate, length = _parameters(match) if kind == "sc" else (0.0, 0.0)
    yield Form(kind, rate, length, mode or ""), weight


def _parameters(match: re.Match[str]) -> tuple[float, float]:
    rate, length = (float(match["rate"]), float(match["length"])) if match["rate"] else DEFAULT_SC
    if not 0.001 <= rate <= 0.999 or not 1 <= length <= 1000:
        raise ValueError("the rate of sc lies between 0.001 and 0.999, its mean span length between 1 and 1000")
    return rate, length


def _spell(form: Form) -> str:
    plain = form.kind != "sc" or (form.rate, form.span_length) == DEFAULT_SC
    term = form.kind if plain else f"sc({shortest(form.rate)},{shortest(form.span_length)})"
    return f"[{form.mode}]{term}" if form.mode else term


def _whole(weights: Iterable[Fraction]) -> list[int]:
    """The smallest whole numbers in the same proportion."""
    listed = list(weights)
    scale = math.lcm(*(weight.denominator for weight in listed))
    whole = [int(weight * scale) for weight in listed]
    return [weight // math.gcd(*whole) for weight in whole]


Objective = Annotated[str, AfterValidator(normalise)]
