"""Two mends to Snakemake's Slurm plugin (2.8.0), which forgets its jobs in an outage, and looks more and more rarely.

When every question of one round stays without an answer, it takes all its jobs off its list and waits for them for
ever. One round is enough where Slurm keeps no accounts: for as long as slurmctld does not say how long it remembers
jobs, the plugin asks sacct instead, which knows nothing. But jobs outlive the daemon that counts them.

After each look at which no job has ended, it waits ten seconds longer for the next one, up to three minutes, and what
needs the job that ends meanwhile waits as well. One question is asked for all jobs, so asking steadily is cheap.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

PLUGIN = "snakemake_executor_plugin_slurm"


def mend_slurm_plugin() -> None:
    """Let Snakemake's Slurm plugin, if it is loaded, look steadily, and again after a round without an answer."""
    if plugin := sys.modules.get(PLUGIN):
        mend(plugin.Executor)


def mend(executor: Any) -> None:
    """Make an executor class keep all jobs when nobody has told it of any, and wait as long between any two looks."""
    ask = executor.check_active_jobs

    async def check_active_jobs(self: Any, active_jobs: Sequence[Any]) -> AsyncIterator[Any]:
        # The first look may come before the plugin has begun to count.
        answers = getattr(self, "_status_query_calls", 0)
        async for job in ask(self, active_jobs):
            yield job
        if getattr(self, "_status_query_calls", 0) == answers:
            for job in active_jobs:
                yield job
        seconds = self.workflow.executor_settings.init_seconds_before_status_checks
        self.next_seconds_between_status_checks = seconds

    executor.check_active_jobs = check_active_jobs
