"""Section ``checkpoints``: existing models, measured and fine-tuned beside the variants or instead of them."""

from __future__ import annotations

from pydantic import model_validator

from ptp_core.spec.fields import Name, Section, execution, identity
from ptp_core.spec.hub import check_hub
from ptp_core.spec.quantities import Count


class Origin(Section):
    """A local directory in the format of Hugging Face, or a repository of the hub at a pinned revision."""

    path: str | None = execution(
        "local directory; relative to the spec, ${VARIABLES} expanded; its content is identity", default=None
    )
    hub: str | None = identity("id of a repository of the Hugging Face hub: owner/name", default=None)
    revision: str | None = identity("commit, tag or branch of one step; a branch that moves is refused", default=None)

    @model_validator(mode="after")
    def _one_place(self) -> Origin:
        if (self.path is None) == (self.hub is None):
            raise ValueError("give exactly one of `path` and `hub`")
        if (self.hub is None) != (self.revision is None):
            raise ValueError("`hub` and `revision` go together")
        if self.hub is not None:
            check_hub(self.hub, self.revision)
        return self


class Checkpoint(Origin):
    """One existing causal language model."""

    name: Name = execution("how people call it; renaming makes nothing stale")
    tokens: Count | None = execution("tokens it has seen in pre-training, for the table", unit="tokens", default=None)
    tokenizer: Origin | None = identity("its tokenizer, where that is kept elsewhere", default=None)
    context: Count | None = identity(
        "longest sequence it takes, for a model whose configuration names none", unit="tokens", default=None, gt=1
    )
    config: dict[Name, str | float] = execution("columns that describe it in the table, such as step: 1000", default={})

    @property
    def tokenizer_origin(self) -> Origin:
        """Where its tokenizer is kept."""
        return self.tokenizer or Origin(path=self.path, hub=self.hub, revision=self.revision)


class ImportSettings(Section):
    """What decides an imported model, beside its files and its tokenizer."""

    hub: str | None = identity("id of the repository, or None for files", default=None)
    revision: str | None = identity("its commit, tag or branch of one step", default=None)
    context: Count | None = identity("longest sequence, where the model names none", unit="tokens", default=None)


class ImportTokenizerSettings(Section):
    """What decides an imported tokenizer, beside its files."""

    hub: str | None = identity("id of the repository, or None for files", default=None)
    revision: str | None = identity("its commit, tag or branch of one step", default=None)
