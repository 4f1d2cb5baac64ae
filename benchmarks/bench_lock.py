"""How long the lock of 10,000 jobs takes: resolving the entries, their text, writing, reading and comparing.

Planning comes before, and is timed apart. Once without results, once with a receipt of each in the store.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ptp_core.engine.lock.changes import changes
from ptp_core.engine.lock.entries import Entries, named_units
from ptp_core.engine.lock.write import entries_of
from ptp_core.engine.workflow import Workflow, plan
from ptp_core.files import write_if_changed
from ptp_core.identity.lockfile import lock_text, read_lock
from ptp_core.identity.store import entry

GOAL_SECONDS = 3.0
RUNS = 3
T = TypeVar("T")
SPEC = """\
study: wide
model: {preset: nano}
data: {world: {}}
mixtures: {even: {facts: 1, reading: 1, stories: 1, code: 1}}
pretrain:
  defaults: {tokens: 1M, mixture: even}
  grid:
    lr: [RATES]
finetune: {tasks: [cbqa, rag, cms], seeds: [0]}
indicators: [ppl_clm, ppl_sc, kshot_cbqa]
"""
VARIANTS = 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workflow, seconds = timed(lambda: planned(Path(folder)))
        units = named_units(workflow)
        print(f"{len(units):,} units of {VARIANTS:,} variants; planning them {seconds:.2f} s (not part of the lock)")
        print("All are seconds of one core.\n")
        print("| | entries | text and write | all of ptp lock | read and compare |")
        print("|---|---|---|---|---|")
        report("nothing has run", workflow, Path(folder) / "study.lock")
        make_results(workflow)
        report("all have run", workflow, Path(folder) / "study.lock")


def planned(folder: Path) -> Workflow:
    rates = ", ".join(f"{1e-4 + i * 1e-6:.6f}" for i in range(VARIANTS))
    spec = folder / "study.yaml"
    spec.write_text(SPEC.replace("RATES", rates))
    workflow = plan(spec, folder / "results")
    # Fingerprints and summaries belong to the plan: whoever runs a study needs them too.
    assert workflow.summaries
    assert all(unit.fingerprint for job in workflow.graph.jobs for unit in job.units)
    return workflow


def report(what: str, workflow: Workflow, path: Path) -> None:
    rows = []
    for _ in range(RUNS):
        path.unlink(missing_ok=True)
        entries, building = timed(lambda: entries_of(workflow, []))
        _, writing = timed(lambda found=entries: write_if_changed(path, lock_text(found)))
        _, reading = timed(lambda found=entries: compare(path, found))
        rows.append((building, writing, building + writing, reading))
    best = [min(column) for column in zip(*rows, strict=True)]
    cells = " | ".join(f"{seconds:.2f} s" for seconds in best)
    verdict = "yes" if best[2] <= GOAL_SECONDS else "NO"
    print(f"| {what}, {path.stat().st_size / 1e6:.1f} MB | {cells} |   goal ≤ {GOAL_SECONDS:g} s: {verdict}")


def compare(path: Path, entries: Entries) -> None:
    assert not changes(read_lock(path), entries)


def make_results(workflow: Workflow) -> None:
    for unit in named_units(workflow).values():
        folder = entry(workflow.folders.store, unit.stage, unit.fingerprint)
        folder.mkdir(parents=True)
        receipt = {
            "fingerprint": unit.fingerprint,
            "identity": unit.identity,
            "status": "ok",
            "metrics": {"loss": 1.23456789, "steps": 1000},
            "artifacts": {f"file{i}": {"sha256": unit.fingerprint, "bytes": i} for i in range(5)},
            "settings": unit.settings.model_dump(mode="json"),
        }
        (folder / "receipt.json").write_text(json.dumps(receipt, indent=1))


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What it returns, and the seconds of one core: everything here is one process, and others use this machine too."""
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


if __name__ == "__main__":
    main()
