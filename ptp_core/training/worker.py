"""One of several processes that train a model together: ``python -m ptp_core.training.worker ENTRY FOLDER``."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

from ptp_core.files import pretty_json, write_atomically
from ptp_core.training.launch import OUTCOME, outcome_of, read_work
from ptp_core.training.strategy import join

PR_SET_PDEATHSIG = 1
"""From Linux's sys/prctl.h."""


def main(entry: str, folder: Path) -> int:
    """Run the entry; the first process writes down what became of it."""
    die_with_parent()
    _ranks_from_slurm()
    work = read_work(folder)
    outcome = outcome_of(entry, work)
    # A mistake that a single process meets (a full disk, say) must not be lost because another was the first.
    if os.environ["RANK"] == "0" or outcome["status"] == "error":
        write_atomically(folder / OUTCOME, pretty_json(outcome))
    sys.stdout.flush()
    sys.stderr.flush()
    # Communication libraries hang or abort when they are torn down after a failure of one process. Only a mistake is a
    # failure: the others may still be writing what all of them have agreed on.
    os._exit(1 if outcome["status"] == "error" else 0)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies: the parent holds the only pen for the result."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


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
    join(int(os.environ["RANK"]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
