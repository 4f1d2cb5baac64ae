"""The dynamics of a study as its page needs them: trajectories in order, and the rows that belong to each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ptp_core.report.lines import rows_of


@dataclass(frozen=True)
class Trajectory:
    """One run whose checkpoints were fine-tuned; ``key`` counts from 0 and is safe in an id."""

    key: int
    name: str


@dataclass(frozen=True)
class Dynamics:
    """What every section reads."""

    summary: Mapping[str, Any]
    trajectories: tuple[Trajectory, ...]

    def rows(self, block: str, trajectory: Trajectory) -> list[Mapping[str, Any]]:
        """The rows of a block that belong to a trajectory."""
        return [row for row in rows_of(self.summary.get(block)) if str(row.get("trajectory")) == trajectory.name]

    def with_rows(self, block: str) -> Iterator[tuple[Trajectory, list[Mapping[str, Any]]]]:
        """Trajectories that have any rows in a block, and these."""
        for trajectory in self.trajectories:
            if rows := self.rows(block, trajectory):
                yield trajectory, rows


def read_dynamics(summary: Mapping[str, Any]) -> Dynamics:
    """Trajectories in the summary's order, and those that only its rows name."""
    listed = [str(row.get("name")) for row in rows_of(summary.get("trajectories"))]
    blocks = ("cells", "gains", "forgetting", "formats", "correlation", "latent", "overtraining")
    named = [str(row.get("trajectory")) for block in blocks for row in rows_of(summary.get(block))]
    names = dict.fromkeys([*(name for name in listed if name in set(named)), *named])
    return Dynamics(summary, tuple(Trajectory(key, name) for key, name in enumerate(names)))


def pair_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """Task fine-tuned on and test set."""
    return str(row.get("train_task")), str(row.get("test"))


def pair_name(row: Mapping[str, Any]) -> str:
    """``mnli → paws``: fine-tuned on the first, tested on the second; one name where they are the same."""
    task, test = pair_of(row)
    return test if task == test else f"{task} → {test}"
