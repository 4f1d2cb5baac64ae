"""CatBoost from several threads."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil

from ptp_core.predict.learn.boosting import CATBOOST
from ptp_core.predict.trees import fitted


def test_models_asked_for_from_many_threads_are_those_of_one() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 4))
    wins = (features[:, 0] > 0).astype(np.int8)

    def one(seed: int) -> list[float]:
        model = fitted("CatBoostClassifier", CATBOOST | {"random_seed": seed}, features, wins)
        found: list[float] = model.predict_proba(features)[:, 1].tolist()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(12))) == [one(seed) for seed in range(12)]


SCRIPT = """
import numpy as np, os, signal
from ptp_core.predict.trees import fitted
settings = {"iterations": 1, "verbose": False, "allow_writing_files": False}
fitted("CatBoostRegressor", settings, np.eye(9), np.arange(9.0))
print("fitted", flush=True)
signal.pause()
"""


def test_processes_that_fit_end_with_one_that_is_killed() -> None:
    root = str(Path(__file__).parents[2])
    with subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "fitted\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) >= 2
        parent.kill()
        end = time.monotonic() + 60
        while any(map(works, children)) and time.monotonic() < end:
            time.sleep(0.1)
        assert not any(map(works, children))


def works(process: psutil.Process) -> bool:
    # Whoever takes over the orphans may be slow to bury them.
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
