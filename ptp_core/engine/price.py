"""What a study costs before anything of it runs: parameters, FLOPs, hours and storage; arithmetic over the spec."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ptp_core import cost
from ptp_core.data.json_lines import matching_files
from ptp_core.data.tokenizer import CONFIG, FILE
from ptp_core.engine.price_measuring import Estimate, measuring, tuned_checkpoints, tuning
from ptp_core.errors import UserError
from ptp_core.spec.data import RESERVED, Data
from ptp_core.spec.explain_errors import dotted
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.pretrain import Recipe, Variant
from ptp_core.spec.yaml_lines import PlacePath
from ptp_core.special import MODES
from ptp_core.training.layout import Layout, layout_of


@dataclass(frozen=True)
class VariantPrice:
    """The pre-training of one variant; bytes are those of fp32."""

    name: str
    parameters: int
    tokens: int
    """Positions fed to the model, annealed branches included."""
    flops: float
    device_hours: float
    layout: Layout
    checkpoints: int
    """Models that are kept: the last, those declared, and an annealed one for each of these where it is asked for."""
    checkpoint_bytes: int
    """Of these models, and of the moments that branches start from."""
    state_bytes: int
    """Of the saved states; only while it trains."""
    tuned_models: int
    """Fine-tuned models: one for each task and seed, of the last checkpoint and of those on the way."""
    tuned_bytes: int


@dataclass(frozen=True)
class SourcePrice:
    """The shards of one domain; None where nobody knows before its text is read."""

    domain: str
    tokens: int | None
    """At most."""
    bytes: int | None


@dataclass(frozen=True)
class Price:
    """The price of a whole study, as if nothing of it were in the store yet."""

    study: str
    utilisation: float
    """Share of the peak that training is taken to reach (MFU)."""
    peak_flops: float
    """Of one device, FLOP/s."""
    vocabulary: int | None
    """Tokens, special ones included; None in a study that trains nothing."""
    variants: tuple[VariantPrice, ...]
    sources: tuple[SourcePrice, ...]
    tuning: Estimate
    measuring: Estimate
    existing: int
    """Checkpoints that are not trained here, of which no size is known: nothing of theirs is priced."""
    missing: tuple[str, ...]
    """Files that the spec names and that are not here, as ``ptp check`` would say."""

    @property
    def flops(self) -> float:
        """Of all pre-training."""
        return sum(v.flops for v in self.variants)

    def hours(self, flops: float) -> float:
        """Device hours of so many FLOPs."""
        return cost.device_hours(flops, self.utilisation, self.peak_flops)


def price(study: LoadedStudy, utilisation: float, peak: float) -> Price:
    """What all variants of a study cost on devices of ``peak`` FLOP/s that reach the share ``utilisation`` of it.

    Nothing is read but the spec, and no hub is asked. Raises UserError if a variant's batch cannot be shared by the
    processes of the section ``execution``.
    """
    data = study.spec.data
    vocabulary = vocabulary_of(data) if data and study.variants else None
    return Price(
        study=study.spec.study,
        utilisation=utilisation,
        peak_flops=peak,
        vocabulary=vocabulary,
        variants=tuple(_variant(study, v, vocabulary or 0, utilisation, peak) for v in study.variants),
        sources=tuple(_sources(study, vocabulary)) if vocabulary else (),
        tuning=tuning(study, vocabulary or 0),
        measuring=measuring(study, vocabulary or 0),
        existing=len(study.spec.checkpoints),
        missing=tuple(_missing(study)),
    )


def vocabulary_of(data: Data) -> int:
    """Size of the vocabulary with all special tokens; of a BPE that is yet to be trained, the size asked for."""
    wanted = data.tokenizer
    if data.world:
        # Imported here: only studies of the embedded world need it.
        from ptp_core.data import world

        return len(world.vocabulary(data.world)) + RESERVED + wanted.sentinels
    return wanted.vocabulary + (wanted.sentinels + len(MODES) if wanted.exists else 0)


def exports(recipe: Recipe) -> list[int]:
    """The steps before the last after which the model is kept as well."""
    return [recipe.step_of(tokens) for tokens in recipe.checkpoints]


def _variant(study: LoadedStudy, variant: Variant, vocabulary: int, utilisation: float, peak: float) -> VariantPrice:
    recipe, execution = variant.recipe, study.spec.execution
    model, length = study.model_of(recipe), recipe.sequence_length
    count = cost.parameters(model, vocabulary)
    kept = exports(recipe)
    branches = [recipe.branch_steps(step) for step in kept] if recipe.anneal else []
    tokens = (recipe.steps + sum(branches)) * recipe.batch_tokens
    flops = tokens * cost.flops_per_token(count, model.layers, model.width, length)
    models = 1 + len(kept) + len(branches)
    tuned = sum(count * len(section.tasks) * len(section.seeds) for section, count in tuned_checkpoints(study, variant))
    return VariantPrice(
        name=variant.name,
        parameters=count,
        tokens=tokens,
        flops=flops,
        device_hours=cost.device_hours(flops, utilisation, peak),
        layout=layout_of(recipe.batch_tokens // length, length, execution.processes, execution.micro_batch_tokens),
        checkpoints=models,
        checkpoint_bytes=count * (models * cost.CHECKPOINT_BYTES + len(branches) * cost.MOMENT_BYTES),
        state_bytes=count * cost.STATES * cost.STATE_BYTES,
        tuned_models=tuned,
        tuned_bytes=count * tuned * cost.CHECKPOINT_BYTES,
    )


def _sources(study: LoadedStudy, vocabulary: int) -> Iterator[SourcePrice]:
    limits = {source.name: source.max_tokens for source in study.spec.data.sources} if study.spec.data else {}
    for domain in study.domains:
        tokens = limits.get(domain)
        yield SourcePrice(domain, tokens, None if tokens is None else tokens * cost.token_bytes(vocabulary))


def _missing(study: LoadedStudy) -> Iterator[str]:
    for place, text in _named_files(study):
        try:
            matching_files(study.resolve(text, *place), study.where(*place), dotted(place))
        except (UserError, OSError) as error:
            yield str(error)


def _named_files(study: LoadedStudy) -> Iterator[tuple[PlacePath, str]]:
    data = study.spec.data
    for i, source in enumerate(data.sources if data else ()):
        for path in (source.path,) if isinstance(source.path, str) else source.path or ():
            yield ("data", "sources", i, "path"), path
    if data and data.tokenizer.path is not None:
        yield from ((("data", "tokenizer", "path"), f"{data.tokenizer.path}/{name}") for name in (FILE, CONFIG))
    for name, task in study.spec.tasks.items():
        written = {key: getattr(task, key) for key in ("train", "test", "yaml")}
        yield from ((("tasks", name, key), path) for key, path in written.items() if path is not None)
    for i, path in enumerate(study.spec.plugins):
        yield ("plugins", i), path
    for i, table in enumerate(study.spec.measurements):
        yield ("measurements", i, "path"), table.path
