"""A cluster's controller that does not answer for a while, and how often it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake_executor_plugin_slurm import Executor, ExecutorSettings

from ptp_core.engine.slurm_plugin import mend


class Fake:
    """As the plugin does: counts answers, gives back what still runs, and nothing at all without an answer."""

    def __init__(self, running: set[str] | None) -> None:
        self.running, self._status_query_calls = running, 0
        settings = SimpleNamespace(init_seconds_before_status_checks=20)
        self.workflow = SimpleNamespace(executor_settings=settings)
        self.next_seconds_between_status_checks = 40

    async def check_active_jobs(self, active_jobs: Sequence[str]) -> AsyncIterator[str]:
        if self.running is not None:
            self._status_query_calls += 1
            for job in active_jobs:
                if job in self.running:
                    yield job


@pytest.mark.parametrize(
    ("running", "kept"), [({"a", "b"}, ["a", "b"]), ({"b"}, ["b"]), (set(), []), (None, ["a", "b"])]
)
def test_jobs_are_forgotten_when_they_have_ended_and_not_when_nobody_answers(
    running: set[str] | None, kept: list[str]
) -> None:
    class Mended(Fake):
        pass

    mend(Mended)

    async def asked(executor: Any) -> list[str]:
        return [job async for job in executor.check_active_jobs(["a", "b"])]

    executor = Mended(running)
    assert asyncio.run(asked(executor)) == kept
    assert executor.next_seconds_between_status_checks == 20


def test_the_first_look_may_come_before_the_plugin_is_set_up() -> None:
    class Mended(Fake):
        pass

    mend(Mended)
    executor: Any = Mended(None)
    del executor._status_query_calls

    async def asked() -> list[str]:
        return [job async for job in executor.check_active_jobs([])]

    assert asyncio.run(asked()) == []


def test_the_plugin_has_what_is_changed() -> None:
    names = Executor.check_active_jobs.__code__.co_names
    assert {"_status_query_calls", "next_seconds_between_status_checks", "executor_settings"} <= set(names)
    assert "init_seconds_before_status_checks" in {field.name for field in fields(ExecutorSettings)}
