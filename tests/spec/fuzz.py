"""Thousands of broken specs, each of which must be a study or a clear mistake, soon and in little memory.

``python -m tests.spec.fuzz --files 10000`` prints what became of them, and each one that ended otherwise.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from ptp_core.engine import graph
from ptp_core.engine.check import check_study
from ptp_core.engine.price import price
from ptp_core.errors import UserError
from ptp_core.identity.digests import file_digest
from ptp_core.spec.load import load_study
from tests.engine.good_study import FILES
from tests.spec.mutations import mutate
from tests.spec.texts import SPEC

ROOT = Path(__file__).parents[2]
SECONDS = 20
"""For one file, on a busy machine."""
MEGABYTES = 6_000
"""Of address space for the whole run; libraries take most of it."""


class TooSlowError(Exception):
    """A file that takes longer than ``SECONDS``."""


def texts() -> dict[str, str]:
    """Name → text of every spec of this project, and of the small ones that its tests are made of."""
    written = [*sorted((ROOT / "specs").glob("*.yaml")), *sorted((ROOT / "tests" / "studies").glob("*.yaml"))]
    small = {"small": SPEC, "study.yaml": FILES["study.yaml"], "table.yaml": FILES["table.yaml"]}
    return small | {path.name: path.read_text("utf-8") for path in written}


def new_folder(folder: Path) -> Path:
    """A folder with the files that specs name, so that what they say is looked into; returns where the spec goes."""
    for name, content in FILES.items():
        (folder / name).write_text(content)
    for name in ("tables", "indicators"):
        shutil.copytree(ROOT / "specs" / name, folder / name)
    return folder / "spec.yaml"


def outcome(path: Path, *, whole: bool = False) -> str:
    """Read a spec, and for ``whole`` also look into its files and plan it: "study", or "mistake" with its place.

    Raises whatever else it ends in, and AssertionError for a mistake without the file that it is in.
    """
    said = ""
    try:
        study = load_study(path)
        if whole:
            graph.build(check_study(path), file_digest)
            price(study, 0.4, 1e15)
    except UserError as error:
        said = str(error)
    lines = said.splitlines()
    # A mistake may be in a file that the spec names, wherever that is.
    begin = "/" if whole else f"{path}:"
    assert all(line.startswith((begin, "…")) for line in lines), said
    assert len(said) < 20_000, f"{len(said):,} characters of mistakes"
    return "mistake" if lines else "study"


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raise TooSlowError in what takes longer; if it hangs in C, end the process with a traceback a little later."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise TooSlowError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    faulthandler.dump_traceback_later(3 * seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _last_lines() -> str:
    """Of the error that is being handled: where it was raised, and its beginning; pydantic can go on for megabytes."""
    error = sys.exc_info()[1]
    assert error is not None
    return "".join(traceback.format_tb(error.__traceback__)[-6:]) + f"{type(error).__name__}: {str(error)[:2000]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first file; the others follow")
    parser.add_argument(
        "--whole", type=float, default=0.2, help="share of them that is checked and planned, not only read"
    )
    parser.add_argument("--keep", type=Path, help="folder for the files that ended badly")
    asked = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
    counts: Counter[str] = Counter()
    slowest, began, sources = 0.0, time.perf_counter(), texts()
    with tempfile.TemporaryDirectory() as folder:
        path = new_folder(Path(folder))
        for seed in range(asked.seed, asked.seed + asked.files):
            rng = random.Random(seed)
            name = rng.choice(sorted(sources))
            data = mutate(sources[name], rng)
            path.write_bytes(data)
            started = time.perf_counter()
            whole = rng.random() < asked.whole
            try:
                with time_limit(SECONDS):
                    kind = outcome(path, whole=whole)
            except Exception:
                kind = "BAD"
                print(f"--- seed {seed}, {name}{', whole' if whole else ''}\n{_last_lines()}", flush=True)
                if asked.keep:
                    asked.keep.mkdir(parents=True, exist_ok=True)
                    (asked.keep / f"{seed}.yaml").write_bytes(data)
            slowest = max(slowest, time.perf_counter() - started)
            counts[kind] += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{asked.files:,} files from seed {asked.seed}: {counts['study']:,} studies, {counts['mistake']:,} mistakes, "
        f"{counts['BAD']:,} bad; {time.perf_counter() - began:.0f} s, slowest {slowest:.1f} s, peak {peak:.0f} MB"
    )
    sys.exit(bool(counts["BAD"]))


if __name__ == "__main__":
    main()
