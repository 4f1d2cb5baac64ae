"""Stage ``import``: an existing causal language model, from files or the hub, as a checkpoint of the store."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ptp_core.data import tokenizer as tokenizers
from ptp_core.errors import UserError
from ptp_core.spec.checkpoints import ImportSettings
from ptp_core.training.context import named_context
from ptp_core.training.model import parameter_count, save_model
from ptp_core.work import Metrics, Work


def run(work: Work) -> Metrics:
    """Write configuration, weights (safetensors, in the dtype that they have) and tokenizer into the store.

    Metrics: parameters, architecture, vocabulary and context in tokens. Raises UserError if it is no causal language
    model that transformers knows, names no context, or has fewer tokens than its tokenizer.
    """
    settings = ImportSettings.model_validate(work.settings)
    with tempfile.TemporaryDirectory() as scratch:
        # Only what the fingerprint speaks of is read: not what else lies in the user's directory.
        folder = Path(scratch)
        for path in work.inputs.get("model", ()):
            (folder / path.name).symlink_to(path.resolve())
        model = _load(settings, folder, work.label)
    context = _settle_context(model.config, settings.context, work.label)
    tokenizer = work.parents["tokenizer"]
    tokens, vocabulary = tokenizers.load(tokenizer).get_vocab_size(), model.get_input_embeddings().num_embeddings
    if tokens > vocabulary:
        raise UserError(
            "the tokenizer does not belong to this model", subject=work.label,
            expected=f"at most {vocabulary} tokens", got=tokens,
        )  # fmt: skip
    save_model(model, tokenizer, work.folder)
    return {
        "parameters": parameter_count(model),
        "architecture": type(model).__name__,
        "dtype": str(model.dtype).removeprefix("torch."),
        "vocabulary": vocabulary,
        "context": context,
    }


def _load(settings: ImportSettings, folder: Path, label: str) -> Any:
    from transformers import AutoModelForCausalLM

    try:
        # Pickled weights are read by torch with weights_only, which builds tensors and runs nothing.
        return AutoModelForCausalLM.from_pretrained(
            settings.hub or folder,
            revision=settings.revision or "main",
            dtype="auto",
            use_safetensors=None if settings.hub else any(folder.glob("*.safetensors")),
            local_files_only=settings.hub is None or os.environ.get("HF_HUB_OFFLINE") == "1",
            trust_remote_code=False,
        )
    except Exception as error:
        # Configurations, weights, pickles that are refused and the way to the hub have no common kind of error.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(
            "this checkpoint cannot be loaded as a causal language model", subject=label, got=lines[0],
            fix="give a model that transformers knows without code of its own; for a hub, check id, revision, "
            "network and HF_HUB_OFFLINE, or download it and give its path",
        ) from None  # fmt: skip


def _settle_context(config: Any, given: int | None, label: str) -> int:
    """The context that the configuration names or, if it names none, the given one, which is written into it."""
    named = named_context(config)
    if named is None and given is None:
        fix = "give the checkpoint a `context` in tokens"
        raise UserError("this model's configuration names no context length", subject=label, fix=fix)
    if named is None:
        config.max_position_embeddings = given
    elif given not in (None, named):
        raise UserError("this model's context is another one", subject=label, expected=str(named), got=given)
    return named or int(given or 0)
