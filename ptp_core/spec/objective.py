"""The grammar of objectives: ``clm``, ``plm``, ``sc``, ``sc(0.5,8)``, and mixes such as ``sc+clm``."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from ptp_core.errors import did_you_mean, shorten
from ptp_core.spec.quantities import shortest

KINDS = ("clm", "plm", "sc")
DEFAULT_SC = (0.15, 3.0)
"""Rate and mean span length of plain ``sc`` (Raffel et al. 2020, section 3.3.4)."""

_TERM = re.compile(r"^(?P<kind>[a-z0-9]+)(?:\((?P<rate>\d*\.?\d+),(?P<length>\d*\.?\d+)\))?$")


def parse_term(text: str) -> tuple[str, float, float]:
    """(kind, corruption rate, mean span length in tokens) of one term; ``clm`` and ``plm`` have rate and length 0."""
    match = _TERM.match(text)
    kind = match["kind"] if match else text.split("(")[0]
    if match is None or kind not in KINDS:
        raise ValueError(f"unknown objective {shorten(text)}; {did_you_mean(kind, KINDS)}")
    if kind != "sc":
        if match["rate"]:
            raise ValueError(f'"{kind}" takes no parameters')
        return kind, 0.0, 0.0
    rate, length = (float(match["rate"]), float(match["length"])) if match["rate"] else DEFAULT_SC
    if not 0.001 <= rate <= 0.999 or not 1 <= length <= 1000:
        raise ValueError("the rate of sc lies between 0.001 and 0.999, its mean span length between 1 and 1000")
    return kind, rate, length


def terms(objective: str) -> tuple[tuple[str, float, float], ...]:
    """The equally likely terms of an objective: ``sc+clm`` → ((sc, .15, 3), (clm, 0, 0)). Raises ValueError."""
    return tuple(parse_term(term) for term in objective.lower().replace(" ", "").split("+"))


def _spell(kind: str, rate: float, length: float) -> str:
    return f"sc({shortest(rate)},{shortest(length)})" if kind == "sc" and (rate, length) != DEFAULT_SC else kind


def normalise(objective: str) -> str:
    """One spelling for one objective, whatever the case, spaces, order or spelled-out defaults."""
    return "+".join(sorted((_spell(*term) for term in terms(objective)), reverse=True))


Objective = Annotated[str, AfterValidator(normalise)]
