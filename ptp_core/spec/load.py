"""Read a study: YAML, models, variants, and the checks that span several sections."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from ptp_core.errors import UserError, UserErrors, Where
from ptp_core.spec.checks import check_sections, check_variants
from ptp_core.spec.expand import expand
from ptp_core.spec.explain_errors import translate
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.study import Study
from ptp_core.spec.yaml_lines import load_yaml


def load_study(path: Path) -> LoadedStudy:
    """Read and check a spec; raises UserError (often several at once) with file:line for every fault."""
    data, lines = load_yaml(path)
    if not isinstance(data, dict):
        raise UserError(
            "this is not a study", where=Where(path), expected="keys and values, `study: <name>` first", got=data
        )
    try:
        spec = Study.model_validate(data)
    except ValidationError as error:
        raise UserErrors(translate(error, Study, data, path, lines)) from None
    bare = LoadedStudy(path, spec, (), lines)
    _raise_all(check_sections(bare))
    variants = expand(spec.pretrain, spec.seed, path, lines) if spec.pretrain else []
    loaded = LoadedStudy(path, spec, tuple(variants), lines)
    _raise_all(check_variants(loaded))
    return loaded


def _raise_all(errors: Iterable[UserError]) -> None:
    # A fault that many variants share is said once.
    found = {str(error): error for error in errors}
    if found:
        raise UserErrors(found.values())
