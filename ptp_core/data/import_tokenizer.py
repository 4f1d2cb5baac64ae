"""Stage ``import_tokenizer``: the tokenizer of an existing model, as it is, in the two files that all stages read."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as FastTokenizer

from ptp_core.data.bos import begin_with
from ptp_core.data.tokenizer import BOS, CONFIG, FILE, mode_token
from ptp_core.errors import UserError, Where
from ptp_core.spec.checkpoints import ImportTokenizerSettings
from ptp_core.special import MODES
from ptp_core.work import Metrics, Work

FILES = (
    FILE, CONFIG, "special_tokens_map.json", "added_tokens.json", "tokenizer.model", "spiece.model", "vocab.json",
    "vocab.txt", "merges.txt",
)  # fmt: skip
"""What a tokenizer's directory may hold; the first is enough, without it the others are converted."""
NAMED = ("pad_token", "bos_token", "eos_token", "unk_token")


def run(work: Work) -> Metrics:
    """Take over a tokenizer without changing a token of it; what it puts around a text becomes bos or nothing.

    Metrics: vocabulary in tokens, and whether texts begin with bos.

    ``bos_token`` is named only if texts are to begin with it: if the tokenizer itself puts it there, or if it is one of
    ours, whose documents all do. Raises UserError if it cannot be read or has no eos token.
    """
    settings = ImportTokenizerSettings.model_validate(work.settings)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for path in work.inputs.get("tokenizer", ()):
            (folder / path.name).symlink_to(path.resolve())
        fast, named = _read(folder) if (folder / FILE).exists() else _convert(settings, folder, work.label)
    fast.no_padding()
    fast.no_truncation()
    known = {name: text for name, text in named.items() if text is not None and fast.token_to_id(text) is not None}
    if "eos_token" not in known:
        raise UserError("this tokenizer has no eos token", subject=work.label, fix=f"name its eos_token in {CONFIG}")
    if "bos_token" in known and not begins_with(fast, known["bos_token"]):
        del known["bos_token"]
    begin_with(fast, known.get("bos_token"))
    fast.save(str(work.folder / FILE))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        # As all our stages read it: see ptp_core.data.tokenizer.load.
        "split_special_tokens": True,
    } | known
    (work.folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    return {"vocabulary": fast.get_vocab_size(), "begins_with_bos": "bos_token" in known}


def begins_with(fast: Any, bos: str) -> bool:
    """Whether texts begin with ``bos`` under this tokenizer: by its own encoding, or because it is one of ours."""
    ours = bos == BOS or fast.token_to_id(mode_token(MODES[0])) is not None
    return ours or fast.encode("a").ids[:1] == [fast.token_to_id(bos)]


def _read(folder: Path) -> tuple[FastTokenizer, dict[str, str | None]]:
    try:
        fast = FastTokenizer.from_file(str(folder / FILE))
    except Exception as error:
        # tokenizers raises bare Exceptions.
        raise UserError("this is not a tokenizer", where=Where(Path(FILE)), got=str(error)) from None
    # The older of the two files is asked first, so that the newer one has the last word.
    config = _json(folder / "special_tokens_map.json") | _json(folder / CONFIG)
    return fast, {name: _text(config.get(name)) for name in NAMED}


def _json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError("this is not JSON", where=Where(Path(path.name)), got=str(error)) from None
    return {key: value for key, value in config.items() if value is not None} if isinstance(config, dict) else {}


def _text(token: Any) -> str | None:
    # transformers writes a token as text or, with its options, as an object.
    text = token.get("content") if isinstance(token, dict) else token
    return text if isinstance(text, str) else None


def _convert(
    settings: ImportTokenizerSettings, folder: Path, label: str
) -> tuple[FastTokenizer, dict[str, str | None]]:
    """From the hub, or from files of the slow kind, by way of transformers."""
    from transformers import AutoTokenizer

    place = settings.hub or str(folder)
    try:
        auto = AutoTokenizer.from_pretrained(place, revision=settings.revision or "main", trust_remote_code=False)
        fast = FastTokenizer.from_str(auto.backend_tokenizer.to_str())
    except Exception as error:
        # Readers of a dozen formats, and the way to the hub, have no common kind of error.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(
            "this tokenizer cannot be read as a fast one", subject=label, got=lines[0],
            fix=f"give a directory with {FILE}; for a hub, check id, revision, network and HF_HUB_OFFLINE",
        ) from None  # fmt: skip
    return fast, {name: _text(getattr(auto, name, None)) for name in NAMED}
