"""How long laws take: every form on the 69 published runs × 46 tasks with 1,000 resamples, two cores at most.

First the fits and refits of each form, in processor seconds on one core; then the whole analysis of
``specs/gadre2024-tasks.yaml``, inner errors, bands and curves included, as a user would wait for it. Reads
``PTP_DATA_ROOT``; without it made-up runs of the same number stand in for the first part, and the second is left out.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

# Before numpy: a process is one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import yaml

from ptp_core.errors import Where
from ptp_core.predict.scaling.laws.fit import fit, refit
from ptp_core.predict.scaling.laws.form import Floats
from ptp_core.predict.scaling.laws.forms import FORMS, Inputs
from ptp_core.predict.scaling.laws.resample import resamples
from ptp_core.predict.scaling.points import Points, points_of
from ptp_core.spec.study import Study
from ptp_core.table.reading import read_measurements

SPEC = Path(__file__).parents[1] / "specs" / "gadre2024-tasks.yaml"
RESAMPLES, GOAL = 1000, 120
LOSS = "loss_c4_val"


def main() -> None:
    known = (Path(os.environ.get("PTP_DATA_ROOT", "/nowhere")) / "tables" / "gadre2024_runs.csv").is_file()
    groups = published_groups() if known else [made_up(seed) for seed in range(2)]
    print(f"| form | seconds of one core, {len(groups)} data sets, {RESAMPLES:,} resamples |\n|---|---:|")
    total = 0.0
    for name in FORMS:
        seconds = sum(seconds_of(name, inputs, scores) for inputs, scores in groups)
        total += seconds
        print(f"| {name} | {seconds:.1f} |", flush=True)
    print(f"| all | {total:.1f} |")
    if known:
        whole()


def seconds_of(name: str, inputs: Inputs, scores: list[Floats]) -> float:
    """Fits and refits of a form: of the loss, or of every task."""
    form = FORMS[name]
    assert inputs.loss is not None
    n = len(inputs.loss)
    weights = resamples(np.arange(n), n, RESAMPLES, np.random.default_rng(0))
    began = time.process_time()
    for y in [inputs.loss] if form.kind == "loss" else scores:
        refit(form, inputs, y, weights, fit(form, inputs, y).theta)
    return time.process_time() - began


def study_and_table() -> tuple[Study, pd.DataFrame]:
    study = Study(**yaml.safe_load(SPEC.read_text(encoding="utf-8")))
    tables = [read_measurements(table, SPEC.parent, Where(SPEC)) for table in study.measurements]
    return study, pd.concat(tables, ignore_index=True)


def published_groups() -> list[tuple[Inputs, list[Floats]]]:
    """(inputs, scores of 46 tasks) of the runs of each data set."""
    study, table = study_and_table()
    assert study.scaling is not None
    points = points_of(table, study.scaling)
    return [_group(points, group, study.scaling.targets) for group in sorted(set(points.groups))]


def _group(points: Points, group: str, scores: object) -> tuple[Inputs, list[Floats]]:
    own = points.of_runs(run for run, of in zip(points.runs, points.groups, strict=True) if of == group)
    inputs = Inputs(own.params, own.tokens, own.compute, own.values[LOSS])
    return inputs, [own.values[name] for name in own.values if name in (scores if isinstance(scores, dict) else ())]


def made_up(seed: int) -> tuple[Inputs, list[Floats]]:
    """35 runs that obey the over-training law, and 46 scores that follow their loss."""
    rng = np.random.default_rng(seed)
    params = rng.choice([1e7, 8e7, 1.5e8, 4e8, 1.4e9], 35)
    tokens = params * rng.choice([5, 10, 20, 40, 80, 160, 320, 640], 35)
    loss = FORMS["overtraining"].predict(np.array([1.7, 0.2, 0.0, 0.28]), Inputs(params, tokens))
    scores = [0.25 + rng.uniform(0.2, 0.7) / (1 + np.exp(2 * (loss - 3))) + rng.normal(0, 0.01, 35) for _ in range(46)]
    return Inputs(params, tokens, 6 * params * tokens, loss), scores


def whole() -> None:
    from ptp_core.predict.scaling.analysis import analyze_scaling

    study, table = study_and_table()
    assert study.scaling is not None
    began = time.perf_counter()
    analyze_scaling(table, study.scaling, study.study)
    seconds = time.perf_counter() - began
    print(f"\nThe whole analysis: {seconds:.0f} s, goal ≤ {GOAL} s: {'yes' if seconds <= GOAL else 'NO'}")


if __name__ == "__main__":
    main()
