"""What can be wrong with ``finetune.intermediate``: names of variants, checkpoints, tasks and seeds that are none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ptp_core.errors import UserError, did_you_mean, shorten
from ptp_core.spec.explain_errors import dotted
from ptp_core.spec.finetune import Finetune
from ptp_core.spec.intermediate import Intermediate
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.quantities import format_count
from ptp_core.spec.wild import fits

PLACE = ("finetune", "intermediate")


def check_intermediate(study: LoadedStudy) -> Iterator[UserError]:
    """Names that stand for nothing, and variants that keep no checkpoint on the way."""
    finetune = study.spec.finetune
    wanted = finetune.intermediate if finetune else None
    if finetune is None or wanted is None:
        return
    yield from _check_variants(study, wanted)
    yield from _check_tunings(study, finetune, wanted)


def _check_variants(study: LoadedStudy, wanted: Intermediate) -> Iterator[UserError]:
    names = [variant.name for variant in study.variants]
    for i, pattern in enumerate(wanted.variants):
        if not any(fits(name, pattern) for name in names):
            what = f"no variant that is pre-trained here is called {shorten(pattern)}"
            yield _fault(study, "variants", i, what=what, fix=did_you_mean(pattern, names) if names else None)
    chosen = [v for v in study.variants if any(fits(v.name, pattern) for pattern in wanted.variants)]
    known = {tokens for variant in chosen for tokens in variant.recipe.checkpoints}
    if chosen and not known:
        what = "none of these variants has a checkpoint on the way"
        yield _fault(study, what=what, fix="list token counts under `checkpoints` in pretrain.defaults")
    for i, tokens in enumerate(wanted.checkpoints if known else ()):
        if tokens not in known:
            what = f"none of these variants has a checkpoint after {format_count(tokens)} tokens"
            yield _fault(study, "checkpoints", i, what=what, expected=", ".join(map(format_count, sorted(known))))


def _check_tunings(study: LoadedStudy, finetune: Finetune, wanted: Intermediate) -> Iterator[UserError]:
    for i, task in enumerate(wanted.tasks):
        if task not in finetune.tasks:
            what = f'task "{task}" is none of those fine-tuned on'
            yield _fault(study, "tasks", i, what=what, fix=did_you_mean(task, finetune.tasks))
    for i, seed in enumerate(wanted.seeds):
        if seed not in finetune.seeds:
            what = f"seed {seed} is none of those fine-tuned with"
            yield _fault(study, "seeds", i, what=what, expected=", ".join(map(str, finetune.seeds)))


def _fault(study: LoadedStudy, *place: str | int, what: str, **details: Any) -> UserError:
    where = (*PLACE, *place)
    return UserError(what, where=study.where(*where), subject=dotted(where), **details)
