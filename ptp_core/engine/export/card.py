"""The model card of an exported checkpoint: what it is, what made it, what it scored, how to load and verify it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ptp_core import cost
from ptp_core.engine.export.finished import FinishedStudy, Result
from ptp_core.engine.export.scores import Score
from ptp_core.engine.units import Outcome, Unit, VariantUnits, settings_json
from ptp_core.identity.digests import file_digest
from ptp_core.identity.fingerprint import identity_of, package_version
from ptp_core.spec.quantities import format_count

GENERATION = "text-generation"
SCALE = "A score is the mean over the seeds. Its standard errors are those over seeds and over the items asked."


@dataclass(frozen=True)
class Card:
    """What a card speaks of."""

    study: FinishedStudy
    variant: VariantUnits
    result: Result
    name: str
    outcomes: tuple[Outcome, ...]
    """Of a fine-tuned model its evaluations; none of a pre-trained one."""
    scores: Sequence[Score]
    license_id: str | None

    @property
    def base(self) -> Result:
        """The pre-trained checkpoint."""
        return self.study.results[self.variant.checkpoint.fingerprint]

    @property
    def origin(self) -> str | None:
        """``owner/name`` of a model that was taken from the hub."""
        found = getattr(self.variant.variant, "hub", None)
        return str(found) if found else None


def card_text(card: Card) -> str:
    """The whole README.md: front matter in YAML as the hub reads it, then text."""
    sections = [_opening(card), _made_by(card), _data(card), _recipe(card), _numbers(card), _use(card)]
    return f"---\n{_front_matter(card)}\n---\n\n" + "\n\n".join(filter(None, sections)) + "\n"


def _front_matter(card: Card) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    own = [s for s in card.scores if s.is_after_finetuning == bool(card.outcomes)]
    results = [
        EvalResult(
            task_type=GENERATION,
            dataset_type=_slug(score.task),
            dataset_name=score.task,
            metric_type=_slug(score.metric),
            metric_value=score.value,
            metric_name=score.name,
        )
        for score in own
    ]
    # What is not known is not said: no language, and a licence only if somebody has named it.
    data = ModelCardData(
        library_name="transformers",
        pipeline_tag=GENERATION,
        tags=["ptp", f"study:{card.study.name}", "fine-tuned" if card.outcomes else "pre-trained"],
        license=card.license_id.lower() if card.license_id else None,
        base_model=card.origin,
        model_name=card.name,
        eval_results=results or None,
    )
    return str(data.to_yaml()).strip()


def _opening(card: Card) -> str:
    variant, study = card.variant.variant.name, card.study.name
    if card.outcomes:
        what = f"Variant `{variant}` of study `{study}`, fine-tuned on the answers of task `{card.outcomes[0].task}`"
        what += f" with seed {card.outcomes[0].seed}."
    elif card.base.unit.stage == "import":
        what = f"An existing model, compared as `{variant}` in study `{study}`; its weights are as they were."
    else:
        what = f"A causal language model, pre-trained from scratch as variant `{variant}` of study `{study}`."
    return f"# {card.name}\n\n{what}"


def _made_by(card: Card) -> str:
    identity = card.result.receipt.get("identity") or card.result.unit.identity
    lock = card.study.lock
    packages = ", ".join(f"{name} {version}" for name, version in sorted(identity["packages"].items()))
    rows = [
        ("Study", f"`{card.study.name}`, spec sha256 `{file_digest(card.study.study.path)}`"),
        ("Lock", f"sha256 `{file_digest(lock)}`" if lock else "none"),
        ("Stage", card.result.unit.stage),
        ("Fingerprint", f"`{card.result.unit.fingerprint}`"),
        ("Made from", ", ".join(f"{role} `{found}`" for role, found in sorted(identity["parents"].items())) or "-"),
        ("Code", f"ptp_core {package_version('ptp_core')}, digest `{identity['code']}`"),
        ("Packages", packages),
    ]
    return "## Where it is from\n\n" + _table(("", ""), rows)


def _data(card: Card) -> str:
    base = card.base
    if base.unit.stage == "import":
        found = f"hub `{card.origin}`, revision `{base.unit.settings.revision}`" if card.origin else _inputs(base.unit)  # type: ignore[attr-defined]
        return f"## Data\n\nWhat it was pre-trained on is not known here. It was taken from {_cell(found)}."
    metrics = base.receipt["metrics"]
    shares = settings_json(base.unit.settings)["weights"]
    rows = []
    for domain, share in shares.items():
        tokens, epochs = metrics["tokens_by_domain"].get(domain, 0), metrics["epochs"].get(domain, 0.0)
        source = _source(base.unit.parents[f"shards/{domain}"].whole)
        rows.append((domain, f"{share:.4g}", f"{tokens:,}", f"{epochs:.3g}", source))
    mixture = f"Mixture `{getattr(card.variant.variant, 'recipe').mixture}` of {len(rows)} sources."  # noqa: B009
    return f"## Data\n\n{mixture}\n\n" + _table(("Source", "Share", "Tokens seen", "Epochs", "Read from"), rows)


def _source(shards: Unit) -> str:
    settings = settings_json(shards.settings)
    if settings["world"]:
        # Only what decides this text: settings of other parts of the world stand here at their defaults.
        decisive = identity_of(shards.settings)["world"]
        told = ", ".join(f"{name} {value}" for name, value in sorted(decisive.items()))
        return f"the embedded world{': ' * bool(told)}{told}"
    if settings["hub"]:
        config = f", configuration {_code(settings['config'])}" if settings["config"] else ""
        revision, split = _code(settings["revision"]), _code(settings["split"])
        return f"hub {_code(settings['hub'])}{config}, revision {revision}, split {split}"
    return _inputs(shards)


def _inputs(unit: Unit) -> str:
    files = [found for role in unit.inputs.values() for found in role]
    return "; ".join(f"{_code(path.name)}, sha256 `{sha256}`" for path, sha256 in files) or "-"


def _recipe(card: Card) -> str:
    units = [card.base.unit, *([card.result.unit] if card.outcomes else [])]
    blocks = [
        f"```yaml\n# {unit.stage}\n{yaml.safe_dump(settings_json(unit.settings), allow_unicode=True).rstrip()}\n```"
        for unit in units
    ]
    return "## Recipe\n\n" + "\n\n".join([*blocks, *_compute(card)])


def _compute(card: Card) -> Iterator[str]:
    metrics, settings = card.base.receipt["metrics"], settings_json(card.base.unit.settings)
    if card.base.unit.stage != "pretrain":
        yield f"{format_count(metrics['parameters'])} parameters."
        return
    shape, length = settings["model"], settings["recipe"]["sequence_length"]
    flops = metrics["tokens"] * cost.flops_per_token(metrics["parameters"], shape["layers"], shape["width"], length)
    yield (
        f"Pre-training: {metrics['parameters']:,} parameters (embeddings included), {metrics['tokens']:,} tokens, "
        f"{flops:.4g} FLOPs ({cost.FORMULA} a token)."
    )


def _numbers(card: Card) -> str:
    before = [score for score in card.scores if not score.is_after_finetuning]
    after = [score for score in card.scores if score.is_after_finetuning]
    parts = ["## Scores", SCALE]
    if before:
        parts += ["Before fine-tuning:", _scores(before)]
    if after:
        whose = "Of this model:" if card.outcomes else "Of copies of this model that were fine-tuned on a task:"
        parts += [whose, _scores(after)]
    return "\n\n".join(parts) if card.scores else "## Scores\n\nNothing was measured of it."


def _scores(scores: Sequence[Score]) -> str:
    head = ("Name", "Asked", "Metric", "Fine-tuned on", "Score", "± seeds", "± items", "Seeds", "Items", "Chance")
    rows = [
        (
            s.name, s.task, s.metric, s.trained_on or "-", _number(s.value), _number(s.seed_error),
            _number(s.item_error), str(s.seeds), f"{s.items:,}" if s.items else "-", _number(s.chance),
        )
        for s in scores
    ]  # fmt: skip
    return _table(head, rows)


def _use(card: Card) -> str:
    return f"""\
## How to load

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "{card.name}"  # this folder
model = AutoModelForCausalLM.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
```

## How to verify

`sha256sum --check SHA256SUMS` in this folder compares every file with what was exported; the digests of weights,
configuration and tokenizer are those of the receipt of result `{card.result.unit.place}`. The fingerprint is the
sha256 over everything that decides the weights (settings, data, code, packages, parents): who plans the same spec with
the same code and the same packages gets the same one."""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    """One cell, whatever a file is called."""
    plain = "".join(letter if letter.isprintable() else "�" for letter in text)
    return plain.replace("|", "\\|").replace("<", "&lt;")


def _code(text: Any) -> str:
    return f"`{str(text).replace('`', chr(39))}`"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _slug(text: str) -> str:
    """A word as the hub has them for data sets and metrics."""
    return "-".join("".join(letter if letter.isalnum() or letter in "_-." else " " for letter in text).split())
