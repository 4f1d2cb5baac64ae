"""A tokenizer that exists, from the hub or a folder, made fit for every objective: sentinels and mode tokens added."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import AddedToken
from tokenizers import Tokenizer as FastTokenizer

from ptp_core.data.tokenizer import CONFIG, FILE, mode_token, sentinel, token_text
from ptp_core.errors import UserError, Where
from ptp_core.spec.data import Tokenizer
from ptp_core.special import MODES

NAMED = ("pad_token", "bos_token", "eos_token", "unk_token")


def take_over(wanted: Tokenizer, files: Iterable[Path] | None) -> tuple[FastTokenizer, dict[str, Any]]:
    """(tokenizer, its named tokens for ``tokenizer_config.json``) from local files, or else from the hub.

    Padding, truncation and the tokens that a tokenizer puts around a text by itself are turned off: documents and
    prompts get theirs from us. Without pad token, eos pads. Raises UserError if it cannot be read, has no eos token,
    is not of the size that the spec says, or has sentinels that do not follow one another.
    """
    if files is not None:
        fast, config = _from_files({path.name: path for path in files})
    else:
        with tempfile.TemporaryDirectory() as folder:
            _download(wanted.pretrained or "", wanted.revision, Path(folder))
            fast, config = _from_files({name: Path(folder) / name for name in (FILE, CONFIG)})
    place = wanted.pretrained or wanted.path or ""
    named = _named(fast, config, Where(place))
    if fast.get_vocab_size() != wanted.vocabulary:
        raise UserError(
            "this tokenizer is of another size", where=Where(place), expected=f"{wanted.vocabulary} tokens",
            got=fast.get_vocab_size(), fix=f"set data.tokenizer.vocabulary to {fast.get_vocab_size()}",
        )  # fmt: skip
    fast.no_padding()
    fast.no_truncation()
    fast.post_processor = None
    _add_special(fast, wanted.sentinels, Where(place))
    return fast, named


def _from_files(files: dict[str, Path]) -> tuple[FastTokenizer, dict[str, Any]]:
    try:
        fast = FastTokenizer.from_file(str(files[FILE]))
    except Exception as error:
        # tokenizers raises bare Exceptions.
        raise UserError("this is not a tokenizer", where=Where(files[FILE]), got=str(error)) from None
    try:
        config = json.loads(files[CONFIG].read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError("this is not a tokenizer's configuration", where=Where(files[CONFIG]), got=str(error)) from None
    if not isinstance(config, dict):
        raise UserError("this is not a tokenizer's configuration", where=Where(files[CONFIG]), got=config)
    return fast, config


def _named(fast: FastTokenizer, config: dict[str, Any], where: Where) -> dict[str, Any]:
    texts = {name: token_text(config.get(name)) for name in NAMED}
    known = {name: text for name, text in texts.items() if text is not None and fast.token_to_id(text) is not None}
    if "eos_token" not in known:
        fix = "name in tokenizer_config.json the token that ends a text, as eos_token"
        raise UserError("this tokenizer has no eos token", where=where, got=texts["eos_token"], fix=fix)
    return {"pad_token": known["eos_token"]} | known


def _add_special(fast: FastTokenizer, sentinels: int, where: Where) -> None:
    wanted = [*map(sentinel, range(sentinels)), *map(mode_token, MODES)]
    missing = [text for text in wanted if fast.token_to_id(text) is None]
    fast.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in missing])
    first = fast.token_to_id(sentinel(0)) or 0
    if any(fast.token_to_id(sentinel(i)) != first + i for i in range(sentinels)):
        raise UserError(
            "the sentinels <extra_id_i> of this tokenizer do not follow one another", where=where,
            fix="take another tokenizer, or no more sentinels than it has in a row",
        )  # fmt: skip


def _download(name: str, revision: str | None, folder: Path) -> None:
    from transformers import AutoTokenizer

    try:
        AutoTokenizer.from_pretrained(name, revision=revision, trust_remote_code=False).save_pretrained(str(folder))
    except (OSError, ValueError, ImportError, KeyError) as error:
        lines = str(error).strip().splitlines() or [""]
        fix = "check id and revision, unset HF_HUB_OFFLINE where there is a network, or download it and give its path"
        raise UserError(
            "this tokenizer cannot be loaded", where=Where(f"{name}@{revision}"), got=lines[0], fix=fix
        ) from None
    if not (folder / FILE).is_file():
        raise UserError("this tokenizer has no tokenizer.json", where=Where(name), fix="take one of the fast kind")
