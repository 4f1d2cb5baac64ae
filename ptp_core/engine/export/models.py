"""``ptp export --models``: checkpoints of a finished study as folders that any Hugging Face tool loads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ptp_core.engine.export.card import Card, card_text
from ptp_core.engine.export.finished import FinishedStudy, Result, StoredFile
from ptp_core.engine.export.placing import built_aside, check_space, check_target, copy_checked, put_in_place
from ptp_core.engine.export.scores import Scores
from ptp_core.engine.units import Outcome, VariantUnits
from ptp_core.errors import UserError, did_you_mean
from ptp_core.identity.digests import file_digest
from ptp_core.progress import Progress
from ptp_core.spec.wild import fits

CARD, SUMS = "README.md", "SHA256SUMS"
WEIGHTS = ".safetensors"
BESIDE = (
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "model.safetensors.index.json",
)  # fmt: skip
"""What makes a model and its tokenizer, beside the weights; what else a training leaves stays in the store."""
MARGIN_BYTES = 1 << 20


@dataclass(frozen=True)
class Model:
    """One checkpoint to export."""

    variant: VariantUnits
    result: Result
    outcomes: tuple[Outcome, ...] = ()
    """Of a fine-tuned model its evaluations; none of a pre-trained one."""

    @property
    def name(self) -> str:
        """Its folder: the variant, and what it was fine-tuned on. No name holds an @."""
        name = self.variant.variant.name
        return f"{name}@{self.outcomes[0].task}-seed{self.outcomes[0].seed}" if self.outcomes else name

    @property
    def files(self) -> list[StoredFile]:
        """The artifacts that make the model."""
        return [file for file in self.result.files if file.name in BESIDE or _is_weights(file)]


def export_models(
    study: FinishedStudy, folder: Path, patterns: Sequence[str], finetuned: bool, license_id: str | None, force: bool
) -> list[str]:
    """Write a folder for each chosen checkpoint, all of them or none; returns what to tell. Raises UserError."""
    variants = _chosen(study, patterns)
    models = [model for variant in variants for model in _models(study, variant, finetuned)]
    sound, lost = [m for m in models if m.result.is_sound], [m for m in models if not m.result.is_sound]
    notes = [f"{m.name} is left out: {m.result.receipt['reason'] or m.result.status}" for m in lost]
    if not sound:
        raise UserError("; ".join(["there is no model to export", *notes]), subject=study.name)
    targets = {model.name: folder / study.name / model.name for model in sound}
    for target in targets.values():
        check_target(target, study.folders.store, force, is_ours)
    size = sum(file.bytes for model in sound for file in model.files)
    check_space(folder / study.name, size + MARGIN_BYTES)
    # Beside the folder of the study, so that a crash leaves nothing inside it.
    with built_aside(folder / study.name) as aside, Progress(size, "B", "export models") as progress:
        scores = Scores(study)
        for model in sound:
            found = scores.of(model.variant, model.outcomes)
            card = Card(study, model.variant, model.result, model.name, model.outcomes, found, license_id)
            _build(model, aside / model.name, card, progress)
        for model in sound:
            targets[model.name].parent.mkdir(parents=True, exist_ok=True)
            put_in_place(aside / model.name, targets[model.name], force, is_ours)
    return [*(f"{target}: {name} of study {study.name}" for name, target in targets.items()), *notes]


def _chosen(study: FinishedStudy, patterns: Sequence[str]) -> list[VariantUnits]:
    variants = study.workflow.graph.variants
    names = [v.variant.name for v in variants]
    if not names:
        raise UserError("this study has no models: it only reads measurements", subject=study.name)
    for pattern in patterns:
        if not any(fits(name, pattern) for name in names):
            raise UserError(
                "no variant has this name", subject="--variant", got=pattern, fix=did_you_mean(pattern, names)
            )
    return [v for v in variants if not patterns or any(fits(v.variant.name, pattern) for pattern in patterns)]


def _models(study: FinishedStudy, variant: VariantUnits, finetuned: bool) -> Iterator[Model]:
    yield Model(variant, study.results[variant.checkpoint.fingerprint])
    if finetuned:
        tuned: dict[str, list[Outcome]] = {}
        for outcome in variant.outcomes:
            tuned.setdefault(outcome.tuned.fingerprint, []).append(outcome)
        for fingerprint, outcomes in tuned.items():
            yield Model(variant, study.results[fingerprint], tuple(outcomes))


def _build(model: Model, folder: Path, card: Card, progress: Progress) -> None:
    folder.mkdir()
    for file in model.files:
        # Nobody edits weights by hand, and they are what is large; the rest is copied, so that it can be edited.
        copy_checked(file.path, folder / file.name, file.sha256, progress, link=_is_weights(file))
    (folder / CARD).write_text(card_text(card), encoding="utf-8")
    sums = {file.name: file.sha256 for file in model.files} | {CARD: file_digest(folder / CARD)}
    (folder / SUMS).write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)), encoding="utf-8")


def is_ours(path: Path) -> bool:
    """Whether a folder holds nothing but what its list of digests names."""
    try:
        listed = {line[66:] for line in (path / SUMS).read_text(encoding="utf-8").splitlines()}
        there = {p.relative_to(path).as_posix() for p in path.rglob("*")}
    except (OSError, ValueError):
        return False
    return CARD in listed and there <= listed | {SUMS}


def _is_weights(file: StoredFile) -> bool:
    return file.name.endswith(WEIGHTS) and "/" not in file.name
