"""From a setting of a unit to what the user wrote: its name in the YAML and the line that says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ptp_core.engine.staleness.contexts import Context
from ptp_core.engine.units import Unit
from ptp_core.errors import Where
from ptp_core.spec.expand import parsed
from ptp_core.spec.explain_errors import dotted
from ptp_core.spec.indicators import subject_of
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.pretrain import Variant
from ptp_core.spec.yaml_lines import PlacePath

INDICATOR_OPTIONS = {"tokens", "length", "shots", "max_items", "examples"}


@dataclass(frozen=True)
class Place:
    """What users call a setting, and where it is written."""

    name: str
    where: Where
    written: bool
    """False if no line says it, so that ``where`` is the section around it."""


@dataclass(frozen=True)
class Places:
    """Where a study says what."""

    study: LoadedStudy
    contexts: Mapping[str, Context]

    def of(self, unit: Unit, path: PlacePath) -> Place:
        """The place of one identity field, given as its path in the settings of a unit."""
        context = self.contexts.get(unit.fingerprint, Context())
        name, candidates = self._candidates(unit, path, context)
        written = next((place for place in candidates if place in self.study.lines), None)
        place = written or candidates[-1]
        return Place(name or dotted(place), self.study.where(*place), written is not None)

    def _candidates(self, unit: Unit, path: PlacePath, context: Context) -> tuple[str, list[PlacePath]]:
        """A name (empty: that of the place) and the places that may say it, the strongest first."""
        if unit.stage == "anneal":
            if path[:1] == ("run",):
                return self._training(path[1:], context)
            return self._training(("recipe", "checkpoints"), context)
        if unit.stage == "pretrain":
            return self._training(path, context)
        if unit.stage in ("import", "import_tokenizer"):
            return "", [("checkpoints", context.number, *path)]
        if unit.stage == "finetune":
            return "", [("finetune", "seeds") if path == ("seed",) else ("finetune", *path[1:])]
        if unit.stage in ("indicators", "evaluate"):
            return "", [self._measured(path, context)]
        return "", [self._data(unit, path)]

    def _training(self, path: PlacePath, context: Context) -> tuple[str, list[PlacePath]]:
        variant = context.trained
        if path[0] == "recipe":
            return str(path[1]), self._recipe(str(path[1]), context)
        if path[0] == "model":
            if variant and variant.recipe.model:
                return dotted(path), self._recipe("model", context)
            return "", [path]
        mixture = variant.recipe.mixture if variant else ""
        if path[0] == "weights":
            return f"mixtures.{mixture}", [("mixtures", mixture), *self._recipe("mixture", context)]
        field = {"tag": "tags"}.get(str(path[-1]), str(path[-1]))
        sources = self.study.spec.data.sources if self.study.spec.data else ()
        of_source: list[PlacePath] = [
            ("data", "sources", i, path[-1]) for i, s in enumerate(sources) if s.name == path[1]
        ]
        return "", [*self._recipe(field, context)[:-1], *of_source, ("pretrain", "defaults", field)]

    def _recipe(self, key: str, context: Context) -> list[PlacePath]:
        """Where a field of a recipe can be written: its own entry, the grid, the defaults, or the study for all."""
        pretrain, variant = self.study.spec.pretrain, context.trained
        places: list[PlacePath] = []
        if pretrain and variant:
            own = context.number - (len(self.study.variants) - len(pretrain.include))
            places = [("pretrain", "include", own, key)] if own >= 0 else self._axis(key, variant)
        shared: list[PlacePath] = [("seed",)] if key == "seed" else []
        return [*places, ("pretrain", "defaults", key), *shared]

    def _axis(self, key: str, variant: Variant) -> list[PlacePath]:
        """The value's own line in the list of the grid, where each has one."""
        assert self.study.spec.pretrain is not None, "a variant comes from this section"
        listed = self.study.spec.pretrain.grid.get(key, [])
        mine = getattr(variant.recipe, key)
        places: list[PlacePath] = [("pretrain", "grid", key, i) for i, v in enumerate(listed) if parsed(key, v) == mine]
        return [*places, ("pretrain", "grid", key)]

    def _measured(self, path: PlacePath, context: Context) -> PlacePath:
        """Of an indicator: its option, or what it takes over from its task, from fine-tuning, from the study."""
        name, field = context.indicator, path[-1]
        task = context.test or (subject_of(name) if name else "")
        if "tuning" in path:
            return ("finetune", *path[path.index("tuning") + 1 :])
        if name is None and field == "prompt_format":
            return (
                "finetune",
                "test_formats" if self.study.spec.finetune and self.study.spec.finetune.test_formats else field,
            )
        if field in ("items", "part"):
            return ("items",)
        if name and (field in INDICATOR_OPTIONS or (field == "prompt_format")):
            return ("indicators", name, field)
        if field in ("metric", "new_tokens", "revision", "allow_code") or "harness" in path:
            return ("tasks", task, "harness" if field == "task" else field)
        return ("indicators", name or "", field)

    def _data(self, unit: Unit, path: PlacePath) -> PlacePath:
        """Of the tokenizer, of the text of a domain, of a task."""
        if path[0] in ("world", "tokenizer"):
            return ("data", *path)
        if path[0] == "sources":
            return ("data", *path)
        if unit.stage == "task":
            return ("tasks", unit.label, *path)
        sources = self.study.spec.data.sources if self.study.spec.data else ()
        domain = unit.label.split(" ")[0]
        number = next((i for i, source in enumerate(sources) if source.name == domain), None)
        if number is None or path[0] == "held_out_share":
            return ("data", *path)
        return ("data", "sources", number, *path)

    def of_input(self, unit: Unit, role: str) -> Where:
        """The line that names the files of a role."""
        context = self.contexts.get(unit.fingerprint, Context())
        if unit.stage in ("import", "import_tokenizer"):
            return self.study.where("checkpoints", context.number, "path")
        if unit.stage == "task":
            return self.study.where("tasks", unit.label, role)
        if role == "yaml":
            return self.study.where("tasks", context.test or subject_of(context.indicator or ""), "yaml")
        if unit.stage == "indicators":
            return self.study.where("plugins")
        sources = self.study.spec.data.sources if self.study.spec.data else ()
        number = next((i for i, source in enumerate(sources) if source.name == role), None)
        return (
            self.study.where("data", "tokenizer", "path")
            if number is None
            else self.study.where("data", "sources", number, "path")
        )
