"""Tokenizer, token shards and tasks of a study, as units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ptp_core.data.json_lines import matching_files
from ptp_core.data.sources import common_format
from ptp_core.data.tokenizer import CONFIG, EXISTING, FILE
from ptp_core.engine.units import UNRESOLVED, DigestOf, Unit, without
from ptp_core.errors import UserError
from ptp_core.spec.data import Data, Reading, ShardSettings, Source, Tokenizer, TokenizerSettings
from ptp_core.spec.explain_errors import dotted
from ptp_core.spec.indicators import subject_of
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.tasks import TaskSettings
from ptp_core.spec.world import World


class DataUnits:
    """All that training and measuring read; files are digested where they are first asked for."""

    def __init__(self, study: LoadedStudy, digest_of: DigestOf, unresolved: list[UserError] | None = None) -> None:
        """``unresolved``: takes what to tell of files that are not here, instead of its being raised."""
        self.study, self.spec, self.digest_of, self.unresolved = study, study.spec, digest_of, unresolved

    @property
    def data(self) -> Data:
        """The section; only asked for where there is one."""
        assert self.spec.data is not None
        return self.spec.data

    @cached_property
    def tokenizer(self) -> Unit:
        """The study's own tokenizer."""
        return self._tokenizer()

    @cached_property
    def shards(self) -> dict[str, Unit]:
        """Domain → its text in the study's own tokens.

        Mixtures name domains, so an unused domain is tokenised as well: held-out perplexity covers all of them.
        """
        return {domain: self._shards(domain) for domain in self.study.domains}

    def shards_in(self, tokenizer: Unit) -> dict[str, Unit]:
        """Domain → its text in the tokens of another tokenizer."""
        return {
            domain: replace(unit, parents={"tokenizer": tokenizer}, label=f"{domain} for {tokenizer.label}")
            for domain, unit in self.shards.items()
        }

    @cached_property
    def tasks(self) -> dict[str, Unit]:
        """Task → its items, for all tasks that are asked or fine-tuned on; the harness keeps the items of its own."""
        wanted = {subject_of(name) for name in self.study.of_kind("kshot", "tuned")}
        wanted |= {task for name in self.study.of_kind("plugin") for task in self.study.indicators[name].tasks}
        wanted |= set(self.study.tested)
        return {name: self._task(name) for name in sorted(wanted) if not self.study.is_harness(name)}

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """The sources by domain, with their formats made out: names of files do not count, what they mean does."""
        found = {}
        for source, place in self._places():
            if source.path is not None:
                paths = [path for path, _ in self._source_files[source.name]]
                kind = common_format(source, paths, self.study.where(*place), dotted(place))
                source = source.model_copy(update={"format": kind})
            found[source.name] = source
        return found

    def _files(self, patterns: Iterable[str], *place: str | int) -> tuple[tuple[Path, str], ...]:
        where, subject = self.study.where(*place), ".".join(str(part) for part in place)
        found: list[tuple[Path, str]] = []
        for text in patterns:
            try:
                paths = matching_files(self.study.resolve(text, *place), where, subject)
                found += [(path, self.digest_of(path)) for path in paths]
            except UserError as error:
                if self.unresolved is None:
                    raise
                self.unresolved.append(error)
                found.append((Path(text), UNRESOLVED))
        return tuple(found)

    @cached_property
    def _source_files(self) -> dict[str, tuple[tuple[Path, str], ...]]:
        """Domain → its files; a data set of the hub has none."""
        return {
            source.name: self._files((source.path,) if isinstance(source.path, str) else source.path, *place)
            for source, place in self._places()
            if source.path is not None
        }

    def _places(self) -> Iterator[tuple[Source, tuple[str | int, ...]]]:
        return ((source, ("data", "sources", i, "path")) for i, source in enumerate(self.data.sources))

    def _tokenizer(self) -> Unit:
        wanted = self.data.tokenizer
        if self.data.world:
            world = self._world("words", "train_items", "test_items")
            return Unit("tokenizer", "tokenizer", TokenizerSettings(world=world, tokenizer=wanted))
        if wanted.exists:
            settings = TokenizerSettings(tokenizer=without(wanted, "sample_characters"))
            return Unit("tokenizer", "tokenizer", settings, inputs=self._existing_tokenizer(wanted))
        settings = TokenizerSettings(
            # Nothing is counted in tokens before there is a tokenizer, and views of a domain do not change its text.
            sources=tuple(without(s, "max_tokens", "length_quantile", "tag") for s in self.sources.values()),
            tokenizer=wanted,
            held_out_share=self.data.held_out_share,
        )
        return Unit("tokenizer", "tokenizer", settings, inputs=self._source_files)

    def _existing_tokenizer(self, wanted: Tokenizer) -> dict[str, tuple[tuple[Path, str], ...]]:
        if wanted.path is None:
            return {}
        patterns = [f"{wanted.path}/{name}" for name in (FILE, CONFIG)]
        return {EXISTING: self._files(patterns, "data", "tokenizer", "path")}

    def _world(self, *unused: str) -> World | None:
        """The world with the given fields at their defaults: what a result does not depend on is not its identity."""
        return without(self.data.world, *unused) if self.data.world else None

    def _shards(self, domain: str) -> Unit:
        source = self.sources.get(domain)
        if source is None:
            settings = ShardSettings(domain=domain, world=self._world("train_items", "test_items"))
        else:
            reading = {name: getattr(source, name) for name in Reading.model_fields}
            settings = ShardSettings(domain=domain, held_out_share=self.data.held_out_share, **reading)
        inputs = {domain: files} if (files := self._source_files.get(domain)) else {}
        return Unit("shards", domain, settings, {"tokenizer": self.tokenizer}, inputs)

    def _task(self, name: str) -> Unit:
        if name not in self.spec.tasks:
            settings = TaskSettings(family=self.study.families[name], world=self._world("words"))
            return Unit("task", name, settings)
        task = self.spec.tasks[name]
        settings = TaskSettings(family=task.family, max_train=task.max_train, max_test=task.max_test)
        written = {split: getattr(task, split) for split in ("train", "test")}
        inputs = {split: self._files((text,), "tasks", name, split) for split, text in written.items() if text}
        return Unit("task", name, settings, inputs=inputs)
