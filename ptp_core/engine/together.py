"""Two runs of one study: one at a time. Runs of different studies share the store, where each result has one writer.

Snakemake's own lock is turned off in the profile: it holds for one working directory only, stays behind when Snakemake
is killed, and the first of two studies that ends in one directory removes the lock of the other as well.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from ptp_core.engine.folders import Folders
from ptp_core.identity.lease import Lease, leased
from ptp_core.identity.owner import Terms, look
from ptp_core.identity.store import is_live
from ptp_core.work import Busy

RUN, PLANNING, SUMMARIES = ".run.lease", ".planning.lease", ".summaries.lease"


@contextmanager
def planning(folders: Folders) -> Iterator[bool]:
    """Plan a study while nobody else does or begins to run it; yields whether it is being run.

    Receipts that a run has written must stay as long as it goes on.
    """
    with leased(folders.home / PLANNING, f"the plan of {folders.study}", 0.05):
        yield is_live(folders.home / RUN, Terms())


def running(folders: Folders, wait_seconds: float = 1.0) -> AbstractContextManager[Lease]:
    """Run a study, after whoever runs it now."""
    return leased(folders.home / RUN, f"study {folders.study}", wait_seconds)


def summing_up(folders: Folders) -> AbstractContextManager[Lease]:
    """Write the files that have one name a study: a job may outlive the run that has started it."""
    return leased(folders.home / SUMMARIES, f"the summaries of {folders.study}", 0.2)


def begin_run(folders: Folders) -> None:
    """Run a study until this process ends. Raises Busy if somebody else runs it.

    It does not wait: what Snakemake has planned to do would be done by then.
    """
    with planning(folders) as busy:
        if not busy:
            stack = ExitStack()
            stack.enter_context(running(folders))
            atexit.register(stack.close)
            return
    seen = look(folders.home / RUN)
    who = f"{seen.owner}, since {seen.owner.since}" if seen else "another process"
    raise Busy(f"study {folders.study} is being run by {who}; wait until it has ended, or stop it")
