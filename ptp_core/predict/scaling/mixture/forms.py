"""Laws of one domain's loss in the mixture and the compute: FLP-M as published, and forms that know shares of 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ptp_core.predict.scaling.points import Floats

FLOOR, SLOPE, EXPONENT = float(np.log(0.03)), -0.02, float(np.log(0.3))
"""Where a fit starts and what a penalty pulls to: a floor of 3 % of the tokens, hardly any effect of a source, and an
exponent of 0.3 for tokens that are all of one kind."""


@dataclass(frozen=True)
class Form:
    """log L = log(E + exp(k + a·log(C/C0) + terms)); the terms are those that are switched on."""

    name: str
    formula: str
    """For people; w are shares, C is the compute, C0 the mean of the fitted runs."""
    irreducible: bool
    powers: bool = False
    """Σ b_s·log w_s: FLP-M; with C_s = w_s·C this is its product of powers of the compute per source."""
    floors: bool = False
    """Σ b_s·log(w_s + f_s): the same, but a source that is left out leaves a finite loss."""
    transfer: bool = False
    """-β·log(Σ t_s·w_s): a token of any source is worth t_s tokens of the best."""
    linear: bool = False
    """Σ t_s·w_s."""


FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        Form("flp-m", "L = k·(C/C0)^a·Π w_s^b_s", False, powers=True),
        Form("floor", "L = E + k·(C/C0)^a·Π (w_s + f_s)^b_s", True, floors=True),
        Form("transfer", "L = E + k·(C/C0)^a·(Σ t_s·w_s)^-β", True, transfer=True),
        Form("floor-transfer", "L = E + k·(C/C0)^a·Π (w_s + f_s)^b_s·(Σ t_s·w_s)^-β", True, floors=True, transfer=True),
        Form("exponential", "L = E + k·(C/C0)^a·exp(Σ t_s·w_s)", True, linear=True),
    )
}
"""flp-m: Chen et al. 2024 (arXiv 2410.08527), for any number of sources, all of them with a share above 0.
exponential: data mixing laws (Ye et al. 2024, arXiv 2403.16952). The three between are generalisations of ours."""


@dataclass(frozen=True)
class Layout:
    """Where each parameter of a form stands in theta, for a number of sources; ``scaled`` where compute varies."""

    form: Form
    sources: int
    scaled: bool

    def slices(self) -> dict[str, slice]:
        """Name → its place; E, f, β and the t of ``transfer`` are kept as logarithms, so that they are above 0."""
        form, s = self.form, self.sources
        sizes = {"E": int(form.irreducible), "k": 1, "a": int(self.scaled)}
        sizes |= {"b": s * (form.powers or form.floors), "f": s * form.floors}
        sizes |= {"beta": int(form.transfer), "t": s * (form.transfer or form.linear)}
        ends = np.cumsum(list(sizes.values())).tolist()
        return {n: slice(end - size, end) for (n, size), end in zip(sizes.items(), ends, strict=True) if size}

    @property
    def size(self) -> int:
        """Number of parameters."""
        return max(int(place.stop) for place in self.slices().values())


def start(layout: Layout, log_loss: Floats) -> tuple[Floats, Floats]:
    """(p,) parameters under which the mixture hardly matters, and (p,) how strongly a penalty pulls to each."""
    places, lowest, mean = layout.slices(), float(log_loss.min()), float(log_loss.mean())
    floor = lowest - 0.3
    theta, pull = np.zeros(layout.size), np.ones(layout.size)
    values = {"k": mean, "a": -0.1, "b": SLOPE, "f": FLOOR, "beta": EXPONENT}
    if layout.form.irreducible:
        values |= {"E": floor, "k": float(np.log(np.exp(mean) - np.exp(floor)))}
    for name, value in values.items():
        if name in places:
            theta[places[name]] = value
    for name, weight in {"E": 0.1, "k": 1e-3, "a": 0.1}.items():
        if name in places:
            pull[places[name]] = weight
    return theta, pull


def log_losses(layout: Layout, theta: Floats, shares: Floats, size: Floats) -> tuple[Floats, Floats]:
    """(B, n) log losses and their (B, n, p) derivatives under (B, p) parameters.

    ``shares`` are (n, sources), ``size`` is (n,) log(C/C0). The published form is not defined at a share of 0: NaN.
    """
    slope = np.zeros((len(theta), len(shares), layout.size))
    return _log_losses(layout, theta, shares, size, slope), slope


def log_losses_alone(layout: Layout, theta: Floats, shares: Floats, size: Floats) -> Floats:
    """The same without the derivatives, which cost most of the time."""
    return _log_losses(layout, theta, shares, size, None)


def _log_losses(layout: Layout, theta: Floats, shares: Floats, size: Floats, slope: Floats | None) -> Floats:
    places, form = layout.slices(), layout.form
    core = np.repeat(theta[:, places["k"]], len(shares), axis=1)
    if slope is not None:
        slope[..., places["k"]] = 1
    if layout.scaled:
        core += theta[:, places["a"]] * size
        if slope is not None:
            slope[..., places["a"]] = size[:, None]
    if form.powers or form.floors:
        core += _powers(theta, places, shares, slope)
    if form.transfer:
        core += _transfer(theta, places, shares, slope)
    if form.linear:
        core += theta[:, places["t"]] @ shares.T
        if slope is not None:
            slope[..., places["t"]] = shares
    return _with_rest(theta[:, places["E"]], core, places, slope) if form.irreducible else core


def _with_rest(rest: Floats, core: Floats, places: dict[str, slice], slope: Floats | None) -> Floats:
    """log(E + exp(core)); the derivatives of ``core`` become those of the sum."""
    total = np.logaddexp(rest, core)
    if slope is not None:
        slope *= np.exp(core - total)[..., None]
        slope[..., places["E"]] = np.exp(rest - total)[..., None]
    return np.asarray(total)


def _powers(theta: Floats, places: dict[str, slice], shares: Floats, slope: Floats | None) -> Floats:
    exponents = theta[:, places["b"]]
    if "f" not in places:
        with np.errstate(divide="ignore"):
            logs = np.where(shares > 0, np.log(shares), np.nan)
        if slope is not None:
            slope[..., places["b"]] = logs
        return np.asarray(exponents @ logs.T)
    floors = np.exp(theta[:, None, places["f"]])
    raised = shares + floors
    logs = np.log(raised)
    if slope is not None:
        slope[..., places["b"]] = logs
        slope[..., places["f"]] = exponents[:, None] * floors / raised
    return np.asarray(np.matmul(logs, exponents[..., None])[..., 0])


def _transfer(theta: Floats, places: dict[str, slice], shares: Floats, slope: Floats | None) -> Floats:
    exponent, worth = np.exp(theta[:, places["beta"]]), np.exp(theta[:, places["t"]])
    useful = worth @ shares.T
    gain = -exponent * np.log(useful)
    if slope is not None:
        slope[..., places["beta"]] = gain[..., None]
        slope[..., places["t"]] = -(exponent / useful)[..., None] * worth[:, None] * shares
    return np.asarray(gain)


def named_parameters(layout: Layout, theta: Floats, sources: tuple[str, ...]) -> dict[str, float]:
    """Parameters as the formula writes them: b of source s is ``b.s``; k is in the unit of the loss."""
    found: dict[str, float] = {}
    for name, place in layout.slices().items():
        logarithm = name in ("E", "k", "f", "beta") or (name == "t" and layout.form.transfer)
        values = np.exp(theta[place]) if logarithm else theta[place]
        label = "β" if name == "beta" else name
        labels = [f"{label}.{s}" for s in sources] if name in ("b", "f", "t") else [label]
        found |= dict(zip(labels, values.tolist(), strict=True))
    return found
