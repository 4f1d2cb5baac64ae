"""The results of a study as they lie in the store, and whether each receipt is that of its folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptp_core.engine.adopted import MADE_OTHERWISE, Adopted
from ptp_core.engine.units import Graph, Unit
from ptp_core.engine.verify.finding import Finding, short
from ptp_core.identity import store
from ptp_core.identity.canonical import digest
from ptp_core.identity.fingerprint import identity_of
from ptp_core.identity.receipts import RECEIPT

KEYS = {"fingerprint": str, "identity": dict, "stage": str, "settings": dict, "parents": dict, "inputs": dict,
        "artifacts": dict, "metrics": dict, "status": str}  # fmt: skip
"""What every receipt holds, and of which kind."""

Fault = Callable[..., Finding]


@dataclass(frozen=True)
class Entry:
    """A result whose receipt can be read and is its own."""

    unit: Unit
    folder: Path
    receipt: dict[str, Any]

    @property
    def name(self) -> str:
        return name_of(self.unit)


def name_of(unit: Unit) -> str:
    """How a sentence calls a result."""
    return f"{unit.stage} {unit.label}"


def again(folder: Path) -> str:
    """What to do about a result that is not what it says."""
    return f"remove {folder} and run snakemake again: it is made anew"


def units_of(graph: Graph) -> dict[str, Unit]:
    """Place in the store → unit, each once, parents first."""
    return {unit.place: unit for job in graph.jobs for unit in job.units}


def read_entry(unit: Unit, root: Path, owners: dict[str, Unit], adopted: Adopted) -> Entry | Finding:
    """A result, or what is wrong with its receipt. ``owners``: fingerprint → unit of every result of the study."""
    folder = store.entry(root, unit.stage, unit.fingerprint)
    path = folder / RECEIPT

    def fault(what: str, **facts: str) -> Finding:
        return Finding(path, what, **{"fix": again(folder)} | facts, place=unit.place)

    try:
        receipt = json.loads(path.read_bytes())
    except FileNotFoundError:
        return fault(f"the receipt of {name_of(unit)} is missing, so nothing says what its files should be")
    except OSError as error:
        return fault(f"the receipt of {name_of(unit)} cannot be read", got=str(error.strerror))
    except (ValueError, RecursionError):
        return fault(f"the receipt of {name_of(unit)} is not JSON any more")
    lacking = [
        key for key, kind in KEYS.items() if not isinstance(receipt, dict) or not isinstance(receipt.get(key), kind)
    ]
    if not lacking and not all(map(_is_artifact, receipt["artifacts"].values())):
        lacking = ["artifacts, each with sha256 and bytes"]
    if lacking:
        what = f"the receipt of {name_of(unit)} is not whole"
        return fault(
            what, expected=f"an entry {lacking[0]}", got="a receipt of another version, or one that was edited"
        )
    wrong = (
        _foreign(unit, receipt, owners, fault)
        or _edited(unit, receipt, fault)
        or _made_otherwise(unit, receipt, adopted, fault)
    )
    return wrong or Entry(unit, folder, receipt)


def _is_artifact(told: Any) -> bool:
    return isinstance(told, dict) and isinstance(told.get("sha256"), str) and type(told.get("bytes")) is int


def _foreign(unit: Unit, receipt: dict[str, Any], owners: dict[str, Unit], fault: Fault) -> Finding | None:
    """Whether the receipt is that of another result."""
    if (receipt["stage"], receipt["fingerprint"]) == (unit.stage, unit.fingerprint):
        return None
    owner = owners.get(receipt["fingerprint"])
    whose = name_of(owner) if owner else f"{receipt['stage']} {receipt['fingerprint'][:12]}…, which this study has not"
    return fault(
        f"this folder belongs to {name_of(unit)}, but the receipt in it is that of another result",
        expected=f"{unit.stage} {unit.fingerprint[:12]}…", got=whose,
    )  # fmt: skip


def _edited(unit: Unit, receipt: dict[str, Any], fault: Fault) -> Finding | None:
    """Whether what the receipt says of settings, parents and inputs is what was hashed."""
    try:
        hashed = digest(receipt["identity"])
    except (TypeError, ValueError):
        hashed = "nothing"
    if hashed != unit.fingerprint:
        what = f"the identity in the receipt of {name_of(unit)} was changed: it does not give the result's fingerprint"
        return fault(what, expected=short(unit.fingerprint), got=short(hashed))
    for key, told, right in _told(unit, receipt):
        if told != right:
            what = f"{key} in the receipt of {name_of(unit)} was changed: the result's fingerprint says otherwise"
            return fault(what, expected=_shown(right), got=_shown(told))
    return None


def _made_otherwise(unit: Unit, receipt: dict[str, Any], adopted: Adopted, fault: Fault) -> Finding | None:
    """Whether other code or packages than its identity names have made it, and this study does not adopt them."""
    try:
        if adopted.covers(receipt):
            return None
    except (LookupError, TypeError, AttributeError):
        return fault(f"made_with in the receipt of {name_of(unit)} was edited")
    return fault(f"{name_of(unit)} {MADE_OTHERWISE}")


def _shown(value: Any) -> str:
    # What is at its default is no part of an identity.
    return "the default" if value is None else repr(value)


def _told(unit: Unit, receipt: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """(place in the receipt, what stands there, what was hashed)."""
    try:
        settings: Any = identity_of(type(unit.settings).model_validate(receipt["settings"]))
    except ValueError:
        settings = receipt["settings"]
    yield from _differing(settings, unit.identity["settings"], "settings")
    for role, parent in unit.parents.items():
        yield f"parents.{role}", receipt["parents"].get(role), parent.place
    for role, files in unit.inputs.items():
        yield f"inputs.{role}", receipt["inputs"].get(role), [sha256 for _, sha256 in files]


def _differing(told: Any, right: Any, key: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(right, dict) and isinstance(told, dict):
        for name in sorted({*told, *right}):
            yield from _differing(told.get(name), right.get(name), f"{key}.{name}")
    else:
        yield key, told, right


def partial_findings(unit: Unit, root: Path, live: set[tuple[str, str]]) -> Iterator[Finding]:
    """What killed writers have left of a result; nothing while somebody writes it."""
    if (unit.stage, unit.id) in live:
        return
    # A writer that took over from one that may still live has a folder with a longer name.
    for folder in sorted((root / unit.stage).glob(f"{unit.id}*.partial")):
        if store.is_complete(root, unit.stage, unit.fingerprint):
            what, fix = "beside the finished result", f"remove {folder}: nothing needs it"
        else:
            what, fix = "and nobody is writing it", "run snakemake again: it goes on from there, or begins anew"
        what = f"half of {name_of(unit)}, left by a run that was stopped, {what}"
        yield Finding(folder, what, fix=fix, place=unit.place)
