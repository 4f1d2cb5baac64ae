"""The rows of the table: which numbers of a study's results go into it, and under which names."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptp_core import cost
from ptp_core.engine.outcomes import is_sound
from ptp_core.engine.units import Outcome, Unit, VariantUnits
from ptp_core.errors import UserError, did_you_mean
from ptp_core.identity.receipts import read_receipt
from ptp_core.measure.measured import ITEMS_FILE
from ptp_core.spec.checkpoints import Checkpoint
from ptp_core.spec.indicators import kind_of, subject_of
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.pretrain import Variant

if TYPE_CHECKING:
    import pyarrow as pa

Settings = dict[str, Any]
Row = dict[str, Any]


def row_settings(v: VariantUnits, study: LoadedStudy, config: Settings) -> Settings:
    """What the job of the table is told of a variant; JSON."""
    return {
        "name": v.variant.name,
        "tokens": v.variant.recipe.tokens if isinstance(v.variant, Variant) else v.variant.tokens,
        "checkpoint": v.checkpoint.place,
        "tokenizer": v.checkpoint.parents["tokenizer"].place,
        "config": config,
        "shape": _shape(v.variant, study),
        "indicators": [_indicator(name, unit, study) for name, unit in v.indicators.items()],
        "points": [
            {
                "tokens": p.tokens,
                "indicators": [_indicator(name, unit, study) for name, unit in p.indicators.items()],
                "outcomes": [_outcome(outcome, study) for outcome in p.outcomes],
            }
            for p in v.points
        ],
        "outcomes": [_outcome(outcome, study) for outcome in v.outcomes],
    }


def _shape(variant: Variant | Checkpoint, study: LoadedStudy) -> Settings | None:
    """What compute is reckoned from beside the parameters; None where the table is not asked for it."""
    if study.spec.scaling is None or isinstance(variant, Checkpoint):
        return None
    model = study.model_of(variant.recipe)
    return {"layers": model.layers, "width": model.width, "length": variant.recipe.sequence_length}


def _indicator(name: str, unit: Unit, study: LoadedStudy) -> Settings:
    options, kind = study.indicators[name], kind_of(name)
    split = {"ppl": "held_out", "kshot": "train", "tuned": "train", "plugin": None}[kind]
    of_harness = kind == "kshot" and study.is_harness(subject_of(name))
    if of_harness or (kind == "kshot" and study.spec.items == "shared"):
        split = "test"
    return {
        "name": name,
        "kind": kind,
        "unit": unit.place,
        "quantities": list(options.quantities),
        "domains": list(study.domains) if options.domains else [],
        "family": study.families.get(subject_of(name)) if kind in ("kshot", "tuned") else None,
        "split": split,
        "prompt_format": options.prompt_format if kind == "kshot" and not of_harness else None,
    }


def _outcome(outcome: Outcome, study: LoadedStudy) -> Settings:
    return {
        "name": outcome.test,
        "train_task": outcome.task,
        "seed": outcome.seed,
        "unit": outcome.unit.place,
        "quantities": list(study.metrics_of(outcome.test)[1]),
        "family": study.families[outcome.test],
        "prompt_format": outcome.prompt_format,
    }


def rows_of(variant: Settings, store: Path) -> list[Row]:
    """All rows of one variant: configuration, indicators at every checkpoint, outcomes, and means over families."""
    shared = {"variant": variant["name"], "checkpoint_tokens": variant["tokens"], "source": variant["checkpoint"]}
    rows: list[Row] = [
        shared | {"kind": "config", "name": key} | _config_value(value)
        for key, value in (variant["config"] | _size(variant, store)).items()
    ]
    for point in (*variant["points"], variant):
        at = shared | {"checkpoint_tokens": point["tokens"]}
        kshot: list[Row] = []
        for indicator, labels in _sound(point["indicators"], at, store):
            found = list(_rows_of_unit(indicator, labels, store))
            rows += found
            kshot += found[:1] if indicator["kind"] == "kshot" else []
        asked = [entry for entry in point["indicators"] if entry["kind"] == "kshot"]
        rows += family_means(kshot, asked, "mean_kshot_")
        own: list[Row] = []
        for outcome, labels in _sound(point["outcomes"], at, store):
            found = list(_rows_of_unit(outcome, labels, store))
            rows += found
            own += found[:1] if labels["train_task"] is None else []
        asked = [entry for entry in point["outcomes"] if entry["train_task"] == entry["name"]]
        rows += family_means(own, asked, "mean_")
    return rows


def _size(variant: Settings, store: Path) -> Settings:
    """Parameters (embeddings included), tokens and FLOPs of a whole training, where the table is asked for them.

    A tokenizer that is trained may find fewer tokens than it was asked for, so the trained model says how many
    parameters it has.
    """
    shape = variant["shape"]
    if shape is None:
        return {}
    params = read_receipt(store / variant["checkpoint"])["metrics"]["parameters"]
    a_token = cost.flops_per_token(params, shape["layers"], shape["width"], shape["length"])
    return {"params": params, "tokens": variant["tokens"], "flops": variant["tokens"] * a_token}


def check_headlines(variants: list[Settings], store: Path) -> None:
    """Raise UserError for a plug-in whose first number is not the same one everywhere: it goes by the plug-in's name.

    A dict in the order of its values, say, would put different things into one column.
    """
    first: dict[str, tuple[str, str]] = {}
    for variant in variants:
        for point in (*variant["points"], variant):
            for entry, _ in _sound([e for e in point["indicators"] if e["kind"] == "plugin"], {}, store):
                headline = read_receipt(store / entry["unit"])["metrics"]["headline"]
                known, where = first.setdefault(entry["name"], (headline, variant["name"]))
                if headline != known:
                    raise UserError(
                        f"the first number that it returns is not the same everywhere: {known} for {where}, {headline} "
                        f"for {variant['name']}", subject=f"indicator {entry['name']}",
                        fix="return the names in one order, the one that counts first",
                    )  # fmt: skip


def items_of(variant: Settings, store: Path) -> Iterator[pa.Table]:
    """The scores of single items behind the rows of one variant, a table a measurement."""
    import pyarrow.parquet as pq

    shared = {"variant": variant["name"], "checkpoint_tokens": variant["tokens"]}
    entries = [
        pair
        for point in (*variant["points"], variant)
        for pair in _sound(
            [*point["indicators"], *point["outcomes"]], shared | {"checkpoint_tokens": point["tokens"]}, store
        )
    ]
    for entry, labels in entries:
        path = store / entry["unit"] / ITEMS_FILE
        if path.is_file():
            kept = ("variant", "checkpoint_tokens", "seed", "kind", "prompt_format", "train_task", "source")
            labels = {key: labels.get(key) for key in kept} | {"name": entry["name"], "source": entry["unit"]}
            yield _labelled(pq.read_table(path), labels)


def family_means(rows: list[Row], asked: list[Settings], prefix: str) -> list[Row]:
    """The mean over the tasks of each family that has several, for each seed and prompt format (Zeng et al. 2025).

    ``asked``: what was to be measured. Where a task is missing, because its fine-tuning has diverged, there is no mean:
    it would be one over other tasks than for the other variants. Nor is there one of scores of different directions.
    """
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[_group(row)].append(row)
    wanted = Counter(map(_group, asked))
    means = []
    for group, members in groups.items():
        family, directions = group[0], {row["higher_is_better"] for row in members}
        if family is not None and 1 < len(members) == wanted[group] and len(directions) == 1:
            errors = [row["stderr"] for row in members]
            known = all(error is not None for error in errors)
            means.append(
                members[0]
                | {
                    "name": f"{prefix}{family}",
                    "value": sum(row["value"] for row in members) / len(members),
                    # The tasks have different items.
                    "stderr": math.sqrt(sum(error**2 for error in errors)) / len(members) if known else None,
                    "n_items": sum(row["n_items"] for row in members),
                    "source": f"mean of {', '.join(sorted(row['name'] for row in members))}",
                }
            )
    return means


def _group(row: Row) -> tuple[Any, ...]:
    return row["family"], row.get("seed"), row["prompt_format"]


def _sound(entries: list[Settings], shared: Row, store: Path) -> Iterator[tuple[Settings, Row]]:
    """The measurements that were made, with the columns that all their rows share."""
    for entry in entries:
        if not is_sound(store, entry["unit"]):
            continue
        kind = "outcome" if "train_task" in entry else "indicator"
        labels = {"kind": kind, "family": entry["family"], "prompt_format": entry["prompt_format"]}
        if kind == "outcome":
            own = entry["train_task"] == entry["name"]
            labels |= {"seed": entry["seed"], "split": "test", "train_task": None if own else entry["train_task"]}
        else:
            labels |= {"split": entry["split"]}
        yield entry, shared | labels


def _rows_of_unit(entry: Settings, labels: Row, store: Path) -> Iterator[Row]:
    """The headline's row, those of the other quantities that were asked for, and those of the domains."""
    metrics = read_receipt(store / entry["unit"])["metrics"]
    headline, found = metrics["headline"], metrics["quantities"]
    for quantity in (headline, *(name for name in entry["quantities"] if name != headline)):
        if quantity not in found:
            what = f"{entry['name']} has no quantity {quantity}"
            raise UserError(what, subject=labels["variant"], fix=did_you_mean(quantity, found))
        name = entry["name"] if quantity == headline else f"{entry['name']}.{quantity}"
        yield labels | {"name": name, "source": entry["unit"]} | found[quantity]
        for domain in entry.get("domains", ()):
            yield labels | {"name": f"{name}@{domain}", "source": entry["unit"]} | found[f"{quantity}@{domain}"]


def _labelled(items: pa.Table, labels: Row) -> pa.Table:
    import pyarrow as pa

    whole = {"checkpoint_tokens", "seed"}
    columns = {
        key: pa.array([value] * len(items), pa.int64() if key in whole else pa.string())
        for key, value in labels.items()
    }
    return pa.table(columns | {"item": items["id"]} | {key: items[key] for key in ("document", "score", "logprob")})


def _config_value(value: Any) -> Row:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"value": float(value)} if is_number else {"text": str(value)}
