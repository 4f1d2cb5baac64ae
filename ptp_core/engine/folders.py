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
        return self._file("jobs", stage, f"{job_id}.json")

    def receipt(self, stage: str, job_id: str) -> Path:
        return self._file("receipts", stage, f"{job_id}.json")

    def log(self, stage: str, job_id: str) -> Path:
        return self._file("logs", stage, f"{job_id}.log")

    def _file(self, kind: str, stage: str, name: str) -> Path:
        # One path instead of four on the way to it: a large study asks for tens of thousands.
        return Path(self.results, self.study, kind, stage, name)
