"""Existing checkpoints: which of their files count, and what can be found wrong with them beforehand."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

from ptp_core.data.import_tokenizer import FILES as TOKENIZER_FILES
from ptp_core.data.tokenizer import FILE
from ptp_core.errors import UserError
from ptp_core.spec.explain_errors import dotted
from ptp_core.spec.indicators import subject_of
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.yaml_lines import PlacePath

CONFIGURATION = ("config.json", "generation_config.json")
WEIGHTS = ("*.safetensors", "*.safetensors.index.json")
PICKLED = ("pytorch_model*.bin", "pytorch_model.bin.index.json")


def existing_files(study: LoadedStudy, i: int) -> dict[str, list[Path]]:
    """Role (model, tokenizer) → the files of the i-th checkpoint that decide it; a hub's have no role here.

    Raises UserError if a directory is not there, or holds no configuration, weights or tokenizer.
    """
    entry = study.spec.checkpoints[i]
    found = {}
    if entry.path is not None:
        found["model"] = _model_files(study, _folder(study, entry.path, ("checkpoints", i, "path")), i)
    origin, place = entry.tokenizer_origin, ("checkpoints", i, *(("tokenizer",) if entry.tokenizer else ()), "path")
    if origin.path is not None:
        folder = _folder(study, origin.path, place)
        found["tokenizer"] = [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]
        if not found["tokenizer"]:
            raise _fault(study, place, "there is no tokenizer in this directory", expected=FILE, got=str(folder))
    return found


def check_checkpoint(study: LoadedStudy, i: int) -> None:
    """Raises UserError for missing files, and for indicators that a local checkpoint cannot have."""
    files = {role: {path.name: path for path in paths} for role, paths in existing_files(study, i).items()}
    place: PlacePath = ("checkpoints", i, "path")
    if "model" in files:
        _check_windows(study, files["model"]["config.json"], place)
    tokenizer = files.get("tokenizer", {}).get(FILE)
    hidden = [name for name in study.of_kind("ppl") if "sc" in subject_of(name)]
    if hidden and tokenizer and '"<extra_id_0>"' not in tokenizer.read_text(encoding="utf-8"):
        what = f"the tokenizer of this checkpoint has no sentinels <extra_id_0>, …, so there is no {hidden[0]} of it"
        raise _fault(study, place, what, fix=f"remove {hidden[0]} from the indicators")


def _check_windows(study: LoadedStudy, path: Path, place: PlacePath) -> None:
    from ptp_core.training.context import named_context

    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _fault(study, place, "config.json of this checkpoint is not JSON", got=str(error)) from None
    context = named_context(SimpleNamespace(**config)) if isinstance(config, dict) else None
    for name in study.of_kind("ppl"):
        if context and study.window(name) > context:
            what = f"{name} reads windows of {study.window(name)} tokens, this checkpoint takes {context}"
            raise _fault(study, place, what, fix=f"give the indicator `length: {context}` or less")


def _folder(study: LoadedStudy, text: str, place: PlacePath) -> Path:
    folder = study.resolve(text, *place)
    if not folder.is_dir():
        raise _fault(study, place, "no such directory", got=str(folder))
    return folder


def _model_files(study: LoadedStudy, folder: Path, i: int) -> list[Path]:
    # Who has both kinds of weights has the same ones twice.
    weights = next((f for names in (WEIGHTS, PICKLED) if (f := _matching(folder, names))), [])
    if not (folder / "config.json").is_file() or not weights:
        raise _fault(
            study, ("checkpoints", i, "path"), "this is no model in the format of Hugging Face", got=str(folder),
            expected="config.json and *.safetensors",
        )  # fmt: skip
    return [*(folder / name for name in CONFIGURATION if (folder / name).is_file()), *weights]


def _matching(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    return sorted(path for pattern in patterns for path in folder.glob(pattern))


def _fault(study: LoadedStudy, place: PlacePath, what: str, **details: object) -> UserError:
    return UserError(what, where=study.where(*place), subject=dotted(place), **details)  # type: ignore[arg-type]
