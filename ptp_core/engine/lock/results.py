"""What came out of a study, as entries of its lock: enough to say on another machine whether the same came out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptp_core.engine.adopted import MADE_OTHERWISE, Adopted, read_adopted
from ptp_core.engine.lock.entries import named_units
from ptp_core.errors import UserError, Where
from ptp_core.identity.canonical import digest
from ptp_core.identity.fingerprint import ID_LENGTH
from ptp_core.identity.lockfile import lock_path
from ptp_core.identity.receipts import RECEIPT, read_receipt
from ptp_core.identity.store import entry

if TYPE_CHECKING:
    from ptp_core.engine.workflow import Workflow

Entries = dict[str, Any]
Pairs = Sequence[tuple[str, Any]]
"""Keys and values of a lock; one that two branches have changed is there twice."""

TIMED_FILES = ("telemetry.parquet", "lm_eval/results.json")
"""Artifacts that say when and how fast they were made: no two runs write the same ones."""
TIMED_METRICS = ("step_cpu_seconds", "tokens_per_second", "resumed_from_step")
"""Metrics of a training that differ from run to run."""
_FILES = {"scaling": "scaling.json", "dynamics": "dynamics.json"}


def results(workflow: Workflow, old: Pairs) -> Entries:
    """``result/<stage>/<label>`` of every unit: as the store here has it, or else as the old lock has it.

    An old one counts for the unit of its fingerprint, whatever that was called. Raises UserError for a damaged receipt,
    and for a result that was made with other code than it says.
    """
    kept = {value.get("fingerprint"): value for _, value in _of_kind("result/", old)}
    store, found = workflow.folders.store, {}
    adopted = read_adopted(lock_path(workflow.study.path))
    for name, unit in named_units(workflow).items():
        folder = entry(store, unit.stage, unit.fingerprint)
        if (folder / RECEIPT).is_file():
            found[f"result/{name}"] = _result(folder, unit.fingerprint, adopted)
        elif unit.fingerprint in kept:
            found[f"result/{name}"] = kept[unit.fingerprint]
    return found


def _result(folder: Path, fingerprint: str, adopted: Adopted) -> Entries:
    receipt = read_receipt(folder)
    fix = f"remove {folder} and run snakemake again"
    if receipt.get("fingerprint") != fingerprint:
        raise UserError(
            "this receipt is of another result", where=Where(folder / RECEIPT), expected=fingerprint,
            got=receipt.get("fingerprint"), fix=fix,
        )  # fmt: skip
    try:
        if not adopted.covers(receipt):
            raise UserError(f"this result {MADE_OTHERWISE}", where=Where(folder / RECEIPT), fix=fix)
        files = {name: file["sha256"] for name, file in receipt["artifacts"].items()}
        return {
            "fingerprint": receipt["fingerprint"],
            "status": receipt["status"],
            "artifacts": digest({name: sha256 for name, sha256 in files.items() if not _is_timed(name)}),
            "metrics": headline_metrics(receipt["metrics"]),
        }
    except (KeyError, TypeError, AttributeError):
        raise UserError("this receipt is damaged", where=Where(folder / RECEIPT), fix=fix) from None


def _is_timed(name: str) -> bool:
    return name in TIMED_FILES or name.startswith("tensorboard/")


def headline_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The few numbers by which two runs are compared: of a measurement its headline, of a training those of no time."""
    if "headline" in metrics and "quantities" in metrics:
        found = {metrics["headline"]: metrics["quantities"].get(metrics["headline"], {}).get("value")}
    else:
        found = {name: value for name, value in metrics.items() if name not in TIMED_METRICS}
    return {name: short(value) for name, value in found.items() if type(value) in (int, float)}


def short(value: float) -> float:
    """A number to 10 digits: what is compared to the last bit is the artifacts."""
    return float(f"{value:.10g}") if isinstance(value, float) else value


def headlines(workflow: Workflow, old: Pairs) -> Entries:
    """``headline/…`` of each analysis whose files are those of the study as it is now, else as the old lock has it."""
    found: Entries = {}
    for stage in ("select", *_FILES):
        if stage not in workflow.summaries:
            continue
        job = workflow.summaries[stage]
        of = job["fingerprint"][:ID_LENGTH]
        if workflow.folders.receipt(stage, job["id"]).exists():
            path = workflow.folders.home / _FILES.get(stage, "selection.json")
            found |= {f"headline/{key}": value | {"of": of} for key, value in _told(stage, path)}
        else:
            found |= {key: value for key, value in _of_kind("headline/", old) if value.get("of") == of}
    return found


def _of_kind(room: str, old: Pairs) -> Iterator[tuple[str, Entries]]:
    """The last lines first: of two that say different things of one result the first one is kept."""
    return ((key, value) for key, value in reversed(old) if key.startswith(room) and isinstance(value, dict))


def _told(stage: str, path: Path) -> Iterator[tuple[str, Entries]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if stage == "select":
            yield from _selection(content)
        else:
            yield stage, {"verdict": content["verdict"]["headline"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError("this file is damaged", where=Where(path), fix="remove it and run the study again") from None


def _selection(content: Mapping[str, Any]) -> Iterator[tuple[str, Entries]]:
    """Of each outcome the best variant, and the claimed indicator that orders most pairs right."""
    for outcome in content["confirmatory"]["outcomes"]:
        block = content["outcomes"][outcome]
        best = block["best"]
        yield f"{outcome}/best", {"variant": best["variant"], "value": short(best["value"])}
        judged = {name: block["indicators"].get(name) for name in content["confirmatory"]["indicators"]}
        known = {name: j["accuracy"] for name, j in judged.items() if j and j["accuracy"] is not None}
        if known:
            leading = max(sorted(known), key=lambda name: known[name])
            yield f"{outcome}/indicator", {"name": leading, "accuracy": short(known[leading])}
