"""The pinned environments say the same in every place."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ENVS = Path(__file__).parents[1] / "envs"


def pins(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r"))]


def test_every_requirement_is_pinned_to_one_version() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        loose = [pin for pin in pins(ENVS / name) if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.+!]+", pin)]
        assert loose == []


def test_the_conda_environment_holds_the_same_pins_as_the_requirements() -> None:
    dependencies = yaml.safe_load((ENVS / "ptp.yaml").read_text())["dependencies"]
    inner = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    assert inner == pins(ENVS / "requirements.txt")
