"""Jobs on a cluster outlive the daemon that counts them, and Snakemake must not forget them while it is away.

When every question of one round stays without an answer, Snakemake's Slurm plugin (2.8.0) takes all its jobs off its
list and waits for them for ever. One round is enough where Slurm keeps no accounts: for as long as slurmctld does not
say how long it remembers jobs, the plugin asks sacct instead, which knows nothing.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

PLUGIN = "snakemake_executor_plugin_slurm"


def survive_outages() -> None:
    """Let Snakemake's Slurm plugin, if it is loaded, ask again after a round without an answer."""
    if plugin := sys.modules.get(PLUGIN):
        remember_jobs(plugin.Executor)


def remember_jobs(executor: Any) -> None:
    """Make an executor class keep all its jobs when nobody has told it of any."""
    ask = executor.check_active_jobs

    async def check_active_jobs(self: Any, active_jobs: Sequence[Any]) -> AsyncIterator[Any]:
        answers = self._status_query_calls
        async for job in ask(self, active_jobs):
            yield job
        if self._status_query_calls == answers:
            for job in active_jobs:
                yield job

    executor.check_active_jobs = check_active_jobs
