"""What a change of a spec makes stale, from its YAML to the fingerprints of its jobs: that, and nothing else."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from ptp_core.engine import graph
from ptp_core.engine.units import Unit
from ptp_core.identity.digests import file_digest
from ptp_core.spec.data import Reading, Tokenizer
from ptp_core.spec.execution import Execution
from ptp_core.spec.finetune import Tuning
from ptp_core.spec.indicators import IndicatorOptions
from ptp_core.spec.load import load_study
from ptp_core.spec.model import Model
from ptp_core.spec.pretrain import Recipe
from ptp_core.spec.world import World

Spec = dict[str, Any]
Units = dict[tuple[str, str], Unit]
Chosen = Callable[[str, str], bool]
"""(stage, label) → whether a change concerns such a result at first hand."""

SPEC: Spec = {
    "study": "small",
    "seed": 1,
    "model": {"width": 32, "layers": 1, "heads": 4, "ffn_width": 64, "context": 64},
    "data": {"world": {"people": 24, "words": 20000}},
    "mixtures": {"even": {"facts": 1, "reading": 1}, "most": {"facts": 4, "reading": 2}},
    "pretrain": {
        "defaults": {"tokens": 32000, "sequence_length": 32, "batch_tokens": 1024, "lr": 3e-3, "checkpoints": [16000]},
        "grid": {"objective": ["clm", "sc"], "mixture": ["even", "most"]},
        "include": [{"name": "hot", "objective": "clm", "mixture": "even", "lr": 5e-3}],
    },
    "finetune": {"tasks": ["cbqa", "cms"], "seeds": [0, 1]},
    "indicators": {"ppl_clm": {}, "ppl_sc": {}, "kshot_cbqa": {}, "tuned_cbqa": {}},
}
FILES: Spec = SPEC | {
    "data": {"sources": [{"name": "facts", "path": "a.jsonl"}, {"name": "reading", "path": "b.jsonl"}]},
    "tasks": {
        "cbqa": {"family": "cbqa", "train": "t.jsonl", "test": "t.jsonl"},
        "cms": {"family": "cms", "test": "t.jsonl", "train": "t.jsonl"},
    },
}


def at(*stages: str, label: str = "") -> Chosen:
    return lambda stage, name: stage in stages and label in name


def without_hot(stage: str, name: str) -> bool:
    return stage == "pretrain" and name != "hot"


def either_tuning(stage: str, name: str) -> bool:
    # The indicator tuned_<task> is a small one of the same kind.
    return stage == "finetune" or " tuned_" in name


def with_prompt(stage: str, name: str) -> bool:
    return either_tuning(stage, name) or stage == "evaluate"


def read_from_facts(stage: str, name: str) -> bool:
    return stage == "tokenizer" or (stage, name) == ("shards", "facts")


TRAINED, TUNED, NONE = at("pretrain"), at("finetune"), at()

Place = tuple[str | int, ...]
RECIPE: dict[str, tuple[Any, Chosen]] = {
    "objective": ("plm", NONE),  # Every variant has its own.
    "length_quantile": ([10, 90], TRAINED),
    "tags": (True, TRAINED),
    "tokens": (64000, TRAINED),
    "lr": (4e-3, without_hot),
    "batch_tokens": (2048, TRAINED),
    "sequence_length": (64, TRAINED),
    "warmup_share": (0.1, TRAINED),
    "schedule": ("wsd", TRAINED),
    "decay_share": (0.3, TRAINED),
    "final_lr_share": (0.2, TRAINED),
    "weight_decay": (0.2, TRAINED),
    "beta1": (0.8, TRAINED),
    "beta2": (0.8, TRAINED),
    "clip": (2.0, TRAINED),
    "z_loss": (1e-4, TRAINED),
    "precision": ("bf16", TRAINED),
    "checkpoints": ([8000, 16000], TRAINED),
    "anneal": (True, TRAINED),
    "anneal_share": (0.3, TRAINED),
    "loss_bound": (9.5, TRAINED),
    "patience": (30, TRAINED),
    "seed": (3, TRAINED),
}
MODEL: dict[str, tuple[Any, Chosen]] = {
    "width": (64, TRAINED),
    "layers": (2, TRAINED),
    "heads": (2, TRAINED),
    "kv_heads": (2, TRAINED),
    "ffn_width": (96, TRAINED),
    # The windows of a perplexity are as long, and so is the prompt of nothing else.
    "context": (128, TRAINED),
    "tied_embeddings": (False, TRAINED),
}
WORLD: dict[str, tuple[Any, Chosen]] = {
    "seed": (3, at("tokenizer", "shards", "task")),
    "people": (36, at("tokenizer", "shards", "task")),
    "words": (30000, at("shards")),
    "train_items": (64, at("task")),
    "test_items": (64, at("task")),
}
TUNING: dict[str, tuple[Any, Chosen]] = {
    "steps": (90, TUNED),
    "epochs": (2, TUNED),
    "items": (16, TUNED),
    "validation_share": (0.2, TUNED),
    "prompt_format": ("instruct", with_prompt),
    "lr": (2e-3, either_tuning),
    "batch_items": (16, either_tuning),
    "warmup_share": (0.2, either_tuning),
    "schedule": ("cosine", either_tuning),
    "weight_decay": (0.1, either_tuning),
    "clip": (2.0, either_tuning),
    "precision": ("bf16", either_tuning),
    "method": ("lora", either_tuning),
}
OPTIONS: dict[tuple[str, str], tuple[Any, Chosen]] = {
    ("ppl_clm", "tokens"): (8192, at("indicators", label=" ppl_clm")),
    ("ppl_sc", "length"): (32, at("indicators", label=" ppl_sc")),
    ("ppl_sc", "domains"): (True, NONE),
    ("ppl_sc", "quantities"): (["bits_per_byte"], NONE),
    ("kshot_cbqa", "shots"): (2, at("indicators", label=" kshot_cbqa")),
    ("kshot_cbqa", "prompt_format"): ("instruct", at("indicators", label=" kshot_cbqa")),
    ("kshot_cbqa", "max_items"): (32, at("indicators", label=" kshot_cbqa")),
    ("tuned_cbqa", "examples"): (16, at("indicators", label=" tuned_cbqa")),
}
EXECUTION: dict[str, Any] = {
    "threads": 3, "devices": 2, "nodes": 2, "micro_batch_tokens": 4096, "zero_stage": 2,
    "activation_checkpointing": True, "compile": True, "save_seconds": 9.5, "tensorboard": True, "peak_flops": 1e12,
    "accelerator": "gpu",
}  # fmt: skip
CHANGES: dict[Place, tuple[Any, Chosen]] = {
    **{("pretrain", "defaults", key): change for key, change in RECIPE.items()},
    **{("model", key): change for key, change in MODEL.items()},
    **{("data", "world", key): change for key, change in WORLD.items()},
    **{("finetune", key): change for key, change in TUNING.items()},
    **{("indicators", *key): change for key, change in OPTIONS.items()},
    **{("execution", key): (value, NONE) for key, value in EXECUTION.items()},
    ("study",): ("another", NONE),
    ("seed",): (2, TRAINED),
    ("data", "tokenizer", "sentinels"): (40, at("tokenizer")),
    ("mixtures", "most", "facts"): (5, lambda stage, name: stage == "pretrain" and name.endswith("most")),
    ("mixtures", "spare"): ({"facts": 1}, NONE),
    ("pretrain", "include", 0, "lr"): (6e-3, at("pretrain", label="hot")),
    ("finetune", "seeds"): ([0, 1, 2], NONE),
    ("finetune", "tasks"): (["cms", "cbqa"], NONE),
    ("finetune", "test_on"): ("all", NONE),
    ("indicators", "kshot_cms"): ({}, NONE),
    ("items",): ("shared", at("indicators", label=" kshot_cbqa")),
    ("select", "splits"): (7, NONE),
}
"""Place in the study of the world → (another value, which results it concerns at first hand)."""
CHANGES_OF_FILES: dict[Place, tuple[Any, Chosen]] = {
    ("data", "held_out_share"): (0.1, at("tokenizer", "shards")),
    ("data", "tokenizer", "vocabulary"): (1024, at("tokenizer")),
    ("data", "tokenizer", "sentinels"): (40, at("tokenizer")),
    ("data", "tokenizer", "sample_characters"): (1000, at("tokenizer")),
    ("data", "sources", 0, "path"): ("b.jsonl", read_from_facts),
    ("data", "sources", 0, "text_field"): ("body", read_from_facts),
    ("data", "sources", 0, "only"): ({"x": 1}, read_from_facts),
    ("data", "sources", 0, "format"): ("text", read_from_facts),
    ("data", "sources", 0, "max_documents"): (9, read_from_facts),
    ("data", "sources", 0, "max_tokens"): (900, at("shards", label="facts")),
    ("data", "sources", 0, "length_quantile"): ([10, 90], TRAINED),
    ("data", "sources", 0, "tag"): (True, TRAINED),
    ("tasks", "cbqa", "max_train"): (3, at("task", label="cbqa")),
    ("tasks", "cbqa", "max_test"): (3, at("task", label="cbqa")),
    ("tasks", "cms", "train"): ("a.jsonl", at("task", label="cms")),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("identity")
    for name in "abt":
        (folder / f"{name}.jsonl").write_text(f'{{"text": "{name}"}}\n')
    return folder


def planned(folder: Path, text: str) -> Units:
    """All results of a study, by stage and label."""
    path = folder / "spec.yaml"
    path.write_text(text)
    jobs = graph.build(load_study(path), file_digest).jobs
    units = {(unit.stage, unit.label): unit for job in jobs for unit in job.units}
    assert len(units) == sum(len(job.units) for job in jobs)
    return units


def written(spec: Spec) -> str:
    return str(yaml.safe_dump(spec, sort_keys=False))


def changed(spec: Spec, *changes: tuple[Place, Any]) -> Spec:
    """A copy of a spec with other values in some places, which need not be there yet."""
    spec = copy.deepcopy(spec)
    for place, value in changes:
        inner: Any = spec
        for key in place[:-1]:
            inner = inner[key] if isinstance(key, int) else inner.setdefault(key, {})
        inner[place[-1]] = value
    return spec


def stale(before: Units, after: Units) -> set[tuple[str, str]]:
    """What both studies have under one name, with another fingerprint."""
    return {key for key in before.keys() & after.keys() if before[key].fingerprint != after[key].fingerprint}


def concerned(units: Units, chosen: list[Chosen]) -> set[tuple[str, str]]:
    """What is concerned at first hand, and all that is made of it."""
    direct = {unit.fingerprint for key, unit in units.items() if any(is_chosen(*key) for is_chosen in chosen)}

    def reached(unit: Unit) -> bool:
        return unit.fingerprint in direct or any(reached(parent.whole) for parent in unit.parents.values())

    return {key for key, unit in units.items() if reached(unit)}


WORLD_AND_FILES = [(SPEC, place) for place in CHANGES] + [(FILES, place) for place in CHANGES_OF_FILES]


@pytest.mark.parametrize(("spec", "place"), WORLD_AND_FILES, ids=lambda value: "" if isinstance(value, dict) else None)
def test_a_changed_field_makes_stale_what_depends_on_it_and_nothing_else(
    folder: Path, spec: Spec, place: Place
) -> None:
    value, chosen = (CHANGES if spec is SPEC else CHANGES_OF_FILES)[place]
    before = planned(folder, written(spec))
    after = planned(folder, written(changed(spec, (place, value))))
    assert stale(before, after) == concerned(before, [chosen]) & after.keys()


@settings(max_examples=60)
@given(places=st.lists(st.sampled_from(sorted(CHANGES, key=str)), min_size=2, max_size=4, unique=True))
def test_several_changes_make_stale_what_each_of_them_does(folder: Path, places: list[Place]) -> None:
    places = [place for place in places if not {"epochs", "steps", "context", "compile"} & {*place}]
    before = planned(folder, written(SPEC))
    spec = changed(SPEC, *((place, CHANGES[place][0]) for place in places))
    after = planned(folder, written(spec))
    expected = concerned(before, [CHANGES[place][1] for place in places])
    assert stale(before, after) == expected & after.keys()


@pytest.mark.parametrize(
    ("section", "tried"),
    [(Recipe, RECIPE), (Model, MODEL), (World, WORLD), (Tuning, TUNING), (Execution, EXECUTION),
     (IndicatorOptions, {key for _, key in OPTIONS}), (Reading, {place[-1] for place in CHANGES_OF_FILES}),
     (Tokenizer, {place[-1] for place in CHANGES_OF_FILES})],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_every_field_is_tried(section: type[BaseModel], tried: Any) -> None:
    elsewhere = {
        "mixture", "model",  # Names; what is behind them is tried.
        "split_by", "hub", "revision", "config", "split", "pretrained", "path",  # Of other kinds of source.
        "validate_every", "lora",  # Go with other fields.
        "tasks",  # Of plug-ins.
    }  # fmt: skip
    assert {*section.model_fields} - {*tried} <= elsewhere


SPELLED: dict[Place, type[BaseModel]] = {
    ("pretrain", "defaults"): Recipe, ("finetune",): Tuning, ("data", "world"): World, ("execution",): Execution,
    ("model",): Model, ("data", "tokenizer"): Tokenizer,
}  # fmt: skip


def in_other_words(spec: Spec, rng: random.Random) -> str:
    """The same study: some defaults spelled out, keys in another order, other YAML, other numbers, comments."""
    for place, section in SPELLED.items():
        inner = spec
        for key in place:
            inner = inner.get(key, {})
        for name, field in section.model_fields.items():
            # Of these it counts that they are written: they go with other fields.
            if name not in (*inner, "lora", "mixture", "objective") and not field.is_required() and rng.random() < 0.3:
                spec = changed(spec, ((*place, name), plain(field.get_default(call_default_factory=True))))
    spec = changed(spec, (("pretrain", "defaults", "tokens"), rng.choice([32000, "32k", "32_000", "0.032M", "3.2e4"])))
    style = rng.choice([True, False, None])
    text = yaml.safe_dump(shuffled(spec, rng), sort_keys=False, default_flow_style=style, width=rng.choice([40, 4000]))
    if style is False:
        text = "".join(
            line + rng.choice(["\n", "\n", "  # a comment\n", "\n\n", "\n# a line\n"]) for line in text.splitlines()
        )
    return rng.choice(["", "---\n", "# a study\n\n"]) + text


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def shuffled(value: Any, rng: random.Random, key: str = "") -> Any:
    if not isinstance(value, dict):
        return value
    keys = list(value)
    # The order of a grid is that of its variants' names.
    if key != "grid":
        rng.shuffle(keys)
    return {name: shuffled(value[name], rng, name) for name in keys}


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_the_same_study_in_other_words_is_the_same(folder: Path, seed: int) -> None:
    before, after = planned(folder, written(SPEC)), planned(folder, in_other_words(SPEC, random.Random(seed)))
    assert {key: unit.fingerprint for key, unit in after.items()} == {key: u.fingerprint for key, u in before.items()}
