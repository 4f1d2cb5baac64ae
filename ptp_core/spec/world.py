"""Section ``world``: the embedded world, a generator of pre-training text and of three task families from one seed."""

from __future__ import annotations

from ptp_core.spec.fields import Section, identity


class World(Section):
    """Size and seed of the embedded world; it needs no download and no disk."""

    seed: int = identity("seed of the facts, the customs, the text and the task items", default=0, ge=0, lt=2**32)
    people: int = identity(
        "people in the domain facts; a third is for SFT questions, the others are tested",
        unit="people",
        default=64,
        ge=12,
        le=96,
    )
    words: int = identity("text per domain and split", unit="words", default=1_000_000, ge=1_000, le=100_000_000)
    train_items: int = identity(
        "task items per family for SFT and for few-shot examples; fewer where the family has fewer",
        unit="items",
        default=1024,
        ge=8,
        le=10_000,
    )
    test_items: int = identity(
        "task items per family for evaluation; fewer where the family has fewer",
        unit="items",
        default=256,
        ge=8,
        le=10_000,
    )
