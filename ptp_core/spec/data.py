"""Section ``data``: the text to pre-train on."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from ptp_core.spec.fields import Name, Section, execution, identity
from ptp_core.spec.hub import check_hub
from ptp_core.spec.quantities import WHOLE, Count, Quantile
from ptp_core.spec.world import World

Format = Literal["json_lines", "parquet", "text"]
SplitBy = Literal["document", "line", "paragraph"]
BYTES = 256
"""Tokens that a byte-level BPE needs before it has merged anything."""
RESERVED = 7
"""Special tokens beside the sentinels: pad, bos, eos, unk and three modes."""


class Reading(Section):
    """How documents come out of files or a hub data set; the files themselves count by their content."""

    format: Format | None = identity(
        "of the files; by default by their names: .parquet, .txt or .md, JSON lines otherwise", default=None
    )
    text_field: str = identity("the key that holds a document's text; dots go down: meta.text", default="text")
    only: dict[str, str | int | float | bool] = identity(
        "keep the records that have these values, e.g. {meta.set: Books}", default={}
    )
    split_by: SplitBy = identity("what one document of a text file is", default="document")
    hub: str | None = identity("id of a data set of the Hugging Face hub, read by streaming", default=None)
    revision: str | None = identity("commit or tag of the hub data set; a branch is refused", default=None)
    config: str | None = identity("configuration of the hub data set", default=None)
    split: str = identity("split of the hub data set", default="train")
    max_documents: Count | None = identity("read only so many", unit="documents", default=None)
    max_tokens: Count | None = identity("keep at most so many, held-out ones included", unit="tokens", default=None)


class Source(Reading):
    """One domain of text: files (``path``) or a data set of the hub (``hub`` and ``revision``)."""

    name: Name = identity("the domain's label, used in mixtures and as tag")
    path: str | tuple[str, ...] | None = execution(
        "JSON lines, parquet or text, plain, gzip or zstd; globs and ${VARIABLES} are expanded; relative to the spec; "
        "content is identity",
        default=None,
    )
    length_quantile: Quantile = identity(
        "train on the documents between these quantiles of length in tokens", unit="percent", default=WHOLE
    )
    tag: bool = identity("put the domain's label in front of each document", default=False)

    @model_validator(mode="after")
    def _one_place(self) -> Source:
        if (self.path is None) == (self.hub is None):
            raise ValueError("give exactly one of `path` and `hub`")
        if self.hub is None and (self.revision, self.config, self.split) != (None, None, "train"):
            raise ValueError("`revision`, `config` and `split` go with `hub` only")
        if self.hub is not None:
            check_hub(self.hub, self.revision)
            if self.format or self.split_by != "document":
                raise ValueError("`format` and `split_by` go with `path` only")
        return self


class Tokenizer(Section):
    """A byte-level BPE trained on the sources, or a tokenizer that exists; the embedded world brings its own."""

    vocabulary: Count = identity(
        "size, special tokens included; of an existing tokenizer: its size before ours are added",
        unit="tokens",
        default=2048,
        ge=16,
    )
    sentinels: Count = identity(
        "reserved tokens that mark the spans of span corruption", unit="tokens", default=32, le=8192
    )
    sample_characters: Count = identity(
        "text of each source that the tokenizer is trained on", unit="characters", default=2_000_000
    )
    pretrained: str | None = identity("hub id of an existing tokenizer", default=None)
    revision: str | None = identity("commit or tag of the hub id; a branch is refused", default=None)
    path: str | None = execution(
        "folder with tokenizer.json and tokenizer_config.json of an existing tokenizer; content is identity",
        default=None,
    )

    @property
    def exists(self) -> bool:
        """Whether the tokenizer is taken over rather than trained."""
        return self.pretrained is not None or self.path is not None

    @model_validator(mode="after")
    def _one_origin(self) -> Tokenizer:
        if self.pretrained is not None and self.path is not None:
            raise ValueError("give at most one of `pretrained` and `path`")
        if self.pretrained is not None:
            check_hub(self.pretrained, self.revision)
        elif self.revision is not None:
            raise ValueError("`revision` goes with `pretrained` only")
        if self.exists and "vocabulary" not in self.model_fields_set:
            raise ValueError("an existing tokenizer needs its `vocabulary`, so that costs are known without loading it")
        return self


class Data(Section):
    """Exactly one of ``world`` (embedded, no files) and ``sources`` (your own text)."""

    world: World | None = identity("the embedded world", default=None)
    sources: tuple[Source, ...] = identity("text by domain", default=())
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
        least = self.tokenizer.sentinels + RESERVED + BYTES
        if self.sources and not self.tokenizer.exists and self.tokenizer.vocabulary < least:
            raise ValueError(f"tokenizer.vocabulary must be at least {least} with {self.tokenizer.sentinels} sentinels")
        if self.world and self.tokenizer.exists:
            raise ValueError("the embedded world brings its own tokenizer; remove tokenizer.pretrained or .path")
        return self


class TokenizerSettings(Section):
    """What decides the tokenizer of a study."""

    world: World | None = identity("the embedded world, or None for files", default=None)
    sources: tuple[Source, ...] = identity("text by domain, to train it on", default=())
    tokenizer: Tokenizer = identity("how text becomes tokens", default=Tokenizer())
    held_out_share: float = identity("share of the documents held out, which it is not trained on", default=0.05)


class ShardSettings(Reading):
    """What decides the tokens of one domain."""

    domain: Name = identity("the domain")
    world: World | None = identity("the embedded world, or None for files", default=None)
    held_out_share: float = identity("share of the documents held out (sources only)", default=0.05)
