"""How long a fresh process takes to open 10 GB of shards and read rows all over them, and the memory that takes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from ptp_core.data.array_file import ArrayFile
from ptp_core.data.shards import TRAIN, offsets_name

TOKENS, DOCUMENTS = 5 * 10**9, 5_000_000
GOAL_SECONDS, GOAL_MB = 1.0, 200

READER = """
import resource, sys, time
from pathlib import Path
began = time.perf_counter()
import numpy as np
from ptp_core.data.shards import TRAIN, open_offsets, open_tokens
folder = Path(sys.argv[1])
tokens, offsets = open_tokens(folder, TRAIN), open_offsets(folder, TRAIN)
assert offsets[-1] == len(tokens)
opened = time.perf_counter() - began
documents = np.random.default_rng(0).integers(len(offsets) - 1, size=100)
total = sum(int(tokens[offsets[d] : offsets[d + 1]].sum()) for d in documents)
print(opened, time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def make(folder: Path) -> None:
    """A stream of zeros that takes no disk: the file has a header and a length, and a hole between."""
    with ArrayFile(folder / TRAIN, np.uint16) as file:
        file.length = TOKENS
    with (folder / TRAIN).open("r+b") as stream:
        stream.truncate((folder / TRAIN).stat().st_size + 2 * TOKENS)
    with ArrayFile(folder / offsets_name(TRAIN), np.int64) as file:
        for part in np.array_split(np.linspace(0, TOKENS, DOCUMENTS + 1).astype(np.int64), 50):
            file.append(part)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        make(Path(name))
        done = subprocess.run([sys.executable, "-c", READER, name], capture_output=True, text=True, check=True)
    opened, read, memory = map(float, done.stdout.split())
    print(f"{TOKENS * 2 / 1e9:.0f} GB of tokens in {DOCUMENTS:,} documents, a fresh process, numpy's import included\n")
    print("| shards | found | goal |")
    print("|---|---|---|")
    print(f"| open | {opened:.2f} s | < {GOAL_SECONDS:g} s: {'yes' if opened < GOAL_SECONDS else 'NO'} |")
    print(f"| open and read 100 documents | {read:.2f} s | |")
    print(f"| largest memory | {memory:.0f} MB | < {GOAL_MB} MB: {'yes' if memory < GOAL_MB else 'NO'} |")


if __name__ == "__main__":
    main()
