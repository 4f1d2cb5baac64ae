"""Freed memory is kept for the next step, rather than given back to the system and asked for again."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Names of glibc's ``mallopt`` (malloc.h)."""
KEPT_BYTES = 2**30


def keep_freed_memory() -> bool:
    """Let malloc keep blocks of up to a gigabyte that are freed; returns whether this system can be told so.

    A step on the CPU frees tens of megabytes of activations. By default glibc gives them back to the system, which
    hands them out again page by page, emptied: thousands of page faults a step, a twentieth of a small model's time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    # Either of them also stops glibc from moving the other by itself.
    return all(mallopt(name, KEPT_BYTES) == 1 for name in (TRIM_THRESHOLD, MMAP_THRESHOLD))
