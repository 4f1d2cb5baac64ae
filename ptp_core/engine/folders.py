"""Where a study keeps its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Folders:
    """Where a study keeps its things; all paths below ``results``."""

    results: Path
    study: str

    @property
    def store(self) -> Path:
        return self.results / "store"

    @property
    def home(self) -> Path:
        return self.results / self.study

    def job(self, stage: str, job_id: str) -> Path:
        return self.home / "jobs" / stage / f"{job_id}.json"

    def receipt(self, stage: str, job_id: str) -> Path:
        return self.home / "receipts" / stage / f"{job_id}.json"

    def log(self, stage: str, job_id: str) -> Path:
        return self.home / "logs" / stage / f"{job_id}.log"
