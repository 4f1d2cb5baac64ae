"""One of several processes that train a model together: ``python -m ptp_core.training.worker ENTRY FOLDER``."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from ptp_core.files import pretty_json, write_atomically
from ptp_core.training.launch import OUTCOME, outcome_of, read_work


def main(entry: str, folder: Path) -> int:
    """Run the entry; the first process writes down what became of it."""
    _ranks_from_slurm()
    module, function = entry.split(":")
    work = read_work(folder)
    outcome = outcome_of(getattr(importlib.import_module(module), function), work)
    # A mistake that a single process meets (a full disk, say) must not be lost because another was the first.
    if os.environ["RANK"] == "0" or outcome["status"] == "error":
        write_atomically(folder / OUTCOME, pretty_json(outcome))
    sys.stdout.flush()
    sys.stderr.flush()
    # Communication libraries hang or abort when they are torn down after a failure of one process.
    os._exit(0 if outcome["status"] == "ok" else 1)


def _ranks_from_slurm() -> None:
    slurm = {
        "RANK": "SLURM_PROCID",
        "LOCAL_RANK": "SLURM_LOCALID",
        "WORLD_SIZE": "SLURM_NTASKS",
        "GROUP_RANK": "SLURM_NODEID",
        "MASTER_ADDR": "SLURM_LAUNCH_NODE_IPADDR",
    }
    for name, source in slurm.items():
        if name not in os.environ and source in os.environ:
            os.environ[name] = os.environ[source]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
