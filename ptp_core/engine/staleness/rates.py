"""What making something again costs: FLOPs, hours at the rates of earlier receipts, bytes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from statistics import median
from typing import Any, Literal

from ptp_core import cost
from ptp_core.engine.resources import CPU_FLOPS
from ptp_core.engine.staleness.contexts import Context
from ptp_core.engine.staleness.stale import Staleness, StaleUnit
from ptp_core.engine.staleness.work_of import WorkOf
from ptp_core.engine.units import Unit
from ptp_core.identity.receipts import OK, RECEIPT

SAMPLE = 20
"""Receipts of a stage, of what is made and of what was made before, that a rate rests on at most."""
Device = Literal["core", "GPU", "device"]


@dataclass(frozen=True)
class Amount:
    """What some results cost together."""

    units: int = 0
    flops: float = 0.0
    """Of what the spec tells the work of."""
    core_hours: float = 0.0
    gpu_hours: float = 0.0
    device_hours: float = 0.0
    """Of devices whose kind no receipt tells."""
    bytes: float = 0.0
    untimed: int = 0
    """Results of which neither FLOPs nor an earlier time are known."""

    @property
    def hours(self) -> float:
        """Of all kinds of device."""
        return self.core_hours + self.gpu_hours + self.device_hours

    @property
    def unit(self) -> str:
        """What the hours are hours of."""
        kinds = [name for name in ("core", "GPU", "device") if getattr(self, f"{name.lower()}_hours")]
        return f"{kinds[0]}-hours" if len(kinds) == 1 else "device-hours"


@dataclass(frozen=True)
class Rate:
    """What earlier results of one stage took."""

    receipts: int
    device: Device
    seconds: float
    """Median of a result, over all its devices."""
    seconds_per_flop: float | None
    """Median, of the receipts whose FLOPs are known."""
    bytes: float
    """Median of a result."""


class Rates:
    """The price of units, from receipts where there are any, or else from what a device is taken to reach."""

    def __init__(self, staleness: Staleness, utilisation: float, peak: float) -> None:
        self.staleness, self.utilisation, self.peak = staleness, utilisation, peak
        self.work = WorkOf(staleness.workflow.study)
        self.rates = self._measured()
        self._known: dict[str, Amount] = {}

    def amount(self, units: Iterable[StaleUnit]) -> Amount:
        """What it costs to make these."""
        known = [self.of(stale.unit) for stale in units]
        return Amount(*(sum(getattr(amount, f.name) for amount in known) for f in fields(Amount)))

    def of(self, unit: Unit) -> Amount:
        """What it costs to make one result."""
        if unit.fingerprint not in self._known:
            self._known[unit.fingerprint] = self._of(unit)
        return self._known[unit.fingerprint]

    def _of(self, unit: Unit) -> Amount:
        context = self.staleness.contexts.get(unit.fingerprint, Context())
        flops, rate = self.work.flops(unit, context), self.rates.get(unit.stage)
        size = self.work.bytes(unit, context)
        shared: dict[str, Any] = {
            "units": 1, "flops": flops or 0.0, "bytes": float(size if size is not None else rate.bytes if rate else 0),
        }  # fmt: skip
        if rate is None:
            return self._assumed(shared, flops)
        by_flops = flops is not None and rate.seconds_per_flop is not None
        seconds = (flops or 0.0) * (rate.seconds_per_flop or 0.0) if by_flops else rate.seconds
        shared[f"{rate.device.lower()}_hours"] = seconds / 3600
        return Amount(**shared)

    def _assumed(self, shared: dict[str, Any], flops: float | None) -> Amount:
        if flops is None:
            return Amount(**shared, untimed=1)
        if self.on_cpus:
            return Amount(**shared, core_hours=flops / CPU_FLOPS / 3600)
        return Amount(**shared, gpu_hours=cost.device_hours(flops, self.utilisation, self.peak))

    @property
    def on_cpus(self) -> bool:
        """Whether the study asks for no GPUs, so that nothing but cores is sure."""
        return self.staleness.workflow.study.spec.execution.accelerator == "cpu"

    @property
    def assumed(self) -> list[str]:
        """Stages of missing results whose hours are FLOPs at an assumed rate."""
        stages = dict.fromkeys(unit.stage for unit, _ in self.staleness.missing.values())
        return [stage for stage in stages if stage not in self.rates]

    def _measured(self) -> dict[str, Rate]:
        samples = self._samples()
        return {stage: rate for stage, found in samples.items() if (rate := self._rate(found)) is not None}

    def _samples(self) -> dict[str, list[tuple[str, Unit | None]]]:
        """Stage → (place, the unit whose FLOPs it took) of some results that are or were made."""
        wanted = {unit.stage for unit, _ in self.staleness.missing.values()}
        found: dict[str, list[tuple[str, Unit | None]]] = defaultdict(list)
        for job in self.staleness.workflow.graph.jobs:
            if job.stage in wanted and len(found[job.stage]) < SAMPLE:
                made = [u for u in job.units if u.fingerprint not in self.staleness.missing]
                found[job.stage] += [(unit.place, unit) for unit in made]
        tried: dict[str, int] = defaultdict(int)
        for stale in self.staleness.units:
            stage = stale.unit.stage
            if stale.before is not None and tried[stage] < SAMPLE:
                tried[stage] += 1
                same = not any(cause.kind == "setting" for cause in stale.causes)
                found[stage].append((stale.before.place, stale.unit if same else None))
        return found

    def _rate(self, samples: list[tuple[str, Unit | None]]) -> Rate | None:
        measured = [(receipt, unit) for place, unit in samples if (receipt := self._receipt(place))]
        if not measured:
            return None
        seconds = [_seconds(receipt) for receipt, _ in measured]
        flops = [self._flops(receipt, unit) for receipt, unit in measured]
        per_flop = [s / f for s, f in zip(seconds, flops, strict=True) if f]
        devices = {_device(receipt) for receipt, _ in measured}
        sizes = [sum(file["bytes"] for file in receipt["artifacts"].values()) for receipt, _ in measured]
        return Rate(
            len(measured), devices.pop() if len(devices) == 1 else "device", median(seconds),
            median(per_flop) if per_flop else None, median(sizes),
        )  # fmt: skip

    def _receipt(self, place: str) -> dict[str, Any] | None:
        """The receipt of a result that was made in one go; a resumed training has timed its last part only."""
        try:
            found = json.loads((self.staleness.folders.store / place / RECEIPT).read_bytes())
            whole = (
                found["status"] == OK and found["wall_seconds"] > 0 and not found["metrics"].get("resumed_from_step")
            )
            return found if whole else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def _flops(self, receipt: dict[str, Any], unit: Unit | None) -> float | None:
        if receipt["stage"] in ("pretrain", "anneal"):
            return _trained_flops(receipt)
        return self.work.flops(unit, self.staleness.contexts.get(unit.fingerprint, Context())) if unit else None


def _trained_flops(receipt: dict[str, Any]) -> float | None:
    """What a training took, by its own receipt; a branch is counted by the tokens it has seen itself."""
    settings, metrics = receipt["settings"], receipt["metrics"]
    run = settings.get("run", settings)
    try:
        tokens = metrics["tokens"] - (settings["tokens"] if "run" in settings else 0)
        model, length = run["model"], run["recipe"]["sequence_length"]
        return float(tokens * cost.flops_per_token(metrics["parameters"], model["layers"], model["width"], length))
    except KeyError:
        return None


def _device(receipt: dict[str, Any]) -> Device:
    name = receipt.get("host", {}).get("device", "")
    return "core" if name in ("cpu", None) else "GPU" if name else "device"


def _seconds(receipt: dict[str, Any]) -> float:
    """Seconds of all devices together: of a GPU each process has one, of a CPU it has its threads."""
    processes = receipt["metrics"].get("layout", {}).get("processes", 1)
    threads = receipt.get("host", {}).get("threads", 1) if _device(receipt) == "core" else 1
    return float(receipt["wall_seconds"] * processes * threads)
