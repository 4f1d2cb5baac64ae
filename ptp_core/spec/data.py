"""Sections ``data`` and ``tasks``: the text to pre-train on, and the tasks to fine-tune on."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from ptp_core.spec.fields import Name, Section, execution, identity
from ptp_core.spec.quantities import Count
from ptp_core.spec.world import World

Family = Literal["cms", "rag", "cbqa"]


class Source(Section):
    """One domain of text, as JSON-lines files."""

    name: Name = identity("the domain's label, used in mixtures")
    path: str | tuple[str, ...] = execution(
        "JSON-lines files, plain or .gz; globs and ${VARIABLES} are expanded; relative to the spec; content is identity"
    )
    text_field: str = identity("the key that holds a document's text", default="text")


class Tokenizer(Section):
    """A byte-level BPE trained on the sources; the embedded world brings its own word-level vocabulary."""

    vocabulary: Count = identity("size, special tokens included", unit="tokens", default=2048, ge=512)
    sentinels: Count = identity("reserved tokens that mark the spans of span corruption", unit="tokens", default=32)
    sample_characters: Count = identity(
        "text of each source that the tokenizer is trained on", unit="characters", default=2_000_000
    )


class Data(Section):
    """Exactly one of ``world`` (embedded, no files) and ``sources`` (your own text)."""

    world: World | None = identity("the embedded world", default=None)
    sources: tuple[Source, ...] = identity("text files by domain", default=())
    tokenizer: Tokenizer = identity("how text becomes tokens (sources only)", default=Tokenizer())
    held_out_share: float = identity(
        "share of the documents, chosen by content hash, that is never trained on", default=0.05, gt=0, lt=0.5
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Data:
        if (self.world is None) == (not self.sources):
            raise ValueError("give exactly one of `world` and `sources`")
        names = [source.name for source in self.sources]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'two sources are called "{name}"')
        return self


class TaskFiles(Section):
    """A task in JSON-lines files with keys id, question, answers and, where needed, context, choices, answer_idx."""

    family: Family = identity("cms: choose among given answers; rag: answer is in the context; cbqa: closed book")
    train: str = execution("file to fine-tune on and to draw few-shot examples from; content is identity")
    test: str = execution("file to score on; content is identity")
    max_train: Count | None = identity("use only so many training items, chosen by hash", unit="items", default=None)
    max_test: Count | None = identity("score only so many test items, chosen by hash", unit="items", default=None)


class TokenizerSettings(Section):
    """What decides the tokenizer of a study."""

    world: World | None = identity("the embedded world, or None for files", default=None)
    sources: tuple[Source, ...] = identity("text files by domain", default=())
    tokenizer: Tokenizer = identity("how text becomes tokens", default=Tokenizer())


class ShardSettings(Section):
    """What decides the tokens of one domain."""

    domain: Name = identity("the domain")
    world: World | None = identity("the embedded world, or None for files", default=None)
    text_field: str = identity("the key that holds a document's text", default="text")
    held_out_share: float = identity("share of the documents held out (files only)", default=0.05)


class TaskSettings(Section):
    """What decides the items of one task."""

    family: Family = identity("cms, rag or cbqa")
    world: World | None = identity("the embedded world, or None for files", default=None)
    max_train: Count | None = identity("at most so many training items", unit="items", default=None)
    max_test: Count | None = identity("at most so many test items", unit="items", default=None)
