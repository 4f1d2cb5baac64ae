"""CatBoost, one fit a process: fits that share a process bring it down, once in many analyses."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from threading import Thread
from typing import Any, Literal

import numpy as np

from ptp_core.predict.parallel import THREADS

Kind = Literal["CatBoostClassifier", "CatBoostRegressor"]
Numbers = np.ndarray[Any, np.dtype[Any]]


def fitted(kind: Kind, parameters: Mapping[str, Any], features: Numbers, target: Numbers) -> Any:
    """A model of CatBoost fitted to features (n, F) and target (n,); may be asked for from several threads at once."""
    return _processes().submit(_fit, kind, dict(parameters), features, target).result()


@cache
def _processes() -> ProcessPoolExecutor:
    # What looks for Ctrl-C during a fit, and the logger, are global in CatBoost: the fit that ends first takes them
    # from the others, which then jump to address 0. Spawned, since forked children inherit locks of our threads.
    return ProcessPoolExecutor(THREADS, get_context("spawn"), initializer=_begin, initargs=(os.getpid(),))


def _begin(parent: int) -> None:
    # Ctrl-C is the parent's business, which ends this process; a parent that is killed cannot.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _fit(kind: Kind, parameters: dict[str, Any], features: Numbers, target: Numbers) -> Any:
    import catboost

    return getattr(catboost, kind)(**parameters).fit(features, target)
